"""What was seen, told to the writers of a series: what `recorder` is for the proxy, this is for the writer process.

Until its end an exchange is kept by its number, a WebSocket until it closes, with the writer that it began with.
"""

from collections.abc import Callable
from dataclasses import dataclass

from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.model import Direction, Exchange, Message, Request, Transport
from gms_replay.record import facts
from gms_replay.record.protocol import COMET, Asked, Closed, Ended, Frame, Seen, Upgraded


@dataclass(slots=True)
class _UnderWay:
    """An exchange whose end was not told yet. `transport` is that of its Bayeux messages; None where it has none."""

    writer: Writer
    exchange_id: int
    request: Request
    transport: Transport | None
    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class _Socket:
    """A WebSocket that is not closed yet."""

    writer: Writer
    exchange: Exchange


class Clerk:
    """Writes down what it is told. `watch` hears of each exchange that ended, and of messages over WebSockets."""

    def __init__(self, series: Series, watch: Callable[[Exchange, tuple[Message, ...]], None]) -> None:
        self._series = series
        self._watch = watch
        self._under_way: dict[int, _UnderWay] = {}
        self._sockets: dict[int, _Socket] = {}

    def take(self, seen: Seen) -> None:
        """Raises CassetteError where the next file of the series cannot be opened."""
        match seen:
            case Asked():
                self._asked(seen)
            case Ended():
                self._ended(seen)
            case Frame():
                self._frame(seen)
            case Upgraded():
                socket = self._sockets[seen.number]
                socket.writer.socket_opened(socket.exchange.id, facts.instant_us(seen.at_s))
            case Closed():
                self._closed(seen)

    def _asked(self, seen: Asked) -> None:
        request = facts.request(seen)
        writer = self._series.writer()
        exchange_id = writer.begin_exchange()
        writer.request(exchange_id, request)
        messages: tuple[Message, ...] = ()
        transport, frames = facts.polled(request) if seen.carries == COMET else (None, ())
        if seen.carries and request.ended_at_us is not None:
            at_us = request.ended_at_us
            if transport:
                for frame in frames:
                    messages += _tell(writer, exchange_id, Direction.TO_SERVER, transport, at_us, frame)
            else:
                writer.push(exchange_id, seen.carries, at_us, request.body.plain)
        self._under_way[seen.number] = _UnderWay(writer, exchange_id, request, transport, messages)

    def _ended(self, seen: Ended) -> None:
        one = self._under_way.pop(seen.number)
        outcome = facts.outcome(seen)
        one.writer.outcome(one.exchange_id, outcome)
        exchange = Exchange(one.exchange_id, one.writer.run_id, one.request, outcome)
        messages = one.messages
        if seen.goes_on:
            self._sockets[seen.number] = _Socket(one.writer, exchange)
        else:
            if one.transport and (response := outcome.response):
                frame, at_us = facts.told(one.transport, response), response.started_at_us
                messages += _tell(one.writer, one.exchange_id, Direction.TO_CLIENT, one.transport, at_us, frame)
            one.writer.exchange_over(one.exchange_id)
        self._watch(exchange, messages)

    def _frame(self, seen: Frame) -> None:
        socket = self._sockets[seen.number]
        direction = Direction.TO_SERVER if seen.is_from_client else Direction.TO_CLIENT
        at_us = facts.instant_us(seen.at_s)
        messages = _tell(socket.writer, socket.exchange.id, direction, Transport.WEBSOCKET, at_us, seen.content)
        if messages:
            self._watch(socket.exchange, messages)

    def _closed(self, seen: Closed) -> None:
        socket = self._sockets.pop(seen.number)
        by = Direction.TO_SERVER if seen.is_by_client else Direction.TO_CLIENT
        socket.writer.socket_closed(socket.exchange.id, facts.instant_us(seen.at_s), seen.code, seen.reason, by)
        socket.writer.exchange_over(socket.exchange.id)


def _tell(
    writer: Writer, exchange_id: int, direction: Direction, transport: Transport, at_us: int, frame: bytes
) -> tuple[Message, ...]:
    return tuple(
        writer.message(exchange_id, direction, transport, at_us, index, parsed.channel, parsed.raw)
        for index, parsed in facts.messages(frame)
    )
