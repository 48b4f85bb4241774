"""Connections that nobody feeds or reads: once a second each is looked at, and those that hold too much are cut off."""

from asyncio import Transport
from collections.abc import Iterable

from gms_replay.limits import Limits

_BYTES_A_SECOND = 10_000
"""Whoever sends slower than that, after the first `request_s`, is nobody's app."""


class Load:
    """What the connections of one server weigh together."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.sockets = 0
        """WebSockets."""
        self.reading = 0
        """Bytes of bodies that are being read or answered."""
        self.idle: dict[Watched, None] = {}
        """Connections on which no whole request is under way, that which is so for the longest time first."""


class Watched:
    """A connection that is looked at. Times are the event loop's, in seconds."""

    transport: Transport
    began_at: float | None = None
    """Since when something comes that is not whole yet; None where nothing does."""
    received = 0
    """Bytes of a body that have come since then."""
    _unsent = 0
    _moved_at = 0.0

    def out_of_time(self) -> None:
        """Whoever sends takes too long."""
        raise NotImplementedError

    def unsent(self, now: float) -> int:
        """How many bytes wait for whoever is to read them."""
        size = self.transport.get_write_buffer_size()
        if not size or size < self._unsent or not self._unsent:
            self._moved_at = now
        self._unsent = size
        return size

    def is_slow(self, now: float, limits: Limits) -> bool:
        """Whether what comes takes longer than it may."""
        return self.began_at is not None and now - self.began_at > limits.request_s + self.received / _BYTES_A_SECOND

    def is_unread(self, now: float, limits: Limits) -> bool:
        """Whether an answer waits that nobody takes."""
        return self._unsent > 0 and now - self._moved_at > limits.answer_s


def look(connections: Iterable[Watched], now: float, limits: Limits) -> None:
    """Ends what is slow, unread, or too much."""
    waiting: list[tuple[int, Watched]] = []
    for one in connections:
        if size := one.unsent(now):
            waiting.append((size, one))
        if one.is_unread(now, limits):
            one.transport.abort()
        elif one.is_slow(now, limits):
            one.out_of_time()
    total = sum(size for size, _ in waiting)
    for size, one in sorted(waiting, key=lambda pair: -pair[0]):
        if total <= limits.unsent_bytes:
            return
        one.transport.abort()
        total -= size
