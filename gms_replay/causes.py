"""What the app did in a recorded visit, and what waits for it; see docs/architecture.md, "Causes"."""

from bisect import bisect_right
from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from gms_replay import chat2, fields, publications
from gms_replay.fields import Fields
from gms_replay.gms import Act, Operation
from gms_replay.model import Direction, Transport
from gms_replay.sessions import Heard, Session, Visited


@dataclass(frozen=True, slots=True)
class Done:
    """Something that the app did, by REST or over Comet. `said`: what it said with it."""

    at_us: int
    act: Act
    operation: Operation
    said: Fields


@dataclass(frozen=True, slots=True)
class Cause:
    """An item waits until the app has done `count` acts of this kind, then for as long as it came after `at_us`."""

    act: Act
    count: int
    at_us: int


@dataclass(frozen=True, slots=True)
class _Tried:
    """An act, or a repetition of it. `asked`: what it says; `is_lost`: its answer never came."""

    done: Done
    asked: Hashable
    is_lost: bool


def acts_of(session: Session) -> list[Done]:
    """The acts of the app, in order. One that was repeated because its answer never came counts once."""
    acts: list[Done] = []
    lost: set[Hashable] = set()
    tried = [one for visited in session for one in (*_asked(visited), *_published(visited))]
    for one in sorted(tried, key=lambda one: one.done.at_us):
        if one.asked not in lost:
            acts.append(one.done)
        lost.discard(one.asked)
        if one.is_lost:
            lost.add(one.asked)
    return acts


class Causes:
    """What the items of a visit wait for, whose acts these are, in order."""

    def __init__(self, acts: Iterable[Done]) -> None:
        self._at_us: list[int] = []
        # With each act one more, so that no item has to go through all of them.
        self._after: list[tuple[Cause, ...]] = [()]
        last: dict[Act, Cause] = {}
        for done in acts:
            count = last[done.act].count + 1 if done.act in last else 1
            last[done.act] = Cause(done.act, count, done.at_us)
            self._at_us.append(done.at_us)
            self._after.append(tuple(last.values()))

    def of(self, at_us: int) -> tuple[Cause, ...]:
        """What an item waits for that came then."""
        return self._after[bisect_right(self._at_us, at_us)]


def is_whole(one: Visited) -> bool:
    """Whether the answer to a request arrived."""
    outcome = one.exchange.outcome
    return outcome is not None and outcome.response is not None and outcome.error is None


def _asked(one: Visited) -> Iterator[_Tried]:
    """The act that a request is. A start that GMS did not take is none: it may even be another's who gave no name."""
    act = one.operation.act
    if act is not None and (act is not Act.START or _is_taken(one)):
        asked = fields.meaning(one.operation, one.said)
        yield _Tried(Done(one.at_us, act, one.operation, one.said), asked, is_lost=not is_whole(one))


def _is_taken(one: Visited) -> bool:
    response = one.exchange.response
    return is_whole(one) and response is not None and not chat2.refuses(one.operation, response)


def _published(one: Visited) -> Iterator[_Tried]:
    """The acts that were published, but for those of a Bayeux client that the server did not know.

    Refused starts are among them: what refuses one is a frame, which has to wait for it.
    """
    for heard in one.heard:
        said = publications.read(heard.parsed.fields) if heard.message.direction is Direction.TO_SERVER else None
        if said is not None and (act := said.operation.act) is not None:
            reply = _reply(heard, one)
            if reply is None or reply.get("successful") is True:
                done = Done(heard.message.at_us, act, said.operation, said.fields)
                yield _Tried(done, said, is_lost=reply is None)


def _reply(said: Heard, one: Visited) -> dict[str, Any] | None:
    """What the server replied to a message; None where the app never read it. What came over a WebSocket was read."""
    if said.message.transport is not Transport.WEBSOCKET and not is_whole(one):
        return None
    wanted = said.message.channel, said.parsed.fields.get("id")
    for heard in one.heard:
        reply = heard.parsed.fields
        is_reply = heard.message.direction is Direction.TO_CLIENT and "successful" in reply
        if is_reply and (heard.message.channel, reply.get("id")) == wanted:
            return reply
    return None
