"""The queue: each callback moves up in it by itself until an agent is free, whether its app looks or not."""

import asyncio
from collections.abc import Callable

from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import SECOND_US
from gms_replay.simulator.services import Reason, Service, State
from gms_replay.simulator.tasks import Tasks

_STEP_S = 6.0
_SNOOZE_S = 300.0
_LOOK_AT_LEAST_S = 0.01
_LOOK_AT_MOST_S = 60.0


class Waiting:
    """All callbacks that wait; `wake` is called when an agent is free for one that wants to be told."""

    def __init__(
        self, tasks: Tasks, chance: Chance, now_us: Callable[[], int], wake: Callable[[Service], None]
    ) -> None:
        self._tasks = tasks
        self._chance = chance
        self._now_us = now_us
        self._wake = wake
        self._moving: dict[str, asyncio.Task[None]] = {}

    def enter(self, service: Service) -> None:
        """Give a callback a place in the queue, which moves from its desired time on."""
        self._place(service)
        service.step_s = _STEP_S
        self._begin(service)

    def snooze(self, service: Service) -> None:
        """Give a callback that had its turn another, in five minutes; one that still waits just waits on."""
        service.waits = True
        if service.state in (State.ROUTING, State.COMPLETED):
            self._place(service)
            service.step_s = _SNOOZE_S / service.position
            self._begin(service)

    def connect(self, service: Service) -> None:
        """The callback has got its agent."""
        self._end(service, Reason.CONNECTED)

    def cancel(self, service: Service) -> None:
        """The callback is no longer wanted."""
        self._end(service, Reason.CANCELLED)

    def told(self, service: Service) -> dict[str, str]:
        """Its place, as `check-queue-position` tells it; `_eta` is in seconds."""
        until_us = max(0, service.desired_us - self._now_us()) if service.state is State.SCHEDULED else 0
        eta_s = round(until_us / SECOND_US + service.position * service.step_s)
        told = {"_position": service.position, "_eta": eta_s, "_total_waiting": service.position + service.behind}
        return {name: str(value) for name, value in told.items()}

    def _place(self, service: Service) -> None:
        service.turn += 1
        random = self._chance.source("queue", service.number, service.turn)
        service.position, service.behind = random.randint(2, 5), random.randint(0, 3)

    def _begin(self, service: Service) -> None:
        self._stop(service)
        service.state = State.SCHEDULED if service.desired_us > self._now_us() else State.QUEUED
        service.reason = Reason.NONE
        service.expires_us = None
        if task := self._tasks.begin(self._move(service)):
            self._moving[service.id] = task

    def _stop(self, service: Service) -> None:
        if task := self._moving.pop(service.id, None):
            task.cancel()

    def _end(self, service: Service, reason: Reason) -> None:
        self._stop(service)
        service.position = 0
        service.state, service.reason = State.COMPLETED, reason

    async def _move(self, service: Service) -> None:
        pace = self._chance.pace("queue", service.number, service.turn)
        while (left_us := service.desired_us - self._now_us()) > 0:
            # Looked at again and again, because a machine that slept has a clock that jumped.
            await asyncio.sleep(min(max(left_us / SECOND_US, _LOOK_AT_LEAST_S), _LOOK_AT_MOST_S))
        service.state = State.QUEUED
        while service.position:
            await pace.pause(service.step_s)
            service.position -= 1
        del self._moving[service.id]
        if service.waits:
            service.state = State.ROUTING
            self._wake(service)
        else:
            self._end(service, Reason.CONNECTED)
