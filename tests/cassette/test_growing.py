"""A cassette while a recorder writes to it, in every verb that reads, and for another recorder."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result

from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import examine
from gms_replay.cassette.reader import read
from gms_replay.cli.main import main
from gms_replay.errors import CassetteError

# A visit of its own for each line that it hears, so that whoever drives it knows how much there is.
RECORDER = """
import sys
from gms_replay.cassette.writer import Writer
from gms_replay.model import Body, Outcome, Request, Response

path = sys.argv[1]
writer = Writer(path, started_at_us=1, mode="regular", upstream=None, versions=())
print("records", flush=True)
for number, line in enumerate(sys.stdin):
    headers = (("Host", "gms.example"), ("gms_user", f"user{number}"))
    at_us = number * 60_000_000
    asked = ("POST", "http", "gms.example", 80, "/genesys/1/service/callback/sales", "HTTP/1.1", headers, Body(b""))
    told = Response(200, "OK", "HTTP/1.1", (), Body(b'{"_id":"visit-%04d"}' % number), at_us, at_us)
    exchange_id = writer.begin_exchange()
    writer.request(exchange_id, Request(*asked, at_us, at_us))
    writer.outcome(exchange_id, Outcome(at_us, told))
    writer.drain()
    print("on disk", flush=True)
writer.close()
"""


class Recorder:
    """Another process that records into a file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        command = [sys.executable, "-c", RECORDER, str(path)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._await("records")

    def record(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self._await("on disk")

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        assert self._process.wait() == 0
        self._process.stdout.close()

    def _await(self, said: str) -> None:
        assert self._process.stdout is not None
        assert self._process.stdout.readline() == f"{said}\n"


@pytest.fixture
def recorder(tmp_path: Path) -> Iterator[Recorder]:
    recorder = Recorder(tmp_path / "visit.sqlite")
    yield recorder
    recorder.close()
    assert not examine(recorder.path).flaws


def run(*arguments: str | Path) -> Result:
    told = CliRunner().invoke(main, [os.fspath(argument) for argument in arguments])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exc_info
    return told


def test_each_reader_tells_what_is_there_by_now(recorder: Recorder, tmp_path: Path) -> None:
    for number in (1, 2):
        recorder.record()

        shown, checked = run("show", recorder.path), run("check", "--json", recorder.path)
        exported = run("export", recorder.path, "--to", "jsonl")
        repaired = tmp_path / f"{number}.sqlite"
        assert run("check", recorder.path, "--repair", repaired).exit_code == 0

        assert [told.exit_code for told in (shown, checked, exported)] == [0, 0, 0]
        assert {told.stderr for told in (shown, checked, exported)} == {""}
        assert f"{number} exchange" in shown.stdout
        assert json.loads(checked.stdout)["state"] == "open"
        assert json.loads(checked.stdout)["counts"]["exchanges"] == number
        assert exported.stdout.count('"kind":"exchange"') == number
        assert len(read(repaired).exchanges) == number


def test_server_plays_what_was_there_when_it_began(recorder: Recorder) -> None:
    recorder.record()
    command = [sys.executable, "-m", "gms_replay.cli", "serve", str(recorder.path), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            origin = json.loads(server.stdout.readline())["urls"][0].removesuffix("/genesys")
            recorder.record()
            with httpx.Client(base_url=origin, trust_env=False) as app:
                told = app.post("/genesys/1/service/callback/sales", headers={"gms_user": "user0"})
        finally:
            server.terminate()

    assert told.json() == {"_id": "visit-0000"}
    assert len(read(recorder.path).exchanges) == 2


def test_second_recorder_is_refused_and_the_first_goes_on(recorder: Recorder, facts) -> None:
    recorder.record()

    for _ in range(2):
        with pytest.raises(CassetteError) as refused:
            facts.writer(recorder.path)
    recorder.record()

    assert str(refused.value) == (
        f"{recorder.path}: another program records into it; end that one, or name another file"
    )
    assert [run.id for run in read(recorder.path).runs] == [1]
    assert len(read(recorder.path).exchanges) == 2


def test_import_and_repair_never_write_into_it(recorder: Recorder, tmp_path: Path) -> None:
    recorder.record()
    write(tmp_path / "other.sqlite", read(recorder.path))

    told = run("check", tmp_path / "other.sqlite", "--repair", recorder.path)
    recorder.record()

    assert told.exit_code == 2
    assert "exists already" in told.stderr
    assert len(read(recorder.path).exchanges) == 2
