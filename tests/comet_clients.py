"""Bayeux clients, opened alike: aiocometd, CometD's for JavaScript in Node and in Chromium, and one that batches."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import batches
import chromium

from gms_replay.model import Transport
from gms_replay.verify.comet_client import CometClient

SCRIPT = Path(__file__).parent / "peers" / "cometd_client.mjs"
PAGE = "cometd_page.html"
_ENDS_WITHIN_S = 20

AIOCOMETD = ("aiocometd long-polling", "aiocometd websocket")
COMETD = ("cometd long-polling", "cometd callback-polling", "cometd websocket")
ACKNOWLEDGING = tuple(f"{name} --ack" for name in COMETD)
CHROMIUM = ("chromium long-polling", "chromium callback-polling", "chromium websocket")
BATCHES = ("httpx batches",)

Program = Callable[..., str]
"""`program("chromium", "chromium-browser")`: the path of the first that is there."""


class Listener(Protocol):
    """A client that is subscribed to /_genesys."""

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The next event."""
        ...


class Client(Listener, Protocol):
    """One that also says something."""

    async def say(self, text: str) -> None:
        """Publishes on /service/echo."""
        ...

    async def publish(self, channel: str, data: dict[str, Any]) -> None:
        """Publishes on a service channel, and listens there from then on."""
        ...


class Lines(Protocol):
    """Lines from a peer, and to it."""

    async def read(self) -> str:
        """The next line; empty when there will be no more."""
        ...

    async def write(self, line: str) -> None: ...

    async def end(self) -> None:
        """Says that no more lines will come."""
        ...


Opener = Callable[[str, str], AbstractAsyncContextManager[Any]]
"""Opens a client with a URL and a user, until the end of the block, where it has disconnected."""


@asynccontextmanager
async def started(name: str, program: Program) -> AsyncIterator[Opener]:
    """What opens the client of that name ("cometd websocket --ack"), once.

    Its program runs already: how long a browser takes to start is no part of an app's visit.
    """
    library, transport, *options = name.split()
    if library == "aiocometd":
        yield partial(_aiocometd, transport)
    elif name in BATCHES:
        yield batches.opened
    elif library == "chromium":
        async with chromium.showing(program("chromium", "chromium-browser"), PAGE) as page:
            yield partial(_cometd, page, transport, options)
    else:
        async with _running(program("node"), str(SCRIPT)) as pipes:
            yield partial(_cometd, pipes, transport, options)


@asynccontextmanager
async def _aiocometd(transport: str, url: str, user: str) -> AsyncIterator["_Aiocometd"]:
    async with CometClient(url, headers={"gms_user": user}, transports=[Transport(transport)]) as comet:
        await comet.subscribe("/_genesys")
        yield _Aiocometd(comet)


@asynccontextmanager
async def _cometd(lines: Lines, transport: str, options: list[str], url: str, user: str) -> AsyncIterator["Cometd"]:
    client = Cometd(lines)
    await lines.write(json.dumps([url, transport, user, *options]))
    await client.until({"opened": True, "transport": transport})
    yield client
    await client.close()


class _Aiocometd:
    def __init__(self, comet: CometClient) -> None:
        self._comet = comet

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        return await self._comet.next_message(timeout_s)

    async def say(self, text: str) -> None:
        await self.publish("/service/echo", {"text": text})

    async def publish(self, channel: str, data: dict[str, Any]) -> None:
        await self._comet.publish(channel, data)


class Cometd:
    """`cometd_lines.mjs`, which says what it tells."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._heard: list[dict[str, Any]] = []

    async def until(self, told: dict[str, Any]) -> None:
        """Waits for a line; events may come before it, for a subscription's reply may be overtaken."""
        while (line := await self._next_line()) != told:
            self._heard.append(self._event(line))

    async def _next_line(self) -> dict[str, Any]:
        line = await self._lines.read()
        assert line, "CometD's client ended; Node says why in standard error"
        told: dict[str, Any] = json.loads(line)
        return told

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        if self._heard:
            return self._heard.pop(0)
        async with asyncio.timeout(timeout_s):
            while (line := await self._next_line()).get("opened"):
                # A server that forgot it had it shake hands anew.
                pass
            return self._event(line)

    async def say(self, text: str) -> None:
        await self._lines.write(text)
        await self.until({"acknowledged": True})

    async def publish(self, channel: str, data: dict[str, Any]) -> None:
        await self._lines.write(f"/publish {channel} {json.dumps(data)}")
        await self.until({"acknowledged": True})

    async def leave(self, position: int) -> None:
        """Says, when it disconnects, that it goes to the background, and how many lines of the chat it has."""
        await self._lines.write(f"/leave {position}")

    async def close(self) -> None:
        """Disconnects; nothing may come any more that nobody waited for."""
        await self._lines.end()
        async with asyncio.timeout(_ENDS_WITHIN_S):
            assert await self._next_line() == {"closed": True}
            assert await self._lines.read() == ""

    @staticmethod
    def _event(line: dict[str, Any]) -> dict[str, Any]:
        assert line.keys() == {"heard"}, line
        event: dict[str, Any] = line["heard"]
        return event


class _Pipes:
    """Standard output and input of a process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._stdin, self._stdout = process.stdin, process.stdout

    async def read(self) -> str:
        return (await self._stdout.readline()).decode()

    async def write(self, line: str) -> None:
        self._stdin.write(f"{line}\n".encode())
        await self._stdin.drain()

    async def end(self) -> None:
        self._stdin.close()


@asynccontextmanager
async def _running(*command: str) -> AsyncIterator[_Pipes]:
    """A process that ends well when its lines have ended."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield _Pipes(process)
        async with asyncio.timeout(_ENDS_WITHIN_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
