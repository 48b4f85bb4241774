"""Every recording, by whichever client, is replayed to every client, and tells it what was told live.

`make peers` prints the matrix.
"""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comet_clients
import httpx
import pytest
from comet_clients import ACKNOWLEDGING, AIOCOMETD, COMETD
from serving import served

from gms_replay.cassette import reader
from gms_replay.diff import Seen, Transcript, compare
from gms_replay.model import Recording
from gms_replay.simulator.server import SimulatorServer
from gms_replay.simulator.settings import Settings

USER = "stan@example.com"
PATIENCE_S = 60
PLAYED_TO = (*AIOCOMETD, *COMETD, *ACKNOWLEDGING)
# The simulator has no callback polling and acknowledges nothing; CometD's Node server does, but has no WebSocket.
RECORDED_BY = {
    "simulator": (*AIOCOMETD, "cometd long-polling", "cometd websocket"),
    "cometd-nodejs-server": (AIOCOMETD[0], "cometd long-polling", "cometd long-polling --ack"),
}


@dataclass(frozen=True)
class Live:
    """What a client was told when it was recorded, and the recording. `by`: by whom, of what."""

    by: str
    told: Transcript
    recording: Recording


async def chat(name: str, node: str, base: str) -> Transcript:
    """A whole chat with the simulator's agent, or with a recording of one."""
    started_at_us = time.time_ns() // 1000
    answers: list[Seen] = []
    messages: list[bytes] = []
    async with httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False, timeout=PATIENCE_S) as http:

        async def ask(url: str, **fields: str) -> Any:
            response = await http.post(url, data=fields)
            path = response.url.raw_path.decode()
            answers.append(
                Seen(f"POST {path}", response.status_code, tuple(response.headers.items()), response.content)
            )
            return response.raise_for_status().json()

        service = (await ask(f"{base}/1/service/callback/samples", _media_type="chat"))["_id"]
        dialog = await ask(f"{base}/1/service/{service}/get-dialog-start-chat")
        url = dialog["_start_chat_url"]
        await ask(url, notify_by="comet", firstName="Stan")
        lines = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with comet_clients.opened(name, node, dialog["_comet_url"], USER) as comet:
            state = ""
            while state != "DISCONNECTED":
                message = await comet.next_message(PATIENCE_S)
                messages.append(json.dumps(message, ensure_ascii=False).encode())
                told = message["data"]["message"]
                state = told["chatIxnState"]
                said = [line for line in told["transcriptToShow"] if (line[0], line[4]) == ("Message.Text", "AGENT")]
                if said and (line := next(lines, None)):
                    await ask(f"{url}/send", message=line)
    return Transcript(origin(base), started_at_us, tuple(answers), {"/_genesys": tuple(messages)})


async def echo(name: str, node: str, url: str) -> Transcript:
    """A client without any GMS: what it publishes comes back."""
    started_at_us = time.time_ns() // 1000
    messages: list[bytes] = []
    async with comet_clients.opened(name, node, url, USER) as comet:
        for text in ("one", "two", "three"):
            await comet.say(text)
            message = await comet.next_message(PATIENCE_S)
            messages.append(json.dumps(message, ensure_ascii=False).encode())
    return Transcript(origin(url), started_at_us, (), {"/_genesys": tuple(messages)})


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
    source, name = request.param
    by = f"{name}, of {source}"
    if source == "simulator":
        with simulator() as url:
            return record(start, url, by, lambda base: chat(name, node, base))
    server = cometd_servers()
    server.start()
    return record(start, server.url, by, lambda url: echo(name, node, url))


def record(start: Callable[..., Any], url: str, by: str, visit: Callable[[str], Awaitable[Transcript]]) -> Live:
    """Records a visit of a server through mitmdump."""
    upstream = httpx.URL(url)
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    told = asyncio.run(visit(str(upstream.copy_with(port=mitmdump.ports[0]))))
    assert mitmdump.end() == 0
    return Live(by, told, reader.read(mitmdump.cassette))


def cells() -> Iterator[Any]:
    for source, names in RECORDED_BY.items():
        for recorded_by in names:
            # One and the same for all its cells, so that pytest records once.
            recording = source, recorded_by
            for played_to in PLAYED_TO:
                yield pytest.param(recording, played_to, id=f"{source}, {recorded_by}, {played_to}")


@pytest.mark.parametrize(("live", "played_to"), list(cells()), indirect=["live"])
def test_replay_equals_live_run(live: Live, played_to: str, node: str, record_property) -> None:
    record_property("cell", (live.by, played_to))
    with served(live.recording) as server:
        if live.told.answers:
            told = asyncio.run(chat(played_to, node, server.base))
        else:
            told = asyncio.run(echo(played_to, node, f"{server.origin}/cometd"))

    assert compare(live.told, told).differences == []
    assert server.notes == []
