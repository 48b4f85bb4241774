import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gms_replay.cassette.writer import Writer
from gms_replay.model import Body, Outcome, Request, Response


class Facts:
    """Makes facts with fixed times, and writers that are closed when the test ends."""

    def __init__(self) -> None:
        self.writers: list[Writer] = []

    def writer(self, path: Path, **options) -> Writer:
        run = {"started_at_us": 1, "mode": "regular", "upstream": None, "versions": (("mitmproxy", "11.0.2"),)}
        self.writers.append(Writer(path, **run | options))
        return self.writers[-1]

    def request(self, target: str = "/genesys/cometd", body: bytes = b"{}") -> Request:
        return Request(
            "POST", "http", "gms", 8080, target, "HTTP/1.1", (("gms_user", "M\xfcller"),), Body(body), 10, 11
        )

    def answer(self, body: bytes = b"{}") -> Outcome:
        headers = (("Set-Cookie", "a=1"), ("set-cookie", "b=2"))
        return Outcome(20, Response(200, "OK", "HTTP/1.1", headers, Body(body, b"decoded"), 15, 20))

    def exchange(self, writer: Writer, target: str = "/genesys/cometd") -> int:
        exchange_id = writer.begin_exchange()
        writer.request(exchange_id, self.request(target))
        return exchange_id

    def content(self, folder: Path) -> dict[str, bytes]:
        """What lies in a folder; but -shm, an index that SQLite makes anew whenever it needs one."""
        return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith("-shm")}


@pytest.fixture
def facts() -> Iterator[Facts]:
    facts = Facts()
    yield facts
    for writer in facts.writers:
        writer.close()


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], float]:
    """Asks again and again until something is so, and tells when that was seen (`time.monotonic`)."""

    def wait(is_so: Callable[[], bool]) -> float:
        give_up_at = time.monotonic() + 60
        while not is_so():
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        return time.monotonic()

    return wait


@pytest.fixture
def killed(tmp_path: Path, until) -> Callable[[str, Callable[[], bool]], None]:
    """Runs a script in a folder of its own process until something is so, then kills it."""

    def run(script: str, is_so: Callable[[], bool]) -> None:
        script += "\nimport signal\nsignal.pause()\n"
        with subprocess.Popen([sys.executable, "-c", script], cwd=tmp_path) as process:
            try:
                until(is_so)
            finally:
                process.kill()

    return run


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that other users reach, for what root may do and they may not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
        folder.chmod(0o755)
