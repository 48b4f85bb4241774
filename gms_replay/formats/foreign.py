"""A recording told exchange by exchange, as files of other programs tell traffic, and made of such a file again.

Strategy: other programs know exchanges, frames and bytes, but neither Bayeux messages nor pushes. These are derived as
the recorder derives them (`carriage`), but for those that stand beside an exchange (`asides`).
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

from gms_replay import apns, carriage, gms
from gms_replay.carriage import COMET
from gms_replay.formats.fields import integer
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

TEXT, BINARY = 1, 2
"""A WebSocket frame's opcode (RFC 6455, section 5.2)."""
UNFINISHED = "unfinished when the recording ended"
"""What files that know answers and errors only have for neither."""


@dataclass(frozen=True, slots=True)
class Told:
    """One exchange, and the frames of its WebSocket; ids are nobody's where another program told it.

    None stands for a run of which nothing is known, and for messages and pushes that are to be derived. `lacks_body`:
    there was one, and it is not told.
    """

    exchange: Exchange
    socket: Socket | None = None
    frames: tuple[Piece, ...] = ()
    run: Run | None = None
    messages: tuple[Message, ...] | None = None
    pushes: tuple[Push, ...] | None = None
    lacks_body: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One connection that is no HTTP, and what passed over it. None as in `Told`."""

    connection: Connection
    pieces: tuple[Piece, ...]
    run: Run | None = None
    frames: tuple[Frame, ...] | None = None


@dataclass(frozen=True, slots=True)
class Rest:
    """What of a file cannot be read, from here to its end: why not."""

    why: str


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was made of a file, how much of it is none of ours, and how many of ours lack a body that they had.

    `unread`: why the rest of it cannot be read, "" where there is none.
    """

    recording: Recording
    left_out: int = 0
    without_body: int = 0
    unread: str = ""


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
    for one in recording.exchanges:
        own, sent = tuple(messages[one.id]), tuple(pushes[one.id])
        frames = tuple(_frames([message for message in own if message.transport is Transport.WEBSOCKET]))
        yield Told(one, sockets.get(one.id), frames, runs.get(one.run_id), own, sent)


def connections(recording: Recording) -> Iterator[Line]:
    """All connections that are no HTTP, each with its frames."""
    runs = {run.id: run for run in recording.runs}
    frames: dict[int, list[Frame]] = defaultdict(list)
    for frame in recording.frames:
        frames[frame.connection_id].append(frame)
    for one in recording.connections:
        pieces = tuple((frame.direction, frame.at_us, frame.raw) for frame in frames[one.id])
        yield Line(one, pieces, runs.get(one.run_id), tuple(frames[one.id]))


def homeless(recording: Recording) -> Iterator[str]:
    """What belongs to no exchange and no connection, so that such a file has no place for it, in words."""
    carried = {one.run_id for one in recording.exchanges} | {one.run_id for one in recording.connections}
    if runs := sum(run.id not in carried for run in recording.runs):
        yield f"{runs} of {len(recording.runs)} runs, without traffic"
    if pushes := sum(push.exchange_id is None for push in recording.pushes):
        yield f"{pushes} of {len(recording.pushes)} pushes, which no request carried"


def gathered(told: Iterable[Told], lines: Iterable[Line], hosts: re.Pattern[str] | None, made_by: str) -> Gathered:
    """The recording that a file tells: of what looks like GMS, or of what goes to `hosts` (`carriage.is_wanted`).

    Without `hosts`, what a run of ours recorded is taken whole, as it is. All ids are given anew, in the order of time.
    `made_by` is the version of a run of which the file does not tell.
    """
    asked, all_lines = list(told), list(lines)
    ours = [one for one in asked if _is_wanted(one, hosts)]
    kept = [line for line in all_lines if _is_wanted_line(line, hosts)]
    ours.sort(key=lambda one: one.exchange.request.asked_at_us)
    kept.sort(key=lambda line: line.connection.opened_at_us)
    runs = _runs(ours, kept, made_by)
    messages: list[Message] = []
    pushes: list[Push] = []
    for number, one in enumerate(ours, 1):
        exchange = replace(one.exchange, id=number, run_id=runs[one.run].id)
        found, sent = derived(one)
        messages += [replace(message, exchange_id=number) for message in _given(one.messages, found)]
        pushes += [replace(push, exchange_id=number, run_id=exchange.run_id) for push in _given(one.pushes, sent)]
        ours[number - 1] = replace(one, exchange=exchange)
    frames: list[Frame] = []
    for number, line in enumerate(kept, 1):
        frames += [replace(frame, connection_id=number) for frame in _given(line.frames, whole(line.pieces))]
    recording = Recording(
        runs=tuple(dict.fromkeys(runs.values())),
        exchanges=tuple(one.exchange for one in ours),
        messages=_numbered(messages),
        pushes=_numbered(pushes),
        sockets=tuple(replace(one.socket, exchange_id=one.exchange.id) for one in ours if one.socket),
        connections=tuple(
            replace(line.connection, id=number, run_id=runs[line.run].id) for number, line in enumerate(kept, 1)
        ),
        frames=_numbered(frames),
    )
    left_out = len(asked) - len(ours) + len(all_lines) - len(kept)
    return Gathered(recording, left_out, sum(one.lacks_body for one in ours))


def derived(told: Told) -> tuple[tuple[Message, ...], tuple[Push, ...]]:
    """The messages and pushes that the recorder would find in an exchange, with ids of nobody's."""
    carries = carriage.carried(_operation(told.exchange))
    request, response = told.exchange.request, told.exchange.response
    found: list[Message] = []
    sent: tuple[Push, ...] = ()

    def tell(direction: Direction, transport: Transport, at_us: int, messages: Iterable[carriage.Found]) -> None:
        found.extend(Message(0, 0, direction, transport, at_us, *one) for one in messages)

    if carries == COMET:
        transport, frames = carriage.polled(request)
        if request.ended_at_us is not None:
            for frame in frames:
                tell(Direction.TO_SERVER, transport, request.ended_at_us, carriage.messages(frame))
        if response:
            answer = carriage.messages(carriage.told(transport, response))
            tell(Direction.TO_CLIENT, transport, response.started_at_us, answer)
    elif carries and request.ended_at_us is not None:
        sent = (Push(0, 0, 0, carries, request.ended_at_us, request.body.plain),)
    for direction, at_us, content in told.frames:
        tell(direction, Transport.WEBSOCKET, at_us, carriage.framed(content))
    return tuple(found), sent


def whole(pieces: Sequence[Piece]) -> tuple[Frame, ...]:
    """The frames of Apple's protocol in what passed, with ids of nobody's; what waits in vain for its rest is last."""
    framers = {way: apns.Framer(way) for way in Direction}
    last_us: dict[Direction, int] = {}
    found: list[Piece] = []
    for direction, at_us, content in pieces:
        last_us[direction] = at_us
        found += [(direction, at_us, raw) for raw in framers[direction].take(content)]
    for direction, at_us in last_us.items():
        if rest := framers[direction].rest():
            found.append((direction, at_us, rest))
    return tuple(Frame(0, 0, *piece) for piece in found)


def require_fit(told: Told | Line) -> None:
    """Raise ValueError for an instant that no cassette can hold."""
    for at_us in _instants(told):
        if at_us is not None:
            integer(at_us)


def _instants(told: Told | Line) -> Iterator[int | None]:
    if isinstance(told, Line):
        yield told.connection.opened_at_us
        if told.frames is None:
            yield from (at_us for _, at_us, _ in told.pieces)
        return
    request, outcome = told.exchange.request, told.exchange.outcome
    yield from (request.started_at_us, request.ended_at_us)
    if outcome:
        yield outcome.at_us
        if outcome.response:
            yield from (outcome.response.started_at_us, outcome.response.ended_at_us)
    if told.socket:
        yield from (told.socket.opened_at_us, told.socket.closed_at_us)
    if told.messages is None:
        yield from (at_us for _, at_us, _ in told.frames)


def _operation(exchange: Exchange) -> gms.Operation | None:
    request = exchange.request
    return carriage.operation(request.method, request.target, lambda: (request.headers, request.body.plain))


def _is_wanted(told: Told, hosts: re.Pattern[str] | None) -> bool:
    if told.run and hosts is None:
        return True
    request = told.exchange.request
    return carriage.is_wanted(_operation(told.exchange), hosts, request.host, request.port)


def _is_wanted_line(line: Line, hosts: re.Pattern[str] | None) -> bool:
    if line.run and hosts is None:
        return True
    is_ours = carriage.is_wanted_connection(hosts, line.connection.host, line.connection.port)
    start = b""
    for direction, _, content in line.pieces:
        if is_ours is not None:
            break
        start += content
        # Apple's speaks to refuse only.
        is_ours = apns.is_ours(start) if direction is Direction.TO_SERVER else False
    return bool(is_ours)


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
    bracketed = b"[" + b",".join(raws) + b"]"
    return bracketed if [raw for _, _, raw in carriage.framed(bracketed)] == list(raws) else b",".join(raws)


def _runs(told: Sequence[Told], lines: Sequence[Line], made_by: str) -> dict[Run | None, Run]:
    """For each run that is named, or not, the run that it is here."""
    starts: dict[Run | None, int] = {}
    for run, at_us in chain(
        ((one.run, one.exchange.request.started_at_us) for one in told),
        ((line.run, line.connection.opened_at_us) for line in lines),
    ):
        starts[run] = min(at_us, starts.get(run, at_us))
    made_up = Run(0, starts.get(None, 0), "import", None, (("gms_replay", made_by),))
    named = [(run or made_up, run) for run in starts]
    named.sort(key=lambda pair: (pair[0].started_at_us, pair[0].id))
    return {key: replace(run, id=number) for number, (run, key) in enumerate(named, 1)}


def _given(told: Sequence[Any] | None, found: Sequence[Any]) -> Sequence[Any]:
    return found if told is None else told


def _numbered(facts: Iterable[Any]) -> tuple[Any, ...]:
    in_time = sorted(facts, key=lambda one: one.at_us)
    return tuple(replace(one, id=number) for number, one in enumerate(in_time, 1))
