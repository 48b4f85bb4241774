"""Which facts of a recording are whose, so that sessions can be taken out of it.

Strategy: a session owns its exchanges, and with these what they carried; the pushes that name a service of it, with
what carried those; and what a browser asked before it asked for the session. All else is nobody's. So each fact is in
one part, and no part lacks any. One thing is in several: where Apple's binary protocol refused a push, that decides the
fate of all others on its connection, so the refusal goes with each of these, and so does the push that it names. Facts
keep their ids. A session that is alone holds together as it did among others: what carries no id went to the nearest
session of its user, and of fewer sessions that one is still the nearest.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from gms_replay import apns, httpcb, pushes, refusals, sessions
from gms_replay.apns import Refusal
from gms_replay.errors import OptionError
from gms_replay.gms import Kind
from gms_replay.model import Frame, Recording
from gms_replay.pushes import Notification, Pushes
from gms_replay.sessions import Session
from gms_replay.visits import Visit

_Home = int | None
"""Whose a fact is: a session's number, from 1, or None for nobody's."""


def choose(
    visits: Sequence[Visit], named: Sequence[str], from_us: int | None = None, to_us: int | None = None
) -> frozenset[int]:
    """The numbers of the visits that are named, by their number or an id of theirs; of all, where none is.

    Of these only the ones that began at `from_us` or later, and before `to_us`. Raises OptionError for a name that is
    none, and where nothing is left.
    """
    if not visits:
        raise OptionError("there is no session in it, nothing that an app asked of GMS; `show` tells what there is")
    numbers = {numbered(visits, name) for name in named} or set(range(1, len(visits) + 1))
    chosen = frozenset(
        number
        for number in numbers
        if (from_us is None or from_us <= visits[number - 1].start_us)
        and (to_us is None or visits[number - 1].start_us < to_us)
    )
    if not chosen:
        raise OptionError("--from, --to: no such session began then; `gms-replay show` tells when each did")
    return chosen


def numbered(visits: Sequence[Visit], name: str, option: str = "--session") -> int:
    """The number of the visit that is named, by it or by an id. Raises OptionError, which names the option."""
    if name.isascii() and name.isdigit() and len(name) < 10 and 1 <= int(name) <= len(visits):
        return int(name)
    for number, visit in enumerate(visits, start=1):
        if any(name == token for one in visit.askings for token in one.tokens):
            return number
    known = f"1 to {len(visits)}" if len(visits) > 1 else "1 alone" if visits else "none"
    raise OptionError(f"{option} {name}: there is no such session; `gms-replay show` numbers them, here {known}")


def cut(recording: Recording, visits: Sequence[Visit], chosen: Collection[_Home]) -> Recording:
    """The facts of the chosen of a recording's visits, by number; with None among them what is nobody's, too."""
    read = tuple(map(sessions.read, visits))
    found = pushes.find(recording, read)
    homes = _Homes.of(recording, read, found)
    exchanges = tuple(one for one in recording.exchanges if homes.exchanges.get(one.id) in chosen)
    carriers = {one.id for one in exchanges}
    sent = tuple(one for one in recording.pushes if homes.pushes.get(one.id) in chosen)
    frames = tuple(_frames(recording, homes, chosen))
    held = {frame.connection_id for frame in frames}
    silent = {one.id for one in recording.connections} - {frame.connection_id for frame in recording.frames}
    connections = tuple(one for one in recording.connections if one.id in held or (None in chosen and one.id in silent))
    kept = {one.run_id for facts in (exchanges, sent, connections) for one in facts}
    used = {one.run_id for facts in (recording.exchanges, recording.pushes, recording.connections) for one in facts}
    return Recording(
        runs=tuple(run for run in recording.runs if run.id in kept or (None in chosen and run.id not in used)),
        exchanges=exchanges,
        messages=tuple(one for one in recording.messages if one.exchange_id in carriers),
        pushes=sent,
        sockets=tuple(one for one in recording.sockets if one.exchange_id in carriers),
        connections=connections,
        frames=frames,
    )


def derives_anew(recording: Recording, part: Recording) -> bool:
    """Whether in a part pushes may be derived, but not in the whole, which tells that GMS's own traffic was seen."""
    return pushes.may_be_derived(part.providers()) and not pushes.may_be_derived(recording.providers())


@dataclass(frozen=True, slots=True)
class _Homes:
    """Whose each fact is, by its id; what is not in it is nobody's."""

    exchanges: dict[int, int]
    pushes: dict[int, int]
    frames: dict[int, int]

    @classmethod
    def of(cls, recording: Recording, read: Sequence[Session], found: Pushes) -> "_Homes":
        numbered = list(enumerate(read, start=1))
        exchanges = {one.exchange.id: number for number, session in numbered for one in session}
        seen = [(number, one) for number, some in enumerate(found.of_visits, start=1) for one in some]
        told = [(number, one) for number, one in seen if isinstance(one, Notification)]
        for number, one in told:
            if one.exchange_id is not None:
                exchanges.setdefault(one.exchange_id, number)
        exchanges |= dict(_preflights(recording, read, exchanges))
        of_pushes = {one.push_id: number for number, one in told if one.push_id is not None}
        # What was carried goes where its carrier is: one request may have told several.
        carried = {one.id: exchanges.get(one.exchange_id) for one in recording.pushes if one.exchange_id is not None}
        of_pushes |= {push_id: number for push_id, number in carried.items() if number is not None}
        frames = {one.frame_id: number for number, one in told if one.frame_id is not None}
        return cls(exchanges, of_pushes, frames)


def _preflights(recording: Recording, read: Sequence[Session], known: dict[int, int]) -> Iterator[tuple[int, int]]:
    """What browsers asked before they asked for a session: it is of whoever asked there next, else of who did last."""
    asked: dict[str, list[tuple[int, int]]] = {}
    for number, session in enumerate(read, start=1):
        for one in session:
            asked.setdefault(one.exchange.request.target, []).append((one.at_us, number))
    for places in asked.values():
        places.sort()
    for exchange in recording.exchanges:
        if exchange.id in known or not (places := asked.get(exchange.request.target, [])):
            continue
        operation = httpcb.operation(exchange)
        if operation and operation.kind is Kind.PREFLIGHT:
            place = bisect_left(places, (exchange.request.started_at_us, 0))
            yield exchange.id, places[min(place, len(places) - 1)][1]


def _frames(recording: Recording, homes: _Homes, chosen: Collection[_Home]) -> Iterator[Frame]:
    """The frames of the chosen, with those that decide what became of them."""
    understood = refusals.understand(recording.frames)
    undecided = {one.frame.id for one in understood.pushes} | {frame.id for frame, _ in understood.orphans}
    undecided |= {frame.id for frame in understood.rest}
    refused = {frame.connection_id: frame for frame in recording.frames if frame.id not in undecided}
    kept = {frame.id for frame in recording.frames if frame.id in undecided and homes.frames.get(frame.id) in chosen}
    hit = {one.frame.connection_id for one in understood.pushes if one.frame.id in kept} & refused.keys()
    kept |= {refused[connection_id].id for connection_id in hit}
    for one in understood.pushes:
        if one.frame.connection_id in hit and _is_named(one.sent.identifier, refused[one.frame.connection_id]):
            kept.add(one.frame.id)
    return (frame for frame in recording.frames if frame.id in kept)


def _is_named(identifier: int | None, refusal: Frame) -> bool:
    said = apns.read(refusal.raw)
    return isinstance(said, Refusal) and said.identifier == identifier
