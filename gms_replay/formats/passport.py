"""What `show --identities` tells: which values are identities, where they travel, and why; for people, and as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gms_replay import sessions, travel
from gms_replay.formats.tale import count, heading, plain
from gms_replay.model import Recording
from gms_replay.rules import Rules
from gms_replay.sessions import Session
from gms_replay.travel import Candidate, Place

_SHOWN = 5


def tell(recording: Recording, rules: Rules, name: str) -> Iterator[str]:
    """The lines: for each session its identities, the travelled ones by themselves, then what only looks like one."""
    visits = sessions.split(recording)
    yield f"{plain(name)}: {count(len(visits), 'session')}"
    names = _exchanges(visits)
    for number, session in enumerate(visits, start=1):
        found, inside = _found(session, rules)
        yield ""
        yield heading(number, session)
        identities = [one for one in found if one.left is None]
        travelled = [one for one in identities if one.travels or one.by_field is None]
        for one in travelled:
            yield from _identity(one, inside.get(one.value, Counter()), names)
        yield from _told_only([one for one in identities if one not in travelled])
        for one in found:
            if one.left is not None:
                yield f"  {plain(one.value)} is left alone: {one.left} ({_why(one, names)})"
        if not found:
            yield "  no identities"


def to_json(recording: Recording, rules: Rules, name: str) -> dict[str, Any]:
    """The same, whole, as what JSON can hold."""
    visits = sessions.split(recording)
    return {
        "file": name,
        "sessions": [
            {"number": number, "user": sessions.user_of(session), "identities": _as_json(*_found(session, rules))}
            for number, session in enumerate(visits, start=1)
        ],
    }


def _found(session: Session, rules: Rules) -> tuple[tuple[Candidate, ...], dict[str, Counter[str]]]:
    told = list(sessions.told(session))
    found = travel.find(session, told, rules)
    return found, travel.carriers(told, [one.value for one in found if one.left is None])


def _as_json(found: Iterable[Candidate], inside: dict[str, Counter[str]]) -> list[dict[str, Any]]:
    return [
        {
            "value": one.value,
            "left_alone": one.left,
            "by_field": one.by_field,
            "given": _place(one.given),
            "told": one.told,
            "told_inside": dict(inside.get(one.value, ())),
            "used": [_place(place) for place in one.travels],
        }
        for one in found
    ]


def _place(place: Place) -> dict[str, Any]:
    return {"exchange_id": place.exchange_id, "where": place.where}


def _exchanges(visits: Iterable[Session]) -> dict[int, str]:
    """What each exchange is about."""
    return {one.exchange.id: str(one.operation) for visit in visits for one in visit}


def _identity(one: Candidate, inside: Counter[str], names: dict[int, str]) -> Iterator[str]:
    yield f"  {plain(one.value)}"
    yield f"    why: {_why(one, names)}"
    yield f"    told {count(one.told, 'time')}" + (f", and inside {plain(_times(inside))}" if inside else "")
    if one.travels:
        wheres = Counter(place.where for place in one.travels)
        yield f"    used {count(len(one.travels), 'time')}: {plain(_times(wheres))}"


def _why(one: Candidate, names: dict[int, str]) -> str:
    by_field = f"by field {one.by_field}; " if one.by_field else ""
    used = f", used by {_named(one.travels[0], names, 'as')}" if one.travels else ""
    return plain(f"{by_field}given by {_named(one.given, names, 'at')}{used}")


def _named(place: Place, names: dict[int, str], how: str) -> str:
    return f"exchange {place.exchange_id} ({names.get(place.exchange_id, '')}) {how} {place.where}"


def _times(wheres: Counter[str]) -> str:
    """Where, and how often, the most frequent first."""
    shown = [f"{where} ({times})" for where, times in wheres.most_common(_SHOWN)]
    return ", ".join(shown) + (f", and {len(wheres) - _SHOWN} more places" if len(wheres) > _SHOWN else "")


def _told_only(rest: Sequence[Candidate]) -> Iterator[str]:
    """Those that nobody used: by their field, the first of each."""
    by_field: dict[str, list[Candidate]] = {}
    for one in rest:
        by_field.setdefault(str(one.by_field), []).append(one)
    for name, some in by_field.items():
        values = ", ".join(one.value for one in some[:_SHOWN])
        more = f", and {len(some) - _SHOWN} more" if len(some) > _SHOWN else ""
        yield plain(f"  by field {name}, told and not used: {values}{more}")
