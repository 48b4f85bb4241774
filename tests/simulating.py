"""A simulated GMS on a socket of its own, in a thread."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gms_replay.simulator.server import SimulatorServer
from gms_replay.simulator.settings import Settings


@contextmanager
def simulated(settings: Settings) -> Iterator[str]:
    """The URL of a simulator that is there until the end of the block."""
    urls: queue.Queue[str] = queue.Queue()
    server = SimulatorServer("127.0.0.1", 0, settings, urls.put)
    thread = threading.Thread(target=server.run_bound)
    thread.start()
    try:
        yield urls.get(timeout=60)
    finally:
        server.should_exit = True
        thread.join()


class StandingClock:
    """A clock that shows `now_us`, microseconds since 1970 UTC, until that is changed."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us
