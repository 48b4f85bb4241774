"""Bayeux clients that nobody here wrote, opened alike: aiocometd, and CometD's own for JavaScript, as a process."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from gms_replay.model import Transport
from gms_replay.verify.comet_client import CometClient

SCRIPT = Path(__file__).parent / "peers" / "cometd_client.mjs"
_ENDS_WITHIN_S = 20

AIOCOMETD = ("aiocometd long-polling", "aiocometd websocket")
COMETD = ("cometd long-polling", "cometd callback-polling", "cometd websocket")
ACKNOWLEDGING = tuple(f"{name} --ack" for name in COMETD)


class Client(Protocol):
    """A client that is subscribed to /_genesys."""

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The next event."""
        ...

    async def say(self, text: str) -> None:
        """Publishes on /service/echo."""
        ...


@asynccontextmanager
async def opened(name: str, node: str, url: str, user: str) -> AsyncIterator[Client]:
    """The client of that name ("cometd websocket --ack"), until it has disconnected."""
    library, transport, *_ = name.split()
    if library == "aiocometd":
        async with CometClient(url, headers={"gms_user": user}, transports=[Transport(transport)]) as comet:
            await comet.subscribe("/_genesys")
            yield _Aiocometd(comet)
        return
    async with opened_by_cometd(name, node, url, user) as client:
        yield client


@asynccontextmanager
async def opened_by_cometd(name: str, node: str, url: str, user: str) -> AsyncIterator["Cometd"]:
    """CometD's client of that name, until it has disconnected."""
    _, transport, *options = name.split()
    process = await asyncio.create_subprocess_exec(
        node, SCRIPT, url, transport, user, *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    client = Cometd(process)
    try:
        await client.until({"opened": True, "transport": transport})
        yield client
        await client.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class _Aiocometd:
    def __init__(self, comet: CometClient) -> None:
        self._comet = comet

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        return await self._comet.next_message(timeout_s)

    async def say(self, text: str) -> None:
        await self._comet.publish("/service/echo", {"text": text})


class Cometd:
    """`cometd_client.mjs`, which says what it prints."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._process = process
        self._stdin, self._stdout = process.stdin, process.stdout
        self._heard: list[dict[str, Any]] = []

    async def until(self, told: dict[str, Any]) -> None:
        """Waits for a line; events may come before it, for a subscription's reply may be overtaken."""
        while (line := await self._next_line()) != told:
            self._heard.append(self._event(line))

    async def _next_line(self) -> dict[str, Any]:
        line = await self._stdout.readline()
        assert line, "the Node client ended; its reason is in standard error"
        told: dict[str, Any] = json.loads(line)
        return told

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        if self._heard:
            return self._heard.pop(0)
        async with asyncio.timeout(timeout_s):
            return self._event(await self._next_line())

    async def say(self, text: str) -> None:
        self._stdin.write(f"{text}\n".encode())
        await self.until({"acknowledged": True})

    def leave(self, position: int) -> None:
        """Says, when it disconnects, that it goes to the background, and how many lines of the chat it has."""
        self._stdin.write(f"/leave {position}\n".encode())

    async def close(self) -> None:
        """Disconnects; nothing may come any more that nobody waited for."""
        self._stdin.close()
        async with asyncio.timeout(_ENDS_WITHIN_S):
            assert [line async for line in self._stdout] == [b'{"closed":true}\n']
            assert await self._process.wait() == 0

    @staticmethod
    def _event(line: dict[str, Any]) -> dict[str, Any]:
        assert line.keys() == {"heard"}, line
        event: dict[str, Any] = line["heard"]
        return event
