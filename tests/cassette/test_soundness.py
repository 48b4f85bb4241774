from pathlib import Path

import factories
import pytest
from hand_edits import edit

from gms_replay.cassette import opening, soundness
from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import read
from gms_replay.errors import CassetteDamagedError

GOLDEN = Path(__file__).parents[1] / "golden"

DAMAGE = {
    "a byte": ("UPDATE message SET raw = CAST(replace(raw, 'a', 'b') AS BLOB) WHERE id = 1", "message 1 is not what"),
    "an owner": ("UPDATE message SET exchange_id = exchange_id + 1 WHERE id = 1", "message 1 is not what was"),
    "a number of its own": ("UPDATE message SET id = 1000 WHERE id = 1", "message 1000 is not what was recorded"),
    "a row": ("DELETE FROM message WHERE id = 2", "message: "),
    "a checksum": ("UPDATE run SET checksum = checksum + 1", "run 1 is not what was recorded: its checksum differs"),
    "a count": ("UPDATE closing SET rows = rows + 1 WHERE id = 1", "closing 1 is not what was recorded"),
    "a type": ("UPDATE request SET port = 'soon' WHERE id = 1", "request.port holds 'soon'"),
}


def require(path: Path) -> None:
    with opening.connect(path, "ro") as connection, opening.errors_named(path, "read"):
        soundness.require(connection, path)


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


def test_whole_cassette_is_sound(visit: Path) -> None:
    content = visit.read_bytes()

    require(visit)
    assert read(visit) == factories.visit()

    assert visit.read_bytes() == content


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_changed_is_named(visit: Path, kind: str) -> None:
    statement, problem = DAMAGE[kind]
    edit(visit, statement)

    with pytest.raises(CassetteDamagedError) as told:
        require(visit)

    assert str(told.value).startswith(f"{visit}: damaged ({problem}")


def test_two_rows_that_changed_places_are_found(visit: Path) -> None:
    """Each is whole, and where the other was."""
    swapped = "FROM two WHERE two.id = 3 - message.id"
    columns = 'exchange_id, direction, transport, at_us, "index", channel, raw, checksum'
    edit(
        visit,
        "CREATE TEMP TABLE two AS SELECT * FROM message WHERE id IN (1, 2)",
        f"UPDATE message SET ({columns}) = (SELECT {columns} {swapped}) WHERE id IN (1, 2)",
    )

    with pytest.raises(CassetteDamagedError, match="message 1 is not what was recorded"):
        require(visit)


def test_older_format_is_judged_by_its_looks(tmp_path: Path) -> None:
    path = tmp_path / "visit.sqlite"
    path.write_bytes((GOLDEN / "v2.sqlite").read_bytes())
    edit(path, "UPDATE message SET raw = x'00' WHERE id = 1")

    assert read(path).messages[0].raw == b"\0"
    edit(path, "UPDATE message SET direction = 'up' WHERE id = 1")
    with pytest.raises(CassetteDamagedError, match=r"message\.direction holds 'up'"):
        read(path)
