"""A wire to a server, which can be cut: for clients that lose their connections, and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import httpx

_COMES_BACK_WITHIN_S = 40


class Relay:
    """Hands on what comes to `url`, and what comes back, unless that `breaks` the connection instead."""

    def __init__(self, url: str, breaks: Callable[[], bool]) -> None:
        there = httpx.URL(url)
        self._breaks = breaks
        self._host, self._port = there.host, there.port
        self._writers: set[asyncio.StreamWriter] = set()
        self._connected = asyncio.Event()
        self.url = url

    async def cut(self) -> None:
        """Breaks every connection, and waits until the client has sent its next /meta/connect."""
        self._connected.clear()
        self.close()
        async with asyncio.timeout(_COMES_BACK_WITHIN_S):
            await self._connected.wait()

    def close(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serves a connection until either side ends it, or it is cut."""
        back, there = await asyncio.open_connection(self._host, self._port)
        ends = {writer, there}
        self._writers |= ends
        ways = [
            asyncio.create_task(self._hand_on(self._watched(reader, writer), there)),
            asyncio.create_task(self._hand_on(self._let_pass(back), writer)),
        ]
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        self._writers -= ends
        for end in ends:
            end.transport.abort()
        await asyncio.wait(ways)

    async def _watched(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> AsyncIterator[bytes]:
        """What a client sends; a request says whether it connects, the first that a WebSocket says (masked) does."""
        is_socket = False
        async for chunk in _chunks(reader):
            yield chunk
            if writer in self._writers and (is_socket or b"/connect" in chunk):
                self._connected.set()
            is_socket = is_socket or b"Sec-WebSocket-Key" in chunk

    async def _let_pass(self, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
        """What a server sends, until a chunk of it breaks the connection."""
        async for chunk in _chunks(reader):
            if self._breaks():
                return
            yield chunk

    @staticmethod
    async def _hand_on(chunks: AsyncIterator[bytes], writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            async for chunk in chunks:
                writer.write(chunk)
                await writer.drain()


async def _chunks(reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    while chunk := await reader.read(65536):
        yield chunk


@asynccontextmanager
async def laid(url: str, breaks: Callable[[], bool] = lambda: False) -> AsyncIterator[Relay]:
    """A relay to the server of a URL, with a URL of its own. `breaks` is asked for each chunk that comes back."""
    relay = Relay(url, breaks)
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(relay.join(reader, writer)))

    server = await asyncio.start_server(accept, "127.0.0.1", 0)
    relay.url = str(httpx.URL(url).copy_with(port=server.sockets[0].getsockname()[1]))
    try:
        yield relay
    finally:
        server.close()
        relay.close()
        await asyncio.gather(*serving)
