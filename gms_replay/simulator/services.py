"""The services that apps have started, each known by its service ID."""

from dataclasses import dataclass
from enum import StrEnum

from gms_replay.simulator.refusals import RefusalError, Wrong


class State(StrEnum):
    """How far a callback is, as `_callback_state` tells it; the names are the vendor's."""

    SCHEDULED = "SCHEDULED"
    QUEUED = "QUEUED"
    ROUTING = "ROUTING"
    COMPLETED = "COMPLETED"


class Reason(StrEnum):
    """Why a callback is completed, as `_callback_reason` tells it; the names are the vendor's."""

    NONE = ""
    CONNECTED = "AGENT_CONNECTED"
    CANCELLED = "CANCELLED"


@dataclass(slots=True)
class Service:
    """One started service, the `number`-th.

    `desired_us` is when it is to happen; an appointment is `booked`. One that `waits` is told when an agent is free.
    Its place in the queue, in its `turn`-th turn: `position` callers before it and `behind` after it, each taking
    about `step_s`. `expires_us` is when the menu that it was shown goes out of date.
    """

    id: str
    name: str
    number: int
    fields: dict[str, str]
    desired_us: int
    booked: bool = False
    waits: bool = False
    state: State = State.QUEUED
    reason: Reason = Reason.NONE
    turn: int = 0
    position: int = 0
    behind: int = 0
    step_s: float = 0.0
    expires_us: int | None = None

    @property
    def over(self) -> bool:
        """Whether its app has cancelled or declined it."""
        return self.reason is Reason.CANCELLED

    def says(self, field: str, value: str) -> bool:
        """Whether its app started it with that value of a field, in whichever letter case."""
        return self.fields.get(field, "").lower() == value.lower()


class Services:
    """All services, in the order of their start."""

    def __init__(self) -> None:
        self._by_id: dict[str, Service] = {}

    def add(self, service: Service) -> None:
        self._by_id[service.id] = service

    def next_number(self) -> int:
        """The number of the next service."""
        return len(self._by_id) + 1

    def find(self, service_id: str, name: str | None = None, *, over: bool = False) -> Service:
        """The service of that ID, and of that name where one is asked for. Raises RefusalError.

        One that is over is unknown, unless it is asked for.
        """
        service = self._by_id.get(service_id)
        if service is None or name not in (None, service.name) or (service.over and not over):
            raise RefusalError(404, Wrong.NOT_FOUND, f"Service {service_id} not found")
        return service

    def named(self, name: str) -> list[Service]:
        return [service for service in self._by_id.values() if service.name == name]
