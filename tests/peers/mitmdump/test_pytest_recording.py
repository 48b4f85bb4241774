"""The plugin before a live GMS: a real mitmdump records what tests do, and the same tests pass without the GMS."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from factories import CALLBACK, ORDER, visit
from serving import served

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write

TESTS = f"""
import asyncio, httpx, os, pytest, signal, time

pytestmark = pytest.mark.gms_cassette("cassettes/visit.sqlite")
ORDER = {ORDER!r}

def test_start(gms_server, gms_clock):
    answer = httpx.post(gms_server.base_url + "/1/service/callback/sales", json=ORDER, trust_env=False)
    assert answer.json()["_id"]
    gms_clock.advance(0.01)
    gms_clock.to_next()
    assert len(gms_server.transcript().answers) == 1
    assert gms_server.transcript() == gms_server.recorded()
    assert gms_server.misses == ()
    if "HANG" in os.environ:
        # Whoever starts tests in the background has them ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        print("hanging", flush=True)
        time.sleep(600)
    assert "FAIL" not in os.environ

def test_transport(gms_transport):
    with httpx.Client(transport=gms_transport) as app:
        assert app.post("http://gms.test{CALLBACK}", json=ORDER).json()["_id"]

    async def again():
        async with httpx.AsyncClient(transport=gms_transport) as app:
            return await app.post("http://gms.test{CALLBACK}", json=ORDER)

    assert asyncio.run(again()).json()["_id"]
"""


def command(folder: Path, *options: str) -> list[str]:
    (folder / "test_app.py").write_text(TESTS)
    return [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(folder), str(folder), *options]


def run(folder: Path, *options: str) -> str:
    done = subprocess.run(command(folder, *options), capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout + done.stderr


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "cassettes").glob("*") if path.is_file())


def test_once_records_and_then_plays(tmp_path: Path) -> None:
    with served(visit()) as gms:
        said = run(tmp_path, "--gms-record=once", "--gms-upstream", gms.base)
        assert "2 passed" in said, said
    assert left(tmp_path) == ["visit.sqlite"]
    recorded = reader.read(tmp_path / "cassettes" / "visit.sqlite")
    # Each test is a run of its own; the transport was asked as another host.
    assert [one.request.method for one in recorded.exchanges] == ["POST"] * 3
    assert len(recorded.runs) == 2

    # The GMS is gone.
    before = (tmp_path / "cassettes" / "visit.sqlite").read_bytes()
    assert "2 passed" in run(tmp_path, "--gms-record=once", "--gms-upstream", gms.base)
    assert "2 passed" in run(tmp_path)
    assert (tmp_path / "cassettes" / "visit.sqlite").read_bytes() == before


def test_old_one_gives_way_to_a_whole_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cassettes").mkdir()
    old = tmp_path / "cassettes" / "visit.sqlite"
    write(old, visit())
    only = ("-k", "test_start", "--gms-record=all", "--gms-upstream")
    with served(visit()) as gms:
        monkeypatch.setenv("FAIL", "yes")
        assert "1 failed" in run(tmp_path, *only, gms.base, "--gms-keep-failed")
        assert left(tmp_path) == ["visit.failed.sqlite", "visit.sqlite"]
        assert len(reader.read(tmp_path / "cassettes" / "visit.failed.sqlite").exchanges) == 1
        assert reader.read(old) == visit()
        monkeypatch.delenv("FAIL")
        assert "1 passed" in run(tmp_path, *only, gms.base)
    assert len(reader.read(old).exchanges) == 1


def test_interrupted_test_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANG", "yes")
    with served(visit()) as gms:
        words = command(tmp_path, "-s", "-k", "test_start", "--gms-record=all", "--gms-upstream", gms.base)
        with subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=tmp_path
        ) as tests:
            assert tests.stdout is not None
            assert any("hanging" in line for line in tests.stdout)
            tests.send_signal(signal.SIGINT)
            said = tests.stdout.read()

    assert "KeyboardInterrupt" in said
    assert left(tmp_path) == []
