"""Which flows are recorded, and what is told of them when.

Strategy: a request is told when it has passed, an answer when it has ended, and the first event that ends a flow is the
one that counts: mitmproxy 11 may tell an error and then an answer for the same flow. Until its end an exchange is kept
by its flow's id, a WebSocket until it closes; a flow that is not there is none of ours. All traffic waits while this
runs, so all that can be is left to the writer process.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from mitmproxy.http import HTTPFlow, Request, Response

from gms_replay import carriage, gms
from gms_replay.carriage import COMET
from gms_replay.mitmdump import facts, snapshots
from gms_replay.mitmdump.seen import Seen
from gms_replay.model import Headers
from gms_replay.record.connections import Connections
from gms_replay.record.tap import Tap

_RECORDED = "gms_record"


@dataclass(frozen=True, slots=True)
class _UnderWay:
    """An exchange whose end is not told yet."""

    number: int
    is_comet: bool


class Recorder:
    """Gives what flows are about to `tell`; one method for each thing that happens to a flow.

    `hosts` is searched in the server's host:port; None records what looks like GMS. `keep_frames` leaves the messages
    of WebSockets to others; without it mitmproxy's list of them is kept short.
    """

    def __init__(self, tell: Callable[[Seen], None], hosts: re.Pattern[str] | None, keep_frames: bool) -> None:
        self._tell = tell
        self._hosts = hosts
        self._keep_frames = keep_frames
        self._number = 0
        self._under_way: dict[str, _UnderWay] = {}
        self._sockets: dict[str, int] = {}
        self.connections = Connections(tell, hosts, keep_frames)
        """What is no HTTP."""

    def asked(self, flow: HTTPFlow) -> None:
        """The request has passed, or was cut off inside its body."""
        operation = _operation(flow.request)
        if not carriage.is_wanted(operation, self._hosts, flow.request.host, flow.request.port):
            return
        flow.metadata[_RECORDED] = True
        self._number += 1
        carries = carriage.carried(operation)
        self._under_way[flow.id] = _UnderWay(self._number, carries == COMET)
        self._tell(snapshots.asked(self._number, carries, flow))

    def answering(self, flow: HTTPFlow) -> None:
        """The answer's head is there."""
        under_way = self._under_way.get(flow.id)
        if under_way and under_way.is_comet and flow.response and _may_last(flow.response):
            # mitmproxy keeps an answer back until it ends, and nobody knows here whether this one will.
            self._tell(snapshots.answering(under_way.number, flow.response))
            flow.response.stream = Tap(under_way.number, self._tell)

    def ended(self, flow: HTTPFlow) -> None:
        """The answer has passed, or an error came."""
        if under_way := self._under_way.pop(flow.id, None):
            if flow.websocket:
                self._sockets[flow.id] = under_way.number
            self._tell(snapshots.ended(under_way.number, flow))

    def socket_opened(self, flow: HTTPFlow) -> None:
        """The exchange, whose answer has passed, goes on as a WebSocket."""
        if number := self._sockets.get(flow.id):
            self._tell(snapshots.upgraded(number, flow))

    def socket_message(self, flow: HTTPFlow) -> None:
        """A frame came; mitmproxy appends it to the flow's messages."""
        if not flow.websocket:
            return
        frames = flow.websocket.messages
        if number := self._sockets.get(flow.id):
            self._tell(snapshots.frame(number, frames[-1]))
        if not self._keep_frames:
            # The last one stays, for the addons after us.
            del frames[:-1]

    def socket_closed(self, flow: HTTPFlow) -> None:
        """The WebSocket is closed, or its connection lost."""
        number = self._sockets.pop(flow.id, None)
        if number and flow.websocket:
            self._tell(snapshots.closed(number, flow.websocket))


def is_recorded(flow: HTTPFlow) -> bool:
    """Whether a recorder took a flow for its own."""
    return _RECORDED in flow.metadata


def _may_last(response: Response) -> bool:
    """Whether an answer may come in pieces, or never end: of one that tells its length, nobody can use a part."""
    return response.status_code != 101 and "content-length" not in response.headers


def _operation(request: Request) -> gms.Operation | None:
    told = request.data

    def said() -> tuple[Headers, bytes]:
        headers = facts.headers(told.headers.fields)
        return headers, facts.body(told.content, headers).plain

    return carriage.operation(told.method.decode("iso-8859-1"), told.path.decode("iso-8859-1"), said)
