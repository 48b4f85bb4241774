import os
import sqlite3
from pathlib import Path

import pytest

from gms_replay.cassette import opening
from gms_replay.cassette.schema import FORMAT_VERSION
from gms_replay.cassette.upgrades import upgrade
from gms_replay.errors import CassetteDamagedError, CassetteError, NotACassetteError


@pytest.mark.parametrize("name", ["a?mode=memory", "50%41 #1", "M\xfcller", os.fsdecode(b"\xff"), ":memory:"])
def test_odd_names_are_plain_files(tmp_path, name):
    path = tmp_path / name
    opening.claim(path)

    with opening.connect(path, "rw") as connection:
        upgrade(connection)

    opening.require_cassette(path)
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_lack_of_memory_is_no_damage(tmp_path):
    with pytest.raises(CassetteError) as told, opening.errors_named(tmp_path / "visit.sqlite", "read"):
        raise MemoryError

    assert "cannot be read: it wants more memory than there is; free some" in str(told.value)
    assert not isinstance(told.value, CassetteDamagedError)


def test_claim_takes_no_existing_file(tmp_path):
    opening.claim(tmp_path / "visit.sqlite")

    with pytest.raises(FileExistsError):
        opening.claim(tmp_path / "visit.sqlite")


def test_connect_makes_no_file(tmp_path):
    path = tmp_path / "visit.sqlite"

    with (
        pytest.raises(CassetteError, match=r"visit\.sqlite: cannot be written: unable to open database file; check"),
        opening.errors_named(path, "written"),
    ):
        opening.connect(path, "rw")

    assert not path.exists()


def test_transactions_hold_tables_too():
    with opening.connect_memory() as connection:
        connection.exec_driver_sql("CREATE TABLE a (b)")
        connection.rollback()

        assert opening.driver(connection).execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)


def test_wal_mode_comes_and_goes(tmp_path):
    path = tmp_path / "visit.sqlite"
    opening.claim(path)
    with opening.connect(path, "rw") as connection:
        upgrade(connection)
        before = opening.is_in_wal_mode(path)
        opening.enter_wal_mode(connection)
        during = opening.is_in_wal_mode(path)

        assert opening.leave_wal_mode(connection, patience_s=0)
        assert (before, during, opening.is_in_wal_mode(path)) == (False, True, False)


def a_cassette(path):
    opening.claim(path)
    with opening.connect(path, "rw") as connection:
        upgrade(connection)
    return path


def test_missing_end_is_seen(tmp_path):
    path = a_cassette(tmp_path / "visit.sqlite")
    size = path.stat().st_size
    os.truncate(path, size - 1)

    assert opening.missing_end(path) == f"cut off after {size - 1} of {size} bytes"


@pytest.mark.parametrize("elsewhere", ["wal", "journal"])
def test_end_may_be_elsewhere(tmp_path, elsewhere):
    path = a_cassette(tmp_path / "visit.sqlite")
    if elsewhere == "wal":
        with path.open("r+b") as file:
            file.seek(18)
            file.write(b"\x02\x02")
    else:
        (tmp_path / "visit.sqlite-journal").touch()
    os.truncate(path, path.stat().st_size - 1)

    assert opening.missing_end(path) is None


def test_format_is_in_header(tmp_path):
    assert opening.format_in(a_cassette(tmp_path / "visit.sqlite")) == FORMAT_VERSION


@pytest.mark.parametrize(
    ("code", "is_damage"),
    [("SQLITE_CORRUPT", True), ("SQLITE_ERROR", True), ("SQLITE_BUSY", False), ("SQLITE_CANTOPEN", False)],
)
def test_damage_is_told_apart(code, is_damage):
    error = sqlite3.OperationalError("odd")
    error.sqlite_errorcode = getattr(sqlite3, code)

    assert opening.is_damage(error) is is_damage


@pytest.mark.parametrize(
    ("error", "doing", "kind", "told"),
    [
        (ValueError("odd\nrow"), "read", CassetteDamagedError, "damaged (odd row); take it from a backup"),
        (OverflowError("too large"), "written", CassetteError, "cannot be written: too large; correct that"),
        (OSError(13, "Permission denied"), "read", CassetteError, "cannot be read: Permission denied; check folder"),
        (sqlite3.DatabaseError("no code"), "read", CassetteDamagedError, "damaged (no code); take it"),
        (NotACassetteError("as it is"), "read", NotACassetteError, "as it is"),
    ],
)
def test_errors_get_one_line(tmp_path, error, doing, kind, told):
    with pytest.raises(CassetteError) as named, opening.errors_named(tmp_path, doing):
        raise error

    assert type(named.value) is kind
    assert told in str(named.value)
    assert "\n" not in str(named.value)


def test_wal_of_a_moved_cassette_is_spared(tmp_path: Path) -> None:
    """SQLite would throw it away, and with it what was recorded last."""
    wal = tmp_path / "visit.sqlite-wal"
    wal.write_bytes(b"what was recorded last")

    with pytest.raises(CassetteError, match=r"visit\.sqlite-wal: left by a cassette that was moved or removed"):
        opening.claim(tmp_path / "visit.sqlite")

    assert wal.read_bytes() == b"what was recorded last"
    assert [file.name for file in tmp_path.iterdir()] == [wal.name]


def test_empty_wal_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "visit.sqlite-wal").touch()

    opening.claim(tmp_path / "visit.sqlite")

    assert (tmp_path / "visit.sqlite").read_bytes() == b""
