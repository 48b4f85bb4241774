"""A chat whose Comet moves: to WebSocket and back, to another node, past a dropped poll. One story, played alike."""

import asyncio
import json
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx
import pytest
import relay
from chatting import App, is_said_by_agent
from serving import served
from simulating import simulated
from websockets.asyncio.client import ClientConnection, connect

from gms_replay import bayeux, sessions
from gms_replay.cassette import reader
from gms_replay.clocks import Pacing
from gms_replay.diff import Transcript, compare
from gms_replay.gms import Kind
from gms_replay.model import Direction, Message, Recording, Transport
from gms_replay.replay.wall import wall_clock_us
from gms_replay.simulator.settings import Settings

PAUSE_S = 0.01
WORDS = ("Hello, my order has not arrived.", "It was ordered in May.", "Thank you, bye!")

Until = Callable[[], bool]
"""Whether whoever is asked holds a poll by now."""


class Comet:
    """A Bayeux client that goes where it is told, at `url`, by polls or over `socket`."""

    def __init__(self, http: httpx.AsyncClient, url: str, proxy: str | None) -> None:
        self._http = http
        self._proxy = proxy
        self.url = url
        self.socket: ClientConnection | None = None
        self._numbers = iter(range(1, 10_000))
        self._fields: dict[str, Any] = {}
        self._heard: deque[dict[str, Any]] = deque()

    async def open(self) -> None:
        [shaken] = await self._ask("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])
        self._fields = {"clientId": shaken["clientId"]}
        await self._ask("/meta/connect", connectionType="long-polling")
        assert (await self._ask("/meta/subscribe", subscription="/_genesys"))[-1]["successful"]

    async def upgrade(self) -> None:
        """On with the same Bayeux session over a WebSocket."""
        self.socket = await connect(f"ws{self.url.removeprefix('http')}", proxy=self._proxy)
        await self._connect_by_socket()

    async def downgrade(self) -> None:
        """And back."""
        assert self.socket
        await self.socket.close(1000, "back to polls")
        self.socket = None

    async def drop_poll(self, is_held: Until) -> None:
        """Hangs up on a poll that is held, until it no longer is: there are no news to come when this is called."""
        poll = asyncio.ensure_future(self._ask("/meta/connect", connectionType="long-polling"))
        while not await asyncio.to_thread(is_held):
            await asyncio.sleep(PAUSE_S)
        poll.cancel()
        await asyncio.gather(poll, return_exceptions=True)
        while await asyncio.to_thread(is_held):
            await asyncio.sleep(PAUSE_S)

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        async with asyncio.timeout(timeout_s):
            while not self._heard:
                self._heard += await self._news()
        return self._heard.popleft()

    async def _news(self) -> list[dict[str, Any]]:
        """The next events, perhaps none."""
        if self.socket is None:
            told = await self._ask("/meta/connect", connectionType="long-polling")
        else:
            told = json.loads(await self.socket.recv())
            if any(message["channel"] == "/meta/connect" for message in told):
                await self._connect_by_socket()
        return [message for message in told if not bayeux.is_meta(message["channel"])]

    async def _connect_by_socket(self) -> None:
        assert self.socket
        await self.socket.send(json.dumps([self._message("/meta/connect", connectionType="websocket")]))

    async def _ask(self, channel: str, **fields: Any) -> list[dict[str, Any]]:
        answer = await self._http.post(self.url, json=[self._message(channel, **fields)])
        told: list[dict[str, Any]] = answer.raise_for_status().json()
        return told

    def _message(self, channel: str, **fields: Any) -> dict[str, Any]:
        return {"channel": channel, "id": str(next(self._numbers))} | self._fields | fields


async def stays(comet: Comet, node: str, line: int, is_held: Until) -> None:
    """Only that Comet is elsewhere."""


async def moves_to_socket(comet: Comet, node: str, line: int, is_held: Until) -> None:
    if line == 1:
        await comet.upgrade()
    else:
        await comet.downgrade()


async def reconnects_elsewhere(comet: Comet, node: str, line: int, is_held: Until) -> None:
    """With a handshake of its own, as after a node that died."""
    if line == 1:
        comet.url = node
        await comet.open()


async def drops_polls(comet: Comet, node: str, line: int, is_held: Until) -> None:
    await comet.drop_poll(is_held)


Way = Callable[[Comet, str, int, Until], Any]


async def chat(base: str, node: str, way: Way, is_held: Until, proxy: str | None = None) -> Transcript:
    """A chat whose Comet client does what it does between the agent's lines. `node`: another's URL."""
    async with App(base, proxy) as app:
        url, comet_url = await app.start_chat()
        comet = Comet(app.http, node if way is stays else comet_url, proxy)
        await comet.open()
        words, line = iter(WORDS), 0
        async for told in app.lines(comet):
            if is_said_by_agent(told) and (word := next(words, None)):
                line += 1
                # Nothing comes of itself now: the agent waits.
                if line < len(WORDS):
                    await way(comet, node, line, is_held)
                await app.ask(f"{url}/send", message=word)
        if comet.socket:
            await comet.socket.close()
        return app.told


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated(Settings(quick=True, seed=4)) as url:
        yield url


async def recorded(simulator: str, start: Callable[..., Any], way: Way) -> tuple[Transcript, Recording]:
    """A visit to a simulator and a second node that relays to it, through a recorder that is the app's proxy."""
    mitmdump = start("--mode", "regular@0").ready()
    proxy = f"http://127.0.0.1:{mitmdump.ports[0]}"
    async with relay.laid(f"{simulator}/cometd") as node:
        told = await chat(simulator, node.url, way, lambda: has_held(reader.read(mitmdump.cassette)), proxy)
        assert await asyncio.to_thread(mitmdump.end) == 0
    return told, reader.read(mitmdump.cassette)


def has_held(recording: Recording) -> bool:
    return any(
        exchange.unfinished and b"/meta/connect" in exchange.request.body.plain for exchange in recording.exchanges
    )


@dataclass(frozen=True)
class Travelled:
    """How Comet went: over how many nodes, how many polls were dropped, how sockets closed, what events came by."""

    nodes: int = 1
    dropped: int = 0
    closed: tuple[tuple[int | None, str], ...] = ()
    transports: frozenset[Transport] = frozenset({Transport.LONG_POLLING})

    @classmethod
    def of(cls, recording: Recording) -> Self:
        (session,) = sessions.split(recording)
        comet = [one.exchange for one in session if one.operation.kind is Kind.COMET]
        return cls(
            len({one.request.port for one in comet}),
            sum(one.outcome.error == "Client disconnected." for one in comet),
            tuple((socket.close_code, socket.close_reason) for socket in recording.sockets),
            frozenset(message.transport for message in news(recording)),
        )


def news(recording: Recording) -> list[Message]:
    return [one for one in recording.messages if one.channel == "/_genesys" and one.direction is Direction.TO_CLIENT]


BOTH = frozenset({Transport.LONG_POLLING, Transport.WEBSOCKET})


@pytest.mark.parametrize(
    ("way", "travelled"),
    [
        (stays, Travelled()),
        (moves_to_socket, Travelled(closed=((1000, "back to polls"),), transports=BOTH)),
        (reconnects_elsewhere, Travelled(nodes=2)),
        (drops_polls, Travelled(dropped=2)),
    ],
)
def test_moved_comet_is_one_story(simulator, start, way, travelled):
    live, recording = asyncio.run(recorded(simulator, start, way))
    # Told from a given instant on: how long a poll takes to be dropped moves no other instants then.
    now_us = wall_clock_us()
    with served(recording, Pacing(now_us=now_us)) as server:
        comet = f"{server.base}/cometd"
        told = asyncio.run(chat(server.base, comet, way, lambda: server.player.sessions[0].comet.is_polled))

    assert compare(live, replace(told, started_at_us=now_us)).differences == []
    assert server.notes == []
    assert Travelled.of(recording) == travelled
    assert len(news(recording)) == len(live.channels["/_genesys"])
