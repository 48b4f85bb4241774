"""Which instant is told as which: one session's memory. The rules are those of docs/architecture.md, "Instants".

Strategy: each item of the story brings a shift (its release minus its recorded time). An instant takes the shift of
the item that tells it first and is remembered by recorded value and class, so it is never told two ways. On first
telling it is clamped between what its neighbours in the class were told as, so the memory is a monotone map.
Calendar instants have one shift for the whole session, a multiple of their grid or of weeks. They are fences: an event
stays between those that it stands between in any message of the story, also in one that is told later.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate
from math import lcm

from gms_replay.gms import InstantClass
from gms_replay.instants import SECOND_US

Instant = tuple[InstantClass, int]
"""A class and a recorded value in microseconds."""


_WEEK_US = 7 * 86_400 * SECOND_US


class Shift(StrEnum):
    """By what a session's calendar instants move.

    EXACT: as all else, rounded up to the slots' grid. WEEKS: rounded up to whole weeks, so that a Tuesday stays one.
    """

    EXACT = "exact"
    WEEKS = "weeks"

    def step_us(self, grid_us: int) -> int:
        """What the shift is a multiple of, for slots on that grid."""
        return grid_us if self is Shift.EXACT else lcm(grid_us, _WEEK_US)


@dataclass(slots=True)
class _Memory:
    """A monotone map from recorded to told microseconds."""

    recorded: list[int] = field(default_factory=list)
    told: list[int] = field(default_factory=list)

    def get(self, recorded_us: int) -> int | None:
        at = bisect_left(self.recorded, recorded_us)
        return self.told[at] if at < len(self.recorded) and self.recorded[at] == recorded_us else None

    def recorded_as(self, told_us: int) -> int | None:
        """The recorded value that was told so; the earliest, where several were clamped to one."""
        at = bisect_left(self.told, told_us)
        return self.recorded[at] if at < len(self.told) and self.told[at] == told_us else None

    def put(self, recorded_us: int, wished_us: int) -> int:
        at = bisect_left(self.recorded, recorded_us)
        told_us = wished_us
        if at > 0:
            told_us = max(told_us, self.told[at - 1])
        if at < len(self.told):
            told_us = min(told_us, self.told[at])
        self.recorded.insert(at, recorded_us)
        self.told.insert(at, told_us)
        return told_us


class Fences:
    """Between which calendar instants each event has to stay, so that order holds inside each of these messages.

    An event has the fences of those before it (below) and after it (above) too: so both rise with the events, and
    whoever keeps within them can keep the order of the class as well.
    """

    def __init__(self, messages: Iterable[Collection[Instant]]) -> None:
        below: dict[int, int] = {}
        above: dict[int, int] = {}
        for message in messages:
            slots = sorted(at_us for kind, at_us in message if kind is InstantClass.CALENDAR)
            for at_us in (at_us for kind, at_us in message if kind is InstantClass.EVENT):
                if place := bisect_left(slots, at_us):
                    below[at_us] = max(below.get(at_us, slots[place - 1]), slots[place - 1])
                if (place := bisect_right(slots, at_us)) < len(slots):
                    above[at_us] = min(above.get(at_us, slots[place]), slots[place])
        self._fenced_below, self._fenced_above = sorted(below), sorted(above)
        self._below = list(accumulate((below[at_us] for at_us in self._fenced_below), max))
        self._above = list(accumulate((above[at_us] for at_us in reversed(self._fenced_above)), min))[::-1]

    def keep(self, at_us: int, wished_us: int, shift_us: int) -> int:
        """What is wished for an event, or the fence it would cross; `shift_us` is the fences'."""
        if place := bisect_right(self._fenced_below, at_us):
            wished_us = max(wished_us, self._below[place - 1] + shift_us)
        if (place := bisect_left(self._fenced_above, at_us)) < len(self._above):
            wished_us = min(wished_us, self._above[place] + shift_us)
        return wished_us


class Timeline:
    """What a session has been told of time.

    `pinned_shift_us`: with `--now`, every item's shift. `grid_us`: what calendar instants are multiples of.
    `fences`: the whole story's; without them each message has its own, which an event told earlier may not keep.
    `shift`: by what calendar instants move.
    """

    def __init__(
        self,
        *,
        grid_us: int = SECOND_US,
        pinned_shift_us: int | None = None,
        fences: Fences | None = None,
        shift: Shift = Shift.EXACT,
    ) -> None:
        self._step_us = shift.step_us(grid_us)
        self._fences = fences
        self._pinned_us = None if pinned_shift_us is None else _floor(pinned_shift_us, SECOND_US)
        self._first_distance_us: int | None = None
        self._memory = {kind: _Memory() for kind in InstantClass}
        self.told_count = 0
        """How many instants the session has been told."""

    def shift_us(self, recorded_us: int, released_us: int) -> int:
        """The shift of an item: the session's first is whole seconds, later ones differ from it by whole seconds."""
        distance_us = released_us - recorded_us
        if self._first_distance_us is None:
            self._first_distance_us = distance_us
        if self._pinned_us is not None:
            return self._pinned_us
        later_us = distance_us - self._first_distance_us
        return self.first_shift_us + _floor(later_us + SECOND_US // 2, SECOND_US)

    @property
    def first_shift_us(self) -> int:
        """The shift of the session's first item; 0 before there was one."""
        return _floor(self._first_distance_us or 0, SECOND_US) if self._pinned_us is None else self._pinned_us

    @property
    def calendar_shift_us(self) -> int:
        """The shift of every calendar instant: the first one, rounded up to the grid, or to weeks."""
        return -_floor(-self.first_shift_us, self._step_us)

    def tell(self, instants: Iterable[Instant], shift_us: int) -> dict[Instant, int]:
        """What the instants of one message, which has that shift, are told as."""
        message = sorted(set(instants), key=lambda instant: instant[1])
        fences, slot_shift_us = self._fences or Fences([message]), self.calendar_shift_us
        told: dict[Instant, int] = {}
        for kind, at_us in message:
            is_slot = kind is InstantClass.CALENDAR
            wished_us = at_us + slot_shift_us if is_slot else fences.keep(at_us, at_us + shift_us, slot_shift_us)
            told[kind, at_us] = self._tell(kind, at_us, wished_us)
        return told

    def recall(self, told_us: int) -> int | None:
        """The recorded instant that the app was told as this one; None where it was told no such instant.

        A time slot before an event that was clamped to it: apps ask for slots.
        """
        recorded = (self._memory[kind].recorded_as(told_us) for kind in (InstantClass.CALENDAR, InstantClass.EVENT))
        return next((recorded_us for recorded_us in recorded if recorded_us is not None), None)

    def _tell(self, kind: InstantClass, recorded_us: int, wished_us: int) -> int:
        memory = self._memory[kind]
        known_us = memory.get(recorded_us)
        if known_us is None:
            known_us = memory.put(recorded_us, wished_us)
            self.told_count += 1
        return known_us


def elapsed_s(started_us: int, line_us: int) -> int:
    """Whole seconds from a chat's start to a line of it, both as told; never negative."""
    return max(0, (line_us - started_us) // SECOND_US)


def _floor(value_us: int, unit_us: int) -> int:
    return value_us // unit_us * unit_us
