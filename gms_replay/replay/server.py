"""The player on a socket, by uvicorn."""

import errno
import gc
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from types import FrameType
from typing import TYPE_CHECKING

import uvicorn

from gms_replay.errors import OptionError
from gms_replay.replay.asgi import ReplayApp
from gms_replay.replay.breaking import BreakableHttp, BreakableSocket
from gms_replay.replay.wire import LARGEST_BODY

if TYPE_CHECKING:
    from gms_replay.replay.aside import Aside

_LAST_WORDS_S = 1
_OBJECTS_BETWEEN_LOOKS = 50_000
_KEEP_ALIVE_S = 75


class ReplayServer(uvicorn.Server):
    """uvicorn, bound on creation (port 0 picks one), that answers held polls when it is told to end.

    `announce` is called with the origin ("http://127.0.0.1:8080") once it answers. `compress_sockets`: whether
    WebSockets get permessage-deflate (RFC 7692) where the app offers it. `aside` ends with it. Raises OptionError for
    an address that cannot be bound.
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
    ) -> None:
        self._aside = aside
        self._hears_signals = True
        self._app = app
        self._announce = announce
        self._socket = _bound(host, port)
        super().__init__(
            uvicorn.Config(
                self._app,
                http=BreakableHttp,
                ws=BreakableSocket,
                ws_max_size=LARGEST_BODY,
                ws_per_message_deflate=compress_sockets,
                lifespan="off",
                date_header=False,
                server_header=False,
                access_log=False,
                log_level="warning",
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
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

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
        await super().startup(sockets)
        self._announce(self.origin)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.close()
        await super().shutdown(sockets)
        await self._aside.end()

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


def _bound(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        way_out = "--port 0 picks a port" if error.errno == errno.EADDRINUSE else "check --host and --port"
        raise OptionError(f"{host} port {port} cannot be served on: {error.strerror}; {way_out}") from None
