"""A chat whose Comet moves: to WebSocket and back, to another node, past a dropped poll. One story, played alike."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, Self

import httpx
import pytest
from serving import served
from simulating import simulated
from websockets.asyncio.client import ClientConnection, connect

from gms_replay import bayeux, sessions
from gms_replay.cassette import reader
from gms_replay.clocks import Pacing
from gms_replay.diff import Seen, Transcript, compare
from gms_replay.gms import Kind
from gms_replay.model import Direction, Message, Recording, Transport
from gms_replay.replay.server import wall_clock_us
from gms_replay.simulator.settings import Settings

USER = "stan@example.com"
WAIT_S = 40
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

    async def news(self) -> list[dict[str, Any]]:
        """The next messages, perhaps none."""
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
    started_at_us = time.time_ns() // 1000
    answers: list[Seen] = []
    messages: list[bytes] = []
    async with httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False, timeout=WAIT_S, proxy=proxy) as http:

        async def ask(url: str, **fields: str) -> Any:
            answer = await http.post(url, data=fields)
            path = answer.url.raw_path.decode()
            answers.append(Seen(f"POST {path}", answer.status_code, tuple(answer.headers.items()), answer.content))
            return answer.raise_for_status().json()

        service = (await ask(f"{base}/1/service/callback/samples", _media_type="chat"))["_id"]
        dialog = await ask(f"{base}/1/service/{service}/get-dialog-start-chat")
        await ask(dialog["_start_chat_url"], notify_by="comet", firstName="Stan")
        comet = Comet(http, node if way is stays else dialog["_comet_url"], proxy)
        await comet.open()
        words, state, line = iter(WORDS), "", 0
        while state != "DISCONNECTED":
            for event in await comet.news():
                messages.append(json.dumps(event, ensure_ascii=False).encode())
                told = event["data"]["message"]
                state = told["chatIxnState"]
                is_said = any((one[0], one[4]) == ("Message.Text", "AGENT") for one in told["transcriptToShow"])
                if is_said and (word := next(words, None)):
                    line += 1
                    # Nothing comes of itself now: the agent waits.
                    if line < len(WORDS):
                        await way(comet, node, line, is_held)
                    await ask(f"{dialog['_start_chat_url']}/send", message=word)
        if comet.socket:
            await comet.socket.close()
    return Transcript(
        str(httpx.URL(base).copy_with(path="")), started_at_us, tuple(answers), {"/_genesys": tuple(messages)}
    )


@pytest.fixture(scope="module")
def simulator() -> Iterator[str]:
    with simulated(Settings(quick=True, seed=4)) as url:
        yield url


def relaying(port: int):
    """What serves one connection of a second node, which has a port of its own and passes all on to the first."""

    async def serve(there_in: asyncio.StreamReader, there_out: asyncio.StreamWriter) -> None:
        here_in, here_out = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    sink.write(data)
                    await sink.drain()
            except ConnectionError:
                pass
            finally:
                sink.close()

        await asyncio.gather(pump(there_in, here_out), pump(here_in, there_out))

    return serve


async def recorded(simulator: str, start: Callable[..., Any], way: Way) -> tuple[Transcript, Recording]:
    """A visit to a simulator and a second node that relays to it, through a recorder that is the app's proxy."""
    mitmdump = start("--mode", "regular@0").ready()
    port = httpx.URL(simulator).port
    async with await asyncio.start_server(relaying(port), "127.0.0.1", 0) as relay:
        node = f"http://127.0.0.1:{relay.sockets[0].getsockname()[1]}/genesys/cometd"
        proxy = f"http://127.0.0.1:{mitmdump.ports[0]}"
        told = await chat(simulator, node, way, lambda: has_held(reader.read(mitmdump.cassette)), proxy)
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
