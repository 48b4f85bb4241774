"""Which facts of a recording belong to one app's visit.

Strategy: facts that share a service, chat or Comet client id belong together; a Comet frame's `tag`, or what its data
names of a chat of version 2, joins a client to a service. What carries no such id (availability, a Comet client that
was told nothing) goes to a session of the same `gms_user`, if any session has it, and of those to the nearest in time.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from gms_replay import bayeux, fields, gms
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError
from gms_replay.fields import Fields
from gms_replay.gms import Kind, Operation
from gms_replay.model import Direction, Exchange, Message, Recording
from gms_replay.spans import Span, plain_text, spans


@dataclass(frozen=True, slots=True)
class Heard:
    """A recorded Bayeux message together with its fields."""

    message: Message
    parsed: Parsed


@dataclass(frozen=True, slots=True)
class Visited:
    """A recorded exchange together with what it was about, and the Bayeux messages that it carried."""

    exchange: Exchange
    operation: Operation
    heard: tuple[Heard, ...]

    @property
    def at_us(self) -> int:
        return asked_at_us(self.exchange)

    @property
    def user(self) -> str | None:
        return gms.gms_user(self.exchange.request.headers)

    @property
    def said(self) -> Fields:
        """What the app said, decoded."""
        request = self.exchange.request
        return fields.read(request.target, request.headers, request.body.plain)


Session = tuple[Visited, ...]
"""The exchanges of one visit, in the order in which they were asked."""


def user_of(session: Session) -> str | None:
    """The user that the app names, if it names any."""
    return next((one.user for one in session if one.user), None)


@dataclass(frozen=True, slots=True)
class Told:
    """A text that GMS told the app from `at_us` on, and where its values stand: an answer's body, or an event.

    `message_id` is None for a body.
    """

    exchange_id: int
    message_id: int | None
    at_us: int
    raw: bytes
    values: tuple[Span, ...]


def told(session: Session) -> Iterator[Told]:
    """What GMS told the app; of Comet its events, for the rest is the protocol's own."""
    for one in session:
        number, response = one.exchange.id, one.exchange.response
        if response and one.operation.kind is not Kind.COMET:
            body = response.body.plain
            yield Told(number, None, response.started_at_us, body, tuple(spans(body)))
        for heard in one.heard:
            message = heard.message
            if message.direction is Direction.TO_CLIENT and heard.parsed.is_event:
                yield Told(number, message.id, message.at_us, message.raw, tuple(spans(message.raw)))


_NAMES_OTHERS = frozenset({Kind.QUERY_CALLBACK, Kind.AVAILABILITY, Kind.STORAGE, Kind.NODE_STATUS, Kind.OTHER})
"""Operations whose answers may list the ids of other visits."""

_CLIENT = "clientId "
# Every answer of a cassette is searched when it is opened: ten times faster than by its spans.
_SESSION_FIELD = re.compile(
    rb'"(?:' + "|".join(sorted(gms.SESSION_FIELDS)).encode() + rb')"\s*:\s*"(?P<value>[^"\\]*(?:\\.[^"\\]*)*)"',
    re.DOTALL,
)


def asked_at_us(exchange: Exchange) -> int:
    """When the server had the whole request, as far as it got."""
    request = exchange.request
    return request.started_at_us if request.ended_at_us is None else request.ended_at_us


def split(recording: Recording) -> tuple[Session, ...]:
    """The visits of a recording, the earliest first; none only where nothing of an app's was recorded."""
    groups, strays = _joined(sorted(_visited(recording), key=_place))
    if not groups:
        return (tuple(strays),) if strays else ()
    homes = [group for group in groups if not _is_unnamed(group)] or groups
    adrift = [[one] for one in strays] + [group for group in groups if homes is not groups and _is_unnamed(group)]
    known = [_Home.of(group) for group in homes]
    for some, home in [(some, _nearest(some, known)) for some in adrift]:
        home.extend(some)
    return tuple(sorted((tuple(sorted(group, key=_place)) for group in homes), key=lambda group: _place(group[0])))


def _is_unnamed(group: list[Visited]) -> bool:
    """Whether all that holds a group together is a Comet client's id."""
    return all(token.startswith(_CLIENT) for one in group for token in _tokens(one))


def _place(one: Visited) -> tuple[int, int]:
    return one.at_us, one.exchange.id


def _visited(recording: Recording) -> Iterator[Visited]:
    carried: dict[int, list[Heard]] = {}
    for message in recording.messages:
        try:
            parsed = bayeux.parse_recorded(message.raw)
        except BayeuxError:
            continue
        if parsed and message.channel:
            carried.setdefault(message.exchange_id, []).append(Heard(message, parsed[0]))
    for exchange in recording.exchanges:
        request = exchange.request
        operation = gms.recognise(request.method, request.target, request.body.plain)
        if operation is not None and operation.kind not in (Kind.PUSH, Kind.PREFLIGHT):
            yield Visited(exchange, operation, tuple(carried.get(exchange.id, ())))


def _joined(visited: Iterable[Visited]) -> tuple[list[list[Visited]], list[Visited]]:
    """Groups of exchanges that share an id, directly or through others; and the exchanges without any."""
    leaders: dict[str, str] = {}

    def leader(token: str) -> str:
        while (above := leaders.setdefault(token, token)) != token:
            leaders[token] = leaders[above]
            token = above
        return token

    strays: list[Visited] = []
    marked: list[tuple[str, Visited]] = []
    for one in visited:
        first, *others = sorted(_tokens(one)) or [""]
        if not first:
            strays.append(one)
            continue
        marked.append((first, one))
        for other in others:
            leaders[leader(other)] = leader(first)
    groups: dict[str, list[Visited]] = {}
    for token, one in marked:
        groups.setdefault(leader(token), []).append(one)
    return list(groups.values()), strays


def _tokens(one: Visited) -> set[str]:
    tokens = {one.operation.service_id} if one.operation.service_id else set()
    response = one.exchange.response
    if response is not None and one.operation.kind not in _NAMES_OTHERS:
        tokens |= {plain_text(found["value"]) for found in _SESSION_FIELD.finditer(response.body.plain)}
    for heard in one.heard:
        said = heard.parsed.fields
        if isinstance(client := said.get("clientId"), str):
            tokens.add(_CLIENT + client)
        tokens |= gms.session_ids(said.get("data"))
        if isinstance(data := said.get("data"), dict) and isinstance(tag := data.get("tag"), str):
            tokens |= {service} if (service := gms.service_of_tag(tag)) else set()
    # An app that does not know its chat may show nothing by that name.
    return tokens - {""}


@dataclass(frozen=True, slots=True)
class _Home:
    """A group that others may join: whose it is, and from when to when it lasts."""

    group: list[Visited]
    users: frozenset[str | None]
    first_us: int
    last_us: int

    @classmethod
    def of(cls, group: list[Visited]) -> Self:
        times = [one.at_us for one in group]
        return cls(group, frozenset(one.user for one in group), min(times), max(times))

    def distance_us(self, at_us: int) -> int:
        return max(self.first_us - at_us, at_us - self.last_us, 0)


def _nearest(adrift: list[Visited], homes: list[_Home]) -> list[Visited]:
    at_us = min(one.at_us for one in adrift)
    user = next((one.user for one in adrift if one.user), None)
    same_user = [home for home in homes if user in home.users] if user else []
    return min(same_user or homes, key=lambda home: home.distance_us(at_us)).group
