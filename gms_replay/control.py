"""What whoever tests an app asks of the player itself: paths below /__gms_replay__/, and JSON both ways."""

import json
import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from gms_replay import description, fault_rules, instants
from gms_replay.clocks import Clock
from gms_replay.errors import OptionError
from gms_replay.events import JSON, Asked, SendPush
from gms_replay.faults import AddFault, DropFaults, TellFaults
from gms_replay.instants import Notation, Style
from gms_replay.match import Miss, Missed
from gms_replay.model import Headers
from gms_replay.playing import Playing

PREFIX = "/__gms_replay__/"
CLOCK = f"{PREFIX}clock"
SESSIONS = f"{PREFIX}sessions"
MISSES = f"{PREFIX}misses"
PUSHES = f"{PREFIX}pushes"
PROVIDER = f"{PREFIX}provider"
FAULTS = f"{PREFIX}faults"
RECORDED = f"{PREFIX}recorded"
"""Asked of a recorder: answered when all that has passed is on disk."""

_LONGEST_MS = 10 * 366 * 24 * 3600 * 1000
_NOTATION = Notation(Style.ISO, separator="T", digits=3, zone="Z")
_FIELDS = {"advance_ms", "to", "session"}
_HOLD_FIELDS = {"hold", "release", "session"}
_LISTEN_PARAMETERS = {"after", "wait_ms", "session"}
_LONGEST_WAIT_MS = 10 * 60 * 1000
_NUMBER = re.compile(r"\d{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is asked is not to be had, and why. `status` is HTTP's; `allow`: the methods that there are, else none."""

    status: int
    reason: str
    allow: tuple[str, ...] = ()

    @property
    def told(self) -> bytes:
        """What is told to whoever asked wrongly."""
        return wrong(self.reason)

    @property
    def headers(self) -> Headers:
        """What the answer is headed with."""
        # RFC 9110, section 15.5.6.
        return (*JSON, ("allow", ", ".join(self.allow))) if self.allow else JSON


@dataclass(frozen=True, slots=True)
class Description:
    """Tells what can be asked, as OpenAPI describes it."""

    told: bytes
    status: int = 200
    headers: Headers = JSON


@dataclass(frozen=True, slots=True)
class TellClock:
    """Tells the times of sessions."""


@dataclass(frozen=True, slots=True)
class MoveClock:
    """Puts clocks forward by `by_us`, or, where that is None, the story alone till what it does next.

    `session` is None for all.
    """

    by_us: int | None
    session: str | None


@dataclass(frozen=True, slots=True)
class TellSessions:
    """Tells of the sessions; `session` is None for all."""

    session: str | None


@dataclass(frozen=True, slots=True)
class DropSessions:
    """Forgets sessions; `session` is None for all, and all is as at the start."""

    session: str | None


@dataclass(frozen=True, slots=True)
class TellMisses:
    """Tells of the misses."""


@dataclass(frozen=True, slots=True)
class ForgetMisses:
    """Forgets the misses."""


@dataclass(frozen=True, slots=True)
class TellPushes:
    """Tells of the pushes after that number, at the latest when so long has passed; `session` is None for all."""

    after: int
    wait_us: int
    session: str | None


@dataclass(frozen=True, slots=True)
class HoldPushes:
    """Holds pushes back, or no longer; `session` is None for all."""

    holds: bool
    session: str | None


@dataclass(frozen=True, slots=True)
class ReleasePushes:
    """Lets so many held pushes go, or all, where `count` is None; `session` is None for any."""

    count: int | None
    session: str | None


@dataclass(frozen=True, slots=True)
class TellArrivals:
    """Tells of the pushes that came in, and of what was expected."""


@dataclass(frozen=True, slots=True)
class ForgetArrivals:
    """Forgets the pushes that came in."""


Wanted = (
    Refusal
    | Description
    | TellClock
    | MoveClock
    | TellSessions
    | DropSessions
    | TellMisses
    | ForgetMisses
    | TellPushes
    | HoldPushes
    | ReleasePushes
    | TellArrivals
    | ForgetArrivals
    | TellFaults
    | AddFault
    | DropFaults
)


def is_meant(asked: Asked) -> bool:
    """Whether a request is for the player itself."""
    return PREFIX in asked.target and PREFIX in asked.target.partition("?")[0]


def read(asked: Asked, sessions: Collection[str], faults: Collection[int]) -> Wanted:
    """What is asked for. `sessions`: the names of those there are; `faults`: the numbers."""
    page, _, name = asked.target.partition("?")[0].partition(PREFIX)[2].partition("/")
    methods = ROUTES.get(page)
    if methods is None or (name and page not in _OF_ONE):
        pages = [PREFIX + each for each in ROUTES]
        return Refusal(404, f"there are {', '.join(pages[:-1])} and {pages[-1]}")
    if page == "sessions" and name and name not in sessions:
        return _nobody(name, sessions)
    allowed = tuple(method for method in methods if not name or method in _OF_ONE[page])
    if asked.method not in allowed:
        return Refusal(405, ", ".join(f"{method} {methods[method][0]}" for method in allowed), allowed)
    try:
        if page == "faults" and name and (number := fault_rules.number(name)) not in faults:
            there_are = ", ".join(map(str, faults)) or "none"
            return Refusal(404, f"there is no fault {number}; there are {there_are}")
        return methods[asked.method][1](asked, name or None, sessions)
    except OptionError as error:
        return Refusal(400, str(error))


Reading = Callable[[Asked, str | None, Collection[str]], Wanted]
"""What is asked for, of one session (or fault) or of all; the last are the sessions there are. Raises OptionError."""

ROUTES: Mapping[str, Mapping[str, tuple[str, Reading]]] = {
    "clock": {
        "GET": ("tells the clock", lambda *_: TellClock()),
        "POST": ("puts it forward", lambda asked, _, sessions: _moved(clock_move(asked.body), sessions)),
    },
    "sessions": {
        "GET": ("tells of sessions", lambda _, session, __: TellSessions(session)),
        "DELETE": ("forgets them", lambda _, session, __: DropSessions(session)),
    },
    "misses": {
        "GET": ("tells the misses", lambda *_: TellMisses()),
        "DELETE": ("forgets them", lambda *_: ForgetMisses()),
    },
    "pushes": {
        "GET": ("tells of pushes", lambda asked, *_: _listening(asked.target.partition("?")[2])),
        "POST": ("holds and releases them", lambda asked, *_: _holding(asked.body)),
    },
    "provider": {
        "GET": ("tells the pushes that came in", lambda *_: TellArrivals()),
        "DELETE": ("forgets them", lambda *_: ForgetArrivals()),
    },
    "faults": {
        "GET": ("lists the faults", lambda _, number, __: TellFaults(fault_rules.number(number))),
        "POST": ("adds one", lambda asked, *_: AddFault(fault_rules.posted(asked.body))),
        "DELETE": ("takes one away, or all", lambda _, number, __: DropFaults(fault_rules.number(number))),
    },
    "openapi.json": {"GET": ("tells what there is", lambda *_: Description(description.described(PREFIX)))},
}
"""What may be asked for, by page and method, and what a method does: `description` describes each."""

_OF_ONE = {"sessions": {"GET", "DELETE"}, "faults": {"GET", "DELETE"}}
"""The pages that have one of their own for each session, or each fault, and what may be done to that."""


def _nobody(name: str, sessions: Collection[str]) -> Refusal:
    return Refusal(404, f"there is no session {name!r}; there are {', '.join(sessions) or 'none yet'}")


def _moved(move: MoveClock, sessions: Collection[str]) -> MoveClock | Refusal:
    """A move, if it is one of a session that there is."""
    return move if move.session is None or move.session in sessions else _nobody(move.session, sessions)


def clock_move(body: bytes) -> MoveClock:
    """Reads `{"advance_ms": 60000}` or `{"to": "next"}`, each with or without `"session": "s1"`.

    Raises OptionError, which names the field.
    """
    said = _object(body, '{"advance_ms": 60000} or {"to": "next"}', _FIELDS)
    if ("advance_ms" in said) == ("to" in said):
        raise OptionError('give one of the two: "advance_ms": 60000, or "to": "next"')
    if said.get("to", "next") != "next":
        raise OptionError('to: the only place that is known is "next"')
    session = _session(said)
    return MoveClock(_advance_us(said["advance_ms"]) if "advance_ms" in said else None, session)


def _listening(query: str) -> TellPushes:
    """Reads `after=3&wait_ms=30000&session=s1`, each of which may be missing. Raises OptionError."""
    said = dict(parse_qsl(query, keep_blank_values=True))
    _require_known(said, _LISTEN_PARAMETERS)
    for name in ("after", "wait_ms"):
        if not _NUMBER.fullmatch(said.get(name, "0")):
            raise OptionError(f"{name}: {said[name][:40]!r} is no whole number")
    wait_ms = int(said.get("wait_ms", "0"))
    if wait_ms > _LONGEST_WAIT_MS:
        raise OptionError(f"wait_ms: {wait_ms} is more than {_LONGEST_WAIT_MS}, ten minutes; ask again instead")
    return TellPushes(int(said.get("after", "0")), wait_ms * 1000, said.get("session"))


def _holding(body: bytes) -> HoldPushes | ReleasePushes:
    """Reads `{"hold": true}` or `{"release": 1}`, each with or without `"session": "s1"`. Raises OptionError."""
    said = _object(body, '{"hold": true} or {"release": 1}', _HOLD_FIELDS)
    session = _session(said)
    if ("hold" in said) == ("release" in said):
        raise OptionError('give one of the two: "hold": true, or "release": 1')
    if "hold" in said:
        if not isinstance(said["hold"], bool):
            raise OptionError(f"hold: {said['hold']!r} is neither true nor false")
        return HoldPushes(said["hold"], session)
    count = said["release"]
    if count == "all":
        return ReleasePushes(None, session)
    # To JSON 2.0 is as good an integer as 2.
    if isinstance(count, bool) or not isinstance(count, int | float) or count < 1 or count % 1:
        raise OptionError(f'release: {count!r} is no number of pushes, from 1, nor "all"')
    return ReleasePushes(int(count), session)


def _session(said: dict[str, Any]) -> str | None:
    session = said.get("session")
    if "session" in said and not (isinstance(session, str) and session):
        raise OptionError(f"session: {session!r} is no session's name")
    return session


def _object(body: bytes, example: str, known: set[str]) -> dict[str, Any]:
    """Reads an object of these fields. Raises OptionError."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise OptionError(f"the body must be a JSON object: {example}")
    _require_known(said, known)
    return said


def _require_known(said: Iterable[str], known: set[str]) -> None:
    if unknown := sorted(set(said) - known):
        raise OptionError(f"{unknown[0]}: no such field; there are {', '.join(sorted(known))}")


def clock_told(clock: Clock, sessions: Iterable[Playing], now_us: int) -> bytes:
    """The times of sessions: where each is, when it goes on, and for which act of the app's it waits."""
    return _told({"clock": clock, "sessions": [{"session": one.name} | _times(one, now_us) for one in sessions]})


def sessions_told(sessions: Iterable[Playing], now_us: int) -> bytes:
    """Who plays which visit, and how far. `comet`: whether the handshake said whose it is, or that was guessed."""
    told = [
        {
            "session": one.name,
            "visit": one.story.number,
            "gms_user": one.user,
            "address": one.peer,
            "opened_at": instant(one.opened_at_us),
            "seen_at": instant(one.seen_at_us),
            "comet": ("guessed" if one.is_guessed else "bound") if one.comet.is_alive else None,
        }
        | _times(one, now_us)
        | {"is_told": one.is_told}
        for one in sessions
    ]
    return _told({"sessions": told})


def misses_told(count: int, misses: Sequence[Missed]) -> bytes:
    """How many misses there were, and the last of them, the latest last."""
    return _told({"count": count, "misses": [{"at": instant(one.at_us)} | one.miss.as_json() for one in misses]})


def pushes_told(pushes: Iterable[SendPush], held: int) -> bytes:
    """The pushes that were told, and how many are held back."""
    told = [
        {
            "number": one.number,
            "session": one.session,
            "visit": one.visit,
            "at": instant(one.at_us),
            "derived": one.provider is None,
            "provider": one.provider,
            "device": one.device,
            "_id": one.service_id,
            "_action": one.action,
            "headers": dict(one.headers),
            "payload": one.payload.decode("utf-8", "replace"),
        }
        for one in pushes
    ]
    return _told({"pushes": told, "held": held})


def holding_told(pushes: Iterable[SendPush], holding: Collection[str | None], held: int) -> bytes:
    """Which pushes may go, by their numbers, whose are held back from now on, and how many wait."""
    whose = "all" if None in holding else sorted(name for name in holding if name)
    return _told({"told": [one.number for one in pushes], "holding": whose, "held": held})


def miss_told(miss: Miss) -> bytes:
    """What the app gets whose request has no recorded answer."""
    return _told(miss.as_json())


def done(**what: Any) -> bytes:
    """What was done."""
    return _told(what)


def wrong(reason: str) -> bytes:
    """What is told to whoever asked wrongly."""
    return _told({"error": reason})


def _times(session: Playing, now_us: int) -> dict[str, Any]:
    return {
        "now": instant(session.story_us(now_us)),
        "next": None if (next_us := session.next_us) is None else instant(next_us),
        "waits_for": None if (missing := session.missing) is None else "{} {}".format(*missing),
    }


def instant(at_us: int) -> str:
    """An instant as testers are told it."""
    return instants.render(at_us, _NOTATION)


def _told(what: dict[str, Any]) -> bytes:
    # What JSON escapes may be no character: half a surrogate pair stays the escape that it was.
    return json.dumps(what, ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _advance_us(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= _LONGEST_MS:
        raise OptionError(f"advance_ms: {value!r} is no number of milliseconds, from 0 to those of ten years")
    return round(value * 1000)
