"""A simulated GMS on a socket of its own, in a thread."""

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gms_replay.simulator.server import SimulatorServer
from gms_replay.simulator.settings import Settings


@contextmanager
def simulated(
    settings: Settings, *, before: Callable[[Any], Any] | None = None, pem: Path | None = None
) -> Iterator[str]:
    """The URL of a simulator that is there until the end of the block.

    `before`: what stands before it, an ASGI app of an ASGI app. `pem`: key and certificate, with which it speaks TLS.
    """
    urls: queue.Queue[str] = queue.Queue()
    server = SimulatorServer("127.0.0.1", 0, settings, urls.put)
    if before:
        server.config.app = before(server.config.app)
    if pem:
        server.config.ssl_certfile = server.config.ssl_keyfile = pem
    thread = threading.Thread(target=server.run_bound)
    thread.start()
    try:
        url = urls.get(timeout=60)
        yield url.replace("http:", "https:") if pem else url
    finally:
        server.should_exit = True
        thread.join()


class StandingClock:
    """A clock that shows `now_us`, microseconds since 1970 UTC, until that is changed."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us
