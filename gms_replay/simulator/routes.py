"""Which operation a REST request asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gms_replay.simulator.availability import availability
from gms_replay.simulator.call import Answer, Call
from gms_replay.simulator.callback import Callbacks
from gms_replay.simulator.desk import Desk
from gms_replay.simulator.desk2 import Desk2
from gms_replay.simulator.operations2 import OPERATIONS
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Services
from gms_replay.simulator.slots import Slots
from gms_replay.simulator.steps import Steps

_Operations = dict[str, Callable[[], Answer]]


@dataclass(frozen=True, slots=True)
class Routes:
    """GMS's REST interface, as far as it is simulated. `configured`: callbacks' names; any, where none."""

    services: Services
    callbacks: Callbacks
    steps: Steps
    desk: Desk
    desk2: Desk2
    slots: Slots
    configured: frozenset[str]
    now_us: Callable[[], int]

    def answer(self, call: Call) -> Answer:
        """The answer to a request. Raises RefusalError."""
        operations = self._operations(call)
        if call.method not in operations:
            raise RefusalError(405, Wrong.METHOD, f"{call.method} is not allowed here")
        return operations[call.method]()

    def _operations(self, call: Call) -> _Operations:
        match call.parts:
            case ("1", "service", "callback", name) if name:
                return {"POST": partial(self._start, call, name), "GET": partial(self.callbacks.query, call, name)}
            case ("1", "service", "callback", name, "availability"):
                return _both(partial(self._availability, call, name))
            case ("1", "service", "callback", name, service_id):
                one = {"GET": self.callbacks.show, "PUT": self.callbacks.update, "DELETE": self.callbacks.cancel}
                return {method: partial(operation, call, name, service_id) for method, operation in one.items()}
            case ("1", "service", "request-chat"):
                return {"POST": partial(self._request_chat, call)}
            case ("1", "service", service_id, "check-queue-position"):
                return _both(partial(self.callbacks.queue_position, call, service_id))
            case ("1", "service", service_id, "ixn", "chat", *turn):
                return {"POST": partial(self._chat, call, service_id, "/".join(turn))}
            case ("1", "service", service_id, action):
                return _both(partial(self.steps.take, call, service_id, action))
            case ("2", "chat", service) if service:
                return {"POST": partial(self.desk2.request, call, service)}
            case ("2", "chat", service, chat_id, operation) if operation in OPERATIONS:
                return {"POST": partial(self.desk2.take, call, service, chat_id, operation)}
        raise _not_found(call)

    def _start(self, call: Call, name: str) -> Answer:
        self._refuse_unknown(name)
        return self.callbacks.start(call, name)

    def _availability(self, call: Call, name: str) -> Answer:
        self._refuse_unknown(name)
        return availability(call, name, self.slots, self.now_us())

    def _refuse_unknown(self, name: str) -> None:
        if self.configured and name not in self.configured:
            raise RefusalError(400, Wrong.RESOURCE, f"Service {name} is not configured: no office hours found")

    def _request_chat(self, call: Call) -> Answer:
        service = self.callbacks.open(call, "request-chat")
        return self.steps.take(call, service.id, "get-dialog-start-chat")

    def _chat(self, call: Call, service_id: str, turn: str) -> Answer:
        turns = {
            "": self.desk.start,
            "send": self.desk.send,
            "refresh": self.desk.refresh,
            "startTyping": self.desk.typing,
            "stopTyping": self.desk.typing,
            "disconnect": self.desk.disconnect,
        }
        if turn not in turns:
            raise _not_found(call)
        return turns[turn](call, self.services.find(service_id))


def _both(operation: Callable[[], Answer]) -> _Operations:
    return {"GET": operation, "POST": operation}


def _not_found(call: Call) -> RefusalError:
    return RefusalError(404, Wrong.PATH, f"No resource /{'/'.join(call.parts)}")
