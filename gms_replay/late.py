"""What of one session comes late, the earliest first; see docs/architecture.md, "Faults".

Strategy: a heap of numbers. What was given up leaves its own behind, to be passed over; where more than half are such,
the heap is built anew. So what comes, and what goes, looks at little of what waits.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heappush

from gms_replay.events import Action

_SPARE = 64


class Sort(StrEnum):
    """What comes late."""

    ANSWER = "answer"
    MESSAGE = "message"
    PUSH = "push"


@dataclass(frozen=True, slots=True, eq=False)
class Late:
    """What comes late, and when, in the story's time. `of`: the request, socket or channel that it is of.

    `then` does it, and is told the wall's time. `is_swapped`: it goes as soon as the next of its channel has gone.
    `is_end`: nothing goes there behind it.
    """

    due_at_us: int
    sort: Sort
    of: int | str
    then: Callable[[int], Iterable[Action]]
    is_swapped: bool = False
    is_end: bool = False


class Backlog:
    """All that is late, in the order in which it came."""

    def __init__(self) -> None:
        self._ever = 0
        self._late: dict[int, Late] = {}
        self._of: dict[int | str, dict[Late, int]] = {}
        self._heap: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return len(self._late)

    def __iter__(self) -> Iterator[Late]:
        return iter(self._late.values())

    @property
    def first(self) -> Late | None:
        """What is due first, of several what came first; None where nothing is late."""
        while self._heap and self._heap[0][1] not in self._late:
            heappop(self._heap)
        return self._late[self._heap[0][1]] if self._heap else None

    def of(self, of: int | str) -> Collection[Late]:
        """What is late there."""
        return self._of.get(of, ())

    def behind_us(self, of: int | str) -> int | None:
        """When the last goes of what is late there, and keeps its place; None where nothing is.

        Whoever asks adds nothing there that would go before it.
        """
        return next((late.due_at_us for late in reversed(self._of.get(of, {})) if not late.is_swapped), None)

    def ends(self, of: int | str) -> bool:
        """Whether what is late there is all that goes there."""
        return any(late.is_end for late in self.of(of))

    def add(self, late: Late) -> None:
        self._ever += 1
        self._late[self._ever] = late
        self._of.setdefault(late.of, {})[late] = self._ever
        heappush(self._heap, (late.due_at_us, self._ever))

    def remove(self, late: Late) -> None:
        """It goes."""
        there = self._of[late.of]
        del self._late[there.pop(late)]
        if not there:
            del self._of[late.of]

    def drop(self, of: int | str) -> None:
        """Nothing goes there any more."""
        for number in self._of.pop(of, {}).values():
            del self._late[number]
        if len(self._heap) > 2 * len(self._late) + _SPARE:
            self._heap = [(late.due_at_us, number) for number, late in self._late.items()]
            heapify(self._heap)
