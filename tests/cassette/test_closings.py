from collections.abc import Iterator
from pathlib import Path

import factories
import pytest
from hand_edits import edit, edit_on_purpose

from gms_replay.cassette import closings, opening, schema
from gms_replay.cassette.copy import write
from gms_replay.cassette.upgrades import upgrade
from gms_replay.model import Recording


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


def missing(path: Path) -> dict[str, str]:
    with opening.connect(path, "ro") as connection:
        return closings.missing(opening.driver(connection))


def unclosed(path: Path) -> int | None:
    with opening.connect(path, "ro") as connection:
        return closings.unclosed_run(opening.driver(connection))


def test_nothing_is_missing_of_a_closed_cassette(visit: Path) -> None:
    assert (missing(visit), unclosed(visit)) == ({}, None)


@pytest.mark.parametrize("which", ["min", "max"])
@pytest.mark.parametrize("table", ["message", "outcome"])
def test_row_that_is_gone_is_missed(visit: Path, table: str, which: str) -> None:
    key = "exchange_id" if table == "outcome" else "id"
    edit(visit, f"DELETE FROM {table} WHERE {key} = (SELECT {which}({key}) FROM {table})")

    assert list(missing(visit)) == [table]


def test_row_that_was_added_in_between_is_told(visit: Path) -> None:
    rows = len(factories.visit().messages)
    edit(
        visit, "INSERT INTO message SELECT 0, exchange_id, direction, transport, 0, 0, '', raw, 0 FROM message LIMIT 1"
    )

    assert missing(visit) == {"message": f"{rows + 1} rows where there were {rows} when it was closed"}


def test_count_that_is_gone_is_missed(visit: Path) -> None:
    edit(visit, "DELETE FROM closing WHERE kind = 'push'")

    assert missing(visit) == {"closing": "how many rows of push there were is missing"}


def test_run_after_the_last_close_is_not_closed(visit: Path, facts) -> None:
    facts.writer(visit).close()
    edit(visit, "DELETE FROM closing WHERE run_id = 2")

    assert (missing(visit), unclosed(visit)) == ({}, 2)


def test_what_came_after_the_close_is_not_counted(visit: Path) -> None:
    edit_on_purpose(
        visit,
        "INSERT INTO message SELECT max(id) + 1, exchange_id, direction, transport, 0, 0, '', raw, 0 FROM message",
    )

    assert missing(visit) == {}


def test_only_the_last_close_counts(visit: Path, facts) -> None:
    writer = facts.writer(visit)
    facts.exchange(writer)
    writer.close()

    assert (missing(visit), unclosed(visit)) == ({}, None)
    edit(visit, "DELETE FROM request WHERE id = (SELECT max(id) FROM request)")
    assert list(missing(visit)) == ["request"]


def test_empty_recording_is_as_good_as_closed(tmp_path: Path) -> None:
    write(tmp_path / "empty.sqlite", Recording())

    assert (missing(tmp_path / "empty.sqlite"), unclosed(tmp_path / "empty.sqlite")) == ({}, None)


@pytest.fixture
def database() -> Iterator[opening.Connection]:
    with opening.connect_memory() as connection:
        upgrade(connection)
        yield connection


def test_all_tables_of_facts_are_counted(database: opening.Connection) -> None:
    assert {table.name for table in schema.metadata.sorted_tables} == {"closing", *(one.name for one in closings.KINDS)}
