"""What is told while visits are played: each thing that happens, and as lines where nobody looks at a terminal."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto


class Sort(Enum):
    """What happens: a visit begins, waits for something, did something, met what is otherwise than recorded, ends."""

    BEGINS = auto()
    WAITS = auto()
    DID = auto()
    WENT_WRONG = auto()
    ENDS = auto()


@dataclass(frozen=True, slots=True)
class Happening:
    """Something in a visit: `line` says it, `step` of `steps` is where the visit is, from 1; before its first, 0."""

    sort: Sort
    line: str
    step: int
    steps: int


Watch = Callable[[int, Happening], None]
"""Gets what happens, with the number of the visit among those that are played, from 0."""


class Lines:
    """A line for each thing that a visit did, or met; of several visits with its name ("session 3")."""

    def __init__(self, names: Sequence[str], echo: Callable[[str], None]) -> None:
        self._names = names
        self._echo = echo

    def watch(self, visit: int, happened: Happening) -> None:
        if happened.sort is Sort.BEGINS:
            self._echo(f"{self._names[visit]}: begins, {happened.steps} steps")
        elif happened.sort in (Sort.DID, Sort.WENT_WRONG):
            self._echo(happened.line if len(self._names) == 1 else f"{self._names[visit]}: {happened.line}")
