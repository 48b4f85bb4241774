import shutil
import sqlite3
from pathlib import Path

import factories
import pytest
from hand_edits import edit, edit_on_purpose

from gms_replay.cassette import opening, seals
from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import examine
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteDamagedError
from gms_replay.model import Recording

SEAL_BYTES = 32
GOLDEN = Path(__file__).parents[1] / "golden" / "v2.sqlite"


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


def is_sealed(path: Path) -> bool:
    return seals.pages(path) is not None


def test_seal_stands_behind_the_pages(visit: Path) -> None:
    content = visit.read_bytes()

    assert seals.pages(visit) == content[:-SEAL_BYTES]
    assert opening.pages_end(content) == len(content) - SEAL_BYTES


def test_bytes_that_belong_to_no_fact_are_no_damage(visit: Path) -> None:
    """As the README says: appended ones, and SQLite's free space."""
    file = sqlite3.connect(visit, isolation_level=None)
    file.executescript("PRAGMA secure_delete = OFF; CREATE TABLE scratch (a)")
    file.execute("INSERT INTO scratch VALUES (?)", ("of no fact " * 1000,))
    file.execute("DROP TABLE scratch")
    file.close()
    content = visit.read_bytes()
    assert b"of no fact" in content
    visit.write_bytes(content.replace(b"of no fact", b"overwritte") + b"appended")

    assert not examine(visit).flaws
    assert read(visit) == factories.visit()


def test_recorder_seals_what_it_closes(tmp_path: Path, facts) -> None:
    path = tmp_path / "visit.sqlite"
    for number in (1, 2):
        writer = facts.writer(path)
        assert not is_sealed(path)
        facts.exchange(writer)
        writer.close()
        assert is_sealed(path)
        assert len(read(path).exchanges) == number


@pytest.mark.parametrize("at", [0.0, 0.3, 0.999])
def test_any_byte_breaks_it(visit: Path, at: float) -> None:
    content = bytearray(visit.read_bytes())
    content[int(len(content) * at)] ^= 1
    visit.write_bytes(content)

    assert not is_sealed(visit)


def test_cut_breaks_it(visit: Path) -> None:
    whole = read(visit)
    visit.write_bytes(visit.read_bytes()[:-1])

    assert not is_sealed(visit)
    assert read(visit) == whole


def test_tiny_file_has_none(tmp_path: Path) -> None:
    (tmp_path / "tiny").write_bytes(b"gms-replay seal\0")

    assert seals.pages(tmp_path / "tiny") is None


def test_sqlite_does_not_mind(visit: Path) -> None:
    """Whoever writes with it breaks the seal, and no more."""
    whole = read(visit)
    other = visit.with_name("other.sqlite")
    file = sqlite3.connect(visit)
    assert file.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    file.execute("VACUUM INTO ?", (str(other),))
    file.close()

    edit(visit, "CREATE TABLE notes (text)", "INSERT INTO notes VALUES (zeroblob(100000))")

    assert not is_sealed(visit)
    assert not is_sealed(other)
    assert read(visit) == read(other) == whole
    assert not examine(visit).flaws


def test_recorder_seals_anew_what_others_changed(visit: Path, facts) -> None:
    edit_on_purpose(visit, "UPDATE request SET host = 'other.example' WHERE id = 1")
    facts.writer(visit).close()

    assert is_sealed(visit)
    assert read(visit).exchanges[0].request.host == "other.example"


def test_recorder_does_not_seal_what_is_damaged(visit: Path, facts) -> None:
    content = visit.read_bytes()
    host = next(exchange.request.host for exchange in read(visit).exchanges).encode()
    damaged = content.replace(host, host[:-1] + b"?", 1)
    visit.write_bytes(damaged)

    with pytest.raises(CassetteDamagedError, match="checksum differs"):
        facts.writer(visit)

    assert visit.read_bytes() == damaged != content


def test_recorder_does_not_upgrade_what_is_damaged(tmp_path: Path, facts) -> None:
    path = tmp_path / "visit.sqlite"
    shutil.copy(GOLDEN, path)
    edit(path, "UPDATE message SET direction = 'to-cliant' WHERE id = 1")
    damaged = path.read_bytes()

    with pytest.raises(CassetteDamagedError, match="to-cliant"):
        facts.writer(path)

    assert path.read_bytes() == damaged


def test_file_that_others_write_to_is_not_sealed(tmp_path: Path) -> None:
    path = tmp_path / "visit.sqlite"
    write(path, Recording())
    edit(path, "CREATE TABLE notes (text)")
    before = path.read_bytes()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    connection = opening.connect(path, "rw")
    opening.driver(connection).execute("PRAGMA busy_timeout = 0")
    seals.close(connection, path)
    other.close()

    assert connection.closed
    assert path.read_bytes() == before


def test_file_in_wal_mode_is_not_sealed(visit: Path) -> None:
    connection = opening.connect(visit, "rw")
    opening.enter_wal_mode(connection)
    seals.close(connection, visit)

    assert not is_sealed(visit)


def test_locks_of_another_stay_while_it_is_sealed(visit: Path) -> None:
    """Readers go on; the lock on writing is given back at the end."""
    reader = sqlite3.connect(visit, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM run").fetchone() == (1,)

    seals.close(opening.connect(visit, "rw"), visit)

    assert reader.execute("SELECT count(*) FROM request").fetchone()[0] > 1
    reader.close()
    edit(visit, "CREATE TABLE notes (text)")


def test_sealed_file_is_read_where_nothing_can_be_written(visit: Path, open_folder: Path) -> None:
    path = open_folder / "visit.sqlite"
    shutil.copy(visit, path)
    path.chmod(0o444)

    assert read(path) == read(visit)
