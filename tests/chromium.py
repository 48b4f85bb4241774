"""Chromium with a page of `tests/peers` in it, which talks with the test by lines."""

import asyncio
import os
import signal
import tempfile
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from aiohttp import web

PEERS = Path(__file__).parent / "peers"
_STARTS_WITHIN_S = 30
_ENDS_WITHIN_S = 10
# It has to run as root, too, and to dial nobody but us.
_SWITCHES = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--no-proxy-server",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--disable-breakpad",
    "--disable-gpu",
)


class Page:
    """The lines of a page that was opened."""

    def __init__(self) -> None:
        self.arrived = asyncio.Event()
        self._told: asyncio.Queue[str] = asyncio.Queue()
        self._socket = web.WebSocketResponse()

    async def read(self) -> str:
        """The next line; empty when the page has closed its WebSocket."""
        return await self._told.get()

    async def write(self, line: str) -> None:
        await self._socket.send_str(line)

    async def end(self) -> None:
        """Says that no more lines will come."""
        await self.write("/close")

    async def converse(self, request: web.Request) -> web.WebSocketResponse:
        """Takes the page's WebSocket, and what it tells."""
        await self._socket.prepare(request)
        self.arrived.set()
        async for message in self._socket:
            self._told.put_nowait(message.data)
        self._told.put_nowait("")
        return self._socket


@asynccontextmanager
async def showing(chromium: str, name: str) -> AsyncIterator[Page]:
    """The page of that name in a Chromium of its own, with a profile of its own, until the end of the block.

    It comes from `localhost`, so that what is on 127.0.0.1 is for it another origin, on another site.
    """
    page = Page()
    app = web.Application()
    app.router.add_get("/lines", page.converse)
    app.router.add_static("/", PEERS)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        _, port = runner.addresses[0]
        async with _running(chromium, f"http://localhost:{port}/{name}") as process:
            await _either(page.arrived.wait(), process.wait())
            assert page.arrived.is_set(), f"Chromium showed no page: it ended with {process.returncode}"
            yield page
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _running(chromium: str, url: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Chromium as a process group of its own, which leaves nothing behind."""
    # What waits for its crashes leaves some moments after it.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = await asyncio.create_subprocess_exec(
            chromium,
            *_SWITCHES,
            f"--user-data-dir={profile}",
            url,
            env=os.environ | dict.fromkeys(("HOME", "TMPDIR"), profile),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                process.terminate()
            with suppress(TimeoutError):
                async with asyncio.timeout(_ENDS_WITHIN_S):
                    await process.wait()
            # Its children, should any be left.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()


async def _either(*events: Coroutine[Any, Any, object]) -> None:
    waiting = [asyncio.ensure_future(event) for event in events]
    try:
        await asyncio.wait(waiting, timeout=_STARTS_WITHIN_S, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()
        await asyncio.wait(waiting)
