"""What Bayeux messages come by, and what is told goes out by."""

from collections.abc import Iterable
from dataclasses import dataclass

from gms_replay import bayeux
from gms_replay.events import JSON, Respond, SendText
from gms_replay.model import Transport


@dataclass(frozen=True, slots=True)
class Carrier:
    """What messages came by: a request, or the WebSocket that has this id. `browser`: the value of CometD's cookie."""

    id: int
    transport: Transport = Transport.LONG_POLLING
    browser: str | None = None

    @property
    def is_socket(self) -> bool:
        return self.transport is Transport.WEBSOCKET

    def told(self, messages: Iterable[bytes]) -> Respond | SendText:
        """Messages, each JSON, for whoever is no client of a session's."""
        frame = bayeux.frame(messages)
        return SendText(self.id, frame) if self.is_socket else Respond(self.id, 200, JSON, frame)
