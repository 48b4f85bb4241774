"""Who was told what: the events of a session, and for each Bayeux client those that it still has to be told.

Strategy: an event goes to every client that subscribed to it, and to none once one of them has it, for all clients of
a session are one app's. What nobody was told waits for whoever comes. An answer counts as told when it is taken out,
and is remembered by its request until that is known to have arrived: what got lost is told again.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from gms_replay import bayeux
from gms_replay.limits import Limits

Position = tuple[str, int]
"""A chat, and how many lines of it whoever got a message has."""


@dataclass(frozen=True, slots=True)
class _Event:
    """`takers`: the subscriptions that take it in."""

    takers: tuple[str, ...]
    raw: bytes
    position: Position | None


@dataclass(slots=True)
class _Reader:
    """`characters`: of all subscriptions; `queue` holds the numbers of the events that a client has to be told."""

    subscriptions: dict[str, None] = field(default_factory=dict)
    characters: int = 0
    queue: set[int] = field(default_factory=set)

    def takes(self, event: _Event) -> bool:
        return not self.subscriptions.keys().isdisjoint(event.takers)


class Deliveries:
    """The events of one session, and its clients by their ids."""

    def __init__(self) -> None:
        self._events: list[_Event] = []
        self._told: set[int] = set()
        self._readers: dict[str, _Reader] = {}
        self._carried: dict[int, list[tuple[str, frozenset[int]]]] = {}

    @property
    def is_waiting(self) -> bool:
        """Whether there is something that nobody was told."""
        return len(self._told) < len(self._events)

    @property
    def told_count(self) -> int:
        """How many events somebody was told."""
        return len(self._told)

    def add(self, client_id: str) -> None:
        """A new client, which has subscribed to nothing."""
        self._readers[client_id] = _Reader()

    def drop(self, client_id: str) -> None:
        """What the client was not told goes to the app's next one, which may be there already."""
        self._offer(self._readers.pop(client_id).queue)

    def exceeded(self, client_id: str, further: Iterable[str], limits: Limits) -> tuple[str, int] | None:
        """Of what a client would have too much with further subscriptions, and the limit; None where it would not."""
        reader = self._readers[client_id]
        new = set(further) - reader.subscriptions.keys()
        if len(reader.subscriptions) + len(new) > limits.subscriptions:
            return "subscriptions", limits.subscriptions
        if reader.characters + _characters(new) > limits.subscribed_characters:
            return "subscribed_characters", limits.subscribed_characters
        return None

    def subscribe(self, client_id: str, channels: Iterable[str]) -> None:
        """What nobody was told goes to the client, too; nothing, where it has subscribed to all of these already."""
        reader = self._readers[client_id]
        new = {name: None for name in channels if name not in reader.subscriptions}
        reader.subscriptions |= new
        reader.characters += _characters(new)
        # Apps publish often on the same `/service/` channel, which subscribes.
        if new:
            reader.queue |= self._taken(reader, range(len(self._events)))

    def unsubscribe(self, client_id: str, channels: Iterable[str]) -> None:
        reader = self._readers[client_id]
        former = [name for name in dict.fromkeys(channels) if name in reader.subscriptions]
        for name in former:
            del reader.subscriptions[name]
        reader.characters -= _characters(former)

    def is_subscribed(self, client_id: str) -> bool:
        """Whether a client has subscribed to anything."""
        return bool(self._readers[client_id].subscriptions)

    def publish(self, channel: str, raw: bytes, position: Position | None, *, is_lost: bool = False) -> None:
        """Queues a message for every subscriber; without one it waits for the first.

        One that is lost counts as told, and comes only to who says that it has less of the chat.
        """
        self._events.append(_Event(bayeux.subscriptions_to(channel), raw, position))
        if is_lost:
            self._told.add(len(self._events) - 1)
        else:
            self._offer({len(self._events) - 1})

    def queued(self, client_id: str) -> frozenset[int]:
        """The numbers of the events that a client has to be told."""
        return frozenset(self._readers[client_id].queue)

    def take(self, client_id: str, request_id: int | None) -> tuple[bytes, ...]:
        """All that waits for a client, in order; from now on it counts as told.

        `request_id`: the request whose answer carries it, and may get lost; None over a WebSocket.
        """
        reader = self._readers[client_id]
        told, reader.queue = sorted(reader.queue), set()
        self._told.update(told)
        if told and request_id is not None:
            self._carried.setdefault(request_id, []).append((client_id, frozenset(told)))
        return tuple(self._events[number].raw for number in told)

    def is_under_way(self, client_id: str) -> bool:
        """Whether an answer with events for a client is not known to have arrived."""
        return any(one == client_id for sent in self._carried.values() for one, _ in sent)

    def arrived(self, request_id: int) -> None:
        """The app has what the answer to a request carried."""
        self._carried.pop(request_id, None)

    def lost(self, request_id: int) -> None:
        """What the answer carried comes with the next."""
        for client_id, numbers in self._carried.pop(request_id, ()):
            if client_id in self._readers:
                self.repeat(client_id, numbers)
            else:
                self._told -= numbers
                self._offer(numbers)

    def repeat(self, client_id: str, numbers: frozenset[int]) -> None:
        """Tells a client once more."""
        self._told -= numbers
        self._readers[client_id].queue |= numbers

    def acknowledge(self, client_id: str, had: frozenset[int], lost: frozenset[int]) -> None:
        """The client has said what it has, and what not, whatever becomes of the answers that are on their way."""
        self._forget_carried(client_id, had | lost)
        self._readers[client_id].queue -= had
        self._told |= had
        self.repeat(client_id, lost)

    def read_to(self, client_id: str, position: int) -> None:
        """The client has so many lines of the chat that it heard last, and no more, whatever it was told.

        Where it heard of none, it is the latest: it may know its lines from elsewhere.
        """
        reader = self._readers[client_id]
        places = {
            n: event.position
            for n, event in enumerate(self._events)
            if event.position is not None and reader.takes(event)
        }
        if not places:
            return
        # Positions begin anew with each chat.
        chat, _ = places[max(places.keys() & self._told or places)]
        lines = {n: place[1] for n, place in places.items() if place[0] == chat}
        had = frozenset(n for n, line in lines.items() if line <= position)
        self._forget_carried(client_id, frozenset(lines))
        self._told |= had
        reader.queue -= had
        self.repeat(client_id, frozenset(lines) - had)

    def _offer(self, numbers: Iterable[int]) -> None:
        for reader in self._readers.values():
            reader.queue |= self._taken(reader, numbers)

    def _taken(self, reader: _Reader, numbers: Iterable[int]) -> set[int]:
        """Of these events those that a client subscribed to; none that has been told already."""
        return {n for n in numbers if n not in self._told and reader.takes(self._events[n])}

    def _forget_carried(self, client_id: str, numbers: frozenset[int]) -> None:
        for carried in self._carried.values():
            carried[:] = [(one, told - numbers if one == client_id else told) for one, told in carried]


def _characters(channels: Iterable[str]) -> int:
    return sum(map(len, channels))
