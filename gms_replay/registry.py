"""The sessions there are, and which of them a request belongs to; see docs/architecture.md, "Sessions".

Strategy: whoever says which gets it. Ids find the session that was told them, else who asks finds his own; what begins
a visit opens a new session, of the recorded visit that fits best. A session that nobody asks any more is forgotten.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from operator import attrgetter

from gms_replay import addresses, identities, match
from gms_replay.bayeux import Parsed
from gms_replay.calls import Call
from gms_replay.clocks import Pacing
from gms_replay.errors import OptionError
from gms_replay.faults import Faults
from gms_replay.gms import OPENINGS, PUBLISHED, Kind, Operation
from gms_replay.limits import DEFAULT, Limits
from gms_replay.playing import Playing
from gms_replay.publications import Publication
from gms_replay.story import Story

_SILENT_US = 10_000_000
"""After so long an app that was to open Comet may be gone: as long as GMS waits for one (`maxInterval`)."""

_SPARE_US = 600_000_000
"""After so long a session makes room where there is none: an app that waits for an agent asks again before."""
_LOOK_US = 1_000_000

_LOOKED_AT = 100
"""Of a crowd of sessions of one app, so many of each sort are looked at closely."""

IDLE_US = 12 * 3600 * 1_000_000
"""For so long a session waits for its app to ask again, by the wall's time: over night."""


_App = tuple[str | None, str | None]
"""A user, or an address; the other is None: anybody may call himself by an address."""

_OPENED, _SEEN = attrgetter("opened_at_us"), attrgetter("seen_at_us")


@dataclass(slots=True)
class _Listed:
    """A session, with what it is found by (its app's user, and address), and the Bayeux clients it was asked for."""

    session: Playing
    apps: frozenset[_App] = frozenset()
    clients: list[str] = field(default_factory=list)


class Registry:
    """The sessions of one player. `seed`: what the ids of sessions and of their Bayeux clients are drawn from.

    `faults` befall any of them.
    """

    def __init__(
        self, stories: tuple[Story, ...], pacing: Pacing, seed: int, faults: Faults, limits: Limits = DEFAULT
    ) -> None:
        self._faults = faults
        self._limits = limits
        self._spares_at_us = 0
        self._stories = stories
        self._pacing = pacing
        self._seed = seed
        self.clear()

    def clear(self) -> None:
        """Forgets all sessions: from now on all is as at the start."""
        self._listed: dict[str, _Listed] = {}
        self._ever_kept = 0
        self._told: Counter[int] = Counter()
        self._of_client: dict[str, Playing] = {}
        self._of_service: dict[str, list[Playing]] = {}
        self._of_app: dict[_App, dict[str, Playing]] = {}

    def __contains__(self, session: Playing) -> bool:
        listed = self._listed.get(session.name)
        return listed is not None and listed.session is session

    def __iter__(self) -> Iterator[Playing]:
        return (listed.session for listed in self._listed.values())

    @property
    def is_full(self) -> bool:
        """Whether no further session is opened."""
        return len(self._listed) >= self._limits.sessions

    def spare(self, now_us: int) -> list[Playing]:
        """The sessions that make room where it is full: nobody waits in them, or has asked for a while."""
        # Looking at all takes long where they are many, and whoever comes then comes often.
        if now_us < self._spares_at_us:
            return []
        self._spares_at_us = now_us + _LOOK_US
        return [one for one in self if now_us - one.seen_at_us >= _SPARE_US and not one.is_waited_for]

    def named(self, name: str | None) -> Playing | None:
        listed = self._listed.get(name or "")
        return listed.session if listed else None

    def told(self, service_id: str | None) -> Playing | None:
        """The session whose app is told of a service by that id: of several the last."""
        return next(reversed(self._of_service.get(service_id or "", [])), None)

    def is_recorded(self, operation: Operation) -> bool:
        """Whether any visit tells of the service that a request names."""
        return any(operation.service_id in story.visit.service_ids for story in self._stories)

    def keep(self, session: Playing) -> None:
        """Makes one that was opened one of those there are."""
        self._listed[session.name] = _Listed(session)
        self._ever_kept += 1
        self._told[session.story.number] += 1
        for service_id in session.service_ids:
            self._of_service.setdefault(service_id, []).append(session)
        self.enlist(session)

    def enlist(self, session: Playing) -> None:
        """Notes whose it is by now: an app may call itself otherwise, or come another way, each time."""
        listed = self._listed[session.name]
        former, listed.apps = listed.apps, frozenset({_app(session.user, session.peer), _app(None, session.peer)})
        self._unlist(session.name, former - listed.apps)
        for app in listed.apps:
            self._of_app.setdefault(app, {})[session.name] = session

    def drop(self, name: str) -> None:
        """Forgets a session: its visit has been told once less."""
        listed = self._listed.pop(name)
        self._told[listed.session.story.number] -= 1
        for service_id in listed.session.service_ids:
            self._of_service[service_id].remove(listed.session)
            if not self._of_service[service_id]:
                del self._of_service[service_id]
        self._unlist(name, listed.apps)
        for client in listed.clients:
            del self._of_client[client]

    def _unlist(self, name: str, apps: Iterable[_App]) -> None:
        """Forgets that a session is of these."""
        for app in apps:
            del self._of_app[app][name]
            if not self._of_app[app]:
                del self._of_app[app]

    def meant(self, call: Call) -> Call:
        """The call, with the visit that the rules have for its name.

        Raises OptionError for a visit that was not recorded, or is another than the session of that name plays.
        """
        address, visit = call.address, call.address.visit
        if visit is None:
            visit = self._stories[0].rules.visits.get(address.name) if address.name else None
            if visit is None:
                return call
            call = replace(call, address=replace(address, visit=visit))
        where = f"{addresses.PARAMETER}: "
        if visit > len(self._stories):
            raise OptionError(f"{where}there is no visit {visit}; the cassette holds {len(self._stories)}")
        session = self.named(address.name)
        if session and visit != session.story.number:
            plays = f"session {session.name} plays visit {session.story.number}, not {visit}"
            raise OptionError(f"{where}{plays}; take another name")
        return call

    def of_request(self, call: Call) -> Playing | None:
        """The session that a REST request belongs to: by the id that it names, else by who asks."""
        if call.operation.service_id is not None:
            knowing = self._of_service.get(call.operation.service_id, [])
            return next(reversed(_of(call, knowing) or knowing), None)
        mine = _newest(self._mine(call))
        if mine is None or (call.operation.kind in OPENINGS and mine.has_begun and not mine.awaits(call)):
            return self._shaken(call)
        return mine

    def _shaken(self, call: Call) -> Playing | None:
        """One of which there is only a Bayeux client that did not say whose it is: it came before the request."""
        tried: set[int] = set()
        for one in self._of_app.get(_app(None, call.asked.peer), {}).values():
            number = one.story.number
            if number in tried or one.user is not None or not _is_only_shaken(one):
                continue
            if call.address.visit in (None, number) and match.fits(call, one.story):
                return one
            tried.add(number)
        return None

    def of_client(self, messages: tuple[Parsed, ...]) -> Playing | None:
        """The session whose Bayeux client sent these."""
        for message in messages:
            session = self._of_client.get(message.client_id)
            if session is not None and session.comet.knows(message.client_id):
                return session
        return None

    def of_published(self, session: Playing, call: Call, publication: Publication, now_us: int) -> Playing:
        """The session that what an app publishes is for, whose Bayeux client is that session's.

        It is the one that was told the ids which the app shows. A chat that it asks for is in its client's session if
        that tells of one more; else it begins a visit of its own, if any tells of one.
        """
        knowing = [one for shown in publication.shown for one in self._of_service.get(shown, ())]
        if session in knowing:
            return session
        if knowing:
            return next(reversed(_of(call, knowing) or knowing))
        operation = publication.operation
        if operation.kind not in OPENINGS or session.published.awaits(publication):
            return session
        wanted = (story for story in self._stories if call.address.visit in (None, story.number))
        is_told_of = any(operation.key in story.published for story in wanted)
        return (is_told_of and self.opened(call, operation, now_us)) or session

    def move(self, client_id: str, session: Playing) -> None:
        """Makes a Bayeux client another session's."""
        self._listed[self._of_client[client_id].name].clients.remove(client_id)
        self._listed[session.name].clients.append(client_id)
        self._of_client[client_id] = session

    def unbound(self, call: Call, now_us: int) -> Playing | None:
        """The session for a handshake that does not say: see docs/architecture.md, "Sessions"."""
        mine = self._mine(call)
        looked_at = _nearest(mine, now_us)
        free = [one for one in looked_at if one.has_begun and not one.comet.is_alive]
        going_on = [one for one in free or looked_at if not one.is_told or one.comet.has_waiting]
        # What lives on Comet alone begins with the handshake: where that is over, another begins.
        rest = free or [one for one in looked_at if one.has_begun or one.comet.is_alive]
        last = max(going_on, key=_SEEN, default=next(iter(rest), None))
        found = _awaiting(going_on, now_us) or last
        if found is not None:
            found.is_guessed = len(mine) > 1
        return found

    def opened(self, call: Call, operation: Operation, now_us: int) -> Playing | None:
        """A new session, not kept yet: its story answers the request or one like it, was told least, is this user's.

        None where there is none, or where there are as many sessions as there may be.
        `operation`: what is asked for, by the request or by what it publishes.
        """
        address, user, service_id = call.address, call.user, operation.service_id
        wanted = [
            story
            for story in self._stories
            if address.visit in (None, story.number) and (service_id is None or service_id in story.visit.service_ids)
        ]
        wanted.sort(key=lambda story: (self._told[story.number], story.visit.user != user, story.number))
        # Looked at in that order, because comparing is what takes time.
        alike = (story for story in wanted if _tells_of(operation, story))
        story = next((story for story in wanted if _fits(operation, call, story)), None) or next(alike, None)
        story = story or next(iter(wanted), None)
        if story is None or self.is_full:
            return None
        name = address.name or self._free_name()
        # A name's ids are its own, whoever else is there.
        is_first = not self._told[story.number] and address.name is None
        anew = frozenset() if is_first else story.recorded.identities
        minted = count()
        session = Playing(
            name,
            story,
            self._pacing,
            opened_at_us=now_us,
            identities=identities.stand_ins(anew, lambda value: self._key(name, value)),
            mint=lambda: self._minted(name, f"{self._since(now_us)}client {next(minted)}"),
            comet_segment="" if is_first else addresses.segment(name),
            faults=self._faults,
        )
        session.is_named = address.name is not None
        session.comet.limits = self._limits
        return session

    def _free_name(self) -> str:
        names = (f"s{number}" for number in count(self._ever_kept + 1))
        return next(name for name in names if self.named(name) is None)

    def _mine(self, call: Call) -> list[Playing]:
        """The sessions of the app that asks, of the visit that it wants."""
        mine = self._of_app.get(_app(call.user, call.asked.peer), {}).values()
        return [one for one in mine if call.address.visit in (None, one.story.number)]

    def _since(self, opened_at_us: int) -> str:
        """What tells a session's Bayeux clients from those of another time: of before the server was started anew.

        Nothing, where every session starts at the same instant, and is told the same.
        """
        return "" if self._pacing.now_us is not None else f"{opened_at_us} "

    def _minted(self, name: str, client: str) -> str:
        # One that moved to another session keeps its id, whatever becomes of the session that it is drawn from.
        keys = (self._key(name, f"{client}{' again' * times}") for times in count())
        client_id = next(drawn for key in keys if (drawn := identities.client_id(key)) not in self._of_client)
        listed = self._listed[name]
        if len(listed.clients) > 2 * self._limits.clients:
            self._forget_clients(listed)
        listed.clients.append(client_id)
        self._of_client[client_id] = listed.session
        return client_id

    def _forget_clients(self, listed: _Listed) -> None:
        """Forgets the Bayeux clients of a session that have expired: an app that shakes hands for ever has many."""
        for client_id in listed.clients:
            if not listed.session.comet.knows(client_id):
                del self._of_client[client_id]
        listed.clients = [client_id for client_id in listed.clients if client_id in self._of_client]

    def _key(self, name: str, value: str) -> str:
        return f"{self._seed} {name} {value}"


def whose(session: Playing) -> str:
    """Its app, for people."""
    return f"{session.user or 'nobody by name'} at {session.peer or 'this process'}"


def _app(user: str | None, peer: str) -> _App:
    """Who asks: a user, or, where he names none, an address."""
    return (user, None) if user else (None, peer)


def _of(call: Call, sessions: Iterable[Playing]) -> list[Playing]:
    """Those sessions that are of the app that asks: of its user, or, where it names none, of its address."""
    if call.user:
        return [session for session in sessions if session.user == call.user]
    return [session for session in sessions if session.peer == call.asked.peer]


def _newest(sessions: list[Playing]) -> Playing | None:
    # Most apps have one, and ask often.
    if len(sessions) < 2:
        return sessions[0] if sessions else None
    return max(reversed(sessions), key=lambda session: session.opened_at_us)


def _nearest(sessions: list[Playing], now_us: int) -> list[Playing]:
    """Those that a handshake may be for, in the order in which they were opened.

    Of a crowd the first that wait for their first Bayeux client, and the last that were heard of, with or without one.
    """
    if len(sessions) > _LOOKED_AT:
        first = sorted(_waiting(sessions, now_us), key=_OPENED)
        last = sorted(sessions, key=_SEEN, reverse=True)
        away = (one for one in last if not one.comet.is_alive)
        sessions = list(dict.fromkeys(chain(*(islice(some, _LOOKED_AT) for some in (first, last, away)))))
    return sorted(sessions, key=_OPENED)


def _waiting(sessions: list[Playing], now_us: int) -> list[Playing]:
    """Those that wait for their first Bayeux client.

    One that has not been heard of for a while is passed over: its app may be gone.
    """
    since_us = now_us - _SILENT_US
    return [one for one in sessions if one.seen_at_us >= since_us and not one.comet.has_been_used]


def _awaiting(sessions: list[Playing], now_us: int) -> Playing | None:
    """Of those that wait for their first Bayeux client, as far on in their visit as any, the oldest."""
    return min(_waiting(sessions, now_us), key=lambda one: (-_progress(one), one.opened_at_us), default=None)


def _progress(session: Playing) -> int:
    """How near an app is to Comet: 2 once it has begun its chat, 1 once it was told a dialog, else 0."""
    kinds = {session.story.answers[index].operation.kind for index in session.given}
    return 2 if Kind.START_CHAT in kinds else int(Kind.DIALOG in kinds)


def _is_only_shaken(session: Playing) -> bool:
    """Whether all that an app has done is to shake hands and to listen."""
    return session.comet.is_alive and not (session.given or session.published)


def _fits(operation: Operation, call: Call, story: Story) -> bool:
    """Whether a story has an answer to a request."""
    if operation.kind is Kind.COMET or operation.method == PUBLISHED:
        return _tells_of(operation, story)
    return match.fits(call, story)


def _tells_of(operation: Operation, story: Story) -> bool:
    """Whether a story has an answer to any request for the same thing."""
    if operation.kind is Kind.COMET:
        return story.begins_over_comet
    if operation.method == PUBLISHED:
        return operation.key in story.published
    return bool(story.answers_to(operation))
