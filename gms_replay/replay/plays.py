"""What to play, and how: as programs say it, by keywords, and checked."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TypedDict, TypeVar

from gms_replay import addresses, fault_rules, instants, limits
from gms_replay.acts import MissingAct
from gms_replay.clocks import Clock, Pacing
from gms_replay.errors import OptionError
from gms_replay.faults import Fault
from gms_replay.limits import DEFAULT, Limits
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish, read_key
from gms_replay.replay import rules_file as rules_path
from gms_replay.rules import Rules
from gms_replay.timeline import Shift

_SLOWEST, _FASTEST = 0.001, 1000.0
_Word = TypeVar("_Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Play:
    """A cassette, and how it is to be played. `on_miss`: "error" or "pass:URL"; `record_new`: where news is recorded.

    `wish`: what of that is replaced by stand-ins. `rules_file`: where the rules are from, None for nowhere.

    `push_to`: who gets the pushes, and for which app; `holds_pushes`: whether they wait for a tester to release them.
    `session`: the one of requests that name none themselves, as `gms_session` has it; None for any. `limits`: what is
    refused. `faults`: what goes wrong for apps, beside what the rules say.
    """

    cassette: Path
    pacing: Pacing = field(default_factory=Pacing)
    seed: int = 0
    rules: Rules = field(default_factory=Rules)
    on_miss: str = "error"
    record_new: Path | None = None
    push_to: tuple[str, ...] = ()
    bundle_id: str | None = None
    holds_pushes: bool = False
    session: str | None = None
    wish: Wish = field(default_factory=Wish)
    rules_file: Path | None = None
    limits: Limits = DEFAULT
    faults: tuple[Fault, ...] = ()


class Options(TypedDict, total=False):
    """What can be said by keywords: the options of `gms-replay serve`, and the session of apps that name none.

    `now`: an instant as text, or a datetime that knows its zone. `rules`: a rules file. `session`: "alice", "2" or
    "alice:2", or the number of a visit. `limit`: each "NAME=NUMBER". `faults`: rules as in the rules file's
    `[[faults]]`.
    """

    now: str | datetime | None
    clock: str
    speed: float
    seed: int
    shift: str
    missing_act: str
    rules: str | os.PathLike[str] | None
    on_miss: str
    record_new: str | os.PathLike[str] | None
    redact: str
    redact_key: str | os.PathLike[str] | None
    push_to: str | Sequence[str]
    bundle_id: str | None
    hold_pushes: bool
    limit: str | Sequence[str]
    session: str | int | None
    faults: Sequence[Mapping[str, object]]


_KNOWN = frozenset(Options.__annotations__)


def play(
    cassette: object,
    options: Mapping[str, object],
    folder: Path | None = None,
    *,
    others: Collection[str] = (),
    prefix: str = "",
) -> Play:
    """What to play, by `Options`; relative paths begin at `folder`, or where the process is.

    `others`: keywords that are whoever asks's own. Raises OptionError, which names the keyword, with the `prefix` that
    it has where it was said.
    """
    known = _KNOWN.union(others)
    if unknown := sorted(options.keys() - known):
        raise OptionError(f"{prefix}{unknown[0]}: no such option; there are {', '.join(sorted(known))}")

    def said(keyword: str, default: object = None) -> tuple[str, object]:
        return f"{prefix}{keyword}", options.get(keyword, default)

    base = folder or Path()
    rules_file = _path(*said("rules"), base)
    rules = Rules() if rules_file is None else rules_path.read(rules_file)
    return Play(
        cassette=_required(cassette, base),
        pacing=Pacing(
            now_us=None if options.get("now") is None else instant_us(*said("now")),
            speed=speed(*said("speed", 1)),
            missing_act=word(*said("missing_act", "go-on"), MissingAct),
            clock=word(*said("clock", "real"), Clock),
            shift=word(*said("shift", "exact"), Shift),
        ),
        seed=seed(*said("seed", 0)),
        rules=rules,
        on_miss=_text(*said("on_miss", "error")),
        record_new=_path(*said("record_new"), base),
        wish=Wish(word(*said("redact", "on"), Redaction), _key(*said("redact_key"), base), rules),
        rules_file=rules_file,
        push_to=_texts(*said("push_to", ())),
        bundle_id=None if options.get("bundle_id") is None else _text(*said("bundle_id")),
        holds_pushes=switch(*said("hold_pushes", False)),
        session=_session(options.get("session")),
        faults=fault_rules.read_all(options.get("faults", ()), f"{prefix}faults"),
        limits=limits.parse(_texts(*said("limit", ())), f"{prefix}limit"),
    )


def _key(name: str, said: object, base: Path) -> bytes | None:
    file = _path(name, said, base)
    return None if file is None else read_key(name, file)


def instant_us(name: str, said: object) -> int:
    """An instant, in microseconds UTC. Raises OptionError, which names the option, as all below."""
    if isinstance(said, datetime):
        if said.tzinfo is None:
            raise OptionError(f"{name}: {said} has no time zone; give it one, like datetime.now(UTC)")
        said = said.isoformat()
    at_us = instants.read(said) if isinstance(said, str) else None
    if at_us is None:
        raise OptionError(f"{name}: {said!r} is no instant; write it like 2014-05-02T16:27:38Z")
    return at_us


def speed(name: str, said: object) -> float:
    """How many times faster than recorded."""
    try:
        factor = float(said) if isinstance(said, str | int | float) and not isinstance(said, bool) else 0
    except ValueError:
        factor = 0
    # What is no number stands in no order, so it is not between the two.
    if not _SLOWEST <= factor <= _FASTEST:
        raise OptionError(f"{name} is a number from {_SLOWEST} to {_FASTEST:.0f}, not {said!r}")
    return factor


def seed(name: str, said: object) -> int:
    """A whole number, or one as text."""
    try:
        if isinstance(said, str | int) and not isinstance(said, bool):
            return int(said)
    except ValueError:
        pass
    raise OptionError(f"{name} is a whole number, not {said!r}")


def word(name: str, said: object, words: type[_Word]) -> _Word:
    """One of those words."""
    for known in words:
        if said == known:
            return known
    raise OptionError(f"{name} is one of {', '.join(words)}, not {said!r}")


def switch(name: str, said: object) -> bool:
    """True or False."""
    if not isinstance(said, bool):
        raise OptionError(f"{name} is True or False, not {said!r}")
    return said


def _text(name: str, said: object) -> str:
    if not isinstance(said, str):
        raise OptionError(f"{name} is a text, not {said!r}")
    return said


def _texts(name: str, said: object) -> tuple[str, ...]:
    if isinstance(said, str):
        return (said,)
    if not isinstance(said, Sequence):
        raise OptionError(f"{name} is a text, or a list of texts, not {said!r}")
    return tuple(_text(name, one) for one in said)


def _required(said: object, folder: Path) -> Path:
    found = _path("cassette", said, folder)
    if found is None:
        raise OptionError("cassette: name the file to play, like visit.sqlite")
    return found


def _path(name: str, said: object, folder: Path) -> Path | None:
    if said is None:
        return None
    # No system has a file with a NUL in its name.
    if not isinstance(said, str | os.PathLike) or not str(said) or "\0" in str(said):
        raise OptionError(f"{name} is the path of a file, not {said!r}")
    return folder / os.path.expanduser(said)


def _session(said: object) -> str | None:
    if said is None:
        return None
    wish = str(said) if isinstance(said, int) and not isinstance(said, bool) else said
    addresses.parse(_text("session", wish))
    return str(wish)
