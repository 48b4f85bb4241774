"""What `check --times` tells: in lines for people, as one JSON object for machines."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from gms_replay import instants
from gms_replay.audit import DOUBTFUL, TOLD, Audit, Fate, Group, Moved, Place, Sighting
from gms_replay.formats.tale import count, plain
from gms_replay.instants import Notation, Style

_LONGEST = 60
_EXACT = Notation(Style.ISO, "T", 6, zone="Z")
_RULE = "put {name} into [times] of a rules file"
_REASONS = {
    Fate.UNREADABLE: "an instant should stand here, and this is in no notation that we know",
    Fate.UNKNOWN_FIELD: f"no field that we know: {_RULE}, as event, calendar or keep",
    Fate.UNKNOWN_HEADER: "a header that is sent as it was",
    Fate.INSIDE_TEXT: "an instant inside a longer text, which is told as it was",
    Fate.UNKNOWN_NUMBER: f"a number that may be an instant: if it is, {_RULE}",
    Fate.CALENDAR: "calendar",
    Fate.EVENT: "event",
    Fate.ELAPSED: "seconds since start",
    Fate.ASKED: "the app's own, which may differ",
    Fate.LIVE: "Bayeux's own: the player tells the session's time",
    Fate.KEPT: "kept by the rules file",
    Fate.DURATION: "a duration, which never moves",
    Fate.NOT_REPLAYED: "neither replayed nor compared",
}


def tell(audit: Audit) -> Iterator[str]:
    """The lines: how far each session moves, then by fields what should be looked at, what is told anew, the rest."""
    yield f"times, if sessions start at {_exact(audit.now_us)}:"
    for one in audit.moved:
        yield f"  session {one.session}, recorded from {_exact(one.start_us)}: {_shifts(one)}"
    groups = audit.groups
    for heading, fates in (
        ("stay as recorded, and may be instants", DOUBTFUL),
        ("told anew", TOLD),
        ("left alone", set(Fate) - {*DOUBTFUL, *TOLD}),
    ):
        chosen = [group for group in groups if group.example.fate in fates]
        yield f"{heading}: {count(len(chosen), 'field') if chosen else 'nothing'}"
        yield from (f"  {plain(_line(group))}" for group in chosen)


def to_json(audit: Audit) -> dict[str, Any]:
    """The same, each value by itself. Instants and shifts are integer microseconds, instants since 1970 UTC."""
    return {
        "now_us": audit.now_us,
        "sessions": [
            {
                "session": one.session,
                "start_us": one.start_us,
                "shift_us": one.shift_us,
                "calendar_shift_us": one.calendar_shift_us,
            }
            for one in audit.moved
        ],
        "values": [
            {
                "session": one.place.session,
                "exchange_id": one.place.exchange_id,
                "message_id": one.place.message_id,
                "operation": one.place.operation,
                "part": one.place.part,
                "path": one.path,
                "recorded": one.recorded,
                "fate": one.fate,
                "told": one.told,
            }
            for one in audit.sightings
        ],
    }


def _line(group: Group) -> str:
    one = group.example
    what = f"{one.place.part} {one.field}".rstrip()
    where = what if one.is_header else f"{one.place.operation}, {what}"
    reason = _REASONS[one.fate].format(name=f'"{one.name}"' if one.name else "its field")
    times = f", {group.count} times" if group.count > 1 else ""
    return f"{where}: {reason}{times}; {_where(one.place)}: {_change(one)}"


def _change(one: Sighting) -> str:
    if one.told is None:
        return _short(one.recorded)
    told = f"or {one.told} by an app that was told it" if one.fate is Fate.ASKED else f"told as {one.told}"
    return f"{_short(one.recorded)}, {told}"


def _where(place: Place) -> str:
    return f"exchange {place.exchange_id}" + (f", message {place.message_id}" if place.message_id else "")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _shifts(moved: Moved) -> str:
    return f"events move by {_days(moved.shift_us)}, time slots by {_days(moved.calendar_shift_us)}"


def _days(shift_us: int) -> str:
    sign = "-" if shift_us < 0 else "+"
    return sign + str(timedelta(microseconds=abs(shift_us)))


def _exact(at_us: int) -> str:
    return instants.render(at_us, _EXACT)
