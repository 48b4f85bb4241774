"""The simulated GMS on a socket."""

import errno
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn

from gms_replay.errors import OptionError
from gms_replay.simulator.asgi import BASE_PATH, SimulatedGms
from gms_replay.simulator.settings import Settings

_LAST_WORDS_S = 1
_KEEP_ALIVE_S = 30


class SimulatorServer(uvicorn.Server):
    """uvicorn, bound on creation, that ends held polls when it is told to end.

    `announce` is called with the server's base URL as soon as it answers. Raises OptionError for an address that
    cannot be bound. Without signals, set `should_exit` to end `run_bound`.
    """

    def __init__(self, host: str, port: int, settings: Settings, announce: Callable[[str], None]) -> None:
        self._gms = SimulatedGms(settings)
        self._announce = announce
        self._socket = _bound(host, port)
        super().__init__(
            uvicorn.Config(
                self._gms,
                http="httptools",
                ws="websockets-sansio",
                ws_per_message_deflate=False,
                lifespan="off",
                server_header=False,
                access_log=False,
                log_level="warning",
                timeout_keep_alive=_KEEP_ALIVE_S,
                timeout_graceful_shutdown=_LAST_WORDS_S,
            )
        )

    @property
    def url(self) -> str:
        """Its base URL, by the address it is bound to."""
        host, port = self._socket.getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{BASE_PATH}"

    def run_bound(self) -> None:
        """Serve until told to end."""
        self.run([self._socket])

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announce(self.url)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._gms.close()
        await super().shutdown(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        # uvicorn's own raises the signal again after the shutdown, and the process would not end with 0.
        self.force_exit = self.should_exit and sig == signal.SIGINT
        self.should_exit = True


def serve(host: str, port: int, settings: Settings, announce: Callable[[str], None]) -> None:
    """Serve a simulated GMS until SIGTERM or SIGINT; port 0 picks one. Raises OptionError."""
    SimulatorServer(host, port, settings, announce).run_bound()


def _bound(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        way_out = "--port 0 picks a port" if error.errno == errno.EADDRINUSE else "check --host and --port"
        raise OptionError(f"{host} port {port} cannot be served on: {error.strerror}; {way_out}") from None
