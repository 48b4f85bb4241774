import sqlite3
from pathlib import Path

import pytest

from gms_replay.cassette import wal
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteDamagedError

SCRIPT = """
from gms_replay.cassette.writer import Writer
writer = Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
for number in range(5):
    writer.push(None, "apns", number, b"x" * 5000)
    writer.drain()
open("written", "w").close()
"""
FRAME_BYTES = 24 + 4096


@pytest.fixture
def left(tmp_path: Path, killed) -> Path:
    """A cassette of several commits whose recorder was killed."""
    killed(SCRIPT, (tmp_path / "written").exists)
    return tmp_path / "visit.sqlite"


def change(path: Path, at: int) -> None:
    file = path.with_name(f"{path.name}-wal")
    content = bytearray(file.read_bytes())
    content[at] ^= 1
    file.write_bytes(content)


def test_whole_wal_has_no_flaw(left: Path) -> None:
    assert wal.flaw(left) is None
    assert len(read(left).pushes) == 5


def test_closed_cassette_has_none(tmp_path: Path, facts) -> None:
    facts.writer(tmp_path / "visit.sqlite").close()

    assert wal.flaw(tmp_path / "visit.sqlite") is None


@pytest.mark.parametrize(
    ("at", "problem"),
    [
        (0, "its header is not what was written"),
        (17, "its header is not what was written"),
        (32 + 2, "frame 1 is not what was written, and what came after it is lost"),
        (32 + FRAME_BYTES + 9, "frame 2 is not what"),
        (32 + 2 * FRAME_BYTES + 20, "frame 3 is not what"),
        (32 + 3 * FRAME_BYTES + 100, "frame 4 is not what"),
    ],
    ids=["magic", "salt", "page number", "salt of a frame", "checksum", "page"],
)
def test_flipped_byte_is_named(left: Path, facts, at: int, problem: str) -> None:
    change(left, at)

    assert wal.flaw(left).startswith(f"visit.sqlite-wal: {problem}")
    with pytest.raises(CassetteDamagedError, match=r"visit\.sqlite-wal: "):
        read(left)
    with pytest.raises(CassetteDamagedError, match=r"visit\.sqlite-wal: "):
        facts.writer(left)


def test_last_frame_may_be_half(left: Path, caplog: pytest.LogCaptureFixture) -> None:
    """So it is where a program is killed while it writes. What is lost with it cannot be known, so it is said."""
    file = left.with_name("visit.sqlite-wal")
    file.write_bytes(file.read_bytes()[:-1000])

    assert wal.flaw(left) is None
    assert len(read(left).pushes) == 4
    assert "its recorder did not close it, so the last of it may be missing" in caplog.text


def test_cut_header_is_named(left: Path) -> None:
    file = left.with_name("visit.sqlite-wal")
    file.write_bytes(file.read_bytes()[:20])

    assert wal.flaw(left) == "visit.sqlite-wal: cut off after 20 bytes"


def test_older_frames_behind_are_none_of_it(tmp_path: Path, facts) -> None:
    """SQLite uses the file anew from its beginning, and leaves what is behind."""
    path = tmp_path / "visit.sqlite"
    writer = facts.writer(path)
    for number in range(3):
        writer.push(None, "apns", number, b"x" * 50_000)
        writer.drain()
    other = sqlite3.connect(path)
    other.execute("PRAGMA wal_checkpoint(FULL)")
    other.close()
    writer.push(None, "apns", 9, b"y")
    writer.drain()

    assert wal.flaw(path) is None
    assert len(read(path).pushes) == 4
