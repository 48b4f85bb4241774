"""Every recording, by whichever client, is replayed to every client, and tells it what was told live.

`make peers` prints the matrix.
"""

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import comet_clients
import httpx
import pytest
from comet_clients import ACKNOWLEDGING, AIOCOMETD, COMETD, Client
from serving import served

from gms_replay.cassette import reader
from gms_replay.diff import Seen, Transcript, compare
from gms_replay.model import Recording
from gms_replay.simulator.server import SimulatorServer
from gms_replay.simulator.settings import Settings

USER = "stan@example.com"
PATIENCE_S = 60
PLAYED_TO = (*AIOCOMETD, *COMETD, *ACKNOWLEDGING)
POLL_S = 0.05


@dataclass(frozen=True)
class Live:
    """What a client was told when it was recorded, and the recording. `by`: by whom, of what."""

    by: str
    told: Transcript
    recording: Recording


class App:
    """One app on one visit, and all that it is told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._started_at_us = time.time_ns() // 1000
        self._answers: list[Seen] = []
        self._messages: list[bytes] = []

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False, timeout=PATIENCE_S)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    async def ask(self, url: str, **fields: str) -> Any:
        """Posts, and keeps the answer."""
        response = await self._http.post(url, data=fields)
        path = response.url.raw_path.decode()
        headers = tuple(response.headers.items())
        self._answers.append(Seen(f"POST {path}", response.status_code, headers, response.content))
        return response.raise_for_status().json()

    async def start_chat(self) -> tuple[str, str]:
        """The URL of a chat, and that of its Comet."""
        service = (await self.ask(f"{self.url}/1/service/callback/samples", _media_type="chat"))["_id"]
        dialog = await self.ask(f"{self.url}/1/service/{service}/get-dialog-start-chat")
        await self.ask(dialog["_start_chat_url"], notify_by="comet", firstName="Stan")
        return dialog["_start_chat_url"], dialog["_comet_url"]

    async def end_of(self, chat: str) -> None:
        """Looks again and again whether a chat is over; how often depends on the moment, so nothing of it is kept."""
        while (await self._http.post(f"{chat}/refresh")).json()["chatIxnState"] != "DISCONNECTED":
            await asyncio.sleep(POLL_S)

    async def hear(self, comet: Client) -> dict[str, Any]:
        """The next message, which is kept."""
        message = await comet.next_message(PATIENCE_S)
        self._messages.append(json.dumps(message, ensure_ascii=False).encode())
        return message

    async def lines(self, comet: Client) -> AsyncIterator[dict[str, Any]]:
        """What the chat tells, to its end."""
        state = ""
        while state != "DISCONNECTED":
            told = (await self.hear(comet))["data"]["message"]
            state = told["chatIxnState"]
            yield told

    @property
    def told(self) -> Transcript:
        return Transcript(
            origin(self.url), self._started_at_us, tuple(self._answers), {"/_genesys": tuple(self._messages)}
        )


async def chat(name: str, node: str, base: str) -> Transcript:
    """A whole chat with the simulator's agent, or with a recording of one."""
    async with App(base) as app:
        url, comet_url = await app.start_chat()
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with comet_clients.opened(name, node, comet_url, USER) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told) and (word := next(words, None)):
                    await app.ask(f"{url}/send", message=word)
        return app.told


async def background(name: str, node: str, base: str) -> Transcript:
    """A chat whose app goes to the background, knowing less than it was told, and comes back when all is over."""
    async with App(base) as app:
        url, comet_url = await app.start_chat()
        async with comet_clients.opened_by_cometd(name, node, comet_url, USER) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told):
                    comet.leave(int(told["transcriptPosition"]) - 2)
                    break
        await app.ask(f"{url}/send", message="Thank you, bye!")
        await app.end_of(url)
        async with comet_clients.opened_by_cometd(name, node, comet_url, USER) as comet:
            async for _ in app.lines(comet):
                pass
        return app.told


async def echo(name: str, node: str, base: str) -> Transcript:
    """A client without any GMS: what it publishes comes back."""
    async with App(base) as app, comet_clients.opened(name, node, f"{base}/cometd", USER) as comet:
        for text in ("one", "two", "three"):
            await comet.say(text)
            await app.hear(comet)
        return app.told


def is_said_by_agent(told: dict[str, Any]) -> bool:
    return any((line[0], line[4]) == ("Message.Text", "AGENT") for line in told["transcriptToShow"])


Visit = Callable[[str, str, str], Awaitable[Transcript]]

# CometD's Node server has no WebSocket.
# That an app goes to the background, and what it knows, only CometD's client can be made to say.
RECORDED: tuple[tuple[Visit, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (chat, "simulator", PLAYED_TO, PLAYED_TO),
    (background, "simulator", (*COMETD, *ACKNOWLEDGING), (*COMETD, *ACKNOWLEDGING)),
    (echo, "cometd-nodejs-server", (AIOCOMETD[0], "cometd long-polling", "cometd long-polling --ack"), PLAYED_TO),
)


def origin(url: str) -> str:
    return str(httpx.URL(url).copy_with(path="/")).rstrip("/")


@contextmanager
def simulator() -> Iterator[str]:
    """The URL of a simulator that is there until the end of the block."""
    ready = threading.Event()
    server = SimulatorServer("127.0.0.1", 0, Settings(quick=True, seed=4), lambda _: ready.set())
    thread = threading.Thread(target=server.run_bound)
    thread.start()
    try:
        assert ready.wait(PATIENCE_S)
        yield server.url
    finally:
        server.should_exit = True
        thread.join(PATIENCE_S)


@pytest.fixture(scope="module")
def node(program: Callable[..., str], installed: Path) -> str:
    return program("node")


@pytest.fixture(scope="module")
def live(request, start, node, cometd_servers) -> Live:
    """One recording for all who are to hear it."""
    visit, source, name = request.param
    with ExitStack() as stack:
        if source == "simulator":
            url = stack.enter_context(simulator())
        else:
            server = cometd_servers()
            server.start()
            url = server.url.removesuffix("/cometd")
        upstream = httpx.URL(url)
        mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
        told = asyncio.run(visit(name, node, str(upstream.copy_with(port=mitmdump.ports[0]))))
        assert mitmdump.end() == 0
    return Live(f"{visit.__name__}, {name}", told, reader.read(mitmdump.cassette))


def cells() -> Iterator[Any]:
    for visit, source, names, played_to in RECORDED:
        for name in names:
            # One and the same for all its cells, so that pytest records once.
            recording = visit, source, name
            for player in played_to:
                yield pytest.param(recording, player, id=f"{visit.__name__}, {name}, {player}")


@pytest.mark.parametrize(("live", "played_to"), list(cells()), indirect=["live"])
def test_replay_equals_live_run(live: Live, played_to: str, node: str, request, record_property) -> None:
    record_property("cell", (live.by, played_to))
    visit, source, _ = request.node.callspec.params["live"]
    with served(live.recording) as server:
        base = server.base if source == "simulator" else server.origin
        told = asyncio.run(visit(played_to, node, base))

    assert compare(live.told, told).differences == []
    assert server.notes == []
