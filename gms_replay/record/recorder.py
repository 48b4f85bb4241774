"""Which flows are recorded, and what is told of them when.

Strategy: a request is told when it has passed, an answer when it has ended, and the first event that ends a flow is the
one that counts: mitmproxy 11 may tell an error and then an answer for the same flow. Until its end an exchange is kept
by its flow's id, a WebSocket until it closes; a flow that is not there is none of ours.
"""

import re
from dataclasses import dataclass

from mitmproxy.http import HTTPFlow

from gms_replay import gms
from gms_replay.cassette.writer import Writer
from gms_replay.model import Direction, Request, Transport
from gms_replay.record import facts
from gms_replay.record.tap import Tap


@dataclass(slots=True)
class _UnderWay:
    """An exchange whose end is not told yet."""

    exchange_id: int
    is_comet: bool
    tap: Tap | None = None


class Recorder:
    """Tells a writer what flows are about; one method for each thing that happens to a flow.

    `hosts` is searched in the server's host:port; None records what looks like GMS. `keep_frames` leaves the messages
    of recorded WebSockets to others; without it mitmproxy's list of them is kept short.
    """

    def __init__(self, writer: Writer, hosts: re.Pattern[str] | None, keep_frames: bool) -> None:
        self._writer = writer
        self._hosts = hosts
        self._keep_frames = keep_frames
        self._under_way: dict[str, _UnderWay] = {}
        self._sockets: dict[str, int] = {}

    def asked(self, flow: HTTPFlow) -> None:
        """The request has passed, or was cut off inside its body."""
        request = facts.request(flow)
        operation = gms.recognise(request.method, request.target, request.body.plain)
        if not self._wants(request, operation):
            return
        exchange_id = self._writer.begin_exchange()
        is_comet = operation is not None and operation.kind is gms.Kind.COMET
        self._under_way[flow.id] = _UnderWay(exchange_id, is_comet)
        self._writer.request(exchange_id, request)
        if operation is None or request.ended_at_us is None:
            return
        if is_comet:
            self._polled(exchange_id, Direction.TO_SERVER, request.ended_at_us, request.body.plain)
        elif operation.kind is gms.Kind.PUSH:
            provider = gms.PUSH_PROVIDERS[operation.name]
            self._writer.push(exchange_id, provider, request.ended_at_us, request.body.plain)

    def answering(self, flow: HTTPFlow) -> None:
        """The answer's head is there."""
        under_way = self._under_way.get(flow.id)
        if under_way and under_way.is_comet and flow.response and flow.response.status_code != 101:
            # mitmproxy keeps an answer back until it ends, and nobody knows here whether this one will.
            under_way.tap = Tap()
            flow.response.stream = under_way.tap

    def ended(self, flow: HTTPFlow) -> None:
        """The answer has passed, or an error came."""
        under_way = self._under_way.pop(flow.id, None)
        if under_way is None:
            return
        exchange_id = under_way.exchange_id
        outcome = facts.outcome(flow, under_way.tap)
        self._writer.outcome(exchange_id, outcome)
        if flow.websocket:
            self._sockets[flow.id] = exchange_id
        elif under_way.is_comet and (response := outcome.response):
            self._polled(exchange_id, Direction.TO_CLIENT, response.started_at_us, response.body.plain)

    def socket_opened(self, flow: HTTPFlow) -> None:
        """The exchange, whose answer has passed, goes on as a WebSocket."""
        exchange_id = self._sockets.get(flow.id)
        if exchange_id is not None:
            self._writer.socket_opened(exchange_id, facts.upgraded_at_us(flow))

    def socket_message(self, flow: HTTPFlow) -> None:
        """A frame came; mitmproxy appends it to the flow's messages."""
        exchange_id = self._sockets.get(flow.id)
        if exchange_id is None or not flow.websocket:
            return
        told = flow.websocket.messages
        direction = Direction.TO_SERVER if told[-1].from_client else Direction.TO_CLIENT
        at_us = facts.instant_us(told[-1].timestamp)
        self._tell(exchange_id, direction, Transport.WEBSOCKET, at_us, told[-1].content)
        if not self._keep_frames:
            # The last one stays, for the addons after us.
            del told[:-1]

    def socket_closed(self, flow: HTTPFlow) -> None:
        """The WebSocket is closed, or its connection lost."""
        exchange_id = self._sockets.pop(flow.id, None)
        if exchange_id is not None and flow.websocket:
            self._writer.socket_closed(exchange_id, *facts.close(flow.websocket))

    def _wants(self, request: Request, operation: gms.Operation | None) -> bool:
        if self._hosts is None:
            return operation is not None
        return self._hosts.search(f"{request.host}:{request.port}") is not None

    def _polled(self, exchange_id: int, direction: Direction, at_us: int, frame: bytes) -> None:
        self._tell(exchange_id, direction, Transport.LONG_POLLING, at_us, frame)

    def _tell(self, exchange_id: int, direction: Direction, transport: Transport, at_us: int, frame: bytes) -> None:
        for index, parsed in facts.messages(frame):
            self._writer.message(exchange_id, direction, transport, at_us, index, parsed.channel, parsed.raw)
