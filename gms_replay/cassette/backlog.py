"""What waits to be written: a queue that is bounded in items and in bytes.

Strategy: a put waits while the queue is full, so nothing is dropped and memory has a bound. What was taken counts until
it is written, because until then it is in memory; a take gets at most half of either bound, so that puts can go on
meanwhile. Whoever takes is woken once a batch, not once an item: waking a thread costs more than a put.
"""

import threading
import time
from collections import deque
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Backlog(Generic[_T]):
    """A queue from any threads to one. An item larger than `most_bytes` passes alone."""

    def __init__(self, most_items: int, most_bytes: int) -> None:
        self._most_items = most_items
        self._most_bytes = most_bytes
        self._items: deque[tuple[_T, int, float]] = deque()
        self._items_held = 0
        self._bytes_held = 0
        self._items_taken = 0
        self._bytes_taken = 0
        self._puts_waiting = 0
        self._ended = False
        lock = threading.Lock()
        self._room = threading.Condition(lock)
        self._work = threading.Condition(lock)

    def __len__(self) -> int:
        """How many items are not written yet."""
        return self._items_held

    def put(self, item: _T, size_bytes: int) -> None:
        """Add an item, once there is room."""
        with self._room:
            while self._is_full(size_bytes):
                self._puts_waiting += 1
                self._work.notify()
                self._room.wait()
                self._puts_waiting -= 1
            self._items.append((item, size_bytes, time.monotonic()))
            self._items_held += 1
            self._bytes_held += size_bytes
            if len(self._items) == 1 or self._is_batch():
                self._work.notify()

    def end(self) -> None:
        """Tell whoever takes that nothing more comes."""
        with self._work:
            self._ended = True
            self._work.notify()

    def drain(self) -> None:
        """Wait until all that was put is written; whoever takes gathers no longer."""
        with self._room:
            self._puts_waiting += 1
            self._work.notify()
            self._room.wait_for(lambda: not self._items_held)
            self._puts_waiting -= 1

    def take(self, gather_s: float, idle_s: float) -> tuple[list[_T], bool]:
        """The next items, in order, and whether more can come; none where nothing came for `idle_s`.

        Waits up to `gather_s` from the first item on, to get more at once.
        """
        with self._work:
            self._work.wait_for(lambda: self._items or self._ended, idle_s)
            if self._items:
                left_s = self._items[0][2] + gather_s - time.monotonic()
                self._work.wait_for(lambda: self._ended or self._puts_waiting or self._is_batch(), max(left_s, 0))
            batch: list[_T] = []
            while self._items and self._fits(batch, self._items[0][1]):
                item, size_bytes, _ = self._items.popleft()
                batch.append(item)
                self._bytes_taken += size_bytes
            self._items_taken += len(batch)
            return batch, bool(self._items) or not self._ended

    def written(self) -> None:
        """What was taken so far is done with."""
        with self._room:
            self._items_held -= self._items_taken
            self._bytes_held -= self._bytes_taken
            self._items_taken = self._bytes_taken = 0
            self._room.notify_all()

    def _is_full(self, size_bytes: int) -> bool:
        if not self._items_held:
            return False
        return self._items_held >= self._most_items or self._bytes_held + size_bytes > self._most_bytes

    def _is_batch(self) -> bool:
        waiting_bytes = self._bytes_held - self._bytes_taken
        return len(self._items) * 2 >= self._most_items or waiting_bytes * 2 >= self._most_bytes

    def _fits(self, batch: list[_T], size_bytes: int) -> bool:
        if not batch:
            return True
        return len(batch) * 2 < self._most_items and (self._bytes_taken + size_bytes) * 2 <= self._most_bytes
