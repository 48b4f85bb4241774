"""The services that apps have started, each known by its service ID."""

from dataclasses import dataclass

from gms_replay.simulator.call import RefusalError


@dataclass(slots=True)
class Service:
    """One started service. `ahead` and `behind` count callers in the queue when it began."""

    id: str
    name: str
    fields: dict[str, str]
    started_at_us: int
    desired_at_us: int
    ahead: int
    behind: int
    queue_polls: int = 0


class Services:
    """All living services, in the order of their start."""

    def __init__(self) -> None:
        self._by_id: dict[str, Service] = {}

    def add(self, service: Service) -> None:
        self._by_id[service.id] = service

    def find(self, service_id: str, name: str | None = None) -> Service:
        """The service of that ID, and of that name where one is asked for. Raises RefusalError."""
        service = self._by_id.get(service_id)
        if service is None or name not in (None, service.name):
            raise RefusalError(404, "exceptions.ServiceNotFoundException", f"Service {service_id} not found")
        return service

    def remove(self, service: Service) -> None:
        del self._by_id[service.id]

    def named(self, name: str) -> list[Service]:
        return [service for service in self._by_id.values() if service.name == name]
