"""mitmdump as a process with the recorder in it, between raw sockets and a server that does as it is told."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue
from types import EllipsisType
from typing import TypeVar

import pytest
from mitmproxy.certs import CertStore
from processes import is_over

from gms_replay.cassette import reader
from gms_replay.model import Exchange, Recording

T = TypeVar("T")

MITMDUMP = Path(sys.executable).parent / "mitmdump"
ADDON = Path(__file__).parents[3] / "addons" / "gms_record.py"
WAIT_S = 40
PAUSE_S = 0.02


def eventually(find: Callable[[], T | None], what: str) -> T:
    """What `find` returns once it is something."""
    give_up_at = time.monotonic() + WAIT_S
    while not (found := find()):
        assert time.monotonic() < give_up_at, f"never came: {what}"
        time.sleep(PAUSE_S)
    return found


Step = bytes | EllipsisType | None


class Upstream:
    """An HTTP/1.1 server on loopback that answers each path by the steps that it was told."""

    def __init__(self) -> None:
        self._steps: dict[str, tuple[Step, ...]] = {}
        self._asked: defaultdict[str, Queue[bytes]] = defaultdict(Queue)
        self._released: defaultdict[str, threading.Event] = defaultdict(threading.Event)
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port: int = self._server.sockets[0].getsockname()[1]
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()

    def plays(self, path: str, *steps: Step) -> None:
        """What to send for a path; `...` waits until it is released, None closes the connection."""
        self._steps[path] = steps

    def release(self, path: str) -> None:
        self._released[path].set()

    def asked(self, path: str) -> bytes:
        """The next request for a path, once it is there: all its bytes."""
        return self._asked[path].get(timeout=WAIT_S)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(WAIT_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        for path in self._steps:
            self.release(path)
        for writer in self._writers:
            writer.transport.abort()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                raw = head + await _body(reader, head)
                path = head.split()[1].decode().partition("?")[0]
                self._asked[path].put(raw)
                for step in self._steps[path]:
                    if step is None:
                        return
                    await self._take(step, path, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.remove(writer)
            writer.close()

    async def _take(self, step: bytes | EllipsisType, path: str, writer: asyncio.StreamWriter) -> None:
        if isinstance(step, bytes):
            writer.write(step)
            await writer.drain()
        else:
            while not self._released[path].is_set():
                await asyncio.sleep(PAUSE_S)


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    if b"chunked" in head.lower():
        return await reader.readuntil(b"0\r\n\r\n")
    length = re.search(rb"(?i)content-length: *(\d+)", head)
    return await reader.readexactly(int(length[1])) if length else b""


class Mitmdump:
    """One mitmdump with the recorder, from its start to its end. `ports` are those of its modes, in order."""

    def __init__(
        self, folder: Path, confdir: Path, arguments: Iterable[str], before: Iterable[str] = (), addon: Path = ADDON
    ) -> None:
        self.folder = folder
        self.cassette = folder / "visit.sqlite"
        self._out = folder / "out.txt"
        self._err = folder / "err.txt"
        always = ["--listen-host", "127.0.0.1", "--set", f"confdir={confdir}", "-s", addon]
        command = [*before, MITMDUMP, *always, *arguments]
        environment = os.environ | {"PYTHONUNBUFFERED": "1"}
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(command, stdout=out, stderr=err, cwd=folder, env=environment)

    @property
    def out(self) -> str:
        return self._out.read_text()

    @property
    def err(self) -> str:
        return self._err.read_text()

    def ready(self) -> "Mitmdump":
        """Waits until it records."""
        self.says("gms_record: recording into")
        return self

    def says(self, text: str) -> None:
        """Waits for a text in what it logs."""

        def is_said() -> bool:
            assert self.process.poll() is None, self.out + self.err
            return text in self.out

        eventually(is_said, text)

    @property
    def ports(self) -> list[int]:
        return [int(port) for port in re.findall(r"listening at 127\.0\.0\.\d+:(\d+)", self.out)]

    def end(self, number: int = signal.SIGTERM) -> int:
        """Sends it a signal, and waits for its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    @staticmethod
    def ended(pid: int) -> None:
        """Waits until a process is gone."""
        eventually(lambda: is_over(pid), "its end")

    def blocked(self) -> None:
        """Waits until it cannot go on, because nobody takes what it writes."""
        eventually(lambda: "pipe_write" in Path("/proc", str(self.process.pid), "wchan").read_text(), "a full pipe")

    def recorded(self, find: Callable[[Recording], T | None]) -> T:
        """What `find` finds in the cassette, once it is there."""
        return eventually(lambda: find(reader.read(self.cassette)), "a fact in the cassette")

    def exchange(self, target: str) -> Exchange:
        """The exchange of a target, once it has ended."""
        return self.recorded(lambda recording: next((e for e in self.of(recording, target) if not e.unfinished), None))

    @staticmethod
    def of(recording: Recording, target: str) -> list[Exchange]:
        return [exchange for exchange in recording.exchanges if exchange.request.target == target]

    @contextmanager
    def connected(self, port: int | None = None, host: str = "127.0.0.1") -> Iterator[socket.socket]:
        with socket.create_connection((host, port or self.ports[0]), WAIT_S) as client:
            yield client

    def send(self, raw: bytes) -> bytes:
        """Sends a request, and reads until the answer's connection is closed."""
        with self.connected() as client:
            client.sendall(raw)
            return self.rest(client)

    @staticmethod
    def rest(client: socket.socket) -> bytes:
        """All that still comes."""
        return b"".join(iter(lambda: client.recv(65536), b""))


@dataclass(frozen=True)
class Stage:
    """A recorder in front of a server, and who else a test may ask for."""

    upstream: Upstream
    mitmdump: Mitmdump


@pytest.fixture(scope="session")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mitmproxy keeps its CA: made once, because that takes a second."""
    folder = tmp_path_factory.mktemp("mitmproxy")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return folder


@pytest.fixture(scope="module")
def upstream() -> Iterator[Upstream]:
    server = Upstream()
    yield server
    server.close()


@pytest.fixture(scope="module")
def run(confdir: Path) -> Iterator[Callable[..., Mitmdump]]:
    """`run(folder, *arguments)`: a mitmdump in a folder; any still running ends with the module.

    `before` is the command that starts it, `addon` what it gets besides.
    """
    started: list[Mitmdump] = []

    def begin(folder: Path, *arguments: str, before: Iterable[str] = (), addon: Path = ADDON) -> Mitmdump:
        started.append(Mitmdump(folder, confdir, arguments, before, addon))
        return started[-1]

    yield begin
    for mitmdump in started:
        mitmdump.end()


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Mitmdump]) -> Callable[..., Mitmdump]:
    """`start(*arguments)`: a mitmdump that records into a cassette of its own."""

    def begin(*arguments: str) -> Mitmdump:
        folder = tmp_path_factory.mktemp("run")
        # Tests compare what was sent with what is kept, but those that say otherwise.
        said = () if any("gms_redact=" in one for one in arguments) else ("--set", "gms_redact=off")
        return run(folder, *said, "--set", f"gms_cassette={folder / 'visit.sqlite'}", *arguments)

    return begin


@pytest.fixture(scope="module")
def stage(upstream: Upstream, start: Callable[..., Mitmdump]) -> Stage:
    """A server with a recorder as its reverse proxy, shared by a module's tests: each takes paths of its own."""
    return Stage(upstream, start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready())
