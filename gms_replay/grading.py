"""How two recordings differ, visit by visit, each difference graded; see docs/architecture.md, "Grading".

Strategy: answers to acts, lines of chats and other messages come in an order, and are aligned by content. What apps
poll, and the frames that carry a chat's lines, come as often as they come: of these only the fields and their types
count.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from gms_replay import bodies, counterparts, gms, instants, pieces, sessions, shapes, timeslots, travel
from gms_replay.alignment import Alike, align_alike
from gms_replay.counterparts import Counterparts, Series
from gms_replay.disguise import Disguise, Hidden, hidden_in
from gms_replay.gms import InstantClass, Path
from gms_replay.grades import TIME, Difference, Grade, worst
from gms_replay.instants import SECOND_US
from gms_replay.leniency import Leniency
from gms_replay.likeness import TOLERANCE_US, WIDEST_GRID_US, Likeness, is_calendar, is_token, outline
from gms_replay.model import Recording
from gms_replay.pieces import Piece, State
from gms_replay.privacy import WITHHELD
from gms_replay.roots import Roots
from gms_replay.rules import Rules
from gms_replay.sessions import Session

_LONGEST = 120
_USUAL = 4
_SURELY_DRAWN = 16
"""A word of so many letters and digits is nobody's choice."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared. `sort`: of what it is one ("answers"); `where`: which one of these, in words."""

    sort: str
    where: str
    differences: tuple[Difference, ...] = ()

    @property
    def grade(self) -> Grade:
        return worst([one.grade for one in self.differences])


@dataclass(frozen=True, slots=True)
class Row:
    """One visit of the old recording and its partner; numbers from 1, None where there is no partner.

    `compared`: how many things of each sort were. `departs`: where the app first asked otherwise. `spreads_us`: by how
    much waits differed at most, whichever took longer, by what was waited for.
    """

    old: int | None
    new: int | None
    checks: tuple[Check, ...]
    compared: dict[str, int] = field(default_factory=dict)
    departs: Difference | None = None
    spreads_us: dict[str, int] = field(default_factory=dict)

    @property
    def differences(self) -> tuple[Difference, ...]:
        """The worst first; what is the same at the same place once, with its count."""
        return tuple(_together(found for check in self.checks for found in check.differences))

    @property
    def grade(self) -> Grade:
        return worst([one.grade for one in self.checks])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result, a row for each pair of visits."""

    rows: tuple[Row, ...]

    @property
    def differences(self) -> tuple[Difference, ...]:
        return tuple(one for row in self.rows for one in row.differences)

    @property
    def worst(self) -> Grade:
        return worst([one.grade for one in self.differences])

    @property
    def counts(self) -> dict[Grade, int]:
        counts = Counter(one.grade for one in self.differences)
        return {grade: counts[grade] for grade in Grade if counts[grade]}

    @property
    def compared(self) -> dict[str, int]:
        """How much was compared: where it is nothing, no difference says nothing."""
        return dict(sum((Counter(row.compared) for row in self.rows), Counter()))


def compare(
    old: Recording, new: Recording, leniency: Leniency, pairs: Sequence[tuple[int, int | None]] | None = None
) -> Comparison:
    """Compares all visits of two recordings, paired by what they begin with.

    `pairs`: these alone, by their numbers from 1; None as the second stands for the one that begins alike.
    """
    was, now = sessions.split(old), sessions.split(new)
    hidden = hidden_in(old, new, leniency.rules)
    pairing = _Pairing(was, now, hidden)
    paired = pairing.of_all()
    if pairs is not None:
        paired = pairing.chosen(pairs, dict(paired))
    return Comparison(tuple(_row(was, now, one, other, leniency, hidden) for one, other in paired))


@dataclass(frozen=True, slots=True)
class _Pairing:
    """Which visits begin alike, by their numbers from 1."""

    old: Sequence[Session]
    new: Sequence[Session]
    hidden: Hidden | None

    def of_all(self) -> list[tuple[int | None, int | None]]:
        return self._paired(range(1, len(self.old) + 1), range(1, len(self.new) + 1))

    def chosen(
        self, pairs: Sequence[tuple[int, int | None]], partners: Mapping[int | None, int | None]
    ) -> list[tuple[int | None, int | None]]:
        """Chosen visits with their partners; whose partner is taken, or was another's, gets one that begins alike."""
        taken = {other for _, other in pairs}
        found = {one: partners[one] if other is None else other for one, other in pairs}
        alone = [one for one, other in pairs if other is None and (found[one] is None or found[one] in taken)]
        taken |= {other for one, other in found.items() if one not in alone}
        left = [number for number in range(1, len(self.new) + 1) if number not in taken]
        found |= dict.fromkeys(alone) | {one: other for one, other in self._paired(alone, left) if one is not None}
        return [(one, found[one] if other is None else other) for one, other in pairs]

    def _paired(self, some: Sequence[int], some_now: Sequence[int]) -> list[tuple[int | None, int | None]]:
        openings = [self._opening(self.old[one - 1]) for one in some]
        rows = align_alike(openings, [self._opening(self.new[one - 1]) for one in some_now])
        return [
            (None if row.old is None else some[row.old], None if row.new is None else some_now[row.new]) for row in rows
        ]

    def _opening(self, session: Session) -> Alike:
        opening = next((one for one in session if one.operation.kind in gms.OPENINGS), session[0])
        key = opening.operation.kind, opening.operation.name, opening.operation.version
        said = frozenset((name, self._outline(name, text)) for name, text in opening.said.items())
        return Alike((key, said), key)

    def _outline(self, name: str, text: str) -> str:
        return "" if self.hidden is not None and self.hidden.kind((name,), is_told=False) else outline(text)


def _row(
    was: Sequence[Session],
    now: Sequence[Session],
    one: int | None,
    other: int | None,
    leniency: Leniency,
    hidden: Hidden | None,
) -> Row:
    if one is not None and other is not None:
        return replace(compare_visits(was[one - 1], now[other - 1], leniency, hidden), old=one, new=other)
    begun, begun_now = (str(some[at - 1][0].operation) if at else None for some, at in ((was, one), (now, other)))
    grade = Grade.EXTRA if one is None else Grade.MISSING
    found = leniency.judged(Difference(grade, "visit", "visit", "", begun, begun_now, "none begins alike"))
    return Row(one, other, (Check("visits", "visit", (found,)),))


def compare_visits(old: Session, new: Session, leniency: Leniency, hidden: Hidden | None = None) -> Row:
    """Compares two visits. The row's numbers are 1. `hidden`: what may have been replaced in either."""
    disguise = Disguise(hidden) if hidden is not None else None
    found = counterparts.of(old, new, disguise)
    grading = _Grading(old, new, leniency, disguise)
    grading.weigh(found)
    if leniency.compares_requests:
        grading.ordered(found.asked)
        grading.ordered(found.polled)
    grading.grant(found.asked)
    said = (one for check in grading.checks for one in check.differences)
    departs = next((one for one in said if one.grade.severity > Grade.VOLATILE.severity), None)
    for series in found.told:
        grading.ordered(series)
    was, now = pieces.states(old), pieces.states(new)
    for place in sorted(was.keys() | now.keys()):
        grading.states(place, was.get(place, State()), now.get(place, State()))
    return Row(1, 1, tuple(grading.checks), dict(grading.compared), departs, grading.spreads_us)


class _Grading:
    def __init__(self, old: Session, new: Session, leniency: Leniency, disguise: Disguise | None) -> None:
        self.checks: list[Check] = []
        self.compared: Counter[str] = Counter()
        self.spreads_us: dict[str, int] = {}
        self._leniency = leniency
        self._disguise = disguise
        self._is_told = True
        self._visit_us = new[0].at_us - old[0].at_us
        self._later_us = self._visit_us
        self._seen_us: dict[InstantClass, set[int]] = {kind: set() for kind in InstantClass}
        self._calendar_us = {now - was for was, now in zip(_slots(old), _slots(new), strict=False)}
        self._roots, self._roots_now = Roots.of(old), Roots.of(new)
        self._ids = _identities(old, leniency.rules) | _identities(new, leniency.rules)
        self._likeness = Likeness(self._moved, may_be_id=self._may_be_id)

    def weigh(self, found: Counterparts) -> None:
        """Settles what stands for what, before anything is judged by it: first where secrets were replaced."""
        if self._disguise is not None:
            counterparts.weigh(found, self._disguise)
            self._disguise.settle()
        for series in found.all:
            self._is_told = series.is_told
            for one, other in series.pairs:
                for _ in bodies.compare(one.node, other.node, self._weighed):
                    pass
        self._likeness.settle()

    def grant(self, asked: Series) -> None:
        """What GMS tells of the calendar may move as what the app asks for did."""
        for one, other in asked.pairs:
            for was, now in zip(bodies.values(one.node), bodies.values(other.node), strict=False):
                times = [instants.read(side.text) for side in (was, now)]
                if is_calendar(was.path) and was.path == now.path and times[0] is not None and times[1] is not None:
                    self._calendar_us.add(times[1] - times[0])

    def ordered(self, series: Series) -> None:
        """What comes in an order."""
        self._is_told = series.is_told
        sort, was, now = series.sort, series.old, series.new
        numbers, numbers_now = _numbered(was), _numbered(now)
        waits: dict[str, list[tuple[int, int]]] = {}
        for row in series.rows:
            if row.old is not None and row.new is not None:
                one, other = was[row.old], now[row.new]
                self.compared[sort] += 1
                moved = numbers_now[row.new] if row.is_moved else None
                self._check(sort, numbers[row.old], self._pair(one, other, numbers[row.old], moved))
                is_after_the_same = one.since == other.since and not row.is_moved
                if is_after_the_same and one.waited_us is not None and other.waited_us is not None:
                    waits.setdefault(one.timed_as, []).append((one.waited_us, other.waited_us))
            elif row.old is not None:
                self._check(sort, numbers[row.old], [_single(Grade.MISSING, was, row.old, numbers[row.old])])
            else:
                assert row.new is not None, "a row has one of the two at least"
                found = _single(Grade.EXTRA, now, row.new, numbers_now[row.new])
                self._check(sort, f"{numbers_now[row.new]} (new)", [found])
        for kind, pairs in waits.items():
            self._check(sort, f"{kind} {TIME}", self._slower(kind, pairs))

    def states(self, place: str, was: State, now: State) -> None:
        """What comes as often as it comes. A chat's lines may have come another way: then nothing can be said."""
        self.compared["states"] += min(len(was.nodes), len(now.nodes))
        if was.nodes and now.nodes:
            self._check("states", place, shapes.compare(place, was.nodes, now.nodes))
        elif not (was.tells_chat or now.tells_chat):
            grade = Grade.MISSING if was.nodes else Grade.EXTRA
            times, times_now = (str(len(some.nodes)) if some.nodes else None for some in (was, now))
            self._check("states", place, [_difference(grade, place, place, "", times, times_now, "times told")])

    def _check(self, sort: str, where: str, found: Iterable[Difference]) -> None:
        self.checks.append(Check(sort, where, tuple(map(self._leniency.judged, found))))

    def _pair(self, one: Piece, other: Piece, where: str, moved: str | None) -> Iterator[Difference]:
        if moved is not None:
            yield _difference(Grade.OTHER_ORDER, where, one.place, "", where, moved)
        self._later_us = other.at_us - one.at_us
        for found in bodies.compare(one.node, other.node, self._same):
            if self._disguise is not None and WITHHELD in (found.expected, found.actual):
                # Nobody can say what was there.
                continue
            yield _difference(found.grade, where, one.place, found.path, found.expected, found.actual, found.note)

    def _slower(self, kind: str, pairs: Sequence[tuple[int, int]]) -> Iterator[Difference]:
        """Told once for a series: it is slower where one in `_USUAL` is, or more."""
        self.spreads_us[kind] = max(self.spreads_us.get(kind, 0), *(abs(now - was) for was, now in pairs))
        graded = [(self._leniency.slowness(kind, was_us, now_us), was_us, now_us) for was_us, now_us in pairs]
        slow = [times for grade, *times in graded if grade is not Grade.EQUAL]
        if slow:
            was, now = (f"{median(side) / SECOND_US:.1f} s" for side in zip(*slow, strict=True))
            # A hiccup among many is told, and fails nothing.
            is_usual = _USUAL * sum(grade is Grade.SLOWER for grade, *_ in graded) >= len(pairs)
            grade = Grade.SLOWER if is_usual else Grade.VOLATILE
            yield Difference(grade, kind, kind, TIME, was, now, f"{len(slow)} of {len(pairs)}, medians of these")

    def _weighed(self, path: Path, one: str, other: str) -> bool:
        is_identity = self._is_identity(path, one, other)
        if self._disguise is not None:
            if self._disguise.hidden.kind(bodies.inside(path), is_told=self._is_told):
                return True
            one = self._disguise.as_there(one, other)
        self._likeness.weigh(*self._unrooted(one, other), is_identity=is_identity)
        return True

    def _same(self, path: Path, one: str, other: str) -> bool:
        if one in self._roots.hosts and other in self._roots_now.hosts:
            return True
        is_slot, is_identity = is_calendar(path) or "instant" in path, self._is_identity(path, one, other)
        if self._disguise is not None:
            if (same := self._disguise.same(bodies.inside(path), one, other, is_told=self._is_told)) is not None:
                return same
            if (inside := bodies.nested(one)) is not None and (inside_now := bodies.nested(other)) is not None:
                return not any(bodies.compare(inside, inside_now, self._same, path))
            one = self._disguise.as_there(one, other)
        return self._likeness.same(*self._unrooted(one, other), is_slot=is_slot, is_identity=is_identity)

    def _unrooted(self, one: str, other: str) -> tuple[str, str]:
        return self._roots.unrooted(one), self._roots_now.unrooted(other)

    def _is_identity(self, path: Path, one: str, other: str) -> bool:
        return gms.is_identity(path) or (one in self._ids and other in self._ids)

    def _may_be_id(self, word: str) -> bool:
        return word in self._ids or is_token(word, _SURELY_DRAWN)

    def _moved(self, kind: InstantClass, shift_us: int) -> bool:
        expected, widest_us = [self._later_us, self._visit_us], TOLERANCE_US
        if kind is InstantClass.CALENDAR:
            expected, widest_us = [*expected, *self._calendar_us], WIDEST_GRID_US
        # What is told as it was is no difference, though it might have moved.
        seen_us = self._seen_us[kind]
        is_right = not shift_us or shift_us in seen_us or any(abs(shift_us - one) <= widest_us for one in expected)
        if is_right:
            seen_us.add(shift_us)
        return is_right


def _single(grade: Grade, some: Sequence[Piece], at: int, where: str) -> Difference:
    one = some[at]
    beside = [other.alike for other in (*some[max(0, at - 1) : at], *some[at + 1 : at + 2])]
    text = bodies.shown(one.node)
    was, now = (text, None) if grade is Grade.MISSING else (None, text)
    # One notice more or less of the same typing.
    is_again = one.is_typing and one.alike in beside
    return _difference(Grade.VOLATILE if is_again else grade, where, one.place, "", was, now)


def _difference(
    grade: Grade, where: str, place: str, path: str, one: str | None, other: str | None, note: str = ""
) -> Difference:
    return Difference(grade, where, place, path, _short(one), _short(other), note)


def _together(found: Iterable[Difference]) -> Iterator[Difference]:
    kinds: dict[tuple[object, ...], list[Difference]] = {}
    for one in found:
        kinds.setdefault((one.grade, one.place, one.path, one.note), []).append(one)
    told = [replace(some[0], count=sum(one.count for one in some)) for some in kinds.values()]
    yield from sorted(told, key=lambda one: -one.grade.severity)


def _numbered(things: Sequence[Piece]) -> list[str]:
    counts: Counter[str] = Counter()
    told = []
    for one in things:
        counts[one.place] += 1
        told.append(f"{one.place} {counts[one.place]}")
    return told


def _identities(session: Session, rules: Rules) -> frozenset[str]:
    """What GMS gave and the app used, or fields that are known, or named by the rules, hold; and who the app is."""
    found = travel.find(session, list(sessions.told(session)), rules)
    return frozenset(one.value for one in found if one.left is None) | {one.user for one in session if one.user}


def _slots(session: Session) -> list[int]:
    """The first time slot of each answer that offers any."""
    answers = (one.exchange.response.body.plain for one in session if one.exchange.response)
    return [slots[0] for slots in map(timeslots.offered, answers) if slots]


def _short(text: str | None) -> str | None:
    return text if text is None or len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
