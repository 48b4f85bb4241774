import random
import shutil
import sqlite3
from pathlib import Path

import factories
import pytest

from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import Count, Flaw, damage, examine
from gms_replay.cassette.reader import read
from gms_replay.cassette.schema import FORMAT_VERSION
from gms_replay.cassette.states import State
from gms_replay.errors import CassetteDamagedError, NotACassetteError
from gms_replay.model import Push, Recording, Run

GOLDEN = Path(__file__).parents[1] / "golden"
RUN = Run(1, 1, "regular", None, ())
LARGE = Recording(
    (RUN,), pushes=tuple(Push(number, 1, None, "apns", 1, bytes([number]) * 9000) for number in range(1, 41))
)
"""Each payload fills pages of its own."""


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


def change(path: Path, *statements: str) -> None:
    file = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        file.execute(statement)
    file.close()


def test_whole_cassette_has_no_flaw(visit: Path) -> None:
    examined = examine(visit)

    assert (examined.flaws, examined.state, examined.format) == ((), State.CLOSED, FORMAT_VERSION)
    assert examined.recording == read(visit)
    assert examined.size_bytes == visit.stat().st_size
    assert all(count.readable == count.rows for count in examined.counts)


def test_name_in_other_letters_is_the_same(visit: Path) -> None:
    content = visit.read_bytes()
    visit.write_bytes(content.replace(b"close_reason TEXT", b"Close_reason TEXT", 1))
    assert visit.read_bytes() != content

    examined = examine(visit)

    assert examined.flaws == ()
    assert examined.recording == read(visit)


def test_every_bad_row_is_named(visit: Path) -> None:
    change(
        visit,
        "UPDATE request SET port = 'soon', headers = '[1]' WHERE id = 3",
        "UPDATE request SET target = CAST(x'ff' AS TEXT) WHERE id = 4",
        "UPDATE message SET transport = 'pigeon' WHERE id = 5",
        "UPDATE outcome SET reason = NULL WHERE exchange_id = 6",
    )

    examined = examine(visit)

    assert {(flaw.table, flaw.id, flaw.column) for flaw in examined.flaws} >= {
        ("request", 3, "headers"),
        ("request", 4, "target"),
        ("message", 5, "transport"),
        ("outcome", 6, "reason"),
    }
    whole = factories.visit()
    assert [one.id for one in examined.recording.exchanges] == [
        one.id for one in whole.exchanges if one.id not in (3, 4)
    ]
    assert [one.id for one in examined.recording.messages] == [one.id for one in whole.messages if one.id != 5]


def test_dangling_facts_are_named(visit: Path) -> None:
    change(visit, "DELETE FROM request WHERE id = 2")

    flaws = examine(visit).flaws

    assert flaws == (
        Flaw("belongs to a request that is not there", "outcome", 2, "exchange_id"),
        Flaw("20 rows where there were 21 when it was closed", "request"),
    )
    assert str(flaws[0]) == "outcome.exchange_id 2: belongs to a request that is not there"


def test_missing_parts_are_named(visit: Path) -> None:
    change(visit, "DROP TABLE push", "ALTER TABLE message DROP COLUMN raw")

    examined = examine(visit)

    assert Flaw("the table is missing", "push") in examined.flaws
    assert Flaw("the column is missing", "message", column="raw") in examined.flaws
    assert Count("message", 0, len(factories.visit().messages)) in examined.counts
    assert Count("push", 0, None) in examined.counts
    assert examined.recording.exchanges == factories.visit().exchanges


def test_row_that_no_memory_holds_is_a_flaw(tmp_path: Path) -> None:
    path = tmp_path / "old.sqlite"
    content = bytearray((GOLDEN / "v3.sqlite").read_bytes())
    # The first row of requests: SQLite 3.40 takes these for a length, and finds no room for so much.
    content[11741:11748] = bytes.fromhex("ffffffffffff72")
    content[11749:11751] = bytes.fromhex("6963")
    path.write_bytes(content)

    examined = examine(path)

    assert ("request", 35) in {(flaw.table, flaw.id) for flaw in examined.flaws}
    assert examined.recording.exchanges
    with pytest.raises(CassetteDamagedError):
        read(path)


def test_rows_beside_lost_pages_are_read(tmp_path: Path) -> None:
    path = tmp_path / "large.sqlite"
    write(path, LARGE)
    content = bytearray(path.read_bytes())
    # The next page's number stands first on each page that a payload overflows to (SQLite file format, section 1.6).
    for number in (7, 30):
        at = content.index(bytes([number]) * 4092)
        content[at - 4 : at] = b"\xff\xff\xff\xff"
    path.write_bytes(content)

    examined = examine(path)

    assert [push.id for push in examined.recording.pushes] == [n for n in range(1, 41) if n not in (7, 30)]
    assert {flaw.id for flaw in examined.flaws if flaw.table == "push"} == {7, 30}
    assert Count("push", 38, 40) in examined.counts


def test_lost_schema_is_one_flaw(visit: Path) -> None:
    content = bytearray(visit.read_bytes())
    content[100:108] = random.Random(1).randbytes(8)
    visit.write_bytes(content)

    examined = examine(visit)

    assert examined.flaws == (Flaw("database disk image is malformed"),)
    assert examined.recording == Recording()


@pytest.mark.parametrize(("bytes_left", "text"), [(50, "cut off after 50 bytes"), (4096, "cut off after 4096 of")])
def test_cut_file_is_a_flaw(visit: Path, bytes_left: int, text: str) -> None:
    visit.write_bytes(visit.read_bytes()[:bytes_left])

    flaws = examine(visit).flaws

    assert str(flaws[0]).startswith(text)


def test_cut_file_is_read_to_there(tmp_path: Path) -> None:
    path = tmp_path / "large.sqlite"
    write(path, LARGE)
    path.write_bytes(path.read_bytes()[:200_000])

    examined = examine(path)

    read_ids = [push.id for push in examined.recording.pushes]
    assert read_ids == list(range(1, len(read_ids) + 1))
    assert 10 < len(read_ids) < 40
    assert examined.recording.runs == (RUN,)


@pytest.mark.parametrize("bytes_left", [20_000, 32_000])
def test_cut_file_of_older_format_is_read_to_there(tmp_path: Path, bytes_left: int) -> None:
    path = tmp_path / "visit.sqlite"
    path.write_bytes((GOLDEN / "v1.sqlite").read_bytes()[:bytes_left])

    examined = examine(path)

    assert str(examined.flaws[0]).startswith(f"cut off after {bytes_left} of 32768 bytes")
    assert examined.format == 1
    assert examined.recording.runs == read(GOLDEN / "v1.sqlite").runs


def test_other_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("notes")

    with pytest.raises(NotACassetteError):
        examine(tmp_path / "notes.txt")


def test_growing_cassette_is_open(tmp_path: Path, facts, until, killed) -> None:
    path = tmp_path / "visit.sqlite"
    states = []
    script = """
from gms_replay.cassette.writer import Writer
Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
"""

    def is_open() -> bool:
        if path.exists() and path.stat().st_size:
            states.append(examine(path).state)
        return states[-1:] == [State.OPEN]

    killed(script, is_open)

    assert examine(path).state == State.LEFT
    (tmp_path / "visit.sqlite-wal").unlink()
    assert examine(path).state == State.WAL_MISSING


def test_foreign_wal_is_told(visit: Path) -> None:
    shutil.copy(visit, visit.with_name("visit.sqlite-wal"))

    examined = examine(visit)

    assert examined.has_foreign_wal
    assert (examined.flaws, examined.size_bytes) == ((), visit.stat().st_size)


def test_error_counts_further_flaws(tmp_path: Path) -> None:
    flaws = (Flaw("holds 'soon'", "request", 3, "port"), Flaw("the table is missing", "push"))

    told = str(damage(tmp_path / "visit.sqlite", flaws))

    assert told.startswith(f"{tmp_path}/visit.sqlite: damaged (request.port 3: holds 'soon', and 1 more); take it")
