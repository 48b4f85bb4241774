"""Callbacks: start, query, cancel, and the place in the queue."""

from collections.abc import Callable
from email.utils import formatdate
from random import Random

from gms_replay.simulator.call import Answer, Call, RefusalError, json_answer
from gms_replay.simulator.clock import DAY_US, MINUTE_US, SECOND_US, from_iso, iso_millis
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.services import Service, Services

_SESSION_US = 30 * MINUTE_US
_STEP_US = 10 * SECOND_US
_ETA_STEP_S = 30


class Callbacks:
    """What an app does with callbacks. Any callback name is one that this GMS has configured."""

    def __init__(self, services: Services, ids: Ids, random: Random, now_us: Callable[[], int]) -> None:
        self._services = services
        self._ids = ids
        self._random = random
        self._now_us = now_us

    def open(self, call: Call, name: str) -> Service:
        """A new service of that name, with the fields of the request. Raises RefusalError."""
        fields = call.fields()
        now_us = self._now_us()
        service = Service(
            id=self._ids.service(),
            name=name,
            fields=fields,
            started_at_us=now_us,
            desired_at_us=_desired_us(fields.get("_desired_time", ""), now_us),
            ahead=self._random.randint(2, 5),
            behind=self._random.randint(0, 3),
        )
        self._services.add(service)
        return service

    def start(self, call: Call, name: str) -> Answer:
        """Start a callback; the cookies are those of a servlet container behind a balancer."""
        service = self.open(call, name)
        expires = formatdate((service.started_at_us + _SESSION_US) // SECOND_US, usegmt=True)
        session = f"JSESSIONID={self._ids.cookie()}; Path=/genesys; Expires={expires}; HttpOnly"
        return json_answer({"_id": service.id}, (("set-cookie", session), ("set-cookie", "ROUTEID=.node1; Path=/")))

    def query(self, call: Call, name: str) -> Answer:
        """The callbacks of that name that have all (`operand=AND`) or any (`OR`) of the fields asked for."""
        wanted = call.fields()
        agreed = any if wanted.pop("operand", "AND").upper() == "OR" else all
        records = [_record(service) for service in self._services.named(name)]
        if not wanted:
            return json_answer(records)
        return json_answer(
            [record for record in records if agreed(record.get(key) == value for key, value in wanted.items())]
        )

    def show(self, call: Call, name: str, service_id: str) -> Answer:
        """One callback's record."""
        return json_answer(_record(self._services.find(service_id, name)))

    def cancel(self, call: Call, name: str, service_id: str) -> Answer:
        """Cancel a callback; from now on its service is unknown."""
        self._services.remove(self._services.find(service_id, name))
        return json_answer({})

    def queue_position(self, call: Call, service_id: str) -> Answer:
        """The place in the queue: one less with every poll and every ten seconds, down to 0."""
        service = self._services.find(service_id)
        passed = service.queue_polls + (self._now_us() - service.started_at_us) // _STEP_US
        service.queue_polls += 1
        position = max(0, service.ahead - passed)
        told = {"_position": position, "_eta": position * _ETA_STEP_S, "_total_waiting": position + service.behind}
        return json_answer({name: str(value) for name, value in told.items()})


def _record(service: Service) -> dict[str, str]:
    return {
        **service.fields,
        "_id": service.id,
        "_callback_state": "SCHEDULED",
        "_desired_time": iso_millis(service.desired_at_us),
        "_expiration_time": iso_millis(service.desired_at_us + DAY_US),
    }


def _desired_us(text: str, now_us: int) -> int:
    if not text:
        return now_us
    try:
        at_us = from_iso(text)
    except ValueError:
        raise RefusalError(400, "exceptions.BadRequestException", f"_desired_time is no instant: {text}") from None
    if abs(at_us - now_us) > 366 * DAY_US:
        raise RefusalError(400, "exceptions.BadRequestException", f"_desired_time is out of range: {text}")
    return at_us
