from typing import Any

from gms_replay.limits import Limits
from gms_replay.replay.watch import Watched, look

LIMITS = Limits(request_s=30, answer_s=60, unsent_bytes=1000)


class Transport:
    """What of asyncio's transports is looked at."""

    def __init__(self) -> None:
        self.unsent = 0
        self.is_aborted = False

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def abort(self) -> None:
        self.is_aborted = True


class Connection(Watched):
    transport: Any

    def __init__(self) -> None:
        self.transport = Transport()
        self.is_late = False

    def out_of_time(self) -> None:
        self.is_late = True


def looked(*steps: tuple[float, int]) -> bool:
    """Whether a connection is cut off where so many bytes wait at those times."""
    one = Connection()
    for now, unsent in steps:
        one.transport.unsent = unsent
        look([one], now, LIMITS)
    return bool(one.transport.is_aborted)


def test_answer_that_nobody_takes_is_cut_off() -> None:
    assert not looked((100, 500), (160, 500))
    assert looked((100, 500), (161, 500))


def test_answer_that_is_taken_slowly_is_not() -> None:
    assert not looked((100, 500), (150, 499), (200, 498), (250, 497))


def test_next_answer_has_its_own_time() -> None:
    assert not looked((100, 500), (150, 0), (200, 500))


def test_who_keeps_most_waiting_is_cut_off_first() -> None:
    small, large, larger = Connection(), Connection(), Connection()
    small.transport.unsent, large.transport.unsent, larger.transport.unsent = 100, 800, 900

    look([small, large, larger], 0, LIMITS)

    assert [one.transport.is_aborted for one in (small, large, larger)] == [False, False, True]


def late(now: float, *, received: int = 0) -> bool:
    one = Connection()
    one.began_at, one.received = 100.0, received
    look([one], now, LIMITS)
    return one.is_late


def test_slow_sender_is_told() -> None:
    assert (late(130), late(131)) == (False, True)


def test_large_body_may_take_longer() -> None:
    assert (late(140, received=100_000), late(141, received=100_000)) == (False, True)


def test_who_sends_nothing_is_not_late() -> None:
    one = Connection()
    look([one], 10_000, LIMITS)

    assert not one.is_late
