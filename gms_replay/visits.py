"""Which facts of a recording belong to one app's visit.

Strategy: facts that share a service, chat or Comet client id belong together; a Comet frame's `tag`, or what its data
names of a chat of version 2, joins a client to a service. What carries no such id (availability, a Comet client that
was told nothing) goes to a session of the same `gms_user`, if any session has it, and of those to the nearest in time.

All that is asked of a fact here is told by its outline: a cassette of a hundred thousand exchanges is opened to play
one visit of it.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple, Self

from gms_replay import bayeux, gms
from gms_replay.errors import BayeuxError
from gms_replay.gms import Kind, Operation
from gms_replay.model import Carried, Facts
from gms_replay.spans import plain_text


class Question(NamedTuple):
    """A recorded request, and what it was about. `message_ids`: the Bayeux messages that its exchange carried."""

    asked_at_us: int
    exchange_id: int
    operation: Operation
    method: str
    target: str
    message_ids: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Visit:
    """One app's visit, not read yet: the requests in the order in which they were asked.

    `user`: the one that the app names, if it names any. `shown`: what else than a service's id it may show to say that
    this is its visit.
    """

    facts: Facts
    questions: tuple[Question, ...]
    user: str | None
    shown: frozenset[str]

    @property
    def start_us(self) -> int:
        return self.questions[0].asked_at_us

    @cached_property
    def operations(self) -> frozenset[tuple[str, ...]]:
        """What was asked for: `Operation.key`."""
        return frozenset(one.operation.key for one in self.questions)

    @cached_property
    def service_ids(self) -> frozenset[str]:
        """What an app may show to say that this is its visit: in a path, or, in chat version 2, among what it says."""
        return self.shown.union(one.operation.service_id for one in self.questions if one.operation.service_id)

    @cached_property
    def base(self) -> str:
        """The base path of its server."""
        bases = [one.operation.base for one in self.questions if one.operation.kind is not Kind.COMET]
        return Counter(bases or [one.operation.base for one in self.questions]).most_common(1)[0][0]


_NAMES_OTHERS = frozenset({Kind.QUERY_CALLBACK, Kind.AVAILABILITY, Kind.STORAGE, Kind.NODE_STATUS, Kind.OTHER})
"""Operations whose answers may list the ids of other visits."""

_NO_VISIT = frozenset({Kind.PUSH, Kind.PREFLIGHT})

_CLIENT = "client"
_SHOWN = frozenset(name.encode() for name in gms.SHOWN_FIELDS)
# Every answer of a cassette is searched when it is opened: ten times faster than by its spans.
_FIELD = re.compile(
    rb'"(?P<name>' + "|".join(sorted(gms.SESSION_FIELDS)).encode() + rb')"\s*:\s*"(?P<value>[^"\\]*(?:\\.[^"\\]*)*)"',
    re.DOTALL,
)

_Token = tuple[str, str]
"""Something that belongs to one visit only: a Bayeux client's id, after "client", or any other, after ""."""


class _Named(NamedTuple):
    """A request with what ties it to others."""

    question: Question
    user: str | None
    tokens: Sequence[_Token]
    shown: Sequence[str]


def split(facts: Facts) -> tuple[Visit, ...]:
    """The visits of a recording, the earliest first; none only where nothing of an app's was recorded."""
    groups, strays = _joined(sorted(_named(facts), key=_place))
    if not groups:
        return (_visit(facts, strays),) if strays else ()
    homes = [group for group in groups if not _is_unnamed(group)] or groups
    adrift = [[one] for one in strays] + [group for group in groups if homes is not groups and _is_unnamed(group)]
    nearest = _find_homes(homes if adrift else ())
    for some, home in [(some, nearest(some)) for some in adrift]:
        home.extend(some)
    return tuple(sorted((_visit(facts, group) for group in homes), key=lambda visit: visit.questions[0][:2]))


def _visit(facts: Facts, group: list[_Named]) -> Visit:
    group.sort(key=_place)
    shown = frozenset(value for one in group for value in one.shown)
    return Visit(facts, tuple(one.question for one in group), _user(group), shown)


def _user(group: list[_Named]) -> str | None:
    return next((one.user for one in group if one.user), None)


def _is_unnamed(group: list[_Named]) -> bool:
    """Whether all that holds a group together is a Comet client's id."""
    return all(name == _CLIENT for one in group for name, _ in one.tokens)


def _place(one: _Named) -> tuple[int, int]:
    return one.question[:2]


def _named(facts: Facts) -> Iterator[_Named]:
    carried = _carried(facts)
    for outline in facts.outlines(gms.USER_HEADER):
        operation = gms.recognise(outline.method, outline.target, outline.asked)
        if operation is None or operation.kind in _NO_VISIT:
            continue
        told = carried.get(outline.exchange_id) or _Told()
        if operation.service_id:
            told.tokens.append(("", operation.service_id))
        if outline.told is not None and operation.kind not in _NAMES_OTHERS:
            told.read(outline.told)
        asked_at_us, number, method, target = outline.asked_at_us, outline.exchange_id, outline.method, outline.target
        question = Question(asked_at_us, number, operation, method, target, tuple(told.message_ids))
        yield _Named(question, outline.named, told.tokens, told.shown)


class _Told:
    """What one exchange tells of whose it is."""

    __slots__ = ("message_ids", "shown", "tokens")

    def __init__(self) -> None:
        self.message_ids: list[int] = []
        self.tokens: list[_Token] = []
        self.shown: list[str] = []

    def read(self, body: bytes) -> None:
        """Takes note of an answer's body."""
        for found in _FIELD.finditer(body):
            if value := plain_text(found["value"]):
                self.tokens.append(("", value))
                if found["name"] in _SHOWN:
                    self.shown.append(value)

    def hear(self, message: Carried) -> None:
        """Takes note of a Bayeux message, if it is one."""
        try:
            parsed = bayeux.parse_recorded(message.raw)
        except BayeuxError:
            return
        said = parsed[0].fields if parsed else {}
        self.message_ids.append(message.message_id)
        if isinstance(client := said.get("clientId"), str) and client:
            self.tokens.append((_CLIENT, client))
        data = said.get("data")
        self.tokens += [("", value) for value in gms.session_ids(data)]
        if isinstance(data, dict):
            if isinstance(tag := data.get("tag"), str) and (service := gms.service_of_tag(tag)):
                self.tokens.append(("", service))
            if message.is_told:
                shown = (data.get(name) for name in gms.SHOWN_FIELDS)
                self.shown += [value for value in shown if isinstance(value, str) and value]


def _carried(facts: Facts) -> dict[int, _Told]:
    found: dict[int, _Told] = {}
    for message in facts.carried():
        told = found.get(message.exchange_id) or found.setdefault(message.exchange_id, _Told())
        told.hear(message)
    return found


def _joined(named: Iterable[_Named]) -> tuple[list[list[_Named]], list[_Named]]:
    """Groups of requests that share an id, directly or through others; and those without any."""
    leaders: dict[_Token, _Token] = {}

    def leader(token: _Token) -> _Token:
        while (above := leaders.setdefault(token, token)) != token:
            leaders[token] = leaders[above]
            token = above
        return token

    strays: list[_Named] = []
    marked: list[tuple[_Token, _Named]] = []
    for one in named:
        if not one.tokens:
            strays.append(one)
            continue
        first, *others = one.tokens
        marked.append((first, one))
        for other in others:
            leaders[leader(other)] = leader(first)
    groups: dict[_Token, list[_Named]] = {}
    for token, one in marked:
        groups.setdefault(leader(token), []).append(one)
    return list(groups.values()), strays


@dataclass(frozen=True, slots=True)
class _Home:
    """A group that others may join, from when to when it lasts, and whose it is."""

    group: list[_Named]
    first_us: int
    last_us: int
    users: frozenset[str | None]

    @classmethod
    def of(cls, group: list[_Named]) -> Self:
        times = [one.question.asked_at_us for one in group]
        return cls(group, min(times), max(times), frozenset(one.user for one in group))


class _Homes:
    """Groups in the order in which they begin."""

    def __init__(self, homes: Sequence[_Home]) -> None:
        self._homes = homes
        self._begin_us = [home.first_us for home in homes]
        self._lasted_us = list(accumulate((home.last_us for home in homes), max))

    def nearest(self, at_us: int) -> list[_Named]:
        """The group that lasts at that instant, the earliest of several, else the one nearest to it."""
        begun = bisect_right(self._begin_us, at_us)
        place = bisect_left(self._lasted_us, at_us, 0, begun)
        if place == begun and begun:
            place = bisect_left(self._lasted_us, self._lasted_us[begun - 1], 0, begun)
            is_nearer = begun < len(self._homes) and self._begin_us[begun] - at_us < at_us - self._lasted_us[place]
            place = begun if is_nearer else place
        return self._homes[place].group


def _find_homes(groups: Iterable[list[_Named]]) -> Callable[[list[_Named]], list[_Named]]:
    """Who finds the group that some belong to of which nothing but time and user is known."""
    homes = [_Home.of(group) for group in groups]
    of_user: dict[str | None, list[_Home]] = {}
    for home in homes:
        for user in home.users:
            of_user.setdefault(user, []).append(home)
    known = {user: _Homes(some) for user, some in of_user.items() if user}
    everyone = _Homes(homes)

    def nearest(adrift: list[_Named]) -> list[_Named]:
        return known.get(_user(adrift) or "", everyone).nearest(min(one.question.asked_at_us for one in adrift))

    return nearest
