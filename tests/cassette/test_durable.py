"""What a recorder asks of the disk, seen by the system: whether it waits there at each commit."""

import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from seen import ASKED, ENDED

from gms_replay.cassette import opening
from gms_replay.cassette.extent import Limits
from gms_replay.cassette.reader import read
from gms_replay.model import Redaction
from gms_replay.record.protocol import Begin, Flush
from gms_replay.redact.wishes import Wish

COMMITS = 3

SCRIPT = f"""
import os, signal, sys
from gms_replay.cassette.writer import Writer

run = {{"started_at_us": 1, "mode": "regular", "upstream": None, "versions": ()}}
writer = Writer("visit.sqlite", **run, is_durable=bool(sys.argv[1]))
for number in range({COMMITS}):
    writer.push(None, "apns", number, b"x")
    writer.drain()
os.kill(os.getpid(), signal.SIGKILL)
"""


def can_trace() -> bool:
    """Whether there is a strace that may be used here."""
    if not shutil.which("strace"):
        return False
    return subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def waits(tmp_path: Path):
    """Which files and folders a recorder waits for, in order; its arguments and what it hears are given."""

    def run(*arguments: str, heard: bytes = b"") -> list[str]:
        traced = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", "trace", sys.executable, *arguments]
        subprocess.run(traced, cwd=tmp_path, input=heard, stdout=subprocess.DEVNULL, check=False)
        lines = (tmp_path / "trace").read_text(encoding="utf-8").splitlines()
        return [line.partition("<")[2].partition(">")[0] for line in lines if "sync(" in line]

    return run


@pytest.mark.skipif(not can_trace(), reason="no strace, or none that is allowed")
def test_durable_recorder_waits_for_the_disk(tmp_path: Path, waits) -> None:
    found = waits("-c", SCRIPT, "durable")

    wal, folder = f"{tmp_path}/visit.sqlite-wal", str(tmp_path)
    assert found.count(wal) >= 1 + COMMITS
    assert found.count(folder) >= 1
    assert len(read(tmp_path / "visit.sqlite").pushes) == COMMITS


@pytest.mark.skipif(not can_trace(), reason="no strace, or none that is allowed")
def test_other_recorder_does_not(tmp_path: Path, waits) -> None:
    """It promises that a kill takes nothing, and no more. SQLite waits when it begins the file, not at a commit."""
    assert waits("-c", SCRIPT, "").count(f"{tmp_path}/visit.sqlite-wal") <= 1
    assert len(read(tmp_path / "visit.sqlite").pushes) == COMMITS


@pytest.mark.skipif(not can_trace(), reason="no strace, or none that is allowed")
@pytest.mark.parametrize("redaction", Redaction)
def test_option_reaches_the_disk(tmp_path: Path, waits, redaction: Redaction) -> None:
    """Through the writer process, whichever redaction there is."""
    path = tmp_path / "visit.sqlite"
    begin = Begin(path, Limits(), "regular", None, (), False, Wish(redaction), is_durable=True)
    words = [begin, [ASKED, Flush(1)], [ENDED, Flush(2)]]

    found = waits("-m", "gms_replay.record.worker", heard=b"".join(map(pickle.dumps, words)))

    assert found.count(f"{path}-wal") >= 3
    assert found[-1] == str(tmp_path)
    assert len(read(path).exchanges) == 1


@pytest.mark.parametrize(("is_durable", "told"), [(False, 1), (True, 2)])
def test_sqlite_is_told(tmp_path: Path, is_durable: bool, told: int) -> None:
    """As its documentation has it, "PRAGMA synchronous": NORMAL is 1, FULL is 2."""
    opening.claim(tmp_path / "visit.sqlite")
    with opening.connect(tmp_path / "visit.sqlite", "rw") as connection:
        opening.enter_wal_mode(connection, is_durable=is_durable)

        assert opening.driver(connection).execute("PRAGMA synchronous").fetchone() == (told,)
