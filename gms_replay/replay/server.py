"""The player on a socket, by uvicorn."""

import asyncio
import errno
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, cast

import uvicorn

from gms_replay.errors import OptionError
from gms_replay.limits import Limits
from gms_replay.replay import watch
from gms_replay.replay.acceptor import Acceptor
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.http_connection import HttpConnection
from gms_replay.replay.socket_connection import SocketConnection
from gms_replay.replay.watch import Load, Watched

if TYPE_CHECKING:
    from gms_replay.replay.aside import Aside
    from gms_replay.replay.certificates import Certificates

_LAST_WORDS_S = 1
_OBJECTS_BETWEEN_LOOKS = 50_000
_KEEP_ALIVE_S = 75
_TICKS_A_SECOND = 10
_OTHER_FILES = 100
"""What a process has open besides connections: the cassette, what runs beside the player, libraries."""


class ReplayServer(uvicorn.Server):
    """uvicorn, bound on creation (port 0 picks one), that answers held polls when it is told to end.

    `announce` is called with the origin ("http://127.0.0.1:8080") once it answers. `compress_sockets`: whether
    WebSockets get permessage-deflate (RFC 7692) where the app offers it. `certificates` make it https. `aside` ends
    with it. Raises OptionError for an address that cannot be bound.
    """

    def __init__(
        self,
        app: ReplayApp,
        aside: "Aside",
        host: str,
        port: int,
        *,
        announce: Callable[[str], None],
        compress_sockets: bool = False,
        certificates: "Certificates | None" = None,
    ) -> None:
        self._certificates = certificates
        self._aside = aside
        self._hears_signals = True
        self._app = app
        self._announce = announce
        self._socket = _bound(host, port)
        self._load = Load(_for_this_process(app.limits))
        super().__init__(
            uvicorn.Config(
                self._app,
                http=cast(type[asyncio.Protocol], partial(HttpConnection, load=self._load)),
                ws=cast(type[asyncio.Protocol], partial(SocketConnection, load=self._load)),
                ws_max_size=app.limits.text_bytes,
                ws_per_message_deflate=compress_sockets,
                lifespan="off",
                date_header=False,
                server_header=False,
                access_log=False,
                # What an app sends wrongly is answered, and no line of uvicorn's.
                log_level="error",
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_LAST_WORDS_S,
            )
        )

    @property
    def port(self) -> int:
        return int(self._socket.getsockname()[1])

    @property
    def origin(self) -> str:
        host = self._socket.getsockname()[0]
        scheme = "http" if self._certificates is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def run_bound(self) -> None:
        """Serves until SIGTERM or SIGINT, or until `should_exit` is set."""
        self.run([self._socket])

    async def serve_beside(self) -> None:
        """Serves in a loop of another's, who hears the signals, until `should_exit` is set."""
        self._hears_signals = False
        await self.serve([self._socket])

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        with super().capture_signals() if self._hears_signals else nullcontext():
            yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        if self._certificates is None:
            await super().startup(sockets)
        else:
            loop, within_s = asyncio.get_running_loop(), self._load.limits.request_s
            connection = partial(
                cast(Callable[..., asyncio.Protocol], self.config.http_protocol_class),
                config=self.config,
                server_state=self.server_state,
                app_state=self.lifespan.state,
                _loop=loop,
            )
            acceptor = Acceptor(self._socket, connection, self._certificates, within_s)
            self.servers = [cast(asyncio.Server, acceptor)]
            self.started = True
        self._announce(self.origin)

    async def on_tick(self, counter: int) -> bool:
        if counter % _TICKS_A_SECOND == 0:
            connections = cast(set[Watched], self.server_state.connections)
            watch.look(tuple(connections), asyncio.get_running_loop().time(), self._load.limits)
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.close()
        # Whoever takes nothing would not let the server end.
        asyncio.get_running_loop().call_later(_LAST_WORDS_S / 2, self._cut_off)
        await super().shutdown(sockets)
        await self._aside.end()

    def _cut_off(self) -> None:
        for connection in cast(set[Watched], self.server_state.connections):
            connection.transport.abort()

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own raises the signal again after the shutdown, and the process would not end with 0.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def spare_collector() -> None:
    """Lets Python look for circles of garbage less often, in a process that only serves.

    A look at all that a thousand sessions hold takes a tenth of a second, in which every message is late; circles are
    few.
    """
    gc.set_threshold(_OBJECTS_BETWEEN_LOOKS, 20, 50)


def _for_this_process(limits: Limits) -> Limits:
    """The limits, with no more connections than the process may have files open: else nobody at all could come in."""
    try:
        import resource
    except ImportError:
        # Windows has no such limit.
        return limits
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + _OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return replace(limits, connections=min(limits.connections, max(1, soft - _OTHER_FILES)))
    return limits


def _bound(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        way_out = "--port 0 picks a port" if error.errno == errno.EADDRINUSE else "check --host and --port"
        raise OptionError(f"{host} port {port} cannot be served on: {error.strerror}; {way_out}") from None
