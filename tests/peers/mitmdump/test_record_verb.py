"""`gms-replay record` as a process: what a person sees, and what ends up in the file."""

import os
import pty
import re
import shutil
import signal
import socket
import sqlite3
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from apns_frames import enhanced
from mitmproxy.certs import CertStore
from processes import limit_files

from gms_replay.cassette import reader
from gms_replay.model import Recording

WAIT_S = 40
PAUSE_S = 0.02
START = "/genesys/1/service/callback/sales"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"
STARTED = b'{"_id": "3SQI3S31693JL9L3R0O5O6T4OC000U73"}'
TOLD = "app   starts callback sales: service 3SQI3S31693JL9L3R0O5O6T4OC000U73"


class Recorder:
    """One `gms-replay record`, from its start to its end."""

    def __init__(self, folder: Path, home: Path, arguments: tuple[str, ...]) -> None:
        self.cassette = folder / "visit.sqlite"
        self._out = folder / "out.txt"
        self._err = folder / "err.txt"
        command = [sys.executable, "-m", "gms_replay.cli", "record", "visit.sqlite", *arguments]
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=folder, env=environment(home)
            )

    @property
    def out(self) -> str:
        return self._out.read_text("utf-8")

    @property
    def err(self) -> str:
        return self._err.read_text("utf-8")

    def says(self, text: str) -> None:
        """Waits for a text on standard output."""
        give_up_at = time.monotonic() + WAIT_S
        while text not in self.out:
            is_over = self.process.poll() is not None and text not in self.out
            assert not is_over, self.out + self.err
            assert time.monotonic() < give_up_at, f"never said: {text}\n{self.out}{self.err}"
            time.sleep(PAUSE_S)

    def ready(self) -> "Recorder":
        self.says("Ctrl+C stops")
        return self

    @property
    def url(self) -> str:
        """What it tells the app to use: a URL, or a proxy."""
        found = re.search(r"(?:into the app|on its device): (\S+)", self.out)
        assert found, self.out
        return found[1]

    def end(self, number: int = signal.SIGINT) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(WAIT_S)

    @property
    def recording(self) -> Recording:
        return reader.read(self.cassette)


def environment(home: Path) -> dict[str, str]:
    return os.environ | {"HOME": str(home), "TERM": "xterm", "TZ": "UTC"}


@pytest.fixture(scope="module")
def home(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mitmproxy finds its CA."""
    folder = tmp_path_factory.mktemp("home")
    shutil.copytree(confdir, folder / ".mitmproxy")
    return folder


@pytest.fixture
def record(tmp_path: Path, home: Path) -> Iterator[Callable[..., Recorder]]:
    """`record(*arguments)`: into visit.sqlite of the test's folder, on a port of its own unless one is named.

    Nothing is redacted unless a test asks for it: most ask for what was sent.
    """
    started: list[Recorder] = []

    def begin(*arguments: str, port: int = 0, folder: Path = tmp_path) -> Recorder:
        said = () if "--redact" in arguments else ("--redact", "off")
        started.append(Recorder(folder, home, ("--port", str(port), *said, *arguments)))
        return started[-1]

    yield begin
    for recorder in started:
        if recorder.process.poll() is None:
            recorder.process.kill()
            recorder.process.wait()


@pytest.fixture
def gms(upstream: Any) -> str:
    """The URL of a GMS that starts callbacks, and holds polls."""
    upstream.plays(START, OK % (len(STARTED), STARTED))
    upstream.plays("/genesys/cometd", ...)
    upstream.plays("/index.html", OK % (0, b""))
    return f"http://127.0.0.1:{upstream.port}/genesys"


@pytest.fixture(scope="module")
def secure_gms(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a GMS whose certificate nobody else has signed."""
    folder = tmp_path_factory.mktemp("tls")
    CertStore.from_store(folder, "self", 2048)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "self-ca.pem")
    with ThreadingHTTPServer(("127.0.0.1", 0), _Callbacks) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"https://localhost:{server.server_address[1]}/genesys"
        server.shutdown()
        thread.join()


class _Callbacks(BaseHTTPRequestHandler):
    """Starts callbacks."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", str(len(STARTED)))
        self.end_headers()
        self.wfile.write(STARTED)

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def handle(self) -> None:
        with suppress(OSError):
            super().handle()


def app(**options: object) -> httpx.Client:
    return httpx.Client(trust_env=False, timeout=WAIT_S, **options)


def trusting(home: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=home / ".mitmproxy" / "mitmproxy-ca-cert.pem")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl+C", "SIGTERM"])
def test_visit_is_told_and_kept(number: int, record: Callable[..., Recorder], gms: str, upstream: Any) -> None:
    recorder = record("--gms", gms, "--redact", "on").ready()

    def poll() -> None:
        with suppress(httpx.HTTPError), app() as client:
            client.post(f"{recorder.url}/cometd", json=[{"channel": "/meta/connect"}])

    poller = threading.Thread(target=poll)
    poller.start()
    with app() as client:
        answer = client.post(f"{recorder.url}/1/service/callback/sales", json={}, headers={"gms_user": "al\x1bi-4711"})
    upstream.asked("/genesys/cometd")
    recorder.says(TOLD)
    status = recorder.end(number)
    poller.join()

    assert (status, answer.content, recorder.err) == (0, STARTED, "")
    lines = recorder.out.splitlines()
    assert lines[0] == f"recording {gms} into visit.sqlite"
    # A secret on the screen is one in whatever log that goes to.
    assert re.search(r"\d\d:\d\d:\d\d +user [a-z]{2}\\u001b[a-z]-\d{4}$", recorder.out, re.MULTILINE)
    assert "secrets and personal data replaced by stand-ins" in recorder.out
    assert b"i-4711" not in recorder.cassette.read_bytes()
    assert lines[-3:] == [
        "visit.sqlite: 2 exchanges, 1 message in 1 run",
        "look at it: gms-replay show visit.sqlite",
        "play it: gms-replay serve visit.sqlite",
    ]
    assert all(line.isprintable() for line in lines)
    held = next(exchange for exchange in recorder.recording.exchanges if exchange.request.target.endswith("cometd"))
    assert held.outcome is not None
    assert held.outcome.error
    assert sorted(file.name for file in recorder.cassette.parent.iterdir()) == ["err.txt", "out.txt", "visit.sqlite"]


def test_second_run_is_appended(record: Callable[..., Recorder], gms: str) -> None:
    for _ in range(2):
        recorder = record("--gms", gms).ready()
        with app() as client:
            client.post(f"{recorder.url}/1/service/callback/sales", json={})
        assert recorder.end() == 0

    assert recorder.out.startswith(f"recording {gms} into visit.sqlite, appended as run 2\n")
    assert "visit.sqlite: 2 exchanges, 0 messages in 2 runs\n" in recorder.out


def test_limit_begins_new_file(record: Callable[..., Recorder], gms: str) -> None:
    recorder = record("--gms", gms, "--max-mib", "1").ready()

    give_up_at = time.monotonic() + WAIT_S
    with app() as client:
        while "recording goes on in visit-2.sqlite" not in recorder.out:
            assert time.monotonic() < give_up_at, recorder.out
            client.post(f"{recorder.url}/1/service/callback/sales", content=b"x" * 600_000)
    assert recorder.end() == 0

    assert re.search(r"^visit\.sqlite: \d+ exchanges.*\nvisit-2\.sqlite: \d+ exchange", recorder.out, re.MULTILINE)
    assert re.search(r"play it: gms-replay serve visit-[23]\.sqlite\n$", recorder.out)


def test_forward_proxy_mentions_strangers(record: Callable[..., Recorder], gms: str) -> None:
    recorder = record().ready()

    with app(proxy=recorder.url) as client:
        for target in (START, "/index.html", "/index.html"):
            client.request("POST" if target == START else "GET", gms.replace("/genesys", target))
    recorder.says("unrecorded")
    assert recorder.end() == 0

    place = gms.removeprefix("http://").partition("/")[0]
    assert recorder.out.count("passes unrecorded") == 1
    assert "\n2 requests passed unrecorded\n" in recorder.out
    assert f"passes unrecorded: {place} (GET /index.html)" in recorder.out
    assert TOLD in recorder.out
    assert len(recorder.recording.exchanges) == 1


def test_pushes_and_strangers_without_http_are_told(record: Callable[..., Recorder]) -> None:
    recorder = record().ready()
    with socket.create_server(("127.0.0.1", 0)) as provider:
        place = f"127.0.0.1:{provider.getsockname()[1]}"
        for content in (enhanced(1), b"hello"):
            with socket.create_connection(("127.0.0.1", urlsplit(recorder.url).port), WAIT_S) as client:
                client.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
                assert client.recv(65536).startswith(b"HTTP/1.1 200 ")
                client.sendall(content)
                taken, _ = provider.accept()
                with taken:
                    taken.settimeout(WAIT_S)
                    assert taken.recv(65536) == content

        recorder.says("GMS   pushes what names no action by apns, device 00fc13ad…")
        recorder.says(f"passes unrecorded: {place} (no HTTP)")
    recorder.end()

    assert "visit.sqlite: 0 exchanges, 0 messages, 1 APNs frame in 1 run" in recorder.out
    assert [frame.raw for frame in recorder.recording.frames] == [enhanced(1)]


def test_hosts_choose_what_is_kept(record: Callable[..., Recorder], gms: str) -> None:
    recorder = record("--hosts", "127.0.0.1:").ready()

    with app(proxy=recorder.url) as client:
        client.get(gms.replace("/genesys", "/index.html"))
    recorder.says("(not GMS)")

    assert recorder.end() == 0
    assert len(recorder.recording.exchanges) == 1


def test_own_certificate_needs_insecure(record: Callable[..., Recorder], secure_gms: str) -> None:
    recorder = record("--gms", secure_gms).ready()

    with app() as client, suppress(httpx.HTTPError):
        client.post(f"{recorder.url}/1/service/callback/sales", json={})
    recorder.says("; --insecure takes any certificate")
    recorder.says("never answered")

    assert recorder.end() == 0


def test_https_on_both_sides(record: Callable[..., Recorder], secure_gms: str, home: Path) -> None:
    recorder = record("--gms", secure_gms, "--insecure").ready()

    with app(verify=trusting(home)) as client:
        url = recorder.url.replace("http://", "https://")
        assert client.post(f"{url}/1/service/callback/sales", json={}).content == STARTED
    recorder.says(TOLD)

    assert recorder.end() == 0
    assert recorder.recording.exchanges[0].request.scheme == "https"


def test_distrusting_app_is_explained(record: Callable[..., Recorder], secure_gms: str) -> None:
    recorder = record("--insecure").ready()

    with app(proxy=recorder.url) as client, pytest.raises(httpx.ConnectError):
        client.post(f"{secure_gms}/1/service/callback/sales", json={})
    recorder.says("an app broke off TLS for localhost")

    assert "http://mitm.it through this proxy" in recorder.out
    assert recorder.end() == 0


def test_unreachable_gms_is_told(record: Callable[..., Recorder], unused_port: int) -> None:
    recorder = record("--gms", f"http://127.0.0.1:{unused_port}/genesys").ready()

    with app() as client:
        answer = client.post(f"{recorder.url}/1/service/callback/sales", json={})
    recorder.says(f"cannot reach 127.0.0.1:{unused_port}: ")

    assert answer.status_code == 502
    assert str(unused_port) in answer.text
    assert recorder.end() == 0
    (exchange,) = recorder.recording.exchanges
    assert exchange.outcome is not None
    assert (exchange.response, bool(exchange.outcome.error)) == (None, True)


def test_proxy_taken_for_gms(record: Callable[..., Recorder]) -> None:
    recorder = record().ready()

    with app() as client:
        client.post(f"{recorder.url}{START}", json={})
    recorder.says("a request leads back to this recorder: --gms names the GMS itself")

    assert recorder.end() == 0


@pytest.fixture
def unused_port() -> int:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Callbacks) as server:
        port: int = server.server_address[1]
    return port


def refused(recorder: Recorder, status: int = 1) -> str:
    """The line with which it ended."""
    assert recorder.process.wait(WAIT_S) == status
    assert recorder.out == ""
    (line,) = recorder.err.splitlines()
    return line


def test_taken_port_makes_no_file(record: Callable[..., Recorder], upstream: Any) -> None:
    recorder = record(port=upstream.port)

    line = refused(recorder)

    assert line == (
        f"gms_record: 127.0.0.1 port {upstream.port} cannot be listened on: Address already in use; "
        "--port 0 picks a port"
    )
    assert not recorder.cassette.exists()


def test_foreign_file_is_spared(record: Callable[..., Recorder], tmp_path: Path) -> None:
    (tmp_path / "visit.sqlite").write_text("notes")

    line = refused(record(), status=2)

    assert line.startswith("gms-replay: visit.sqlite: not a cassette")
    assert (tmp_path / "visit.sqlite").read_text() == "notes"


def test_held_cassette_is_refused(record: Callable[..., Recorder], tmp_path: Path) -> None:
    first = record("--gms", "http://127.0.0.1:9/genesys").ready()
    (tmp_path / "second").mkdir()
    (tmp_path / "second" / "visit.sqlite").symlink_to(first.cassette)

    line = refused(record(folder=tmp_path / "second"))

    assert "another program records into it" in line
    assert first.end() == 0


def test_full_disk_ends_recording(record: Callable[..., Recorder], gms: str) -> None:
    recorder = record("--gms", gms).ready()
    limit_files(recorder.process.pid, 1_000_000)

    with app() as client, suppress(httpx.HTTPError):
        client.post(f"{recorder.url}/1/service/callback/sales", content=b"x" * 3_000_000)

    assert recorder.process.wait(WAIT_S) == 1
    (line,) = recorder.err.splitlines()
    assert line.startswith("gms_record: visit.sqlite: cannot be written: ")


def test_second_interrupt_waits_for_nothing(record: Callable[..., Recorder], gms: str, upstream: Any) -> None:
    recorder = record("--gms", gms).ready()
    poller = threading.Thread(target=lambda: _poll_in_vain(f"{recorder.url}/cometd"))
    poller.start()
    upstream.asked("/genesys/cometd")
    # Who reads keeps the recorder from making one file of it: for that it waits some seconds.
    with closing(sqlite3.connect(recorder.cassette)) as connection:
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM run").fetchall()
        recorder.process.send_signal(signal.SIGINT)
        recorder.says("never answered")
        status = recorder.end(signal.SIGINT)
    connection.close()
    poller.join()

    assert status == 128 + signal.SIGINT
    assert "Traceback" not in recorder.err


def _poll_in_vain(url: str) -> None:
    with suppress(httpx.HTTPError), app() as client:
        client.post(url, json=[{"channel": "/meta/connect"}])


def test_terminal_shows_status(tmp_path: Path, home: Path, gms: str) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "gms_replay.cli", "record", "visit.sqlite", "--port", "0", "--gms", gms]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=tmp_path, env=environment(home)
    ) as process:
        os.close(theirs)
        seen = _shown(ours, r"0 exchanges · 0 messages · visit\.sqlite \d+ KiB")
        url = re.search(r"into the app: (\S+)", seen)
        assert url
        with app() as client:
            client.post(f"{url[1]}/1/service/callback/sales", json={})
        seen = _shown(ours, r"starts callback.*1 exchange · 0 messages")
        process.send_signal(signal.SIGINT)
        seen = _shown(ours, r"play it: gms-replay serve visit\.sqlite")
        assert process.wait(WAIT_S) == 0
    os.close(ours)

    assert "\x1b[?25h" in seen
    assert "Traceback" not in seen


def _shown(ours: int, pattern: str) -> str:
    """What a terminal shows until a pattern is there."""
    seen = ""
    while not re.search(pattern, seen, re.DOTALL):
        seen += os.read(ours, 65536).decode()
    return seen
