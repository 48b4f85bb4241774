"""Several recordings as one.

Strategy: what two recordings have alike, ids aside, is one fact, for both were cut from the same; of one that was still
under way in one of them the other says more. Two facts of one recording stay two. All get new ids by time, but what
stands in an order in one of the recordings keeps it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from gms_replay import gms, sessions
from gms_replay.model import Connection, Exchange, Frame, Message, Push, Recording, Run, Socket
from gms_replay.sessions import Session
from gms_replay.spans import texts

_Fact = Run | Exchange | Message | Push | Socket | Connection | Frame
_Ids = Mapping[str, Mapping[int, int]]
"""For each field that names another fact, the ids of such facts, anew."""


@dataclass(frozen=True, slots=True)
class Joined:
    """One recording of several. Runs aside, of each recording `known` facts were in those before it, `added` were not.

    `sources`: for each exchange the recordings that have it, by their places from 0.
    """

    recording: Recording
    known: tuple[int, ...]
    added: tuple[int, ...]
    sources: Mapping[int, frozenset[int]]


def join(recordings: Sequence[Recording]) -> Joined:
    """All facts of the recordings, each once."""
    runs, exchanges, connections, rest = _Pool(), _Pool(), _Pool(), [_Pool() for _ in range(4)]
    pools = (runs, exchanges, connections, *rest)
    known, added = [], []
    for recording in recordings:
        found: _Ids = {"run_id": runs.begin(), "exchange_id": exchanges.begin(), "connection_id": connections.begin()}
        runs.add_all(recording.runs, found)
        exchanges.add_all(recording.exchanges, found)
        connections.add_all(recording.connections, found)
        others: tuple[Sequence[_Fact], ...] = (
            recording.messages,
            recording.pushes,
            recording.sockets,
            recording.frames,
        )
        for pool, facts in zip(rest, others, strict=True):
            pool.begin()
            pool.add_all(facts, found)
        known.append(sum(pool.known for pool in pools if pool is not runs))
        added.append(sum(pool.added for pool in pools if pool is not runs))
    ids: _Ids = {"run_id": runs.ids(), "exchange_id": exchanges.ids(), "connection_id": connections.ids()}
    joined = Recording(
        runs=runs.facts(ids),
        exchanges=exchanges.facts(ids),
        messages=rest[0].facts(ids),
        pushes=rest[1].facts(ids),
        sockets=rest[2].facts(ids),
        connections=connections.facts(ids),
        frames=rest[3].facts(ids),
    )
    numbers = exchanges.ids()
    sources = {numbers[place]: frozenset(some) for place, some in enumerate(exchanges.sources)}
    return Joined(joined, tuple(known), tuple(added), sources)


@dataclass(frozen=True, slots=True)
class Shared:
    """A session that several recordings tell of, by their places; `id_begun_twice`: what two of them say they began.

    A visit that lasts beyond the end of a file begins in one only. Recordings in which the same id is given twice are
    of two visits, which cannot be told apart once they are in one.
    """

    number: int
    sources: tuple[int, ...]
    id_begun_twice: str | None


def shared(joined: Joined) -> tuple[Shared, ...]:
    """The sessions of which no recording has all."""
    found = []
    for number, session in enumerate(sessions.split(joined.recording), start=1):
        having = [joined.sources[one.exchange.id] for one in session]
        if not frozenset.intersection(*having):
            sources = tuple(sorted(frozenset.union(*having)))
            found.append(Shared(number, sources, _begun_twice(session, joined.sources)))
    return tuple(found)


def _begun_twice(session: Session, sources: Mapping[int, frozenset[int]]) -> str | None:
    begun: dict[str, frozenset[int]] = {}
    for one in session:
        response = one.exchange.response
        if response is None or one.operation.kind not in gms.OPENINGS:
            continue
        having = sources[one.exchange.id]
        for path, value in texts(response.body.plain).items():
            if path[-1:] and path[-1] in gms.SESSION_FIELDS and not begun.setdefault(value, having) & having:
                return value
    return None


class _Pool:
    """Facts of one kind, each once, in the order in which they came: its place there stands for its id."""

    def __init__(self) -> None:
        self.sources: list[set[int]] = []
        self.known = self.added = 0
        """How many of the present recording's were there already, and how many were not."""
        self._facts: list[_Fact] = []
        self._order: list[tuple[int, int, int]] = []
        self._alike: dict[_Fact, list[int]] = {}
        self._source = -1
        self._found: dict[int, int] = {}

    def begin(self) -> Mapping[int, int]:
        """From now on facts are the next recording's; gives the places of its ids, as they become known."""
        self._source += 1
        self.known = self.added = 0
        self._found = {}
        return self._found

    def add_all(self, facts: Sequence[_Fact], found: _Ids) -> None:
        """Add a recording's; `found` tells the places of the facts that they belong to."""
        latest_us: int | None = None
        for fact in facts:
            at_us = _at_us(fact)
            # So what is told out of order stays so.
            latest_us = at_us if latest_us is None else max(at_us, latest_us)
            own = _id(fact)
            self._found[own] = self._place(_belonging(fact, found, 0), (latest_us, own, self._source))

    def ids(self) -> dict[int, int]:
        """The new id of what stands at each place."""
        ranked = sorted(range(len(self._facts)), key=self._order.__getitem__)
        return {place: number for number, place in enumerate(ranked, start=1)}

    def facts(self, ids: _Ids) -> Any:
        """All of them, by their new ids, which they have, and those of what they belong to."""
        numbered = ((number, self._facts[place]) for place, number in self.ids().items())
        return tuple(sorted((_belonging(fact, ids, number) for number, fact in numbered), key=_id))

    def _place(self, fact: _Fact, order: tuple[int, int, int]) -> int:
        gist = _gist(fact)
        alike = self._alike.setdefault(gist, [])
        for place in alike:
            one = _one_of(self._facts[place], fact)
            if self._source not in self.sources[place] and one is not None:
                self._facts[place] = one
                self.sources[place].add(self._source)
                self.known += 1
                return place
        self.added += 1
        alike.append(len(self._facts))
        self._facts.append(fact)
        self._order.append(order)
        self.sources.append({self._source})
        return alike[-1]


def _belonging(fact: _Fact, ids: _Ids, own: int) -> _Fact:
    """A fact with another id, and other ids of what it belongs to."""
    changed: dict[str, Any] = {
        name: known[owner] for name, known in ids.items() if (owner := getattr(fact, name, None)) is not None
    }
    return replace(fact, **changed) if isinstance(fact, Socket) else replace(fact, id=own, **changed)


def _gist(fact: _Fact) -> _Fact:
    """What two facts have in common that may be one."""
    match fact:
        case Exchange():
            return replace(fact, outcome=None)
        case Socket():
            # An exchange has one at most.
            return Socket(fact.exchange_id, 0)
    return fact


def _one_of(there: _Fact, fact: _Fact) -> _Fact | None:
    """Of two facts with one gist the one that says more; None where they are two."""
    if there == fact:
        return there
    match there, fact:
        case Exchange(outcome=None), Exchange():
            return fact
        case Exchange(), Exchange(outcome=None):
            return there
        case Socket(closed_at_us=closed_us), Socket():
            return fact if closed_us is None else there
    return None


def _id(fact: _Fact) -> int:
    return fact.exchange_id if isinstance(fact, Socket) else fact.id


def _at_us(fact: _Fact) -> int:
    match fact:
        case Run():
            return fact.started_at_us
        case Exchange():
            return fact.request.started_at_us
        case Socket() | Connection():
            return fact.opened_at_us
    return fact.at_us
