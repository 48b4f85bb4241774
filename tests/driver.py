"""Drives a player through virtual time, as a front end does, and plays apps at it.

The functions take an app through the recordings of `factories`.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

import factories
from factories import AVAILABILITY, CALLBACK, CHAT_DIALOG, CHAT_PATH, MENU, ORDER, SEND, SERVICE

from gms_replay.clocks import Pacing
from gms_replay.events import (
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
    PushTaken,
    RequestArrived,
    Respond,
    SendPush,
    SendText,
    SocketOpened,
    TextArrived,
    Woke,
)
from gms_replay.model import Headers, Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories

NOW_US = 1_772_614_800_000_000
"""2026-03-04T09:00:00Z."""


class Driver:
    """A clock, a player, and what it answered."""

    def __init__(self, player: Player, now_us: int = NOW_US, *, wakes: bool = True) -> None:
        self.player = player
        self.now_us = now_us
        self.wakes = wakes
        self.answers: dict[int, Respond] = {}
        self.answered_at_us: dict[int, int] = {}
        self.sockets: set[int] = set()
        """The WebSockets that are open."""
        self.told: list[tuple[int, bytes]] = []
        """What went out by answers and over WebSockets, in order, and for whom."""
        self.logged: list[str] = []
        """Who plays what."""
        self.dropped: list[str] = []
        """The sessions whose pushes are to go no more."""
        self.pushes: list[SendPush] = []
        """What went to devices."""
        self.closed: list[CloseSocket] = []
        """Which WebSockets were closed, and why."""
        self.broken: list[Break] = []
        """Which connections were ended without a word."""
        self.taken: list[PushTaken] = []
        """What came in for them."""
        self.notes: list[str] = []
        self.noted_at_us: list[int] = []
        self.asked = 0

    def arrive(self, asked: Asked) -> int:
        """Hands a request in, and tells its id."""
        self.asked += 1
        self._receive(RequestArrived(self.asked, asked))
        return self.asked

    def open_socket(self, asked: Asked) -> int:
        """Asks for a WebSocket, and tells its id; it is among `sockets` if it was opened."""
        self.asked += 1
        self._receive(SocketOpened(self.asked, asked))
        return self.asked

    def say(self, socket_id: int, text: bytes) -> None:
        """Sends a message over a WebSocket."""
        self._receive(TextArrived(socket_id, text))

    def hang_up(self, request_id: int) -> None:
        """The app goes away before it has that answer, or ends that WebSocket."""
        self.sockets.discard(request_id)
        self._receive(PeerGone(request_id))

    def confirm(self, request_id: int) -> None:
        """The app has the whole of that answer."""
        self.player.sent(request_id)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Lets time pass, at most until something holds."""
        end_us = self.now_us + round(seconds * 1_000_000)
        while not until():
            wakeup_us = self.player.next_wakeup_us() if self.wakes else None
            if wakeup_us is None or wakeup_us > end_us:
                self.now_us = end_us
                return
            self.now_us = max(self.now_us, wakeup_us)
            self._receive(Woke())

    def wait_for(self, request_id: int, within_s: float = 60) -> Respond:
        """The answer to a request, which must come."""
        self.wait(within_s, lambda: request_id in self.answers)
        assert request_id in self.answers, f"request {request_id} was not answered within {within_s} s"
        return self.answers[request_id]

    def _receive(self, event: Event) -> None:
        for action in self.player.receive(event, self.now_us):
            self._take(action)
        wakeup_us = self.player.next_wakeup_us()
        assert wakeup_us is None or wakeup_us > self.now_us, f"woken for nothing: {event}"

    def _take(self, action: Action) -> None:
        match action:
            case Logged(text):
                self.logged.append(text)
            case SendPush():
                self.pushes.append(action)
            case DropPushes(session):
                self.dropped.append(session)
            case PushTaken():
                self.taken.append(action)
            case Noted(text):
                self.notes.append(text)
                self.noted_at_us.append(self.now_us)
            case AcceptSocket(socket_id):
                self.sockets.add(socket_id)
            case SendText(socket_id, text):
                assert socket_id in self.sockets, f"socket {socket_id} is not open"
                self.told.append((socket_id, text))
            case CloseSocket(socket_id):
                self.closed.append(action)
                self.sockets.remove(socket_id)
            case Break(carrier_id):
                assert carrier_id not in self.answers, f"request {carrier_id} was answered before it was broken off"
                self.broken.append(action)
                self.sockets.discard(carrier_id)
            case Respond(request_id):
                assert request_id not in self.answers, f"request {request_id} was answered twice"
                self.told.append((request_id, action.body))
                self.answers[request_id] = action
                self.answered_at_us[request_id] = self.now_us


class App:
    """One app: REST by `call`, one Bayeux client, and what it heard, as (seconds since it began, message)."""

    def __init__(
        self, driver: Driver, user: str | None = "bob@example.com", *, host: str = "play.test:9000", peer: str = "::1"
    ) -> None:
        self.driver = driver
        self.user = user
        self.host = host
        self.peer = peer
        self.forwarded_prefix = ""
        self.comet_path = "/genesys/cometd"
        self.client_id = ""
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.raw: list[bytes] = []
        self.polling: int | None = None
        self._began_us = driver.now_us

    @property
    def seconds(self) -> float:
        """How long the app has been there."""
        return (self.driver.now_us - self._began_us) / 1_000_000

    def ask(self, method: str, target: str, text: bytes | str | dict[str, Any] = b"", headers: Headers = ()) -> int:
        """Asks, and tells the request's id."""
        return self.driver.arrive(self.asked(method, target, text, headers))

    def asked(self, method: str, target: str, text: bytes | str | dict[str, Any] = b"", headers: Headers = ()) -> Asked:
        """A request of this app's."""
        body = json.dumps(text) if isinstance(text, dict) else text
        user: Headers = (("gms_user", self.user),) if self.user else ()
        return Asked(
            method=method,
            scheme="http",
            target=target,
            headers=(("host", self.host), *user, *headers),
            body=body.encode() if isinstance(body, str) else body,
            peer=self.peer,
            forwarded_prefix=self.forwarded_prefix,
        )

    def call(
        self, method: str, target: str, text: bytes | str | dict[str, Any] = b"", headers: Headers = ()
    ) -> Respond:
        """Asks and waits for the answer."""
        return self.driver.wait_for(self.ask(method, target, text, headers))

    def wait_until(self, seconds: float) -> None:
        """Does nothing until it is there that long."""
        self.driver.wait(max(0.0, seconds - self.seconds))

    def frame(self, *messages: dict[str, Any]) -> int:
        """Sends Bayeux messages in one request."""
        return self.ask("POST", self.comet_path, json.dumps(messages))

    def bayeux(self, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Sends Bayeux messages and waits for the answer."""
        return told(self.driver.wait_for(self.frame(*messages)))

    def shake_hands(self) -> dict[str, Any]:
        """A new Bayeux client, connected once."""
        shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        (reply,) = self.bayeux(shake | {"id": "1"})
        self.client_id = reply["clientId"]
        self.hear(self.driver.wait_for(self.connect()))
        return reply

    def subscribe(self, subscription: str | list[str] = "/_genesys") -> dict[str, Any]:
        """Subscribes, and tells the reply."""
        (reply,) = self.bayeux(self.meta("subscribe", subscription=subscription))
        return reply

    def connect(self, **fields: Any) -> int:
        """Starts a poll."""
        return self.frame(self.meta("connect", connectionType="long-polling", **fields))

    def meta(self, name: str, **fields: Any) -> dict[str, Any]:
        """A message on one of the protocol's own channels."""
        return {"channel": f"/meta/{name}", "clientId": self.client_id, "id": "7"} | fields

    def listen(self, seconds: float, *, pause_s: float = 0) -> None:
        """Polls again and again for so long; a poll that is held at the end goes on."""
        end_s = self.seconds + seconds
        while True:
            if self.polling is None:
                self.polling = self.connect()
            held = self.polling
            self.driver.wait(end_s - self.seconds, lambda held=held: held in self.driver.answers)
            if held not in self.driver.answers:
                return
            self.polling = None
            self.hear(self.driver.answers[held], self.driver.answered_at_us[held])
            self.driver.wait(min(pause_s, max(0.0, end_s - self.seconds)))
            if self.seconds >= end_s:
                return

    def hear(self, answer: Respond, at_us: int | None = None) -> None:
        """Keeps the events of a poll's answer, which must be no refusal."""
        *_, reply = told(answer)
        assert reply["successful"], reply
        at_s = ((self.driver.now_us if at_us is None else at_us) - self._began_us) / 1_000_000
        self.heard += [(at_s, message) for message in told(answer) if "data" in message]

    @property
    def lines(self) -> list[str]:
        """What was said, by the transcript lines heard."""
        return [line[2] for _, message in self.heard for line in message["data"]["message"]["transcriptToShow"]]

    @property
    def times(self) -> list[float]:
        """When each message was heard, in seconds since the app began."""
        return [at_s for at_s, _ in self.heard]


def told(answer: Respond) -> list[dict[str, Any]]:
    """The Bayeux messages of an answer."""
    assert answer.status == 200, answer
    return json.loads(answer.body)


def headers_named(answer: Respond, names: Iterable[str]) -> list[tuple[str, str]]:
    """Those headers of an answer, in order."""
    wanted = set(names)
    return [(name, value) for name, value in answer.headers if name in wanted]


def played(recording: Recording, *, now_us: int | None = None, wakes: bool = True) -> Driver:
    """A driver of a player of that recording."""
    return Driver(Player(compile_stories(recording), Pacing(now_us=now_us)), wakes=wakes)


def visiting(recording: Recording | None = None) -> App:
    """An app at a player, of the whole visit unless told otherwise, which has not asked for anything yet."""
    return App(played(recording or factories.visit()))


def start(app: App) -> str:
    """Starts a callback, and tells its service ID."""
    return json.loads(app.call("POST", CALLBACK, ORDER).body)["_id"]


def start_chatting(recording: Recording) -> App:
    """An app that started at 0 s, and is subscribed at once."""
    app = visiting(recording)
    app.call("POST", CALLBACK, ORDER)
    app.shake_hands()
    app.subscribe()
    return app


def begin(app: App) -> None:
    """All of the visit that comes before Comet, at the recorded pace: the chat starts after 15 s."""
    app.call("GET", AVAILABILITY)
    app.wait_until(1)
    start(app)
    app.wait_until(10)
    app.call("POST", MENU)
    app.wait_until(13)
    app.call("POST", CHAT_DIALOG)
    app.wait_until(15)
    app.call("POST", CHAT_PATH, "notify_by=comet&firstName=Bob&_verbose=true")


def begin_chat(app: App) -> None:
    """The same, with Comet: subscribed after 16 s."""
    begin(app)
    app.wait_until(16)
    app.shake_hands()
    app.subscribe()


def send(app: App, text: str, service: str = SERVICE) -> Respond:
    """Says something in the chat."""
    return app.call("POST", SEND.replace(SERVICE, service), f"message={text}")
