"""What a recorder asks of the disk, seen by the system: whether it waits there at each commit."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gms_replay.cassette import opening
from gms_replay.cassette.reader import read

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
    """Which files and folders the recorder waited for, in order, when it was killed after its last commit."""

    def run(is_durable: bool) -> list[str]:
        command = [sys.executable, "-c", SCRIPT, "yes" if is_durable else ""]
        traced = ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", "trace", *command]
        subprocess.run(traced, cwd=tmp_path, check=False)
        lines = (tmp_path / "trace").read_text(encoding="utf-8").splitlines()
        return [line.partition("<")[2].partition(">")[0] for line in lines if "sync(" in line]

    return run


@pytest.mark.skipif(not can_trace(), reason="no strace, or none that is allowed")
def test_durable_recorder_waits_for_the_disk(tmp_path: Path, waits) -> None:
    found = waits(is_durable=True)

    wal, folder = f"{tmp_path}/visit.sqlite-wal", str(tmp_path)
    assert found.count(wal) >= 1 + COMMITS
    assert found.count(folder) >= 1
    assert len(read(tmp_path / "visit.sqlite").pushes) == COMMITS


@pytest.mark.skipif(not can_trace(), reason="no strace, or none that is allowed")
def test_other_recorder_does_not(tmp_path: Path, waits) -> None:
    """It promises that a kill takes nothing, and no more. SQLite waits when it begins the file, not at a commit."""
    assert waits(is_durable=False).count(f"{tmp_path}/visit.sqlite-wal") <= 1
    assert len(read(tmp_path / "visit.sqlite").pushes) == COMMITS


@pytest.mark.parametrize(("is_durable", "told"), [(False, 1), (True, 2)])
def test_sqlite_is_told(tmp_path: Path, is_durable: bool, told: int) -> None:
    """As its documentation has it, "PRAGMA synchronous": NORMAL is 1, FULL is 2."""
    opening.claim(tmp_path / "visit.sqlite")
    with opening.connect(tmp_path / "visit.sqlite", "rw") as connection:
        opening.enter_wal_mode(connection, is_durable=is_durable)

        assert opening.driver(connection).execute("PRAGMA synchronous").fetchone() == (told,)
