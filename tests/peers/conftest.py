"""Peers that this repository does not bring along: where one is missing, its tests are skipped, on CI they fail."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

import httpx
import pytest

HERE = Path(__file__).parent


def need(reason: str) -> NoReturn:
    """Gives up a test for want of a peer: `reason` says what is missing and how to get it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Prints the matrix of `test_matrix`: what was recorded by whom, and played to whom."""
    marks = {"passed": "equal", "failed": "DIFFERS"}
    cells: dict[str, dict[str, str]] = {}
    for outcome, mark in marks.items():
        for report in terminalreporter.getreports(outcome):
            if cell := dict(report.user_properties).get("cell"):
                recorded_by, played_to = cell
                cells.setdefault(recorded_by, {})[played_to] = mark
    if not cells:
        return
    columns = list(dict.fromkeys(played_to for row in cells.values() for played_to in row))
    terminalreporter.write_line("")
    for line in ["recorded by", *columns], ["---"] * (1 + len(columns)):
        terminalreporter.write_line(f"| {' | '.join(line)} |")
    for recorded_by, row in cells.items():
        terminalreporter.write_line(f"| {' | '.join([recorded_by, *(row.get(name, '') for name in columns)])} |")


@pytest.fixture(scope="session")
def program() -> Callable[..., str]:
    """`program("chromium", "chromium-browser")`: the path of the first that is there, beside this Python or on PATH."""

    def find(*names: str) -> str:
        path = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", "")))
        found = next(filter(None, (shutil.which(name, path=path) for name in names)), None)
        return found or need(f"no {' or '.join(names)} on PATH")

    return find


@pytest.fixture(scope="session")
def alone(program: Callable[..., str]) -> list[str]:
    """What runs a command in a network namespace of its own: nothing but loopback is there, and that is down."""
    command = [program("unshare"), "--user", "--map-root-user", "--net"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        need(f"network namespaces cannot be made here: {' '.join(command)}")
    return command


class CometdServer:
    """CometD's Node server in a process of its own, from `start` to `stop`, and again on the same port."""

    def __init__(self, node: str) -> None:
        self._command = [node, str(HERE / "cometd_server.js")]
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def start(self, **options: int | str) -> None:
        """Starts it, with CometD's options (times in milliseconds), and waits until it listens."""
        port = str(httpx.URL(self.url).port or 0)
        command = [*self._command, port, json.dumps(options)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.url = self._process.stdout.readline().strip()
        assert self.url, "the Node server ended before it listened; its reason is in standard error"

    def stop(self) -> None:
        if self._process is not None:
            with self._process as process:
                process.kill()
            self._process = None

    async def release(self, *events: Any) -> None:
        """Sends events on /_genesys, in one batch, once a subscriber's poll is held."""
        async with httpx.AsyncClient(trust_env=False, timeout=None) as control:
            (await control.post(f"{self.url}/../release", json=events)).raise_for_status()

    def seen(self) -> list[dict[str, Any]]:
        """The requests so far: the channels of their messages, and their headers, names in lower case."""
        seen: list[dict[str, Any]] = httpx.get(f"{self.url}/../seen", trust_env=False).json()
        return seen


@pytest.fixture(scope="session")
def installed() -> Path:
    """Where the npm packages of these tests are."""
    packages = HERE / "node_modules"
    if not all((packages / name).is_dir() for name in ("cometd", "mermaid")):
        need("tests/peers/node_modules is missing, or old: run `npm ci` in tests/peers")
    return packages


@pytest.fixture(scope="session")
def browser_example() -> Path:
    """The folder of the example for browsers, with its npm packages."""
    folder = HERE.parents[1] / "examples" / "browser"
    if not (folder / "node_modules" / "cometd").is_dir():
        need("examples/browser/node_modules is missing: run `npm ci` in examples/browser")
    return folder


@pytest.fixture(scope="module")
def cometd_servers(program: Callable[..., str], installed: Path) -> Iterator[Callable[[], CometdServer]]:
    """Makes CometD's Node servers, not yet started; they end with the module."""
    with ExitStack() as stack:

        def make() -> CometdServer:
            server = CometdServer(program("node"))
            stack.callback(server.stop)
            return server

        yield make


@pytest.fixture
def cometd_server(cometd_servers: Callable[[], CometdServer]) -> Iterator[CometdServer]:
    """CometD's Node server, not yet started."""
    server = cometd_servers()
    yield server
    server.stop()
