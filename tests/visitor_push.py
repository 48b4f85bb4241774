"""Where an app of device type `httpcb` takes its pushes: a small HTTP server on loopback."""

import asyncio
import json
import re
from typing import Any

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_TRAILING_COMMA = re.compile(r",(?=\s*})")
_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


class Pushes:
    """The pushes that came, each as text; `async with` serves."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[str] = asyncio.Queue()
        self._server: asyncio.Server | None = None
        self.url = ""

    async def __aenter__(self) -> "Pushes":
        self._server = await asyncio.start_server(self._take, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/push"
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def next(self, patience_s: float) -> tuple[str, dict[str, Any] | None]:
        """The next push as it came, and what it says; TimeoutError when none comes."""
        text = await asyncio.wait_for(self._came.get(), patience_s)
        return text, _read(text)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = _LENGTH.search(head)
            body = await reader.readexactly(int(length[1]) if length else 0)
            writer.write(_OK)
            await writer.drain()
            self._came.put_nowait(body.decode("utf-8", "replace"))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def _read(text: str) -> dict[str, Any] | None:
    """An object, JSON text in a string, or either under `message`."""
    said: Any = text
    for _ in range(3):
        if isinstance(said, str):
            try:
                said = json.loads(_TRAILING_COMMA.sub("", said))
            except ValueError:
                return None
        if isinstance(said, dict) and "_id" in said:
            return said
        if isinstance(said, dict) and "message" in said:
            said = said["message"]
    return None
