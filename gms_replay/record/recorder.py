"""Which flows are recorded, and what is told of them when.

Strategy: a request is told when it has passed, an answer when it has ended, and the first event that ends a flow is the
one that counts: mitmproxy 11 may tell an error and then an answer for the same flow. Until its end an exchange is kept
by its flow's id, a WebSocket until it closes, with the writer that it began with; a flow that is not there is none of
ours.
"""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from mitmproxy.http import HTTPFlow, Response

from gms_replay import gms
from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.model import Direction, Exchange, Message, Request, Transport
from gms_replay.record import facts
from gms_replay.record.tap import Tap

_log = logging.getLogger(__name__)

Watch = Callable[[Exchange, tuple[Message, ...]], None]
"""Told of each exchange at its end, with its Bayeux messages; of a WebSocket's messages as they come, with the exchange
that opened it."""


@dataclass(slots=True)
class _UnderWay:
    """An exchange whose end is not told yet."""

    writer: Writer
    exchange_id: int
    request: Request
    is_comet: bool
    messages: tuple[Message, ...] = ()
    tap: Tap | None = None


@dataclass(frozen=True, slots=True)
class _Socket:
    """A WebSocket that is not closed yet."""

    writer: Writer
    exchange: Exchange


class Recorder:
    """Tells a series' writers what flows are about; one method for each thing that happens to a flow.

    `hosts` is searched in the server's host:port; None records what looks like GMS. `keep_frames` leaves the messages
    of WebSockets to others; without it mitmproxy's list of them is kept short.
    """

    def __init__(
        self, series: Series, hosts: re.Pattern[str] | None, keep_frames: bool, watch: Watch | None = None
    ) -> None:
        self._series = series
        self._hosts = hosts
        self._keep_frames = keep_frames
        self._watch = watch
        self._has_watch_failed = False
        self._under_way: dict[str, _UnderWay] = {}
        self._sockets: dict[str, _Socket] = {}

    def asked(self, flow: HTTPFlow) -> None:
        """The request has passed, or was cut off inside its body. Raises CassetteError for a file not to be opened."""
        request = facts.request(flow)
        operation = _operation(request)
        if not self._wants(request, operation):
            return
        writer = self._series.writer()
        exchange_id = writer.begin_exchange()
        is_comet = operation is not None and operation.kind is gms.Kind.COMET
        under_way = self._under_way[flow.id] = _UnderWay(writer, exchange_id, request, is_comet)
        writer.request(exchange_id, request)
        if operation is None or request.ended_at_us is None:
            return
        if is_comet:
            under_way.messages = _polled(
                writer, exchange_id, Direction.TO_SERVER, request.ended_at_us, request.body.plain
            )
        elif operation.kind is gms.Kind.PUSH:
            provider = gms.PUSH_PROVIDERS[operation.name]
            writer.push(exchange_id, provider, request.ended_at_us, request.body.plain)

    def answering(self, flow: HTTPFlow) -> None:
        """The answer's head is there."""
        under_way = self._under_way.get(flow.id)
        if under_way and under_way.is_comet and flow.response and _may_last(flow.response):
            # mitmproxy keeps an answer back until it ends, and nobody knows here whether this one will.
            under_way.tap = Tap()
            flow.response.stream = under_way.tap

    def ended(self, flow: HTTPFlow) -> None:
        """The answer has passed, or an error came."""
        under_way = self._under_way.pop(flow.id, None)
        if under_way is None:
            return
        writer, exchange_id, messages = under_way.writer, under_way.exchange_id, under_way.messages
        outcome = facts.outcome(flow, under_way.tap)
        writer.outcome(exchange_id, outcome)
        exchange = Exchange(exchange_id, writer.run_id, under_way.request, outcome)
        if flow.websocket:
            self._sockets[flow.id] = _Socket(writer, exchange)
        else:
            if under_way.is_comet and (response := outcome.response):
                body, at_us = response.body.plain, response.started_at_us
                messages += _polled(writer, exchange_id, Direction.TO_CLIENT, at_us, body)
            writer.exchange_over(exchange_id)
        self._show(exchange, messages)

    def socket_opened(self, flow: HTTPFlow) -> None:
        """The exchange, whose answer has passed, goes on as a WebSocket."""
        if socket := self._sockets.get(flow.id):
            socket.writer.socket_opened(socket.exchange.id, facts.upgraded_at_us(flow))

    def socket_message(self, flow: HTTPFlow) -> None:
        """A frame came; mitmproxy appends it to the flow's messages."""
        if not flow.websocket:
            return
        frames = flow.websocket.messages
        if socket := self._sockets.get(flow.id):
            direction = Direction.TO_SERVER if frames[-1].from_client else Direction.TO_CLIENT
            at_us = facts.instant_us(frames[-1].timestamp)
            exchange = socket.exchange
            messages = _tell(socket.writer, exchange.id, direction, Transport.WEBSOCKET, at_us, frames[-1].content)
            if messages:
                self._show(exchange, messages)
        if not self._keep_frames:
            # The last one stays, for the addons after us.
            del frames[:-1]

    def socket_closed(self, flow: HTTPFlow) -> None:
        """The WebSocket is closed, or its connection lost."""
        socket = self._sockets.pop(flow.id, None)
        if socket and flow.websocket:
            socket.writer.socket_closed(socket.exchange.id, *facts.close(flow.websocket))
            socket.writer.exchange_over(socket.exchange.id)

    def _wants(self, request: Request, operation: gms.Operation | None) -> bool:
        if self._hosts is None:
            return operation is not None
        return self._hosts.search(f"{request.host}:{request.port}") is not None

    def _show(self, exchange: Exchange, messages: tuple[Message, ...]) -> None:
        if self._watch is None:
            return
        try:
            self._watch(exchange, messages)
        except Exception:
            if not self._has_watch_failed:
                self._has_watch_failed = True
                _log.exception("gms_record: all is recorded, but it could not be shown")


def _may_last(response: Response) -> bool:
    """Whether an answer may come in pieces, or never end: of one that tells its length, nobody can use a part."""
    return response.status_code != 101 and "content-length" not in response.headers


def _operation(request: Request) -> gms.Operation | None:
    # Apps ask for the same again and again. Only where the path says nothing does the body count.
    named = _named(request.method, request.target.partition("?")[0])
    if named is None and request.method == "POST":
        return gms.recognise(request.method, request.target, request.body.plain)
    return named


@lru_cache(maxsize=1024)
def _named(method: str, path: str) -> gms.Operation | None:
    return gms.recognise(method, path, b"")


def _polled(writer: Writer, exchange_id: int, direction: Direction, at_us: int, frame: bytes) -> tuple[Message, ...]:
    return _tell(writer, exchange_id, direction, Transport.LONG_POLLING, at_us, frame)


def _tell(
    writer: Writer, exchange_id: int, direction: Direction, transport: Transport, at_us: int, frame: bytes
) -> tuple[Message, ...]:
    return tuple(
        writer.message(exchange_id, direction, transport, at_us, index, parsed.channel, parsed.raw)
        for index, parsed in facts.messages(frame)
    )
