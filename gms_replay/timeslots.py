"""Time slots as GMS proposes them: the grid that they keep, and their local times."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import gcd

from gms_replay import gms, instants
from gms_replay.gms import InstantClass, Path
from gms_replay.instants import SECOND_US, Notation
from gms_replay.rules import Rules
from gms_replay.spans import Sort, Span, plain_text, spans

_GRIDS_US = tuple(minutes * 60 * SECOND_US for minutes in (120, 60, 30, 20, 15, 10, 5, 1))

Value = tuple[Span, bytes]
"""A key or value that GMS told the app, and where it stood in its text."""


def grid_us(told: Iterable[Value], rules: Rules) -> int:
    """What the recorded time slots are multiples of, two hours at most; a second where there are none.

    Local times count where nothing else does: clocks of some zones are half an hour off.
    """
    universal: set[int] = set()
    local: set[int] = set()
    for span, value in told:
        if _is_slot(span, rules) and (at_us := instants.read(value.decode("latin-1"))) is not None:
            (universal if gms.slots_clock(span.path) is None else local).add(at_us)
    slots = universal or local
    if not slots:
        return SECOND_US
    common_us = gcd(*slots)
    return next((grid_us for grid_us in _GRIDS_US if common_us % grid_us == 0), SECOND_US)


def offered(text: bytes) -> list[int]:
    """The time slots that a text tells, in its order: keys in version 1, `utcTime` in version 2."""
    found = []
    for one in spans(text):
        is_key = one.sort is Sort.KEY
        said = str(one.path[-1]) if is_key else plain_text(text[one.start : one.end])
        if gms.key_class(one.path) if is_key else one.path[-1:] == ("utcTime",) and "slots" in one.path:
            found.append(instants.read(said))
    return [at_us for at_us in found if at_us is not None]


def _is_slot(span: Span, rules: Rules) -> bool:
    if span.sort is Sort.KEY:
        return rules.key_class(span.path) is InstantClass.CALENDAR
    return "slots" in span.path and rules.instant_class(span.path) is InstantClass.CALENDAR


@dataclass(frozen=True, slots=True)
class LocalTime:
    """A slot's local time that agrees with its UTC time, `at_us`, which stands at the path `utc`."""

    span: Span
    utc: Path
    at_us: int
    notation: Notation


def local_times(text: bytes, found: Iterable[Span]) -> list[LocalTime]:
    """The local times in a body that say what clocks in its time zone show at the UTC times beside them.

    `found`: the body's spans. Where zone or UTC time are missing or unknown, or say something else, there is none.
    """
    clocks = [(span, *clock) for span in found if span.sort is Sort.STRING and (clock := gms.slots_clock(span.path))]
    said = {span.path: text[span.start : span.end] for span in found} if clocks else {}
    agreeing: list[LocalTime] = []
    for span, utc, zone in clocks:
        at_us = instants.read(said.get(utc, b"").decode("latin-1"))
        if at_us is not None:
            shown, region = said[span.path].decode("latin-1"), plain_text(said.get(zone, b""))
            if (notation := instants.parse_local(shown, region, at_us)) is not None:
                agreeing.append(LocalTime(span, utc, at_us, notation))
    return agreeing
