"""A server that answers at once: `python upstream.py PADDING_BYTES` prints its port, and serves until stdin ends.

On a WebSocket each frame that comes, whatever it holds, gets as many events as FRAMES says.
"""

import asyncio
import sys

import visit

FRAMES = 500
UPGRADED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n"
)


class Server(asyncio.Protocol):
    """One connection. A request comes when the one before it has its answer."""

    answers: dict[tuple[bytes, bytes], bytes]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._came = b""
        self._is_socket = False

    def data_received(self, data: bytes) -> None:
        if self._is_socket:
            self._transport.write(visit.event_frame() * FRAMES)
            return
        self._came += data
        head, end, body = self._came.partition(b"\r\n\r\n")
        if b"Upgrade: websocket" in head:
            self._is_socket = True
            self._transport.write(UPGRADED)
        elif end and len(body) == int(head.rpartition(b"Content-Length: ")[2]):
            self._came = b""
            self._transport.write(self.answers[head.split(b" ", 2)[1], body])


async def main() -> None:
    Server.answers = {(step.target.encode(), step.body): step.answer for step in visit.steps(int(sys.argv[1]))}
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Server, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
