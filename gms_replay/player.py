"""The engine: `receive(event, now_us)` gives actions, `next_wakeup_us()` says when it wants to be woken.

It knows no socket, no clock and no file. It is total (any event gives actions) and deterministic (the same stories,
seed, events and times give the same bytes). Here requests find their session; `playing` holds what a session is.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, count

from gms_replay import bayeux, control, gms, identities, jsonp, match
from gms_replay.alarms import Alarms
from gms_replay.bayeux import HANDSHAKE, Parsed
from gms_replay.clocks import Pacing
from gms_replay.comet import Carrier, refuse
from gms_replay.errors import BayeuxError, OptionError
from gms_replay.events import (
    JSON,
    AcceptSocket,
    Action,
    Asked,
    CloseSocket,
    Event,
    Noted,
    PeerGone,
    RequestArrived,
    Respond,
    SendText,
    Sent,
    SocketOpened,
    TextArrived,
    Woke,
)
from gms_replay.gms import OPENINGS, Kind, Operation
from gms_replay.match import Miss, MissKind
from gms_replay.model import Headers, Transport, header
from gms_replay.playing import Playing
from gms_replay.rewrite import is_mappable
from gms_replay.story import Story

_SEGMENT = re.compile(r"/~(?P<name>s\d+)(?=/)")
_TEXT: Headers = (("content-type", "text/plain;charset=UTF-8"),)
_SCRIPT = "text/javascript;charset=UTF-8"
_BROWSER = re.compile(r"(?:^|; *)BAYEUX_BROWSER=(?P<value>[^;]+)")
# What CometD's server closes with where a frame does not parse.
_UNEXPECTED = 1011
_LONGEST_REASON_BYTES = 120


class Player:
    """Plays stories to any number of apps, each in a session of its own.

    `seed`: what the identities of further sessions and Bayeux client ids are drawn from.
    """

    def __init__(self, stories: tuple[Story, ...], pacing: Pacing | None = None, *, seed: int = 0) -> None:
        self._stories = stories
        self._pacing = pacing or Pacing()
        self._seed = seed
        self._sessions: dict[str, Playing] = {}
        self._told: dict[int, int] = {}
        self._asked: dict[int, list[Playing]] = {}
        self._sockets: dict[int, tuple[Operation, Asked]] = {}
        self._callbacks: dict[int, str] = {}
        self._alarms = Alarms()
        self._concerned: list[Playing] = []
        self._of_client: dict[str, str] = {}
        self._of_service: dict[str, list[Playing]] = {}
        self._of_app: dict[str | None, dict[str, Playing]] = {}

    @property
    def sessions(self) -> tuple[Playing, ...]:
        return tuple(self._sessions.values())

    def receive(self, event: Event, now_us: int) -> list[Action]:
        """What to do about an event, and about all that has become due by now."""
        actions = [
            action for name in self._alarms.due(now_us) for action in self._advance(self._sessions[name], now_us)
        ]
        actions += self._take(event, now_us)
        for session in self._concerned:
            if session.name in self._sessions:
                actions += self._advance(session, now_us)
        return [self._dressed(action) for action in actions]

    def next_wakeup_us(self) -> int | None:
        """When to send Woke, if nothing else comes before; None where nothing is left to do."""
        return self._alarms.next_us()

    def _take(self, event: Event, now_us: int) -> Iterator[Action]:
        """What an event brings about at once; `_concerned` are the sessions that it is for."""
        self._concerned = []
        match event:
            case RequestArrived():
                yield from self._request(event.request_id, event.asked, now_us)
            case SocketOpened():
                yield from self._socket(event.socket_id, event.asked)
            case TextArrived():
                yield from self._text(event.socket_id, event.text, now_us)
            case PeerGone():
                self._gone(event.request_id, now_us)
            case Sent():
                for session in self._asked.pop(event.request_id, ()):
                    session.sent(event.request_id)
            case Woke():
                pass

    def _advance(self, session: Playing, now_us: int) -> list[Action]:
        actions = list(session.advance(now_us))
        self._alarms.set(session.name, session.next_wakeup_us())
        return actions

    def _gone(self, request_id: int, now_us: int) -> None:
        self._sockets.pop(request_id, None)
        self._callbacks.pop(request_id, None)
        self._concerned = self._asked.pop(request_id, [])
        for session in self._concerned:
            session.gone(request_id, now_us)

    def _control(self, request_id: int, asked: Asked, now_us: int) -> Iterator[Action]:
        """Answers whoever tests the app."""
        status, told = 200, b""
        if not control.is_near(asked):
            status, told = 403, control.wrong("only this machine may ask for that")
        elif not asked.target.partition("?")[0].endswith(control.CLOCK):
            status, told = 404, control.wrong(f"there is only {control.CLOCK}")
        elif asked.method not in ("GET", "POST"):
            status, told = 405, control.wrong("GET tells the clock, POST puts it forward")
        elif asked.method == "POST":
            try:
                move = control.clock_move(asked.body, self._sessions)
            except OptionError as error:
                status, told = 400, control.wrong(error)
            else:
                for session in [self._sessions[move.session]] if move.session else self.sessions:
                    if move.by_us is None:
                        session.jump(now_us)
                    else:
                        session.put_forward(move.by_us)
                    yield from self._advance(session, now_us)
        yield Respond(request_id, status, JSON, told or control.clock_told(self._pacing.clock, self.sessions, now_us))

    def _request(self, request_id: int, asked: Asked, now_us: int) -> Iterator[Action]:
        if control.PREFIX in asked.target.partition("?")[0]:
            yield from self._control(request_id, asked, now_us)
            return
        session, operation = self._addressed(asked)
        if operation is None:
            yield from _missed(request_id, self._nowhere(MissKind.UNKNOWN_ROUTE, asked))
        elif operation.kind is Kind.COMET:
            yield from self._polled(request_id, operation, asked, session, now_us)
        else:
            yield from self._rest(request_id, operation, asked, session, now_us)

    def _polled(
        self, request_id: int, operation: Operation, asked: Asked, session: Playing | None, now_us: int
    ) -> Iterator[Action]:
        """Takes the Bayeux messages of a request: of its body, or of its query where it is a script's."""
        called = jsonp.asked(asked.target) if asked.method == "GET" else None
        try:
            if asked.method == "GET" and (called is None or not called.frames):
                raise BayeuxError("a GET needs jsonp=NAME and message=JSON in its query")
            frames = called.frames if called else bayeux.posted(asked.body)
            messages = tuple(chain.from_iterable(map(bayeux.parse, frames)))
        except BayeuxError as error:
            yield Respond(request_id, 400, _TEXT, f"not a Bayeux frame: {error}".encode())
            return
        if called:
            self._callbacks[request_id] = called.callback
        transport = Transport.CALLBACK_POLLING if called else Transport.LONG_POLLING
        carrier = Carrier(request_id, transport, _browser(asked))
        told = self._comet(carrier, operation, asked, session, messages, now_us)
        if told is None:
            yield Respond(request_id, 200, JSON, bayeux.frame(refuse(messages)))
        else:
            yield from told

    def _socket(self, socket_id: int, asked: Asked) -> Iterator[Action]:
        _, operation = self._addressed(asked)
        if operation is not None and operation.kind is Kind.COMET:
            self._sockets[socket_id] = operation, asked
            yield AcceptSocket(socket_id)
        else:
            yield from _missed(socket_id, self._nowhere(MissKind.UNKNOWN_ROUTE, asked))

    def _text(self, socket_id: int, text: bytes, now_us: int) -> Iterator[Action]:
        if socket_id not in self._sockets:
            # It is being closed.
            return
        operation, asked = self._sockets[socket_id]
        try:
            messages = bayeux.parse(text)
            if not messages:
                raise BayeuxError("no message in it")
        except BayeuxError as error:
            del self._sockets[socket_id]
            # A reason has 123 bytes (RFC 6455, section 5.5).
            reason = f"not a Bayeux frame: {error}".encode()[:_LONGEST_REASON_BYTES].decode("utf-8", "ignore")
            yield CloseSocket(socket_id, _UNEXPECTED, reason)
            return
        session, _ = self._addressed(asked)
        told = self._comet(Carrier(socket_id, Transport.WEBSOCKET), operation, asked, session, messages, now_us)
        if told is None:
            yield SendText(socket_id, bayeux.frame(refuse(messages)))
        else:
            yield from told

    def _addressed(self, asked: Asked) -> tuple[Playing | None, Operation | None]:
        """What a request is about, and the session that its path names, if it does."""
        segment = _SEGMENT.search(asked.target.partition("?")[0])
        session = self._sessions.get(segment["name"]) if segment else None
        path = asked.target.replace(segment[0], "", 1) if segment else asked.target
        return session, gms.recognise(asked.method, path, asked.body)

    def _rest(
        self, request_id: int, operation: Operation, asked: Asked, session: Playing | None, now_us: int
    ) -> Iterator[Action]:
        session = session or self._session_of(operation, asked) or self._opened(operation, asked, now_us)
        if session is None:
            yield from _missed(request_id, self._nowhere(MissKind.WRONG_SESSION, asked))
            return
        self._visit(session, operation, asked)
        miss = session.ask(request_id, operation, asked, now_us)
        if miss and operation.service_id is None and session.name in self._sessions:
            # Visits may begin with other questions than the start: this may be the app's next one.
            following = self._opened(operation, asked, now_us)
            if following and match.fits(operation, asked, following.story.answers):
                session = following
                self._visit(session, operation, asked)
                miss = session.ask(request_id, operation, asked, now_us)
        if miss:
            yield from _missed(request_id, miss)
        else:
            self._keep(session, request_id)

    def _comet(
        self,
        carrier: Carrier,
        operation: Operation,
        asked: Asked,
        session: Playing | None,
        messages: tuple[Parsed, ...],
        now_us: int,
    ) -> Iterator[Action] | None:
        """What is to be done about messages; None where they are nobody's."""
        session = self._session_of_client(messages) or session
        if session is None and any(message.channel == HANDSHAKE for message in messages):
            session = self._unbound(asked) or self._opened(operation, asked, now_us)
        if session is None:
            return None
        self._visit(session, operation, asked)
        self._keep(session, carrier.id)
        return session.ask_comet(carrier, messages, now_us)

    def _visit(self, session: Playing, operation: Operation, asked: Asked) -> None:
        self._concerned.append(session)
        session.visit(asked, operation, _origin(asked))
        if session.name in self._sessions:
            self._list(session)

    def _list(self, session: Playing) -> None:
        for app in (session.user, session.peer):
            self._of_app.setdefault(app, {})[session.name] = session

    def _session_of(self, operation: Operation, asked: Asked) -> Playing | None:
        """The session that a REST request belongs to: by the id that it names, else by who asks."""
        if operation.service_id is not None:
            knowing = self._of_service.get(operation.service_id, [])
            return next(reversed(_of(asked, knowing) or knowing), None)
        mine = next(reversed(self._mine(asked)), None)
        if mine is None or operation.kind not in OPENINGS or not mine.has_begun or mine.awaits(operation, asked):
            return mine
        return None

    def _session_of_client(self, messages: tuple[Parsed, ...]) -> Playing | None:
        for message in messages:
            client = message.fields.get("clientId")
            session = self._sessions.get(self._of_client.get(client, "")) if isinstance(client, str) else None
            if session is not None and session.comet.knows(client):
                return session
        return None

    def _mine(self, asked: Asked) -> list[Playing]:
        """The sessions of the app that asks, the oldest first."""
        listed = self._of_app.get(gms.gms_user(asked.headers) or asked.peer, {}).values()
        # Their names are numbered in the order in which they began.
        return sorted(_of(asked, listed), key=lambda session: (len(session.name), session.name))

    def _unbound(self, asked: Asked) -> Playing | None:
        """The session for a handshake that does not say: the app's oldest that has begun, with no living client."""
        mine = self._mine(asked)
        left = [session for session in mine if session.has_begun and not session.comet.is_alive]
        going_on = [one for one in left or mine if not one.is_told or one.comet.has_waiting]
        # What lives on Comet alone begins with the handshake: where that is over, another begins.
        rest = left or [one for one in mine if one.has_begun or one.comet.is_alive]
        return next(iter(going_on or rest), None)

    def _opened(self, operation: Operation, asked: Asked, now_us: int) -> Playing | None:
        """A new session, not kept yet: its story answers the request or one like it, was told least, is this user's."""
        user = gms.gms_user(asked.headers)
        fitting = [
            (*_unlikeness(operation, asked, story), self._told.get(index, 0), story.user != user, index)
            for index, story in enumerate(self._stories)
            if operation.service_id is None or operation.service_id in story.service_ids
        ]
        if not fitting:
            return None
        *_, told, _, index = min(fitting)
        story = self._stories[index]
        name = f"s{len(self._sessions) + 1}"
        taken = story.recorded.identities
        anew = sorted(filter(is_mappable, taken)) if told else ()
        minted = count()
        return Playing(
            name,
            story,
            self._pacing,
            opened_at_us=now_us,
            identities={value: identities.stand_in(value, self._key(name, value), taken) for value in anew},
            mint=lambda: self._minted(name, f"{self._since(now_us)}client {next(minted)}"),
            comet_segment=f"/~{name}" if told else "",
        )

    def _keep(self, session: Playing, request_id: int) -> None:
        sessions = self._asked.setdefault(request_id, [])
        if session not in sessions:
            sessions.append(session)
        if session.name not in self._sessions:
            self._sessions[session.name] = session
            index = self._stories.index(session.story)
            self._told[index] = self._told.get(index, 0) + 1
            self._list(session)
            for service_id in session.service_ids:
                self._of_service.setdefault(service_id, []).append(session)

    def _since(self, opened_at_us: int) -> str:
        """What tells a session's Bayeux clients from those of another time: of before the server was started anew.

        Nothing, where every session starts at the same instant, and is told the same.
        """
        return "" if self._pacing.now_us is not None else f"{opened_at_us} "

    def _minted(self, name: str, client: str) -> str:
        client_id = identities.client_id(self._key(name, client))
        self._of_client[client_id] = name
        return client_id

    def _dressed(self, action: Action) -> Action:
        """An answer as the script that asked for it calls it."""
        callback = self._callbacks.pop(action.request_id, None) if isinstance(action, Respond) else None
        if callback is None or not isinstance(action, Respond):
            return action
        headers = tuple((name, _SCRIPT if name == "content-type" else value) for name, value in action.headers)
        return replace(action, headers=headers, body=jsonp.script(callback, action.body))

    def _key(self, name: str, value: str) -> str:
        return f"{self._seed} {name} {value}"

    def _nowhere(self, kind: MissKind, asked: Asked) -> Miss:
        answers = [answer for story in self._stories for answer in story.answers]
        return Miss(kind, asked.method, asked.target, match.nearest(asked.method, asked.target, answers))


def _of(asked: Asked, sessions: Iterable[Playing]) -> list[Playing]:
    """Those sessions that are of the app that asks: of its user, or, where it names none, of its address."""
    user = gms.gms_user(asked.headers)
    return [session for session in sessions if (session.user == user if user else session.peer == asked.peer)]


def _browser(asked: Asked) -> str | None:
    """The browser that a request comes from, as CometD tells them apart."""
    cookie = _BROWSER.search(header(asked.headers, "cookie") or "")
    return cookie["value"] if cookie else None


def _unlikeness(operation: Operation, asked: Asked, story: Story) -> tuple[bool, bool]:
    """Whether a story has no answer to a request, and whether it has none to any for the same thing."""
    is_other = all(answer.operation.key != operation.key for answer in story.answers)
    return not match.fits(operation, asked, story.answers), is_other


def _origin(asked: Asked) -> str:
    return f"{asked.scheme}://{header(asked.headers, 'host') or 'localhost'}{asked.forwarded_prefix}"


def _report(miss: Miss) -> bytes:
    # What JSON escapes may be no character: half a surrogate pair stays the escape that it was.
    return json.dumps(miss.as_json(), ensure_ascii=False, indent=2).encode("utf-8", "backslashreplace")


def _missed(request_id: int, miss: Miss) -> Iterator[Action]:
    yield Noted(str(miss))
    yield Respond(request_id, 404, JSON, _report(miss))
