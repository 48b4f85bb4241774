"""Whatever a stranger sends, it is answered once, nothing is raised, and an app beside it is told the same as ever.

An input is a program: steps that end with a zero byte, each a letter and what it works on. Other letters do nothing.
It runs by the virtual clock where its first letter is V.

P body         POST to the Comet path           G query        GET of it, a script
S text         over a WebSocket of its own      Q              end that
R METHOD PATH  a REST request, with a body      H              hang up on the last request
               after a line's end               W digits       let that many tenths of a second pass

In all of it $ID stands for the id of the last Bayeux client that the stranger was given.
"""

import re
from collections.abc import Iterator
from functools import cache

import factories
from driver import App, Driver, begin_chat, send
from factories import SERVICE

from gms_replay.clocks import Clock, Pacing
from gms_replay.control import CLOCK
from gms_replay.player import Player
from gms_replay.story import compile_stories

STORIES = compile_stories(factories.visit())
STRANGER = "mallory@example.com"

_NOISE_S = 5.0
_LISTENS_S = 60
_BEYOND_ANY_POLL_S = 86_500
"""Longer than any poll may be held."""
_CLIENT_ID = re.compile(rb'"clientId":"(\w+)"')
_OURS = (b"~s1~", b"gms_session", SERVICE.encode())
"""What would name the app's own session, or its service."""


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever the player raises."""
    if any(ours in data for ours in _OURS):
        return
    clock = Clock.VIRTUAL if data.startswith(b"V") else Clock.REAL
    driver = Driver(Player(STORIES, Pacing(clock=clock)))
    app = App(driver)
    begin_chat(app)
    held, before = app.connect(), driver.asked
    stranger = _Stranger(driver, held)
    for step in data.split(b"\0"):
        stranger.take(step)
    stranger.rest()

    assert _told(app, held) == _undisturbed(clock)
    app.call("POST", CLOCK, {"advance_ms": _BEYOND_ANY_POLL_S * 1000})
    app.call("POST", CLOCK, {"advance_ms": _BEYOND_ANY_POLL_S * 1000})
    asked = set(range(before + 1, driver.asked + 1)) - stranger.gone
    assert asked <= driver.answers.keys(), f"never answered: {asked - driver.answers.keys()}"


def seeds() -> Iterator[bytes]:
    """Inputs that lead somewhere: what apps said in a recorded visit, over each transport."""
    shake = (
        b'[{"channel":"/meta/handshake","version":"1.0","supportedConnectionTypes":["websocket"],"ext":{"ack":true}}]'
    )
    connect = b'[{"channel":"/meta/connect","clientId":"$ID","connectionType":"long-polling","advice":{"timeout":0}}]'
    subscribe = b'[{"channel":"/meta/subscribe","clientId":"$ID","subscription":["/*","/a/**"],"id":"3"}]'
    held = b'{"channel":"/meta/connect","clientId":"$ID","ext":{"ack":1,"timesync":{"tc":1,"l":2,"o":3}}}'
    leave = b'[{"channel":"/meta/disconnect","clientId":"$ID","ext":{"transcriptPosition":"2"}}]'
    said = [shake, connect, subscribe, held, leave]
    yield b"\0".join(b"P" + text for text in said)
    yield b"\0".join(b"S" + text for text in said) + b"\0Q"
    yield b"\0".join(b"Gjsonp=cb&message=" + text for text in said)
    yield b"\0".join([b"P" + shake, b"S" + connect, b"P" + held, b"H", b"W20", b"S" + subscribe, b"P" + held, b"Q"])
    yield b"\0".join([b"V", b"P" + shake, b"P" + connect, b"P" + subscribe, b"P" + held, b"S" + held])
    for exchange in factories.visit().exchanges:
        request = exchange.request
        target = request.target.replace(SERVICE, SERVICE.lower())
        yield f"R{request.method} {target}\n".encode() + request.body.plain
    wish = b'{"_id":"X1","_action":"get-dialog-start-chat"}'
    yield f"RPOST {factories.PROVIDERS['apns']}\n".encode() + b'{"aps":{"alert":"Hi"},"message":%s}' % wish
    yield f"RPOST {factories.PROVIDERS['fcm']}\n".encode() + b'{"message":{"token":"a","data":{"a":"b"}}}'
    yield b'RPOST /fcm/send\n{"registration_ids":["a"],"data":{"a":"b"}}'


class _Stranger:
    """`held`: the poll of another app's, which is none of its business."""

    def __init__(self, driver: Driver, held: int) -> None:
        self.gone: set[int] = set()
        self._driver = driver
        self._held, self._before = held, len(driver.told)
        self._app = App(driver, STRANGER, peer="192.0.2.66")
        self._began_us = driver.now_us
        self._socket: int | None = None
        self._last: int | None = None

    def take(self, step: bytes) -> None:
        kind, said = step[:1], step[1:].replace(b"$ID", self._client_id())
        match kind:
            case b"P":
                self._last = self._app.ask("POST", self._app.comet_path, said)
            case b"G":
                self._last = self._app.ask("GET", f"{self._app.comet_path}?{said.decode('latin-1')}")
            case b"R":
                line, _, body = said.partition(b"\n")
                method, _, target = line.decode("latin-1").partition(" ")
                self._last = self._app.ask(method, target, body)
            case b"S":
                if self._socket not in self._driver.sockets:
                    self._socket = self._driver.open_socket(self._app.asked("GET", self._app.comet_path))
                    self.gone.add(self._socket)
                self._driver.say(self._socket, said)
            case b"Q" if self._socket is not None:
                self._driver.hang_up(self._socket)
            case b"H" if self._last is not None:
                self.gone.add(self._last)
                self._driver.hang_up(self._last)
            case b"W" if said.isdigit():
                self._wait(int(said[:3]) / 10)

    def rest(self) -> None:
        """Lets the time pass that strangers have."""
        self._wait(_NOISE_S)

    def _wait(self, seconds: float) -> None:
        left_s = _NOISE_S - (self._driver.now_us - self._began_us) / 1_000_000
        self._driver.wait(min(seconds, left_s))

    def _client_id(self) -> bytes:
        for carrier, told in reversed(self._driver.told[self._before :]):
            if carrier != self._held and (found := _CLIENT_ID.search(told)):
                return found[1]
        return b""


@cache
def _undisturbed(clock: Clock) -> list[object]:
    driver = Driver(Player(STORIES, Pacing(clock=clock)))
    app = App(driver)
    begin_chat(app)
    held = app.connect()
    driver.wait(_NOISE_S)
    return _told(app, held)


def _told(app: App, held: int) -> list[object]:
    """All that the app is told from now on, and when: by the poll that it holds, by REST, and by further polls."""
    app.polling = held
    told: list[object] = [send(app, "Hello.").body]
    app.listen(_LISTENS_S)
    told.append(send(app, "Thanks.").body)
    app.listen(_LISTENS_S)
    return [*told, *app.heard]
