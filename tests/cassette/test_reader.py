import os
import runpy
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from gms_replay.cassette.integrity import examine
from gms_replay.cassette.opening import format_in
from gms_replay.cassette.reader import hold, read
from gms_replay.cassette.schema import APPLICATION_ID, FORMAT_VERSION
from gms_replay.errors import CassetteDamagedError, CassetteError, CassetteTooNewError, NotACassetteError
from gms_replay.formats.jsonl import dump, load
from gms_replay.model import Direction, Recording

GOLDEN = Path(__file__).parents[1] / "golden"
NEWEST = GOLDEN / f"v{FORMAT_VERSION}.sqlite"

LEFT_BY_KILL = """
from gms_replay.cassette.writer import Writer

writer = Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
writer.push(None, "apns", 1, b"in the wal")
"""

# A cache of one page makes SQLite write pages into the file before the transaction ends.
BROKEN_OFF = """
import sqlite3
file = sqlite3.connect("visit.sqlite", isolation_level=None)
file.execute("PRAGMA cache_size = 1")
file.execute("BEGIN")
file.execute("UPDATE message SET channel = 'half done'")
file.executemany("INSERT INTO push VALUES (NULL, 1, NULL, 'apns', 1, ?, 0)", [(bytes(3000),)] * 500)
open("begun", "w").close()
"""


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.sqlite")), ids=lambda path: path.stem)
def test_golden_cassette_reads(path):
    expected = path.with_suffix(".jsonl").read_text(encoding="utf-8")

    recording = read(path)

    assert "".join(f"{line}\n" for line in dump(recording)) == expected
    assert load(expected.splitlines(), "text") == recording


@pytest.mark.parametrize("golden", sorted(GOLDEN.glob("*.sqlite")), ids=lambda path: path.stem)
def test_golden_facts_are_still_written(tmp_path, golden):
    path = tmp_path / "visit.sqlite"
    runpy.run_path(str(GOLDEN / f"make_{golden.stem}.py"))["make"](path)

    assert read(path) == read(golden)


def test_every_format_has_golden():
    assert [path.stem for path in sorted(GOLDEN.glob("*.sqlite"))] == [f"v{n}" for n in range(1, FORMAT_VERSION + 1)]


def test_reading_leaves_no_trace(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    shutil.copy(NEWEST, path)
    before = facts.content(tmp_path)

    read(path)

    assert facts.content(tmp_path) == before
    assert len(os.listdir(tmp_path)) == 1


def test_growing_cassette_reads(tmp_path, facts, until):
    writer = facts.writer(tmp_path / "visit.sqlite")
    facts.exchange(writer)

    until(lambda: len(read(tmp_path / "visit.sqlite").exchanges) == 1)


def test_wal_of_killed_recorder_reads(tmp_path, facts, killed):
    path = tmp_path / "visit.sqlite"
    killed(LEFT_BY_KILL, lambda: path.exists() and b"in the wal" in beside(path, "-wal"))
    before = facts.content(tmp_path)

    recording = read(path)

    assert [push.payload for push in recording.pushes] == [b"in the wal"]
    assert facts.content(tmp_path) == before
    assert set(before) == {"visit.sqlite", "visit.sqlite-wal"}


def test_copied_wal_reads_without_trace(tmp_path, facts, killed):
    path = tmp_path / "visit.sqlite"
    killed(LEFT_BY_KILL, lambda: path.exists() and b"in the wal" in beside(path, "-wal"))
    (tmp_path / "visit.sqlite-shm").unlink()

    recording = read(path)

    assert [push.payload for push in recording.pushes] == [b"in the wal"]
    assert sorted(os.listdir(tmp_path)) == ["visit.sqlite", "visit.sqlite-wal"]


def test_lost_wal_reads_without_trace(tmp_path, killed):
    path = tmp_path / "visit.sqlite"
    killed(LEFT_BY_KILL, lambda: path.exists() and b"in the wal" in beside(path, "-wal"))
    (tmp_path / "visit.sqlite-shm").unlink()
    (tmp_path / "visit.sqlite-wal").unlink()

    assert read(path).pushes == ()
    assert os.listdir(tmp_path) == ["visit.sqlite"]


def beside(path: Path, suffix: str) -> bytes:
    file = path.with_name(path.name + suffix)
    return file.read_bytes() if file.exists() else b""


@pytest.mark.parametrize("index", ["kept", "lost"])
def test_wal_reads_in_closed_folder(open_folder, tmp_path, killed, index):
    path = tmp_path / "visit.sqlite"
    killed(LEFT_BY_KILL, lambda: path.exists() and b"in the wal" in beside(path, "-wal"))
    for file in tmp_path.iterdir():
        if index == "kept" or file.suffix != ".sqlite-shm":
            shutil.copy(file, open_folder)
            (open_folder / file.name).chmod(0o444)
    open_folder.chmod(0o555)
    script = (
        "import os, sys; from gms_replay.cassette.reader import read; "
        "os.geteuid() or os.seteuid(65534); print(read(sys.argv[1]).pushes[0].payload.decode())"
    )
    command = [sys.executable, "-c", script, open_folder / path.name]

    assert subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout == "in the wal\n"


def test_broken_off_transaction_is_undone(tmp_path, facts, killed):
    path = tmp_path / "visit.sqlite"
    shutil.copy(NEWEST, path)
    killed(BROKEN_OFF, (tmp_path / "begun").exists)
    before = facts.content(tmp_path)
    assert len(before["visit.sqlite-journal"]) > 512
    assert b"half done" in before["visit.sqlite"]

    assert read(path) == read(NEWEST)
    assert facts.content(tmp_path) == before


def test_empty_format_upgrades_in_memory(tmp_path, facts):
    path = tmp_path / "visit.sqlite"
    changed(path, f"PRAGMA application_id = {APPLICATION_ID}")
    before = facts.content(tmp_path)

    assert read(path) == Recording()
    assert facts.content(tmp_path) == before


OLDER = [path for path in sorted(GOLDEN.glob("*.sqlite")) if path != NEWEST]


@pytest.mark.parametrize("golden", OLDER, ids=lambda path: path.stem)
def test_older_format_upgrades_in_memory(tmp_path, facts, golden):
    path = tmp_path / "visit.sqlite"
    shutil.copy(golden, path)
    before = facts.content(tmp_path)

    recording = read(path)
    with hold(path) as archive:
        asked = sorted(number for outline in archive.outlines("gms_user") for _, number in outline.places)

    assert recording == load(golden.with_suffix(".jsonl").read_text(encoding="utf-8").splitlines(), "text")
    assert len(recording.exchanges) == 6
    assert asked == [exchange.id for exchange in recording.exchanges]
    assert facts.content(tmp_path) == before
    assert format_in(path) == int(golden.stem[1:])


@pytest.mark.parametrize("golden", OLDER, ids=lambda path: path.stem)
def test_recorder_upgrades_older_format(tmp_path, facts, golden):
    path = tmp_path / "visit.sqlite"
    shutil.copy(golden, path)
    before = read(path)

    writer = facts.writer(path)
    connection_id = writer.begin_connection("apns", 2195, "gms:1", 5)
    frame = writer.frame(connection_id, Direction.TO_SERVER, 6, b"\0")
    writer.close()

    after = read(path)
    assert (after.exchanges, after.pushes, after.runs[:-1]) == (before.exchanges, before.pushes, before.runs)
    assert after.frames == (*before.frames, frame)
    assert format_in(path) == FORMAT_VERSION
    assert not examine(path).flaws


def changed(path: Path, statement: str) -> Path:
    file = sqlite3.connect(path)
    file.execute(statement)
    file.commit()
    file.close()
    return path


def a_golden(path: Path, *statements: str) -> Path:
    shutil.copy(NEWEST, path)
    for statement in statements:
        changed(path, statement)
    return path


def cut(path: Path, size: int) -> Path:
    path.write_bytes(NEWEST.read_bytes()[:size])
    return path


def overwritten(path: Path) -> Path:
    """Every page but the first two is noise."""
    content = NEWEST.read_bytes()
    path.write_bytes(content[:8192] + b"\xa5" * (len(content) - 8192))
    return path


def one_row_less(path: Path) -> Path:
    """The last push is no longer counted by its page (SQLite file format, section 1.6)."""
    file = sqlite3.connect(a_golden(path))
    (page,) = file.execute("SELECT rootpage FROM sqlite_master WHERE name = 'push'").fetchone()
    (page_bytes,) = file.execute("PRAGMA page_size").fetchone()
    file.close()
    content = bytearray(path.read_bytes())
    content[(page - 1) * page_bytes + 4] -= 1
    return written(path, bytes(content))


def folder(path: Path) -> Path:
    path.mkdir()
    return path


def written(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


BAD_INPUT = {
    "missing": (lambda path: path, NotACassetteError, "no such file; check the name"),
    "dangling link": (lambda path: path.symlink_to("nowhere") or path, NotACassetteError, "not a plain file"),
    "folder": (folder, NotACassetteError, "a folder, not a cassette; name the file in it"),
    "pipe": (pipe, NotACassetteError, "not a plain file"),
    "empty": (lambda path: written(path, b""), NotACassetteError, "empty, so not a cassette; remove it"),
    "text": (lambda path: written(path, b"GET / HTTP/1.1\r\n"), NotACassetteError, "not a cassette, nor any SQLite"),
    "other database": (lambda path: changed(path, "CREATE TABLE a (b)"), NotACassetteError, "a SQLite database, but"),
    "too new": (
        lambda path: a_golden(path, f"PRAGMA user_version = {FORMAT_VERSION + 1}"),
        CassetteTooNewError,
        f"written in format {FORMAT_VERSION + 1}, newer than this gms-replay, which knows formats up to",
    ),
    "format below zero": (
        lambda path: a_golden(path, "PRAGMA user_version = -1"),
        CassetteDamagedError,
        "damaged (format -1); take it from a backup",
    ),
    "cut in its header": (lambda path: cut(path, 50), CassetteDamagedError, "damaged (cut off after 50 bytes); take"),
    "cut in its first page": (lambda path: cut(path, 1000), CassetteDamagedError, "damaged ("),
    "cut later": (lambda path: cut(path, 10_000), CassetteDamagedError, "damaged (cut off after 10000 of 45056 bytes)"),
    "one row less": (one_row_less, CassetteDamagedError, "damaged ("),
    "overwritten": (overwritten, CassetteDamagedError, "damaged ("),
    "table missing": (
        lambda path: a_golden(path, "DROP TABLE push"),
        CassetteDamagedError,
        "damaged (no such table: push",
    ),
    "request missing": (
        lambda path: a_golden(path, "DELETE FROM request WHERE id = 2"),
        CassetteDamagedError,
        "damaged (outcome 2 belongs to a request that is not there); take",
    ),
}
BAD_ROWS = {
    "headers": (
        lambda path: a_golden(path, "UPDATE request SET headers = '[1]'"),
        CassetteDamagedError,
        "damaged (not a",
    ),
    "no JSON": (
        lambda path: a_golden(path, "UPDATE run SET versions = '['"),
        CassetteDamagedError,
        "damaged (Expecting",
    ),
    "direction": (
        lambda path: a_golden(path, "UPDATE message SET direction = 'up'"),
        CassetteDamagedError,
        "damaged (message.direction holds 'up', which is none of to-server, to-client); take",
    ),
    "other type": (
        lambda path: a_golden(path, "UPDATE request SET port = 'soon'"),
        CassetteDamagedError,
        "damaged (request.port holds 'soon'); take",
    ),
    "no UTF-8": (
        lambda path: a_golden(path, "UPDATE push SET provider = CAST(x'ff' AS TEXT)"),
        CassetteDamagedError,
        "damaged (Could not decode to UTF-8",
    ),
}


@pytest.mark.parametrize(
    ("make", "error", "problem"), [*BAD_INPUT.values(), *BAD_ROWS.values()], ids=[*BAD_INPUT, *BAD_ROWS]
)
def test_bad_input_is_named(tmp_path, facts, make, error, problem):
    path = make(tmp_path / "visit.sqlite")

    with pytest.raises(error) as refused:
        read(path)

    assert str(refused.value).startswith(f"{path}: {problem}")
    assert "\n" not in str(refused.value)
    assert type(refused.value) is error


@pytest.mark.parametrize("make", [make for make, _, _ in BAD_INPUT.values()][4:], ids=[*BAD_INPUT][4:])
def test_bad_input_is_left_alone(tmp_path, facts, make):
    path = make(tmp_path / "visit.sqlite")
    before = facts.content(tmp_path)

    for use in (read, facts.writer):
        with pytest.raises(CassetteError):
            use(path)

    assert facts.content(tmp_path) == before
    assert os.listdir(tmp_path) == ["visit.sqlite"]


def test_locked_cassette_is_named(tmp_path):
    path = a_golden(tmp_path / "visit.sqlite")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")

    try:
        with pytest.raises(CassetteError, match=r"visit\.sqlite: cannot be read: another program uses it; try again"):
            read(path)
    finally:
        other.close()
