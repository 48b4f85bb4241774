"""Whether the machine stood still: what comes late then is no fault of whoever is tested."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

_T = TypeVar("_T")
_LOOK_EVERY_S = 0.01
_ATTEMPTS = 5


@dataclass
class Stillness:
    """The longest time for which nothing moved, in seconds."""

    longest_s: float = 0.0


@contextmanager
def watched() -> Iterator[Stillness]:
    """Looks all the time whether this process, or the machine, stands still."""
    found, is_over = Stillness(), threading.Event()

    def look() -> None:
        last_s = time.monotonic()
        while not is_over.wait(_LOOK_EVERY_S):
            now_s = time.monotonic()
            found.longest_s = max(found.longest_s, now_s - last_s - _LOOK_EVERY_S)
            last_s = now_s

    watch = threading.Thread(target=look)
    watch.start()
    try:
        yield found
    finally:
        is_over.set()
        watch.join()


def undisturbed(attempt: Callable[[], _T], bearable_s: float) -> _T:
    """What an attempt gives during which nothing stood still for longer; one that was disturbed is made again."""
    for _ in range(_ATTEMPTS):
        with watched() as stillness:
            result = attempt()
        if stillness.longest_s <= bearable_s:
            return result
    raise AssertionError(
        f"the machine stood still in each of {_ATTEMPTS} attempts, last for {stillness.longest_s:.1f} s"
    )
