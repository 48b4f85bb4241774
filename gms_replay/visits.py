"""Which facts of a recording belong to one app's visit.

Strategy: facts that share a service, chat or Comet client id belong together; a Comet frame's `tag`, or what its data
names of a chat of version 2, joins a client to a service. What carries no such id (availability, a Comet client that
was told nothing) goes to a session of the same `gms_user`, if any session has it, and of those to the nearest in time.

No exchange is read here: requests are told by their outlines, and of answers only those are looked at that may hold an
id, for a cassette of a hundred thousand exchanges is opened to play one visit of it.
"""

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from operator import itemgetter
from typing import NamedTuple, Self

from gms_replay import bayeux, chat1, gms
from gms_replay.errors import BayeuxError
from gms_replay.gms import Kind, Operation
from gms_replay.model import Carried, Facts
from gms_replay.spans import plain_text

_Place = tuple[int, int]
"""When something was asked, and its exchange."""


class _Client(NamedTuple):
    """A Bayeux client, by its id."""

    id: str


_Token = str | _Client
"""What belongs to one visit only: an id that GMS gave, or a Bayeux client."""


class Asking(NamedTuple):
    """Requests in the same words that the same ids tie to others: most of them are one, or an app that polls.

    `places`: when each was asked, with its exchange. `message_ids`: the Bayeux messages that it carried. `shown`: those
    of the ids that an app may show to say whose it is.
    """

    operation: Operation
    method: str
    target: str
    user: str | None
    places: Sequence[_Place]
    tokens: tuple[_Token, ...] = ()
    shown: tuple[str, ...] = ()
    message_ids: tuple[int, ...] = ()

    @property
    def first(self) -> _Place:
        return min(self.places)


_Group = list[Asking]


@dataclass(frozen=True, eq=False)
class Visit:
    """One app's visit, not read yet: what was asked, by when it was asked first."""

    facts: Facts
    askings: tuple[Asking, ...]

    @property
    def start_us(self) -> int:
        return self.askings[0].first[0]

    @property
    def last_us(self) -> int:
        """When it asked last."""
        return max(place[0] for one in self.askings for place in one.places)

    @cached_property
    def user(self) -> str | None:
        """The one that the app names, if it names any."""
        return _user(self.askings)

    @property
    def questions(self) -> list[tuple[int, Asking]]:
        """Each request by its exchange's id, with what was asked, in the order in which they were asked."""
        each = sorted(((place, one) for one in self.askings for place in one.places), key=itemgetter(0))
        return [(place[1], one) for place, one in each]

    @cached_property
    def operations(self) -> frozenset[tuple[str, ...]]:
        """What was asked for: `Operation.key`."""
        return frozenset(one.operation.key for one in self.askings)

    @cached_property
    def service_ids(self) -> frozenset[str]:
        """What an app may show to say that this is its visit: in a path, or, in chat version 2, among what it says."""
        in_paths = (one.operation.service_id for one in self.askings if one.operation.service_id)
        return frozenset(in_paths).union(*(one.shown for one in self.askings))

    @cached_property
    def base(self) -> str:
        """The base path of its server."""
        counts: Counter[str] = Counter()
        for one in [one for one in self.askings if one.operation.kind is not Kind.COMET] or self.askings:
            counts[one.operation.base] += len(one.places)
        return counts.most_common(1)[0][0]


_NAMES_OTHERS = frozenset({Kind.QUERY_CALLBACK, Kind.AVAILABILITY, Kind.STORAGE, Kind.NODE_STATUS, Kind.OTHER})
"""Operations whose answers may list the ids of other visits."""

_NO_VISIT = frozenset({Kind.PUSH, Kind.PREFLIGHT})

_SHOWN = frozenset(name.encode() for name in gms.SHOWN_FIELDS)
_NAMES = tuple(name.encode() for name in sorted(gms.SESSION_FIELDS))
# Ten times faster than by an answer's spans.
_FIELD = re.compile(rb'"(?P<name>' + b"|".join(_NAMES) + rb')"\s*:\s*"(?P<value>[^"\\]*(?:\\.[^"\\]*)*)"', re.DOTALL)


def split(facts: Facts) -> tuple[Visit, ...]:
    """The visits of a recording, the earliest first; none only where nothing of an app's was recorded."""
    tied, strays = _askings(facts)
    groups = _joined(tied)
    if not groups:
        return (_visit(facts, strays),) if strays else ()
    homes = [group for group in groups if not _is_unnamed(group)] or groups
    adrift = [[one] for one in strays] + [group for group in groups if homes is not groups and _is_unnamed(group)]
    nearest = _find_homes(homes if adrift else ())
    for some, home in [(some, nearest(some)) for some in adrift]:
        home.extend(some)
    return tuple(sorted((_visit(facts, group) for group in homes), key=lambda visit: visit.askings[0].first))


def overlapping(visits: Sequence[Visit]) -> list[list[int]]:
    """The places of visits, by when these began: together those that were under way at the same time."""
    found: list[list[int]] = []
    until_us = 0
    for place in sorted(range(len(visits)), key=lambda place: visits[place].start_us):
        if found and visits[place].start_us <= until_us:
            found[-1].append(place)
        else:
            found.append([place])
        until_us = max(until_us, visits[place].last_us)
    return found


def _visit(facts: Facts, group: _Group) -> Visit:
    return Visit(facts, tuple(sorted(group, key=lambda one: one.first)))


def _user(group: Iterable[Asking]) -> str | None:
    """The first that is named."""
    first = min((one for one in group if one.user), key=lambda one: one.first, default=None)
    return first and first.user


def _is_unnamed(group: _Group) -> bool:
    """Whether all that holds a group together is a Comet client's id."""
    return all(isinstance(token, _Client) for one in group for token in one.tokens)


def _askings(facts: Facts) -> tuple[_Group, _Group]:
    """All that apps asked: what shows an id, and what shows none, each by itself."""
    tied: _Group = []
    strays: _Group = []
    carried, answered = _carried(facts), _answered(facts)
    telling = carried.keys() | answered.keys()
    for method, target, user, body, places in facts.outlines(gms.USER_HEADER):
        operation = gms.recognise(method, target, body)
        if operation is None or operation.kind in _NO_VISIT:
            continue
        sources = (carried,) if operation.kind in _NAMES_OTHERS else (carried, answered)
        named: tuple[_Token, ...] = (operation.service_id,) if operation.service_id else ()
        alike: list[_Place] = []
        for place in places:
            if place[1] not in telling:
                alike.append(place)
                continue
            told = [source[place[1]] for source in sources if place[1] in source]
            tokens = named + tuple(token for one in told for token in one.tokens)
            shown = tuple(value for one in told for value in one.shown)
            message_ids = tuple(number for one in told for number in one.message_ids)
            one = Asking(operation, method, target, user, [place], tokens, shown, message_ids)
            (tied if tokens else strays).append(one)
        if alike and named:
            tied.append(Asking(operation, method, target, user, alike, named))
        elif alike:
            strays += (Asking(operation, method, target, user, [place]) for place in alike)
    return tied, strays


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
                self.tokens.append(value)
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
            self.tokens.append(_Client(client))
        data = said.get("data")
        self.tokens += gms.session_ids(data)
        if isinstance(data, dict):
            if isinstance(tag := data.get("tag"), str) and (service := chat1.service_of_tag(tag)):
                self.tokens.append(service)
            if message.is_told:
                shown = (data.get(name) for name in gms.SHOWN_FIELDS)
                self.shown += [value for value in shown if isinstance(value, str) and value]


def _carried(facts: Facts) -> dict[int, _Told]:
    found: dict[int, _Told] = {}
    for message in facts.carried():
        told = found.get(message.exchange_id) or found.setdefault(message.exchange_id, _Told())
        told.hear(message)
    return found


def _answered(facts: Facts) -> dict[int, _Told]:
    found: dict[int, _Told] = {}
    for number, body in facts.answers_with([b'"%s"' % name for name in _NAMES]):
        found[number] = _Told()
        found[number].read(body)
    return found


def _joined(tied: _Group) -> list[_Group]:
    """Groups of requests that share an id, directly or through others."""
    leaders: dict[_Token, _Token] = {}

    def leader(token: _Token) -> _Token:
        while (above := leaders.setdefault(token, token)) != token:
            leaders[token] = leaders[above]
            token = above
        return token

    for one in tied:
        first = one.tokens[0]
        for other in one.tokens[1:]:
            leaders[leader(other)] = leader(first)
    groups: dict[_Token, _Group] = {}
    for one in tied:
        groups.setdefault(leader(one.tokens[0]), []).append(one)
    return list(groups.values())


@dataclass(frozen=True, slots=True)
class _Home:
    """A group that others may join, from when to when it lasts, and whose it is."""

    group: _Group
    first: _Place
    last: _Place
    users: frozenset[str | None]

    @classmethod
    def of(cls, group: _Group) -> Self:
        places = [place for one in group for place in one.places]
        return cls(group, min(places), max(places), frozenset(one.user for one in group))


class _Homes:
    """Groups in the order in which they begin."""

    def __init__(self, homes: Sequence[_Home]) -> None:
        self._homes = homes
        self._begin_us = [home.first[0] for home in homes]
        self._lasted_us = list(accumulate((home.last[0] for home in homes), max))

    def nearest(self, at_us: int) -> _Group:
        """The group that lasts at that instant, the earliest of several, else the one nearest to it."""
        begun = bisect_right(self._begin_us, at_us)
        place = bisect_left(self._lasted_us, at_us, 0, begun)
        if place == begun and begun:
            place = bisect_left(self._lasted_us, self._lasted_us[begun - 1], 0, begun)
            is_nearer = begun < len(self._homes) and self._begin_us[begun] - at_us < at_us - self._lasted_us[place]
            place = begun if is_nearer else place
        return self._homes[place].group


def _find_homes(groups: Iterable[_Group]) -> Callable[[_Group], _Group]:
    """Who finds the group that some belong to of which nothing but time and user is known."""
    homes = sorted(map(_Home.of, groups), key=lambda home: home.first)
    of_user: dict[str | None, list[_Home]] = {}
    for home in homes:
        for user in home.users:
            of_user.setdefault(user, []).append(home)
    known = {user: _Homes(some) for user, some in of_user.items() if user}
    everyone = _Homes(homes)

    def nearest(adrift: _Group) -> _Group:
        return known.get(_user(adrift) or "", everyone).nearest(min(one.first for one in adrift)[0])

    return nearest
