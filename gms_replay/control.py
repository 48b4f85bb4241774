"""What whoever tests an app asks of the player itself: paths below /__gms_replay__/, and JSON both ways."""

import json
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from gms_replay import instants
from gms_replay.clocks import Clock
from gms_replay.errors import OptionError
from gms_replay.events import Asked
from gms_replay.instants import Notation, Style
from gms_replay.model import header
from gms_replay.playing import Playing

PREFIX = "/__gms_replay__/"
CLOCK = f"{PREFIX}clock"

_HERE = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?", re.ASCII)
_NEAR = ("127.", "::1", "::ffff:127.")
_LONGEST_MS = 10 * 366 * 24 * 3600 * 1000
_NOTATION = Notation(Style.ISO, separator="T", digits=3, zone="Z")
_FIELDS = {"advance_ms", "to", "session"}


@dataclass(frozen=True, slots=True)
class ClockMove:
    """Puts clocks forward by `by_us`, or, where that is None, till what the story does next; `session` None for all."""

    by_us: int | None
    session: str | None


def is_near(asked: Asked) -> bool:
    """Whether a request comes from this machine, or from this very process, and from no page of another site.

    Whoever has a name of his own lead to this machine (DNS rebinding) is another site.
    """
    page, host = header(asked.headers, "origin"), header(asked.headers, "host") or ""
    is_ours = page is None or bool(page == f"{asked.scheme}://{host}" and _HERE.fullmatch(host))
    return is_ours and (asked.peer == "" or asked.peer.startswith(_NEAR))


def clock_move(body: bytes, sessions: Collection[str]) -> ClockMove:
    """Reads `{"advance_ms": 60000}` or `{"to": "next"}`, each with or without `"session": "s1"`, one of `sessions`.

    Raises OptionError, which names the field.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise OptionError('the body must be a JSON object: {"advance_ms": 60000} or {"to": "next"}')
    if unknown := sorted(said.keys() - _FIELDS):
        raise OptionError(f"{unknown[0]}: no such field; there are {', '.join(sorted(_FIELDS))}")
    if ("advance_ms" in said) == ("to" in said):
        raise OptionError('give one of the two: "advance_ms": 60000, or "to": "next"')
    if said.get("to", "next") != "next":
        raise OptionError('to: the only place that is known is "next"')
    session = said.get("session")
    if "session" in said and (not isinstance(session, str) or session not in sessions):
        raise OptionError(f"session: there is no {session!r}; there are {', '.join(sessions) or 'none yet'}")
    return ClockMove(_advance_us(said["advance_ms"]) if "advance_ms" in said else None, session)


def clock_told(clock: Clock, sessions: Iterable[Playing], now_us: int) -> bytes:
    """The times of sessions: where each is, when it goes on, and for which act of the app's it waits."""
    told = [
        {
            "session": session.name,
            "now": instants.render(session.story_us(now_us), _NOTATION),
            "next": None if (next_us := session.next_us) is None else instants.render(next_us, _NOTATION),
            "waits_for": None if (missing := session.missing) is None else "{} {}".format(*missing),
        }
        for session in sessions
    ]
    return json.dumps({"clock": clock, "sessions": told}, indent=2).encode()


def wrong(error: OptionError | str) -> bytes:
    """What is told to whoever asked wrongly."""
    return json.dumps({"error": str(error)}).encode()


def _advance_us(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_MS:
        raise OptionError(f"advance_ms: {value!r} is no number of milliseconds, from 0 to those of ten years")
    return round(value * 1000)
