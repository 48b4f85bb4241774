"""A recording told exchange by exchange, as files of other programs tell traffic, and made of such a file again.

Strategy: other programs know exchanges, frames and bytes, but neither Bayeux messages nor pushes. These are derived as
the recorder derives them (`carriage`). What would come out otherwise than it was recorded, such as the times at which
an answer told its messages piece by piece, stands aside, in a field that other programs pass over.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from gms_replay import apns, carriage, gms
from gms_replay.carriage import COMET
from gms_replay.formats import jsonl
from gms_replay.formats.fields import Fields, expected, integer
from gms_replay.model import (
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Push,
    Recording,
    Run,
    Socket,
    Transport,
)

Piece = tuple[Direction, int, bytes]
"""What passed in one direction, and when, in microseconds: a WebSocket's frame, or bytes of a connection."""


@dataclass(frozen=True, slots=True)
class Aside:
    """What is told beside an exchange or a connection; None where that says it all. Ids in it are nobody's."""

    run: Run | None = None
    messages: tuple[Message, ...] | None = None
    pushes: tuple[Push, ...] | None = None
    is_unfinished: bool = False

    def __str__(self) -> str:
        """As JSON."""
        told: dict[str, Any] = {} if self.run is None else {"run": jsonl.of_run(self.run)}
        if self.messages is not None:
            told["messages"] = [jsonl.of_message(one) for one in self.messages]
        if self.pushes is not None:
            told["pushes"] = [jsonl.of_push(one) for one in self.pushes]
        if self.is_unfinished:
            told["unfinished"] = True
        return json.dumps(told)

    @classmethod
    def of(cls, told: str, where: str) -> "Aside":
        """What `str` gave. Raises FormatError, which names `where`."""
        return Fields.of_line(told, where).build(lambda fields: cls._of(fields, where))

    @classmethod
    def _of(cls, fields: Fields, where: str) -> "Aside":
        def facts(kind: str, field: str, build: Any) -> Any:
            if field not in fields:
                return None
            return fields.take(
                field, lambda all_: tuple(_fact(one, kind, f"{where}, {field}", build) for one in _list(all_))
            )

        run = (
            fields.take("run", lambda one: _fact(one, "meta", f"{where}, run", jsonl.to_run))
            if "run" in fields
            else None
        )
        messages = facts("message", "messages", jsonl.to_message)
        pushes = facts("push", "pushes", jsonl.to_push)
        return cls(run, messages, pushes, "unfinished" in fields and fields.take("unfinished", bool))


@dataclass(frozen=True, slots=True)
class Told:
    """One exchange, and the frames of its WebSocket. Ids are nobody's where another program told it."""

    exchange: Exchange
    socket: Socket | None = None
    frames: tuple[Piece, ...] = ()
    aside: Aside = Aside()


@dataclass(frozen=True, slots=True)
class Line:
    """One connection that is no HTTP, and what passed over it."""

    connection: Connection
    pieces: tuple[Piece, ...]
    aside: Aside = Aside()


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was made of a file, and how much of it is none of ours."""

    recording: Recording
    left_out: int


def exchanges(recording: Recording) -> Iterator[Told]:
    """All exchanges, each with what belongs to it."""
    runs = {run.id: run for run in recording.runs}
    sockets = {socket.exchange_id: socket for socket in recording.sockets}
    messages: dict[int, list[Message]] = defaultdict(list)
    for message in recording.messages:
        messages[message.exchange_id].append(message)
    pushes: dict[int | None, list[Push]] = defaultdict(list)
    for push in recording.pushes:
        pushes[push.exchange_id].append(push)
    for exchange in recording.exchanges:
        own = tuple(messages[exchange.id])
        frames = tuple(_frames([one for one in own if one.transport is Transport.WEBSOCKET]))
        told = Told(exchange, sockets.get(exchange.id), frames)
        derived, sent = _derived(told, carriage.carried(_operation(exchange)))
        yield replace(
            told,
            aside=Aside(
                runs.get(exchange.run_id),
                None if _bare(own) == _bare(derived) else own,
                None if _bare(pushes[exchange.id]) == _bare(sent) else tuple(pushes[exchange.id]),
                exchange.unfinished,
            ),
        )


def connections(recording: Recording) -> Iterator[Line]:
    """All connections that are no HTTP, each with its frames."""
    runs = {run.id: run for run in recording.runs}
    for one in recording.connections:
        pieces = tuple(
            (frame.direction, frame.at_us, frame.raw) for frame in recording.frames if frame.connection_id == one.id
        )
        yield Line(one, pieces, Aside(runs.get(one.run_id)))


def gathered(told: Iterable[Told], lines: Iterable[Line], hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    """The recording that a file tells: of what looks like GMS, or of what goes to `hosts` (`carriage.is_wanted`).

    All ids are given anew, in the order of time. `made_by` is the version of a run of which the file does not tell.
    """
    asked, all_lines = list(told), list(lines)
    ours = [one for one in asked if _is_wanted(one.exchange, hosts)]
    kept = [line for line in all_lines if _carries_pushes(line, hosts)]
    ours.sort(key=lambda one: one.exchange.request.asked_at_us)
    kept.sort(key=lambda line: line.connection.opened_at_us)
    runs = _runs(ours, kept, made_by)
    recording = Recording(runs=tuple(dict.fromkeys(runs.values())))
    messages: list[Message] = []
    pushes: list[Push] = []
    for number, one in enumerate(ours, 1):
        exchange = replace(one.exchange, id=number, run_id=runs[one.aside.run].id)
        derived, sent = _derived(one, carriage.carried(_operation(exchange)))
        messages += [replace(message, exchange_id=number) for message in _given(one.aside.messages, derived)]
        pushes += [replace(push, exchange_id=number, run_id=exchange.run_id) for push in _given(one.aside.pushes, sent)]
        ours[number - 1] = replace(one, exchange=exchange)
    frames: list[Frame] = []
    for number, line in enumerate(kept, 1):
        frames += [Frame(0, number, *piece) for piece in _whole(line.pieces)]
    return Gathered(
        replace(
            recording,
            exchanges=tuple(one.exchange for one in ours),
            messages=_numbered(messages),
            pushes=_numbered(pushes),
            sockets=tuple(replace(one.socket, exchange_id=one.exchange.id) for one in ours if one.socket),
            connections=tuple(
                replace(line.connection, id=number, run_id=runs[line.aside.run].id)
                for number, line in enumerate(kept, 1)
            ),
            frames=_numbered(frames),
        ),
        len(asked) - len(ours) + len(all_lines) - len(kept),
    )


def require_fit(numbers: Iterable[int | None]) -> None:
    """Raise ValueError for a number that no cassette can hold."""
    for number in numbers:
        if number is not None:
            integer(number)


def instants(told: Told) -> Iterator[int | None]:
    """All instants of an exchange, and of what belongs to it."""
    request, outcome = told.exchange.request, told.exchange.outcome
    yield from (request.started_at_us, request.ended_at_us)
    if outcome:
        yield outcome.at_us
        if outcome.response:
            yield from (outcome.response.started_at_us, outcome.response.ended_at_us)
    if told.socket:
        yield from (told.socket.opened_at_us, told.socket.closed_at_us)
    yield from (at_us for _, at_us, _ in told.frames)


def _operation(exchange: Exchange) -> gms.Operation | None:
    request = exchange.request
    return carriage.operation(request.method, request.target, lambda: (request.headers, request.body.plain))


def _is_wanted(exchange: Exchange, hosts: re.Pattern[str] | None) -> bool:
    return carriage.is_wanted(_operation(exchange), hosts, exchange.request.host, exchange.request.port)


def _carries_pushes(line: Line, hosts: re.Pattern[str] | None) -> bool:
    is_ours = carriage.is_wanted_connection(hosts, line.connection.host, line.connection.port)
    start = b""
    for direction, _, content in line.pieces:
        if is_ours is not None:
            break
        start += content
        # Apple's speaks to refuse only.
        is_ours = apns.is_ours(start) if direction is Direction.TO_SERVER else False
    return bool(is_ours)


def _derived(told: Told, carries: str) -> tuple[list[Message], list[Push]]:
    """The messages and pushes that the recorder would find, with ids of nobody's."""
    exchange = told.exchange
    request, response = exchange.request, exchange.response
    found: list[Message] = []
    sent: list[Push] = []

    def tell(direction: Direction, transport: Transport, at_us: int, messages: Iterable[carriage.Found]) -> None:
        found.extend(Message(0, 0, direction, transport, at_us, *one) for one in messages)

    if carries == COMET:
        transport, frames = carriage.polled(request)
        if request.ended_at_us is not None:
            for frame in frames:
                tell(Direction.TO_SERVER, transport, request.ended_at_us, carriage.messages(frame))
        if response and not told.socket:
            answer = carriage.messages(carriage.told(transport, response))
            tell(Direction.TO_CLIENT, transport, response.started_at_us, answer)
    elif carries and request.ended_at_us is not None:
        sent.append(Push(0, 0, 0, carries, request.ended_at_us, request.body.plain))
    for direction, at_us, content in told.frames:
        tell(direction, Transport.WEBSOCKET, at_us, carriage.framed(content))
    return found, sent


def _frames(messages: Sequence[Message]) -> Iterator[Piece]:
    """The frames of a WebSocket that brought these messages: those of a frame have one time and count from 0."""
    groups: list[list[Message]] = []
    for one in messages:
        last = groups[-1][-1] if groups else None
        if last and (last.direction, last.at_us) == (one.direction, one.at_us) and one.index > last.index:
            groups[-1].append(one)
        else:
            groups.append([one])
    for group in groups:
        yield group[0].direction, group[0].at_us, _frame([one.raw for one in group])


def _frame(raws: Sequence[bytes]) -> bytes:
    # What is no Bayeux came as it stands; in brackets it would be something else.
    whole = b"[" + b",".join(raws) + b"]"
    return whole if [raw for _, _, raw in carriage.framed(whole)] == list(raws) else b",".join(raws)


def _whole(pieces: Sequence[Piece]) -> Iterator[Piece]:
    """The frames of Apple's protocol in what passed; what waits in vain for its rest comes last."""
    framers = {way: apns.Framer(way) for way in Direction}
    last_us: dict[Direction, int] = {}
    for direction, at_us, content in pieces:
        last_us[direction] = at_us
        yield from ((direction, at_us, raw) for raw in framers[direction].take(content))
    for direction, at_us in last_us.items():
        if rest := framers[direction].rest():
            yield direction, at_us, rest


def _runs(told: Sequence[Told], lines: Sequence[Line], made_by: str) -> dict[Run | None, Run]:
    """For each run that is named, or not, the run that it is here."""
    starts: dict[Run | None, int] = {}
    for run, at_us in chain(
        ((one.aside.run, one.exchange.request.started_at_us) for one in told),
        ((line.aside.run, line.connection.opened_at_us) for line in lines),
    ):
        starts[run] = min(at_us, starts.get(run, at_us))
    made_up = Run(0, starts.get(None, 0), "import", None, (("gms_replay", made_by),))
    named = [(run or made_up, run) for run in starts]
    named.sort(key=lambda pair: (pair[0].started_at_us, pair[0].id))
    return {key: replace(run, id=number) for number, (run, key) in enumerate(named, 1)}


def _given(aside: Sequence[Any] | None, derived: Sequence[Any]) -> Sequence[Any]:
    return derived if aside is None else aside


def _bare(facts: Iterable[Any]) -> list[Any]:
    bare = [replace(one, id=0, exchange_id=0) for one in facts]
    return [replace(one, run_id=0) if isinstance(one, Push) else one for one in bare]


def _numbered(facts: Iterable[Any]) -> tuple[Any, ...]:
    in_time = sorted(facts, key=lambda one: one.at_us)
    return tuple(replace(one, id=number) for number, one in enumerate(in_time, 1))


def _fact(value: object, kind: str, where: str, build: Any) -> Any:
    fields = Fields(value, where)
    if fields.take("kind", str) != kind:
        fields.wrong("kind", f"expected {kind}")
    return fields.build(build)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise ValueError(expected("a list", value))
    return value
