"""The engine: `receive(event, now_us)` gives actions, `next_wakeup_us()` says when it wants to be woken.

It knows no socket, no clock and no file. It is total (any event gives actions) and deterministic (the same stories,
seed, events and times give the same bytes). Here requests go to their session, which `registry` finds; `playing` holds
what a session is.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from gms_replay import bayeux, calls, carriers, control, jsonp, match, publications, registry, replies
from gms_replay.alarms import Alarms
from gms_replay.arrivals import Arrivals
from gms_replay.bayeux import HANDSHAKE, Parsed
from gms_replay.calls import Call
from gms_replay.carriers import Carrier
from gms_replay.clocks import Pacing
from gms_replay.errors import BayeuxError, OptionError
from gms_replay.events import (
    JSON,
    TEXT,
    UNEXPECTED,
    AcceptSocket,
    Action,
    Asked,
    Break,
    CloseSocket,
    DropPushes,
    Event,
    Logged,
    Noted,
    PeerGone,
    RequestArrived,
    Respond,
    SocketOpened,
    TextArrived,
)
from gms_replay.faults import AddFault, DropFaults, Fault, Faults, TellFaults
from gms_replay.gms import Kind
from gms_replay.limits import DEFAULT, Limits
from gms_replay.match import Miss, Missed, MissKind
from gms_replay.model import Transport
from gms_replay.outbox import Outbox
from gms_replay.playing import Playing
from gms_replay.registry import IDLE_US, Registry
from gms_replay.story import Story
from gms_replay.usage import Usage

_MINUTE_US = 60_000_000
_MISSES_KEPT = 100
_LISTENERS = "/listeners"
"""The alarm of those who wait for pushes: no session has such a name (`addresses`)."""


class Player:
    """Plays stories to any number of apps, each in a session of its own.

    `seed`: what the identities of further sessions and Bayeux client ids are drawn from. `has_devices`: whether there
    is who takes every push; `holds_pushes`: whether they wait to be released. `faults`: what befalls apps.
    """

    def __init__(
        self,
        stories: tuple[Story, ...],
        pacing: Pacing | None = None,
        *,
        seed: int = 0,
        has_devices: bool = False,
        holds_pushes: bool = False,
        faults: Iterable[Fault] = (),
        limits: Limits = DEFAULT,
    ) -> None:
        self.misses: deque[Missed] = deque(maxlen=_MISSES_KEPT)
        """The last misses, the latest last."""
        self.missed = 0
        """How many misses there were."""
        self._stories = stories
        self._pacing = pacing or Pacing()
        self._limits = limits
        self._faults = Faults(faults, seed)
        self._registry = Registry(stories, self._pacing, seed, self._faults, limits)
        self.arrivals = Arrivals(stories, self._registry, seed)
        """The pushes that came in from whoever sends them."""
        self._has_devices = has_devices
        self._hears_pushes = has_devices or holds_pushes
        self._outbox = Outbox(holds_all=holds_pushes)
        self._usage = Usage(stories, self._outbox.told_count)
        self._asked: dict[int, list[Playing]] = {}
        self._sockets: dict[int, Call] = {}
        self._callbacks: dict[int, str] = {}
        self._alarms = Alarms()
        self._concerned: list[Playing] = []
        self._log: list[str] = []

    @property
    def sessions(self) -> tuple[Playing, ...]:
        return tuple(self._registry)

    @property
    def unused(self) -> tuple[str, ...]:
        """What of the recording no app was given, and which faults struck none: a line for each."""
        unused = self._usage.unused(self._registry, self.arrivals.visits, takes_pushes=self._hears_pushes)
        return (*unused, *self.arrivals.overdue, *self._faults.idle)

    def receive(self, event: Event, now_us: int) -> list[Action]:
        """What to do about an event, and about all that has become due by now."""
        actions: list[Action] = []
        for name in self._alarms.due(now_us):
            if name != _LISTENERS:
                actions += self._wake(name, now_us)
        if self._registry.is_full:
            actions += chain.from_iterable(map(self._drop, self._registry.spare(now_us)))
        self._concerned = []
        actions += self._take(event, now_us)
        self._shut(actions, now_us)
        for session in self._concerned:
            if session in self._registry:
                actions += self._advance(session, now_us)
        actions += self._outbox.answers(now_us)
        self._alarms.set(_LISTENERS, self._outbox.next_us)
        if self._log:
            actions += map(Logged, self._log)
            self._log.clear()
        return [self._dressed(action) for action in actions] if self._callbacks else actions

    def sent(self, request_id: int) -> None:
        """The answer to a request has been handed to the network, to its end: nothing of it will be asked for again."""
        for session in self._asked.pop(request_id, ()):
            session.sent(request_id)

    def whose(self, number: int) -> str | None:
        """The session of a request that was not `sent` yet, or of a WebSocket: the last one, if there were several."""
        return sessions[-1].name if (sessions := self._asked.get(number)) else None

    def next_wakeup_us(self) -> int | None:
        """When to send Woke, if nothing else comes before; None where nothing is left to do."""
        return self._alarms.next_us()

    def _take(self, event: Event, now_us: int) -> Iterable[Action]:
        """What an event but `Woke` brings about at once; `_concerned` are the sessions that it is for."""
        match event:
            case RequestArrived():
                answer = self._control if control.is_meant(event.asked) else self._called
                return answer(event.request_id, event.asked, now_us)
            case SocketOpened(socket_id, asked):
                return self._called(socket_id, asked, now_us, opens_socket=True)
            case TextArrived(socket_id, text):
                return self._text(socket_id, text, now_us)
            case PeerGone(request_id):
                self._gone(request_id, now_us)
        return ()

    def _shut(self, actions: Iterable[Action], now_us: int) -> None:
        """What these end is over for each session at once; what is on its way there says only how fast an app talks."""
        for action in actions:
            match action:
                case CloseSocket(carrier_id) | Break(carrier_id):
                    self._sockets.pop(carrier_id, None)
                    for session in self._asked.get(carrier_id, ()):
                        session.gone(carrier_id, now_us)

    def _wake(self, name: str, now_us: int) -> Iterator[Action]:
        session = self._registry.named(name)
        assert session is not None, "an alarm ends with its session"
        if now_us >= session.seen_at_us + IDLE_US and not session.is_waited_for:
            yield from self._drop(session)
        else:
            yield from self._advance(session, now_us)

    def _advance(self, session: Playing, now_us: int) -> list[Action]:
        awaited = self._outbox.awaited(session.name, takes_all=self._has_devices) if self._hears_pushes else None
        actions = self._outbox.post(session.advance(now_us, pushes_awaited=awaited))
        self._shut(actions, now_us)
        next_us = session.next_wakeup_us()
        # To the minute, so that the alarm is not set anew with each request.
        idle_at_us = -(-(session.seen_at_us + IDLE_US) // _MINUTE_US) * _MINUTE_US
        self._alarms.set(session.name, idle_at_us if next_us is None else min(next_us, idle_at_us))
        return actions

    def _drop(self, session: Playing) -> Iterator[Action]:
        """Forgets a session, and answers what it holds."""
        self._usage.note(session)
        self._forget(session)
        yield DropPushes(session.name)
        yield from session.end()

    def _forget(self, session: Playing) -> None:
        self._outbox.forget(session.name)
        self.arrivals.forget_session(session.name)
        self._registry.drop(session.name)
        self._alarms.set(session.name, None)

    def _gone(self, request_id: int, now_us: int) -> None:
        self._sockets.pop(request_id, None)
        self._callbacks.pop(request_id, None)
        self._outbox.gone(request_id)
        self._concerned = self._asked.pop(request_id, [])
        for session in self._concerned:
            session.gone(request_id, now_us)

    def _control(self, request_id: int, asked: Asked, now_us: int) -> Iterator[Action]:
        """Answers whoever tests the app."""
        status, head, told = 200, JSON, b""
        wanted = control.read(asked, [session.name for session in self._registry], self._faults.rules)
        match wanted:
            case control.Refusal() | control.Description():
                status, head, told = wanted.status, wanted.headers, wanted.told
            case control.TellSessions():
                told = control.sessions_told(self._wanted(wanted.session), now_us)
            case control.DropSessions():
                dropped = self._wanted(wanted.session)
                for session in dropped:
                    yield from self._drop(session)
                if wanted.session is None:
                    self._registry.clear()
                    self._outbox.clear()
                    self.arrivals.forget()
                    self._faults.forget()
                told = control.done(dropped=[session.name for session in dropped])
            case control.TellMisses():
                told = control.misses_told(self.missed, self.misses)
            case control.ForgetMisses():
                told = control.done(forgotten=self.missed)
                self.misses.clear()
                self.missed = 0
            case control.MoveClock():
                for session in self._wanted(wanted.session):
                    session.move_clock(wanted.by_us, now_us)
                    yield from self._advance(session, now_us)
            case control.TellArrivals() | control.ForgetArrivals():
                told = self.arrivals.obey(wanted)
            case control.TellPushes():
                self._hears_pushes = True
                self._outbox.listen(request_id, wanted, now_us)
                self._concerned += self._wanted(wanted.session)
                return
            case control.HoldPushes() | control.ReleasePushes():
                self._hears_pushes = True
                self._concerned += self._wanted(wanted.session)
                gone = self._outbox.obey(wanted)
                yield from gone
                told = self._outbox.holding_told(gone)
            case TellFaults() | AddFault() | DropFaults():
                told = control.done(**self._faults.obey(wanted))
        yield Respond(request_id, status, head, told or control.clock_told(self._pacing.clock, self.sessions, now_us))

    def _wanted(self, name: str | None) -> list[Playing]:
        return [session for session in self._registry if name in (None, session.name)]

    def _called(self, request_id: int, asked: Asked, now_us: int, *, opens_socket: bool = False) -> Iterable[Action]:
        """Takes what an app asks of GMS."""
        try:
            call = calls.read(asked)
            if isinstance(call, Call):
                call = self._registry.meant(call)
        except OptionError as error:
            return [Respond(request_id, 400, JSON, control.wrong(str(error)))]
        if not isinstance(call, Call):
            return self._missed(request_id, call, self._nowhere(MissKind.UNKNOWN_ROUTE, call), now_us)
        if call.operation.kind is Kind.PUSH and not opens_socket:
            return self.arrivals.take(request_id, call.asked, call.operation, now_us)
        is_comet = call.operation.kind is Kind.COMET
        if not opens_socket:
            return self._polled(request_id, call, now_us) if is_comet else self._rest(request_id, call, now_us)
        if not is_comet:
            return self._missed(request_id, call.asked, self._nowhere(MissKind.UNKNOWN_ROUTE, call.asked), now_us)
        self._sockets[request_id] = call
        return [AcceptSocket(request_id)]

    def _polled(self, request_id: int, call: Call, now_us: int) -> Iterable[Action]:
        """Takes the Bayeux messages of a request."""
        try:
            carrier, messages, callback = carriers.poll(request_id, call.asked)
        except BayeuxError as error:
            return [Respond(request_id, 400, TEXT, f"not a Bayeux frame: {error}".encode())]
        if callback is not None:
            self._callbacks[request_id] = callback
        return self._comet(call, carrier, messages, now_us)

    def _text(self, socket_id: int, text: bytes, now_us: int) -> Iterator[Action]:
        if socket_id not in self._sockets:
            # It is being closed.
            return
        call = self._sockets[socket_id]
        try:
            messages = bayeux.parse(text)
            if not messages:
                raise BayeuxError("no message in it")
        except BayeuxError as error:
            # Nothing goes out after a close: a connect that was held there, and its events, wait for the next.
            self._gone(socket_id, now_us)
            yield CloseSocket(socket_id, UNEXPECTED, f"not a Bayeux frame: {error}")
            return
        yield from self._comet(call, Carrier(socket_id, Transport.WEBSOCKET), messages, now_us)

    def _rest(self, request_id: int, call: Call, now_us: int) -> Iterable[Action]:
        name = call.address.name
        session = self._registry.of_request(call) if name is None else self._registry.named(name)
        session = session or self._registry.opened(call, call.operation, now_us)
        if session is None and self._registry.is_full:
            return [
                Respond(request_id, 429, JSON, control.wrong(f"{self._limits.sessions} sessions are played already"))
            ]
        if session is None:
            kind = MissKind.WRONG_SESSION if self._registry.is_recorded(call.operation) else MissKind.UNKNOWN_SERVICE
            return self._missed(request_id, call.asked, self._nowhere(kind, call.asked), now_us)
        self._visit(session, call)
        miss = session.ask(request_id, call, now_us)
        if miss and call.operation.service_id is None and session in self._registry and name is None:
            # Visits may begin with other questions than the start: this may be the app's next one.
            following = self._registry.opened(call, call.operation, now_us)
            if following and match.fits(call, following.story):
                session = following
                self._visit(session, call)
                miss = session.ask(request_id, call, now_us)
        if not miss or session in self._registry:
            self._keep(session, request_id)
        return (
            self._missed(request_id, call.asked, replace(miss, session=self.whose(request_id)), now_us) if miss else ()
        )

    def _comet(self, call: Call, carrier: Carrier, messages: tuple[Parsed, ...], now_us: int) -> Iterable[Action]:
        """What is to be done about messages."""
        if len(messages) > self._limits.messages:
            return [carrier.told([replies.too_many(messages[0], "messages", self._limits.messages)])]
        session = self._registry.of_client(messages) or self._registry.named(call.address.name)
        if session is None and any(message.channel == HANDSHAKE for message in messages):
            session = self._bound(call, now_us)
        if session is None:
            return [carrier.told(replies.refuse(messages, self._limits.sessions))]
        meant = session if session.mishaps.ends(carrier.id) else self._meant(session, call, messages, now_us)
        self._visit(meant, call)
        self._keep(meant, carrier.id)
        told: Iterable[Action] = ()
        if meant is not session:
            told = [*session.mishaps.hurry(carrier.id, now_us), *self._move(messages, session, meant, now_us)]
        return chain(told, meant.ask_comet(carrier, messages, now_us))

    def _bound(self, call: Call, now_us: int) -> Playing | None:
        """The session for a handshake that says at most by its URL which it is for."""
        unbound = self._registry.unbound(call, now_us) if call.address.name is None else None
        if unbound is not None and unbound.is_guessed:
            text = f"session {unbound.name}: a Comet client of {registry.whose(unbound)}, who has other sessions, too; "
            self._log.append(text + "to be sure, let apps name their session (gms_session) and follow `_comet_url`")
        return unbound or self._registry.opened(call, call.operation, now_us)

    def _meant(self, session: Playing, call: Call, messages: tuple[Parsed, ...], now_us: int) -> Playing:
        """The session that messages of a session's client are for: what is published may say that it is another.

        A handshake does not say which visit it begins, or goes on with.
        """
        for message in messages:
            said = publications.read(message.fields)
            if said is not None and session.comet.knows(message.client_id) and not session.is_named:
                return self._registry.of_published(session, call, said, now_us)
        return session

    def _move(self, messages: tuple[Parsed, ...], session: Playing, meant: Playing, now_us: int) -> tuple[Action, ...]:
        """Makes another session's who sent these; one that was opened for their handshake alone was opened in vain."""
        told: list[Action] = []
        for client_id in {str(message.fields.get("clientId")): None for message in messages}:
            if session.comet.knows(client_id):
                client, actions = session.release(client_id, now_us)
                told += actions
                self._registry.move(client_id, meant)
                meant.adopt(client, now_us)
        if session.is_untouched:
            self._forget(session)
        else:
            self._concerned.append(session)
        return tuple(told)

    def _visit(self, session: Playing, call: Call) -> None:
        self._concerned.append(session)
        if session.visit(call) and session in self._registry:
            self._registry.enlist(session)

    def _keep(self, session: Playing, request_id: int) -> None:
        sessions = self._asked.setdefault(request_id, [])
        if session not in sessions:
            sessions.append(session)
        if session not in self._registry:
            self._registry.keep(session)
            self._log.append(f"session {session.name}: visit {session.story.number} for {registry.whose(session)}")

    def _missed(self, request_id: int, asked: Asked, miss: Miss, now_us: int) -> Iterable[Action]:
        self.missed += 1
        self.misses.append(Missed(now_us, miss))
        return Noted(str(miss), request_id), Respond(request_id, 404, JSON, control.miss_told(miss), missed=asked)

    def _dressed(self, action: Action) -> Action:
        """An answer as the script that asked for it calls it."""
        if isinstance(action, Respond) and (callback := self._callbacks.pop(action.request_id, None)):
            return action._replace(headers=jsonp.scripted(action.headers), body=jsonp.script(callback, action.body))
        return action

    def _nowhere(self, kind: MissKind, asked: Asked) -> Miss:
        return Miss(kind, asked.method, asked.target, match.nearest(asked.method, asked.target, self._stories))
