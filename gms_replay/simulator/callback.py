"""Callbacks: start, query, reschedule, cancel, and the place in the queue."""

from collections.abc import Callable
from dataclasses import replace
from email.utils import formatdate

from gms_replay.simulator.call import Answer, Call, json_answer
from gms_replay.simulator.clock import DAY_US, MINUTE_US, SECOND_US, from_iso, iso_millis
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Reason, Service, Services, State
from gms_replay.simulator.slots import Slots, slot_of
from gms_replay.simulator.steps import Steps
from gms_replay.simulator.waiting import Waiting

_SESSION_US = 30 * MINUTE_US


class Callbacks:
    """What an app does with callbacks."""

    def __init__(
        self, services: Services, steps: Steps, waiting: Waiting, slots: Slots, ids: Ids, now_us: Callable[[], int]
    ) -> None:
        self._services = services
        self._steps = steps
        self._waiting = waiting
        self._slots = slots
        self._ids = ids
        self._now_us = now_us

    def open(self, call: Call, name: str) -> Service:
        """A new service of that name, with the fields of the request, for now. Raises RefusalError."""
        service = Service(
            id=self._ids.service(),
            name=name,
            number=self._services.next_number(),
            fields=call.fields(),
            desired_us=self._now_us(),
        )
        self._services.add(service)
        return service

    def start(self, call: Call, name: str) -> Answer:
        """Start a callback; the cookies are those of a servlet container behind a balancer.

        An appointment waits for its time, and then, like one that asks to wait, for an agent.
        """
        desired = call.fields().get("_desired_time", "")
        at_us = self._slots.find(name, _instant("_desired_time", desired)) if desired else None
        service = self.open(call, name)
        service.waits = any(service.says(field, "true") for field in ("_wait_for_agent", "_wait_for_user_confirm"))
        expires = formatdate((service.desired_us + _SESSION_US) // SECOND_US, usegmt=True)
        if at_us is not None:
            _appoint(service, at_us)
        self._waiting.enter(service)
        session = f"JSESSIONID={self._ids.cookie()}; Path=/genesys; Expires={expires}; HttpOnly"
        cookies = (("set-cookie", session), ("set-cookie", "ROUTEID=.node1; Path=/"))
        return replace(self._steps.first(call, service), headers=cookies)

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

    def update(self, call: Call, name: str, service_id: str) -> Answer:
        """Move a callback to `_new_desired_time`; whatever else is said is kept in its record."""
        service = self._services.find(service_id, name)
        fields = call.fields()
        desired = fields.pop("_new_desired_time", "")
        if desired:
            self._move(service, desired)
        service.fields |= fields
        return json_answer({})

    def cancel(self, call: Call, name: str, service_id: str) -> Answer:
        """Cancel a callback; from now on its service is unknown, and only a query still tells of it."""
        service = self._services.find(service_id, name)
        self._waiting.cancel(service)
        return json_answer({})

    def queue_position(self, call: Call, service_id: str) -> Answer:
        """The place in the queue."""
        return json_answer(self._waiting.told(self._services.find(service_id)))

    def _move(self, service: Service, desired: str) -> None:
        desired_us = _instant("_new_desired_time", desired)
        if service.state is State.COMPLETED:
            raise RefusalError(400, Wrong.REQUEST, f"Service {service.id} is completed")
        # Asking again does no harm, also where its own booking has filled the slot.
        if not (service.booked and slot_of(desired_us) == service.desired_us):
            _appoint(service, self._slots.find(service.name, desired_us))
            self._waiting.enter(service)


def _appoint(service: Service, at_us: int) -> None:
    service.desired_us, service.booked, service.waits = at_us, True, True


def _record(service: Service) -> dict[str, str]:
    record = {
        **service.fields,
        "_id": service.id,
        "_callback_state": service.state.value,
        "_desired_time": iso_millis(service.desired_us),
        "_expiration_time": iso_millis(service.desired_us + DAY_US),
    }
    return record if service.reason is Reason.NONE else {**record, "_callback_reason": service.reason.value}


def _instant(field: str, text: str) -> int:
    try:
        return from_iso(text)
    except ValueError:
        raise RefusalError(400, Wrong.REQUEST, f"{field} is no instant: {text}") from None
