"""`make audit` says that all is well only where somebody said so, package by package."""

import json
import runpy
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
AUDIT = runpy.run_path(str(ROOT / "audit" / "__main__.py"))
Flaw, judged, forbidding = AUDIT["Flaw"], AUDIT["judged"], AUDIT["forbidding"]
FIXABLE = Flaw("click", "8.1", ("PYSEC-1", "CVE-1"), ("8.2",))
PINNED = Flaw("h2", "4.1.0", ("PYSEC-2", "CVE-2"), ("4.3",), ("mitmproxy 11.0.2",))

with_pip_audit = pytest.mark.skipif(not AUDIT["PIP_AUDIT"].exists(), reason="`make audit` installs pip-audit")


@contextmanager
def advisories(flawed: dict[str, str]) -> Iterator[str]:
    """A service that answers as OSV does. `flawed`: the versions that fix packages, by name."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["content-length"])))["package"]["name"]
            package = {"name": asked, "ecosystem": "PyPI"}
            events = [{"introduced": "0"}, {"fixed": flawed.get(asked)}]
            affected = [{"package": package, "ranges": [{"type": "ECOSYSTEM", "events": events}]}]
            flaw = {"id": f"PYSEC-{asked}", "summary": "bad", "affected": affected, "aliases": []}
            body = json.dumps({"vulns": [flaw]} if asked in flawed else {}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1/query"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def closed() -> Iterator[str]:
    """Where nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}/"


def audited(service: str, registry: str) -> Any:
    """How `make audit` ends, and what it says first."""
    command = [sys.executable, ROOT / "audit", "--osv-url", service, "--npm-registry", registry]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout.splitlines()


@with_pip_audit
def test_without_a_service_nothing_is_audited(closed: str) -> None:
    status, lines = audited(closed, closed)

    assert status == 3
    assert [line.partition(": ")[0] for line in lines] == ["not audited"] * 3


@with_pip_audit
def test_service_that_knows_nothing_audits_nothing(closed: str) -> None:
    with advisories({}) as service:
        status, lines = audited(service, closed)

    assert (status, lines[0]) == (
        3,
        "not audited: Python: it knows nothing of jinja2==2.10, whose flaws everybody knows",
    )


@with_pip_audit
def test_what_is_flawed_fails(closed: str) -> None:
    with advisories({"jinja2": "2.10.1", "click": "99.1"}) as service:
        status, lines = audited(service, closed)

    assert (status, lines[0]) == (1, "audited: Python: 2 vulnerable, 0 known and not to be fixed by us")
    assert "PYSEC-click, fixed in 99.1" in lines[1]


@pytest.mark.parametrize(
    ("known", "lines"),
    [
        ({}, [str(FIXABLE), str(PINNED)]),
        ({"CVE-2": "pinned"}, [str(FIXABLE)]),
        ({"PYSEC-1": "no", "PYSEC-2": "pinned"}, [f"{FIXABLE} (known.toml excuses only what nobody can fix)"]),
    ],
)
def test_only_what_nobody_can_fix_is_excused(known: dict[str, str], lines: list[str]) -> None:
    assert judged([FIXABLE, PINNED], known) == lines


def test_who_forbids_a_version_is_named() -> None:
    packages = AUDIT["installed"]()

    assert forbidding("aiocometd", "0.4.6", packages) == [f"gms-replay {packages['gms-replay'][0]}"]
    assert forbidding("aiocometd", "0.4.5", packages) == []
