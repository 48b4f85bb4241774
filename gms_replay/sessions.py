"""What was said in a visit, exchange by exchange: what else derives from a recording begins with this."""

from collections.abc import Iterator
from dataclasses import dataclass

from gms_replay import bayeux, fields, gms, visits
from gms_replay.bayeux import Parsed
from gms_replay.fields import Fields
from gms_replay.gms import Kind, Operation
from gms_replay.model import Direction, Exchange, Facts, Message
from gms_replay.spans import Span, spans
from gms_replay.visits import Visit


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
        return self.exchange.request.asked_at_us

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


def read(visit: Visit) -> Session:
    """A visit with all that was said in it."""
    questions = visit.questions
    message_ids = [number for _, one in questions for number in one.message_ids]
    part = visit.facts.part([number for number, _ in questions], message_ids)
    exchanges = {exchange.id: exchange for exchange in part.exchanges}
    carried: dict[int, list[Heard]] = {}
    for message in part.messages:
        if parsed := bayeux.parse_recorded(message.raw):
            carried.setdefault(message.exchange_id, []).append(Heard(message, parsed[0]))
    return tuple(Visited(exchanges[number], one.operation, tuple(carried.get(number, ()))) for number, one in questions)


def split(facts: Facts) -> tuple[Session, ...]:
    """The visits of a recording, the earliest first, all of them read."""
    return tuple(read(visit) for visit in visits.split(facts))
