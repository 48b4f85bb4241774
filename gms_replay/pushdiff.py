"""Whether two recordings' pushes told the devices the same.

Strategy: of each push is compared what the app reads of it, how long it counts, and what became of it; the carrier is
not, so that a change of carriers shows what else it changed. Two runs give different ids, devices and times: ids are
compared by what they stand for, instants by how long before or after their push they are. Visits are paired in their
order, and in them pushes so that most keep their action, and of those most their alert.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from gms_replay import contents, counterparts, gms, pushes, sessions
from gms_replay.alignment import Row, align
from gms_replay.contents import Value
from gms_replay.disguise import Disguise, Hidden, hidden_in
from gms_replay.gms import InstantClass, Path
from gms_replay.instants import SECOND_US
from gms_replay.likeness import TOLERANCE_US, WIDEST_GRID_US, Likeness
from gms_replay.model import Recording
from gms_replay.pushes import Derived, Notification, Result
from gms_replay.rules import Rules
from gms_replay.sessions import Session

_LONGEST_SHOWN = 80

_SHORTEST_ID = 16
_ACTION: Path = ("message", "_action")

_REASONS = {
    "notregistered": "unregistered",
    "mismatchsenderid": "senderidmismatch",
    "invalidregistration": "invalidargument",
    "internalservererror": "internal",
    "messagerateexceeded": "quotaexceeded",
    "devicemessagerateexceeded": "quotaexceeded",
    "invalidtoken": "baddevicetoken",
    "invalidtokensize": "baddevicetoken",
    "invalidtopicsize": "badtopic",
    "missingpayload": "payloadempty",
    "invalidpayloadsize": "payloadtoolarge",
    "processingerror": "internal",
}
"""Reasons in FCM's and APNs's older protocols, to those in the newer ones (all without "_", in lower case)."""


class Grade(StrEnum):
    """What became of a push. UNKNOWN: it was seen in one recording only; in the other it is derived."""

    EQUAL = "equal"
    UNKNOWN = "unknown"
    DIFFERS = "differs"
    MISSING = "missing"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class Pair:
    """A push, and the one that takes its place; None where there is none.

    `differences`: a line for each; `remarks`: what else is not the same, and does not count.
    """

    old: Notification | Derived | None
    new: Notification | Derived | None
    differences: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()

    @property
    def grade(self) -> Grade:
        if self.old is None:
            return Grade.EXTRA
        if self.new is None:
            return Grade.MISSING
        if self.differences:
            return Grade.DIFFERS
        # That an app asks for a dialog does not prove that it was told to.
        is_one_seen = isinstance(self.old, Derived) != isinstance(self.new, Derived)
        return Grade.UNKNOWN if is_one_seen else Grade.EQUAL


@dataclass(frozen=True, slots=True)
class Home:
    """What pushes belong to: a visit, with its number from 1; or a service of no visit, None where they name none."""

    number: int | None
    visit: Session | None
    service_id: str | None


@dataclass(frozen=True, slots=True)
class Group:
    """What belongs together in each recording, and its pushes side by side."""

    old: Home | None
    new: Home | None
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result. Groups without pushes are left out."""

    groups: tuple[Group, ...]

    @property
    def pairs(self) -> tuple[Pair, ...]:
        return tuple(pair for group in self.groups for pair in group.pairs)

    @property
    def equal(self) -> bool:
        return all(pair.grade is Grade.EQUAL for pair in self.pairs)


def compare(old: Recording, new: Recording, pairs: Sequence[tuple[int, int | None]] | None = None) -> Comparison:
    """Compares all pushes of two recordings: visit by visit, and those of no visit service by service, in their order.

    Where one of them has no visits, because GMS's own traffic was recorded alone, its services stand for them.
    `pairs`: these visits alone, by their numbers from 1; None as the second stands for the one of the same number.
    """
    was, now = _homes(old), _homes(new)
    grouping = _Grouping(hidden_in(old, new, Rules()))
    if pairs is not None:
        housed, housed_now = ({home[0].number: home for home in homes} for homes in (was, now))
        chosen = [(housed[one], housed_now.get(one if other is None else other, _NOTHING)) for one, other in pairs]
        return Comparison(tuple(grouping.grouped(chosen)))
    if all(any(home.visit for home, _ in side) for side in (was, now)):
        of_visits = grouping.paired([one for one in was if one[0].visit], [one for one in now if one[0].visit])
        others = grouping.paired([one for one in was if not one[0].visit], [one for one in now if not one[0].visit])
        return Comparison((*of_visits, *others))
    return Comparison(tuple(grouping.paired(_pushed(was), _pushed(now))))


def differences(
    expected: Notification | Derived, actual: Notification | Derived, disguise: Disguise | None = None
) -> tuple[str, ...]:
    """What one push says otherwise than another, a line for each thing; nothing where an app is told the same.

    Not compared: the carrier and its envelope, devices, which ids stand for the service, and what only one of them
    tells of (a result; of a derived push all but its action). `disguise`: what stands for what where secrets were
    replaced.
    """
    if isinstance(expected, Derived) or isinstance(actual, Derived):
        if expected.action == actual.action:
            return ()
        return (f"action {_quoted(expected.action or '')} became {_quoted(actual.action or '')}",)
    return (
        *_contents(expected, actual, disguise),
        *_expiries(expected, actual),
        *_results(expected.result, actual.result),
    )


_Housed = tuple[Home, tuple[Notification | Derived, ...]]
_Nobody = tuple[None, tuple[Notification | Derived, ...]]
_NOTHING: _Nobody = (None, ())
_Sides = tuple[Notification | Derived | None, Notification | Derived | None]


def _homes(recording: Recording) -> list[_Housed]:
    visits = sessions.split(recording)
    found = pushes.find(recording, visits)
    homes: list[_Housed] = [
        (Home(number, visit, None), _settled(of_visit))
        for number, (visit, of_visit) in enumerate(zip(visits, found.of_visits, strict=True), start=1)
    ]
    others: dict[str | None, list[Notification]] = {}
    for one in sorted(found.others, key=lambda one: one.at_us):
        others.setdefault(one.service_id, []).append(one)
    return homes + [(Home(None, None, service_id), _settled(some)) for service_id, some in others.items()]


def _settled(some: Sequence[Notification | Derived]) -> tuple[Notification | Derived, ...]:
    """Without the tries that were made again: how often GMS tries says nothing of what the device was told."""
    return tuple(pushes.settled([one for one in some if isinstance(one, Notification)])) or tuple(some)


def _pushed(homes: list[_Housed]) -> list[_Housed]:
    return sorted((home for home in homes if home[1]), key=lambda home: home[1][0].at_us)


@dataclass(frozen=True, slots=True)
class _Grouping:
    """Lays pushes side by side. `hidden`: what may have been replaced in either recording."""

    hidden: Hidden | None

    def paired(self, was: list[_Housed], now: list[_Housed]) -> Iterator[Group]:
        return self.grouped(zip_longest(was, now, fillvalue=_NOTHING))

    def grouped(self, pairs: Iterable[tuple[_Housed | _Nobody, _Housed | _Nobody]]) -> Iterator[Group]:
        for (home, some), (home_now, some_now) in pairs:
            if some or some_now:
                rows = align(some, some_now)
                disguise = self._disguise(home, home_now, [_sides(row, some, some_now) for row in rows])
                yield Group(home, home_now, tuple(_pair(row, some, some_now, disguise) for row in rows))

    def _disguise(self, home: Home | None, home_now: Home | None, sides: Iterable[_Sides]) -> Disguise | None:
        """What stands for what in two visits and their pushes; None where nothing was replaced."""
        if self.hidden is None:
            return None
        disguise = Disguise(self.hidden)
        if home and home.visit and home_now and home_now.visit:
            counterparts.weigh(counterparts.of(home.visit, home_now.visit, disguise), disguise)
        for one, other in sides:
            if isinstance(one, Notification) and isinstance(other, Notification):
                was, now = _read(one), _read(other)
                for path in was.keys() & now.keys():
                    disguise.weigh(path, was[path].text, now[path].text, is_told=True)
        disguise.settle()
        return disguise


def _sides(row: Row, was: Sequence[Notification | Derived], now: Sequence[Notification | Derived]) -> _Sides:
    return None if row.old is None else was[row.old], None if row.new is None else now[row.new]


def _read(one: Notification) -> contents.Contents:
    return contents.read(one.provider, one.payload)


def _pair(
    row: Row,
    was: Sequence[Notification | Derived],
    now: Sequence[Notification | Derived],
    disguise: Disguise | None,
) -> Pair:
    one, other = _sides(row, was, now)
    if row.old is None or row.new is None or one is None or other is None:
        return Pair(one, other)
    moved = (f"moved: came as number {row.old + 1}, and comes as number {row.new + 1}",) if row.is_moved else ()
    return Pair(one, other, (*moved, *differences(one, other, disguise)), tuple(_remarks(one, other)))


def _remarks(one: Notification | Derived, other: Notification | Derived) -> Iterator[str]:
    if isinstance(one, Derived) != isinstance(other, Derived):
        yield f"{'old' if isinstance(one, Derived) else 'new'} is derived: only its action is compared"
    elif isinstance(one, Notification) and isinstance(other, Notification) and one.provider != other.provider:
        yield f"by {other.provider} instead of {one.provider}"


def _contents(expected: Notification, actual: Notification, disguise: Disguise | None) -> Iterator[str]:
    was, now = _read(expected), _read(actual)
    later_us = actual.at_us - expected.at_us

    def moved(kind: InstantClass, shift_us: int) -> bool:
        widest_us = WIDEST_GRID_US if kind is InstantClass.CALENDAR else TOLERANCE_US
        return not shift_us or abs(shift_us - later_us) <= widest_us

    same = Likeness(moved, may_be_id=_is_id)
    if expected.device and actual.device:
        same.same(expected.device, actual.device, is_identity=True)
    # All of them first, for other fields may name them too.
    ids = {path: (was[path].text, now[path].text) for path in was if path in now and gms.is_identity(path)}
    named = {path: same.same(*pair, is_identity=True) for path, pair in ids.items()}
    for path in sorted(was.keys() | now.keys(), key=_order):
        one, other = was.get(path), now.get(path)
        if one and other:
            if not (named[path] if path in named else _are_alike(path, one, other, same, disguise)):
                # As a link does that leads where it led in the other run.
                now_is = "names another's id" if one == other else f"became {_shown(other)}"
                yield f"{_name(path)} {_shown(one)} {now_is}"
        # What a phone does beside telling the text: another carrier has other means for it, or none.
        elif expected.provider == actual.provider or path[:1] not in (("aps",), ("notification",)):
            yield f"{_name(path)} is missing" if one else f"{_name(path)} is new: {_shown(other)}"


def _are_alike(path: Path, one: Value, other: Value, same: Likeness, disguise: Disguise | None) -> bool:
    if one.is_string != other.is_string and None not in (one.is_string, other.is_string):
        return False
    text = one.text
    if disguise is not None:
        if (is_same := disguise.same(path, one.text, other.text, is_told=True)) is not None:
            return is_same
        text = disguise.as_there(one.text, other.text)
    return same.same(text, other.text, is_slot=gms.instant_class(path) is InstantClass.CALENDAR)


def _is_id(word: str) -> bool:
    """No word of people's: a UUID, or many letters and digits in a row. Numbers may be somebody's telephone."""
    return len(word) >= _SHORTEST_ID and any(map(str.isdigit, word)) and any(map(str.isalpha, word))


def _expiries(expected: Notification, actual: Notification) -> Iterator[str]:
    was, now = _lasts_us(expected), _lasts_us(actual)
    if was is None and now is None:
        return
    if was is None or now is None:
        yield "expiry is missing" if now is None else f"expiry is new: {_lasting(now)}"
    elif (was == 0) != (now == 0) or abs(now - was) > TOLERANCE_US:
        yield f"expiry {_lasting(was)} became {_lasting(now)}"


def _lasts_us(one: Notification) -> int | None:
    """For how long a push counts; 0 where it is tried once, None where nobody says."""
    return one.expires_at_us and one.expires_at_us - one.at_us


def _lasting(lasts_us: int) -> str:
    return f"after {lasts_us / SECOND_US:.0f} s" if lasts_us else "at once"


def _results(expected: Result | None, actual: Result | None) -> Iterator[str]:
    if expected and actual and _reason(expected) != _reason(actual):
        yield f"{_became(expected)} became {_became(actual)}"


def _reason(result: Result) -> str | None:
    """Why a push was refused, in the words of no carrier's."""
    plain = result.reason and result.reason.replace("_", "").lower()
    return _REASONS.get(plain, plain) if plain else plain


def _became(result: Result) -> str:
    return "taken" if result.reason is None else f"refused ({result.reason})"


def _order(path: Path) -> tuple[bool, bool, tuple[str, ...]]:
    """The action first, then what people read, then the rest by name."""
    return path != _ACTION, path[:1] != ("alert",), tuple(map(str, path))


def _name(path: Path) -> str:
    if path == _ACTION:
        return "action"
    return ".".join(map(str, path)) or "payload"


def _shown(value: Value | None) -> str:
    if value is None or value == contents.EMPTY:
        return "empty"
    return _quoted(value.text) if value.is_string is not False else value.text


def _quoted(text: str) -> str:
    return f"“{text}”" if len(text) <= _LONGEST_SHOWN else f"“{text[:_LONGEST_SHOWN]}…”"
