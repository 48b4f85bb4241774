import asyncio
from random import Random

import pytest

from gms_replay.simulator.clock import OfficeHours, Pace, from_iso, iso_millis, iso_seconds, wall_us

AT_US = 1_399_048_058_987_654


def test_instants_have_two_notations():
    assert (iso_seconds(AT_US), iso_millis(AT_US)) == ("2014-05-02T16:27:38Z", "2014-05-02T16:27:38.987Z")


@pytest.mark.parametrize(
    "text", ["2014-05-02T16:27:38.987654Z", "2014-05-02T16:27:38.987654", "2014-05-02T18:27:38.987654+02:00"]
)
def test_iso_is_read_back(text):
    assert from_iso(text) == AT_US


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_calendar_ends_are_read(text):
    assert isinstance(from_iso(text), int)


def test_wall_clock_goes_on():
    first = wall_us()
    assert first <= wall_us() < first + 60_000_000


@pytest.mark.parametrize(
    ("time", "open_"), [("07:59:59", False), ("08:00:00", True), ("17:59:59", True), ("18:00:00", False)]
)
def test_office_hours_end(time, open_):
    assert OfficeHours().hold(from_iso(f"2014-05-02T{time}Z")) is open_


class _Loop(asyncio.SelectorEventLoop):
    """A loop that notes what it is asked to wait for, and waits a thousandth of it."""

    def __init__(self):
        super().__init__()
        self.delays = []

    def call_later(self, delay, callback, *args, context=None):
        self.delays.append(delay)
        return super().call_later(delay / 1000, callback, *args, context=context)


@pytest.mark.parametrize(("quick", "low_s", "high_s"), [(False, 1.4, 2.6), (True, 0.028, 0.052)])
def test_pauses_are_a_persons(quick, low_s, high_s):
    pace = Pace(quick=quick, random=Random(1))

    async def pauses():
        for _ in range(5):
            await pace.pause(2.0)

    with asyncio.Runner(loop_factory=_Loop) as runner:
        runner.run(pauses())
        delays = runner.get_loop().delays
    assert len(set(delays)) == 5
    assert all(low_s <= delay <= high_s for delay in delays)
