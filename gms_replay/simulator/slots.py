"""The appointments that a GMS still takes: slots of five minutes inside office hours, each for a few callbacks."""

from collections import Counter
from collections.abc import Callable, Iterator

from gms_replay.simulator.clock import DAY_US, MINUTE_US, OfficeHours, iso_millis
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Services

_GRID_US = 5 * MINUTE_US
_CAPACITY = 5
_HORIZON_DAYS = 31
_PROPOSED = 5


class Slots:
    """The appointments of all services. A slot is told by the instant of its beginning, and is one callback name's."""

    def __init__(self, services: Services, hours: OfficeHours, now_us: Callable[[], int]) -> None:
        self._services = services
        self._hours = hours
        self._now_us = now_us

    def free(self, name: str, start_us: int, end_us: int) -> Iterator[tuple[int, int]]:
        """The slots from now on that begin in a span and are not full, and how many callbacks each still takes."""
        now_us = self._now_us()
        first = -(-max(start_us, now_us) // _GRID_US)
        last = -(-min(end_us, now_us + _HORIZON_DAYS * DAY_US) // _GRID_US)
        taken = self._taken(name)
        for at_us in (slot * _GRID_US for slot in range(first, last)):
            if self._hours.hold(at_us) and taken[at_us] < _CAPACITY:
                yield at_us, _CAPACITY - taken[at_us]

    def find(self, name: str, desired_us: int) -> int:
        """The slot that an instant lies in.

        The slot that has begun can still be had, because apps ask for now by clocks of their own. Raises RefusalError,
        with the nearest slots instead, where it is not free.
        """
        at_us = slot_of(desired_us)
        if why := self._closed(name, at_us):
            proposed = {iso_millis(slot_us): left for slot_us, left in self._nearest(name, at_us)}
            raise RefusalError(400, Wrong.AVAILABILITY, why, proposed)
        return at_us

    def _closed(self, name: str, at_us: int) -> str:
        now_us = self._now_us()
        if at_us < slot_of(now_us):
            return "The desired time is in the past"
        if at_us >= now_us + _HORIZON_DAYS * DAY_US:
            return "The desired time is too far ahead"
        if not self._hours.hold(at_us):
            return "Office closed at the desired time"
        return "" if self._taken(name)[at_us] < _CAPACITY else "No slot free at the desired time"

    def _taken(self, name: str) -> Counter[int]:
        return Counter(
            service.desired_us for service in self._services.named(name) if service.booked and not service.over
        )

    def _nearest(self, name: str, at_us: int) -> list[tuple[int, int]]:
        now_us = self._now_us()
        free = self.free(name, now_us, now_us + _HORIZON_DAYS * DAY_US)
        return sorted(sorted(free, key=lambda slot: abs(slot[0] - at_us))[:_PROPOSED])


def slot_of(at_us: int) -> int:
    """The slot that an instant lies in, free or not."""
    return at_us // _GRID_US * _GRID_US
