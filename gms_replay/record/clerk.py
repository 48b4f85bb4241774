"""What was seen, told to the writers of a series: what `recorder` is for the proxy, this is for the writer process.

Until its end an exchange is kept by its number, a WebSocket or another connection until it closes, with the writer that
it began with. What an answer brings piece by piece is written down as it comes; only its body waits for its end.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from gms_replay import carriage, model
from gms_replay.apns import Framer
from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.mitmdump import facts
from gms_replay.mitmdump.seen import (
    Answering,
    Asked,
    Closed,
    Connected,
    Disconnected,
    Ended,
    Frame,
    Passed,
    Piece,
    Seen,
    Upgraded,
)
from gms_replay.model import Direction, Exchange, Message, Outcome, Request, Transport
from gms_replay.record.trickle import LARGEST_BODY, Trickle

_LOST = "the recorder was ended in the middle of the answer"
_CUT = f"the answer goes on: its body is kept up to here ({LARGEST_BODY >> 20} MiB)"
_ALL_TOLD = f"{_CUT}, its messages are all told"


@dataclass(slots=True)
class _UnderWay:
    """An exchange whose end was not told yet. `transport` is that of its Bayeux messages; None where it has none.

    `request` is as it was written down, its secrets replaced perhaps, and so are `messages`, those that `watch` has not
    heard of; `trickle` is its answer, where that comes in pieces.
    """

    writer: Writer
    exchange_id: int
    request: Request
    transport: Transport | None
    messages: tuple[Message, ...] = ()
    trickle: Trickle | None = None

    def ended(self, outcome: Outcome) -> Exchange:
        return Exchange(self.exchange_id, self.writer.run_id, self.request, outcome)

    def tell(self, direction: Direction, at_us: int, found: Iterable[carriage.Found]) -> None:
        """Writes down messages, and keeps them for whoever watches; none where it carries no Bayeux."""
        if self.transport:
            self.messages += _write(self.writer, self.exchange_id, direction, self.transport, at_us, found)


@dataclass(frozen=True, slots=True)
class _Socket:
    """A WebSocket that is not closed yet."""

    writer: Writer
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class _Connection:
    """A connection that is not closed yet. `last_us`: when the last bytes of each direction passed."""

    writer: Writer
    id: int
    framers: dict[Direction, Framer] = field(default_factory=lambda: {way: Framer(way) for way in Direction})
    last_us: dict[Direction, int] = field(default_factory=dict)

    def take(self, direction: Direction, at_us: int, piece: bytes) -> tuple[model.Frame, ...]:
        """Writes down the frames that are whole with this piece."""
        self.last_us[direction] = at_us
        whole = self.framers[direction].take(piece)
        return tuple(self.writer.frame(self.id, direction, at_us, raw) for raw in whole)

    def end(self) -> tuple[model.Frame, ...]:
        """Writes down what waits in vain for its rest."""
        halves = [(direction, at_us, self.framers[direction].rest()) for direction, at_us in self.last_us.items()]
        return tuple(self.writer.frame(self.id, *half) for half in halves if half[-1])


class Clerk:
    """Writes down what it is told. `watch` hears of each exchange that ended, and of messages as they came.

    Those over WebSockets at once, those of an answer that goes on at the next `pause`. `watch_frame` hears of frames.
    """

    def __init__(
        self,
        series: Series,
        watch: Callable[[Exchange, tuple[Message, ...]], None],
        watch_frame: Callable[[model.Frame], None],
    ) -> None:
        self._series = series
        self._watch = watch
        self._watch_frame = watch_frame
        self._under_way: dict[int, _UnderWay] = {}
        self._sockets: dict[int, _Socket] = {}
        self._connections: dict[int, _Connection] = {}
        self._news: set[int] = set()

    def take(self, seen: Seen) -> None:
        """Raises CassetteError where the next file of the series cannot be opened."""
        match seen:
            case Asked():
                self._asked(seen)
            case Answering():
                one = self._under_way[seen.number]
                one.trickle = Trickle(seen.head, is_script=one.transport is Transport.CALLBACK_POLLING)
            case Piece():
                self._piece(seen)
            case Ended():
                self._ended(seen)
            case Frame():
                self._frame(seen)
            case Upgraded():
                socket = self._sockets[seen.number]
                socket.writer.socket_opened(socket.exchange.id, facts.instant_us(seen.at_s))
            case Closed():
                self._closed(seen)
            case Connected():
                self._connected(seen)
            case Passed():
                connection = self._connections[seen.number]
                at_us = facts.instant_us(seen.at_s)
                self._tell(connection.take(_direction(seen.is_from_client), at_us, seen.content))
            case Disconnected():
                connection = self._connections.pop(seen.number)
                self._tell(connection.end())
                connection.writer.connection_over(connection.id)

    def pause(self) -> None:
        """For a moment nothing comes: whoever watches hears of answers that go on."""
        for number in self._news:
            one = self._under_way[number]
            if one.trickle:
                self._watch(one.ended(_so_far(one.trickle)), one.messages)
                one.messages = ()
        self._news.clear()

    def end(self) -> None:
        """Nothing comes any more. Of answers and frames that nobody saw end, what has passed is kept, as cut off."""
        for one in self._under_way.values():
            if one.trickle:
                one.writer.outcome(one.exchange_id, _so_far(one.trickle, one.trickle.body, _LOST))
        for connection in self._connections.values():
            self._tell(connection.end())

    def _asked(self, seen: Asked) -> None:
        request = facts.request(seen)
        writer = self._series.writer()
        exchange_id = writer.begin_exchange()
        told = writer.request(exchange_id, request)
        transport, frames = carriage.polled(request) if seen.carries == carriage.COMET else (None, ())
        one = self._under_way[seen.number] = _UnderWay(writer, exchange_id, told, transport)
        if seen.carries and request.ended_at_us is not None:
            at_us = request.ended_at_us
            if transport:
                for frame in frames:
                    one.tell(Direction.TO_SERVER, at_us, carriage.messages(frame))
            else:
                writer.push(exchange_id, seen.carries, at_us, request.body.plain)

    def _piece(self, seen: Piece) -> None:
        one = self._under_way.get(seen.number)
        # Version 11 may pass on what still comes of an answer that an error has ended.
        if one is None or one.trickle is None:
            return
        at_s, found = one.trickle.take(seen)
        if found and one.transport:
            one.tell(Direction.TO_CLIENT, facts.instant_us(at_s), found)
            self._news.add(seen.number)

    def _ended(self, seen: Ended) -> None:
        one = self._under_way.pop(seen.number)
        self._news.discard(seen.number)
        outcome = facts.outcome(_with_body(seen, one.trickle))
        exchange = one.ended(one.writer.outcome(one.exchange_id, outcome))
        if seen.goes_on:
            self._sockets[seen.number] = _Socket(one.writer, exchange)
        else:
            is_told = one.trickle is not None and one.trickle.has_told
            if one.transport and outcome.response and not is_told:
                found = carriage.messages(carriage.told(one.transport, outcome.response))
                one.tell(Direction.TO_CLIENT, outcome.response.started_at_us, found)
            one.writer.exchange_over(one.exchange_id)
        self._watch(exchange, one.messages)

    def _frame(self, seen: Frame) -> None:
        socket = self._sockets[seen.number]
        direction = _direction(seen.is_from_client)
        at_us = facts.instant_us(seen.at_s)
        found = carriage.framed(seen.content)
        messages = _write(socket.writer, socket.exchange.id, direction, Transport.WEBSOCKET, at_us, found)
        if messages:
            self._watch(socket.exchange, messages)

    def _closed(self, seen: Closed) -> None:
        socket = self._sockets.pop(seen.number)
        by = _direction(seen.is_by_client)
        socket.writer.socket_closed(socket.exchange.id, facts.instant_us(seen.at_s), seen.code, seen.reason, by)
        socket.writer.exchange_over(socket.exchange.id)

    def _connected(self, seen: Connected) -> None:
        writer = self._series.writer()
        opened_us = facts.instant_us(seen.at_s)
        connection_id = writer.begin_connection(seen.host, seen.port, facts.client(seen.peer), opened_us)
        self._connections[seen.number] = _Connection(writer, connection_id)

    def _tell(self, frames: Iterable[model.Frame]) -> None:
        for frame in frames:
            self._watch_frame(frame)


def _direction(is_from_client: bool) -> Direction:
    return Direction.TO_SERVER if is_from_client else Direction.TO_CLIENT


def _write(
    writer: Writer,
    exchange_id: int,
    direction: Direction,
    transport: Transport,
    at_us: int,
    found: Iterable[carriage.Found],
) -> tuple[Message, ...]:
    return tuple(writer.message(exchange_id, direction, transport, at_us, *one) for one in found)


def _with_body(seen: Ended, trickle: Trickle | None) -> Ended:
    """The end of an answer that came in pieces, with what was kept of them."""
    if trickle is None or seen.answer is None:
        return seen
    cut = (_ALL_TOLD if trickle.tells_all else _CUT) if trickle.is_cut else None
    error = "; ".join(filter(None, (seen.error, cut))) or None
    return seen._replace(answer=seen.answer._replace(body=trickle.body), error=error)


def _so_far(trickle: Trickle, body: bytes = b"", error: str | None = None) -> Outcome:
    return Outcome(facts.instant_us(trickle.last_at_s), facts.response(trickle.head._replace(body=body)), error)
