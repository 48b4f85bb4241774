"""The app's side of a recorded visit, compiled for playing it at a live GMS: the mirror image of `story`.

Strategy: what the app did becomes steps, one after the other as it began them. Bayeux's own polls are none: whoever
plays keeps them up while a client is open. A step waits for the last thing that GMS had told the app before it, known
by its looks and counted, so that a notice which no longer comes holds up nothing but what came right upon it; then for
as long as the app took. What is polled for a state is one step, however often it was asked: a live queue may be longer.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

from gms_replay import bayeux, chat2, gms
from gms_replay.bayeux import Parsed
from gms_replay.gms import AWAITED, Kind, Operation
from gms_replay.model import Direction, Transport
from gms_replay.sessions import Session, Visited
from gms_replay.spans import texts

_NOT_PLAYED = frozenset({Kind.COMET, Kind.PREFLIGHT, Kind.PUSH})

_QUEUE = "_position"
_TOLD = (_QUEUE, "transcriptPosition", "nextPosition")
"""How far something is: the field of a queue, and those of a chat."""

Fields = dict[str, Any]

_OWN = {
    bayeux.HANDSHAKE: frozenset({"channel", "id", "clientId", "supportedConnectionTypes"}),
    # What a client asks of its polls, and of them has, is its own: it has others.
    bayeux.CONNECT: frozenset({"channel", "id", "clientId", "connectionType", "advice"}),
    bayeux.SUBSCRIBE: frozenset({"channel", "id", "clientId", "subscription"}),
    bayeux.UNSUBSCRIBE: frozenset({"channel", "id", "clientId", "subscription"}),
    bayeux.DISCONNECT: frozenset({"channel", "id", "clientId"}),
}
"""What whoever plays says by itself, by channel; of what is published, the data, too."""
_OWN_OF_DATA = frozenset({"channel", "id", "clientId", "data"})

Looks = tuple[str, ...]
"""What makes two events alike, whoever speaks and whatever is said: the channel, the state, the sorts of the lines."""


@dataclass(frozen=True, slots=True)
class Event:
    """An event that the app was told: the `number`th of its looks, from 1. `raw` is its JSON."""

    looks: Looks
    number: int
    at_us: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Ask:
    """A request by REST, or, where there are several, polls for one state: the last answer has what was waited for."""

    asked: tuple[Visited, ...]

    @property
    def operation(self) -> Operation:
        return self.asked[0].operation

    @property
    def polls(self) -> bool:
        """Whether it is asked until the answer tells what it told in the end."""
        return self.operation.kind in AWAITED


@dataclass(frozen=True, slots=True)
class Open:
    """A Bayeux client shakes hands. `by` is the request that carried it, `answer` the reply's JSON.

    `beside`: what the handshake said beside what any has to say (`ext`, as a rule); `connects_with`: and its connects.
    """

    client: str
    by: Visited
    transport: Transport
    answer: bytes = b""
    beside: Fields = field(default_factory=dict)
    connects_with: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Subscribe:
    """`beside`: what it said beside."""

    client: str
    channel: str
    beside: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """The same."""

    client: str
    channel: str
    beside: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Publish:
    """`operation`: what of GMS's it asks for, if it does. `beside`: what it said beside."""

    client: str
    channel: str
    data: Any
    operation: Operation | None
    beside: Fields = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Close:
    """A Bayeux client leaves, or was not heard of again. `beside`: what it said beside."""

    client: str
    beside: Fields = field(default_factory=dict)


Act = Ask | Open | Subscribe | Unsubscribe | Publish | Close


@dataclass(frozen=True, slots=True)
class Step:
    """One act of the app's. `after`: the event that it came upon, if any; `pause_us`: what passed then, or since the
    act before, whichever was later."""

    act: Act
    began_us: int
    ended_us: int
    after: Event | None = None
    pause_us: int = 0


@dataclass(frozen=True, slots=True)
class Script:
    """What an app did in a visit, and the events that it was told, both in order."""

    steps: tuple[Step, ...]
    events: tuple[Event, ...]
    start_us: int


def compile_script(session: Session) -> Script:
    """The script of a visit's app."""
    events = tuple(_events(session))
    bare = sorted([*_asks(session), *_comet(session)], key=lambda step: step.began_us)
    return Script(tuple(_paced(bare, events)), events, session[0].exchange.request.started_at_us)


def looks(fields: dict[str, Any]) -> Looks:
    """What an event looks like."""
    data = fields.get("data")
    channel = str(fields.get("channel"))
    if not isinstance(data, dict):
        return (channel,)
    if chat2.is_told(fields):
        return (channel, "ended" if data.get("chatEnded") is True else "", *_sorts(data.get("messages"), _line_v2))
    told = data.get("message")
    if not isinstance(told, dict):
        return (channel,)
    return (channel, str(told.get("chatIxnState")), *_sorts(told.get("transcriptToShow"), _line_v1))


class Counting:
    """Numbers events by their looks."""

    def __init__(self) -> None:
        self._counts: Counter[Looks] = Counter()

    def event(self, parsed: Parsed, at_us: int) -> Event:
        seen = looks(parsed.fields)
        self._counts[seen] += 1
        return Event(seen, self._counts[seen], at_us, parsed.raw)

    def has(self, event: Event, missing: int = 0) -> bool:
        """Whether there were as many like it, but for the missing ones."""
        return self._counts[event.looks] >= event.number - missing

    def count(self, seen: Looks) -> int:
        return self._counts[seen]

    def seen(self) -> frozenset[Looks]:
        """What any of them looked like."""
        return frozenset(self._counts)


def is_reached(operation: Operation, recorded: bytes, live: bytes) -> bool:
    """Whether a poll's live answer tells at least what the recorded one told; where nobody knows, it does."""
    was, now = _places(recorded), _places(live)
    if operation.kind is Kind.QUEUE_POSITION:
        wanted, told = was.get(_QUEUE), now.get(_QUEUE)
        return wanted is None or told is None or told <= wanted
    return _is_over(live) >= _is_over(recorded) and all(
        now.get(name, 0) >= place for name, place in was.items() if name in _TOLD and name != _QUEUE
    )


def state(body: bytes) -> str:
    """What an answer to a poll told of a state, in short: "_position 3"; "" where it told none."""
    told = [f"{name} {place}" for name, place in _places(body).items() if name in _TOLD]
    return ", ".join([*told, "over"] if _is_over(body) else told)


def _places(body: bytes) -> dict[str, int]:
    found = ((str(path[-1]), gms.position(text)) for path, text in texts(body).items() if path)
    return {name: place for name, place in found if place is not None}


def _is_over(body: bytes) -> bool:
    told = {path[-1]: text for path, text in texts(body).items() if path}
    return told.get("chatIxnState") == "DISCONNECTED" or told.get("chatEnded") == "true"


def _sorts(lines: Any, sort: Any) -> Iterator[str]:
    for line in lines if isinstance(lines, list) else ():
        yield sort(line)


def _line_v1(line: Any) -> str:
    return f"{line[0]} {line[4]}" if isinstance(line, list) and len(line) > 4 else ""


def _line_v2(line: Any) -> str:
    if not isinstance(line, dict):
        return ""
    who = line.get("from")
    return f"{line.get('type')} {who.get('type') if isinstance(who, dict) else ''}"


def _events(session: Session) -> Iterator[Event]:
    counting = Counting()
    heard = (heard for one in session for heard in one.heard)
    told = (one for one in heard if one.message.direction is Direction.TO_CLIENT and one.parsed.is_event)
    for one in sorted(told, key=lambda one: (one.message.at_us, one.message.id)):
        yield counting.event(one.parsed, one.message.at_us)


def _ended_us(one: Visited) -> int:
    outcome = one.exchange.outcome
    return outcome.at_us if outcome else one.at_us


def _asks(session: Session) -> Iterator[Step]:
    """Requests by REST; polls for one state that follow each other are one."""
    asked = [one for one in session if one.operation.kind not in _NOT_PLAYED]
    series = 0

    def place(one: Visited) -> tuple[int, tuple[str, ...]]:
        # Who asks once and again for what he was told already is no poll.
        nonlocal series
        if one.operation.kind not in AWAITED:
            series += 1
        return series, one.operation.key

    for _, some in groupby(asked, place):
        polls = tuple(some)
        if polls[0].operation.kind in AWAITED:
            yield Step(Ask(polls), polls[0].exchange.request.started_at_us, max(map(_ended_us, polls)))
        else:
            yield from (Step(Ask((one,)), one.exchange.request.started_at_us, _ended_us(one)) for one in polls)


@dataclass(slots=True)
class _Client:
    last_us: int
    is_gone: bool = False


def _comet(session: Session) -> Iterator[Step]:
    """What Bayeux clients did, but for their polls."""
    transports, connects = _connects(session)
    clients: dict[str, _Client] = {}
    for one in session:
        shaking: Fields = {}
        for heard in one.heard:
            message, said = heard.message, heard.parsed
            if message.direction is Direction.TO_CLIENT:
                if said.channel == bayeux.HANDSHAKE and said.fields.get("successful") is True and said.client_id:
                    name = said.client_id
                    clients[name] = _Client(_ended_us(one))
                    transport = transports.get(name, Transport.LONG_POLLING)
                    opened = Open(name, one, transport, said.raw, shaking, connects.get(name, {}))
                    yield Step(opened, one.exchange.request.started_at_us, message.at_us)
                continue
            if said.channel == bayeux.HANDSHAKE:
                shaking = _beside(said)
            if (client := clients.get(said.client_id)) is None:
                continue
            client.last_us = max(
                client.last_us, _ended_us(one) if message.transport is not Transport.WEBSOCKET else message.at_us
            )
            for act in _said(said):
                client.is_gone = client.is_gone or isinstance(act, Close)
                yield Step(act, message.at_us, message.at_us)
    for name, client in clients.items():
        if not client.is_gone:
            yield Step(Close(name), client.last_us, client.last_us)


def _said(said: Parsed) -> Iterator[Act]:
    client, channel, beside = said.client_id, said.channel, _beside(said)
    if channel in (bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE):
        asked = said.fields.get("subscription")
        act = Subscribe if channel == bayeux.SUBSCRIBE else Unsubscribe
        for one in asked if isinstance(asked, list) else [asked]:
            if isinstance(one, str):
                yield act(client, one, beside)
    elif channel == bayeux.DISCONNECT:
        yield Close(client, beside)
    elif not bayeux.is_meta(channel) and "data" in said.fields:
        yield Publish(client, channel, said.fields["data"], chat2.published(said.fields), beside)


def _beside(said: Parsed) -> Fields:
    own = _OWN.get(said.channel, _OWN_OF_DATA)
    return {name: value for name, value in said.fields.items() if name not in own}


def _connects(session: Session) -> tuple[dict[str, Transport], dict[str, Fields]]:
    """How each Bayeux client was told events, as its last connect came, and what its first said beside."""
    transports: dict[str, Transport] = {}
    beside: dict[str, Fields] = {}
    for one in session:
        for heard in one.heard:
            if heard.parsed.channel == bayeux.CONNECT and (name := heard.parsed.client_id):
                is_socket = heard.message.transport is Transport.WEBSOCKET
                transports[name] = Transport.WEBSOCKET if is_socket else Transport.LONG_POLLING
                beside.setdefault(name, _beside(heard.parsed))
    return transports, beside


def _paced(steps: list[Step], events: tuple[Event, ...]) -> Iterator[Step]:
    told = 0
    ended_us = steps[0].began_us if steps else 0
    for step in steps:
        while told < len(events) and events[told].at_us <= step.began_us:
            told += 1
        after = events[told - 1] if told else None
        since_us = max(ended_us, after.at_us) if after else ended_us
        yield replace(step, after=after, pause_us=max(0, step.began_us - since_us))
        ended_us = max(ended_us, step.ended_us)
