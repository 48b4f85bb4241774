"""What Bayeux messages come by, and what is told goes out by."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from gms_replay import bayeux, jsonp
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError
from gms_replay.events import JSON, Asked, Respond, SendText
from gms_replay.model import Transport, header


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


class Poll(NamedTuple):
    """A request, and the messages that it brings. `callback`: what a script calls its answer; None for all others."""

    carrier: Carrier
    messages: tuple[Parsed, ...]
    callback: str | None


def poll(request_id: int, asked: Asked) -> Poll:
    """Reads what a request brings: in its body, or in its query where it is a script's. Raises BayeuxError."""
    if asked.method != "GET":
        frames, callback, transport = bayeux.posted(asked.body), None, Transport.LONG_POLLING
    elif (called := jsonp.asked(asked.target)) is None or not called.frames:
        raise BayeuxError("a GET needs jsonp=NAME and message=JSON in its query")
    else:
        frames, callback, transport = called.frames, called.callback, Transport.CALLBACK_POLLING
    messages = tuple(chain.from_iterable(map(bayeux.parse, frames)))
    browser = bayeux.browser(header(asked.headers, "cookie") or "")
    return Poll(Carrier(request_id, transport, browser), messages, callback)
