"""Pushes in the background: each is tried again after a while where that is worth it, and the news still wanted."""

import logging
from collections.abc import Callable

from gms_replay.simulator.carrier import Carrier
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.clock import Pace
from gms_replay.simulator.notices import Notice, Notices
from gms_replay.simulator.services import Service
from gms_replay.simulator.settings import PushSettings
from gms_replay.simulator.tasks import Tasks

_PAUSES_S = (1.0, 3.0, 9.0)

_log = logging.getLogger(__name__)


class Pushes:
    """Tells devices; what none took it says in the log. Raises OptionError for settings that cannot be used."""

    def __init__(self, settings: PushSettings, tasks: Tasks, chance: Chance, now_us: Callable[[], int]) -> None:
        self._tasks = tasks
        self._chance = chance
        self._notices = Notices(settings, chance, now_us)
        self._carrier = Carrier(settings)

    def send(self, service: Service, action: str, wanted: Callable[[], bool]) -> None:
        """Tell a service's device, if it can be told, for as long as the news is `wanted`."""
        if notice := self._notices.write(service, action):
            self._tasks.begin(self._deliver(notice, self._chance.pace("push", service.number), wanted))

    async def close(self) -> None:
        """Hang up; the tasks are over by then."""
        await self._carrier.close()

    async def _deliver(self, notice: Notice, pace: Pace, wanted: Callable[[], bool]) -> None:
        refusal = await self._carrier.post(notice)
        for pause_s in _PAUSES_S:
            if refusal is None or refusal.is_final:
                break
            await pace.pause(pause_s)
            if not wanted():
                return
            refusal = await self._carrier.post(notice)
        if refusal:
            _log.warning("a push to %s was not delivered: %s", notice.device, refusal.why)
