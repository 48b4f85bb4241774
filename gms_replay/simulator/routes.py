"""Which operation a REST request asks for."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from gms_replay.simulator import availability, steps
from gms_replay.simulator.call import Answer, Call, RefusalError
from gms_replay.simulator.callback import Callbacks
from gms_replay.simulator.desk import Desk
from gms_replay.simulator.services import Service, Services

_Operations = dict[str, Callable[[], Answer]]


@dataclass(frozen=True, slots=True)
class Routes:
    """GMS's REST interface, version 1, as far as it is simulated."""

    services: Services
    callbacks: Callbacks
    desk: Desk
    now_us: Callable[[], int]
    trailing_comma: bool

    def answer(self, call: Call) -> Answer:
        """The answer to a request. Raises RefusalError."""
        operations = self._operations(call)
        if call.method not in operations:
            raise RefusalError(405, "exceptions.MethodNotAllowedException", f"{call.method} is not allowed here")
        return operations[call.method]()

    def _operations(self, call: Call) -> _Operations:
        match call.parts:
            case ("1", "service", "callback", name) if name:
                start, query = self.callbacks.start, self.callbacks.query
                return {"POST": partial(start, call, name), "GET": partial(query, call, name)}
            case ("1", "service", "callback", _, "availability"):
                return _both(partial(self._availability, call))
            case ("1", "service", "callback", name, service_id):
                show, cancel = self.callbacks.show, self.callbacks.cancel
                return {"GET": partial(show, call, name, service_id), "DELETE": partial(cancel, call, name, service_id)}
            case ("1", "service", "request-chat"):
                return {"POST": partial(self._request_chat, call)}
            case ("1", "service", service_id, "check-queue-position"):
                return _both(partial(self.callbacks.queue_position, call, service_id))
            case ("1", "service", service_id, "ixn", "chat", *turn):
                return {"POST": partial(self._chat, call, service_id, "/".join(turn))}
            case ("1", "service", service_id, action):
                return _both(partial(self._dialog, call, service_id, action))
        raise _not_found(call)

    def _availability(self, call: Call) -> Answer:
        return availability.availability(call, self.now_us())

    def _request_chat(self, call: Call) -> Answer:
        service = self.callbacks.open(call, "request-chat")
        return self._step(call, service, "get-dialog-start-chat")

    def _dialog(self, call: Call, service_id: str, action: str) -> Answer:
        return self._step(call, self.services.find(service_id), action)

    def _step(self, call: Call, service: Service, action: str) -> Answer:
        return steps.dialog(call, service, action, self.now_us(), trailing_comma=self.trailing_comma)

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
    return RefusalError(404, "exceptions.NotFoundException", f"No resource /{'/'.join(call.parts)}")
