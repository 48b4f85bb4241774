"""Takes connections and speaks TLS on each, as whoever the app asks for."""

import asyncio
import socket
import ssl
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gms_replay.replay.certificates import Certificates

_MOST_GREETING = 500
_GOODBYE_S = 2
_BREATH_S = 0.1


class Acceptor:
    """As asyncio's servers are, with a certificate for the address that an app reached, which they do not tell.

    `within_s`: how long an app has to agree on TLS.
    """

    def __init__(
        self,
        listener: socket.socket,
        protocol: Callable[[], asyncio.Protocol],
        certificates: "Certificates",
        within_s: float,
    ) -> None:
        listener.setblocking(False)
        listener.listen(2048)
        self._listener = listener
        self._protocol = protocol
        self._certificates = certificates
        self._within_s = within_s
        self._greeting: dict[asyncio.Task[None], None] = {}
        self._accepting = asyncio.ensure_future(self._accept())

    def close(self) -> None:
        """Takes no further connections."""
        self._accepting.cancel()
        for task in self._greeting:
            task.cancel()

    async def wait_closed(self) -> None:
        await asyncio.gather(self._accepting, *self._greeting, return_exceptions=True)

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, _ = await loop.sock_accept(self._listener)
            except OSError:
                # Whoever came is gone, or no file is left: either way the next one is waited for.
                await asyncio.sleep(_BREATH_S)
                continue
            if len(self._greeting) >= _MOST_GREETING:
                # Whoever says nothing makes room for who does.
                next(iter(self._greeting)).cancel()
            task = loop.create_task(self._greet(connection))
            self._greeting[task] = None
            task.add_done_callback(partial(self._greeted, connection))

    def _greeted(self, connection: socket.socket, task: asyncio.Task[None]) -> None:
        self._greeting.pop(task, None)
        if task.cancelled():
            connection.close()

    async def _greet(self, connection: socket.socket) -> None:
        # Whoever speaks no TLS, or hangs up, is no concern of anybody's.
        try:
            await asyncio.get_running_loop().connect_accepted_socket(
                self._protocol,
                connection,
                ssl=self._certificates.context(connection.getsockname()[0]),
                ssl_handshake_timeout=self._within_s,
                ssl_shutdown_timeout=_GOODBYE_S,
            )
        except (OSError, ssl.SSLError):
            connection.close()
