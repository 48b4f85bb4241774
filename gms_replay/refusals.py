"""What became of the pushes that were sent in Apple's binary protocol, as far as that is known.

Strategy: the provider says nothing of a push that it takes. Where it refuses one it names it, throws away what was sent
after it over the same connection, and closes. So one refusal tells of all pushes of its connection, by their place; and
without one nothing is known of any, for the last of them may have been on their way.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gms_replay import apns
from gms_replay.apns import Framer, Refusal, Sent
from gms_replay.model import Direction, Frame


class Fate(NamedTuple):
    """What became of a push: `reason` is None where it was taken, `status` where it was not looked at."""

    status: int | None
    reason: str | None


_TAKEN = Fate(0, None)
_AFTER_REFUSED = Fate(None, "not delivered: after a refused one")
_AFTER_SHUTDOWN = Fate(None, "not delivered: after a shutdown")


class Pushed(NamedTuple):
    """A push; `fate` is None where it is not known."""

    frame: Frame
    sent: Sent
    fate: Fate | None


@dataclass(frozen=True, slots=True)
class Understood:
    """What frames say. `orphans`: refusals that name no push of their connection, or come after one that does.

    `rest`: bytes that are no frame, or not one that goes that way.
    """

    pushes: tuple[Pushed, ...]
    orphans: tuple[tuple[Frame, Refusal], ...]
    rest: tuple[Frame, ...]


def understand(frames: Iterable[Frame]) -> Understood:
    """What frames say, which are in the order in which they passed."""
    connections: dict[int, _Connection] = {}
    framers: dict[tuple[int, Direction], Framer] = {}
    rest = []
    for frame in frames:
        way = frame.connection_id, frame.direction
        framer = framers.setdefault(way, Framer(frame.direction))
        # Of the other direction's frames it knows none, and after broken framing even what looks like one may be part
        # of anything.
        is_whole = [*framer.take(frame.raw)] == [frame.raw] and not framer.is_broken
        said = apns.read(frame.raw) if is_whole else None
        connection = connections.setdefault(frame.connection_id, _Connection([], []))
        if isinstance(said, Sent):
            connection.sent.append((frame, said))
        elif isinstance(said, Refusal):
            connection.told.append((frame, said, len(connection.sent)))
        else:
            rest.append(frame)
    pushes: list[Pushed] = []
    orphans: list[tuple[Frame, Refusal]] = []
    for connection in connections.values():
        fates, unmatched = _fates(connection)
        pushes += (Pushed(*one, fate) for one, fate in zip(connection.sent, fates, strict=True))
        orphans += unmatched
    return Understood(
        tuple(sorted(pushes, key=lambda one: one.frame.id)),
        tuple(sorted(orphans, key=lambda one: one[0].id)),
        tuple(rest),
    )


class _Connection(NamedTuple):
    """The pushes of a connection, and its refusals, each with the number of pushes before it."""

    sent: list[tuple[Frame, Sent]]
    told: list[tuple[Frame, Refusal, int]]


def _fates(connection: _Connection) -> tuple[Sequence[Fate | None], list[tuple[Frame, Refusal]]]:
    """What became of each push, and the refusals that do not say it."""
    fates: Sequence[Fate | None] = [None] * len(connection.sent)
    orphans = []
    is_decided = False
    for frame, refusal, before in connection.told:
        named = [
            place for place, (_, sent) in enumerate(connection.sent[:before]) if sent.identifier == refusal.identifier
        ]
        if named and not is_decided:
            is_decided = True
            fates = [_fate(place, refusal, named[0], named[-1]) for place in range(len(connection.sent))]
        else:
            orphans.append((frame, refusal))
    return fates, orphans


def _fate(place: int, refusal: Refusal, first: int, last: int) -> Fate | None:
    """What became of the push at a place; the one that is named stands at the `first` place, the `last`, or between.

    Senders may use an identifier again.
    """
    is_shutdown = refusal.status == apns.SHUTDOWN
    if place < first or (is_shutdown and place == first):
        return _TAKEN
    if place > last:
        return _AFTER_SHUTDOWN if is_shutdown else _AFTER_REFUSED
    return Fate(refusal.status, refusal.name) if first == last else None
