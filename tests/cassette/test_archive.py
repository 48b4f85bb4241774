import sqlite3
from pathlib import Path

import factories
import pytest

from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import hold, read
from gms_replay.errors import CassetteDamagedError
from gms_replay.model import Recording
from gms_replay.sessions import split

ODD_USER = 'Ann "the\\user" Ä\n'


@pytest.fixture
def visit() -> Recording:
    tape = factories.Tape(user=ODD_USER)
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, b'{"_id":"%s"}' % factories.SERVICE.encode())
    tape.ask_in_vain(1, "GET", factories.QUEUE)
    tape.open_comet(2)
    tape.poll(4, 1, factories.frame(1, factories.HELLO))
    return tape.recording()


@pytest.fixture
def path(tmp_path: Path, visit: Recording) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, visit)
    return path


@pytest.mark.parametrize("name", ["gms_user", "Host", "content-TYPE", "nothing"])
def test_archive_is_looked_through_like_recording(path: Path, name: str) -> None:
    recording = read(path)

    with hold(path) as archive:
        assert list(archive.outlines(name)) == list(recording.outlines(name))
        assert list(archive.carried()) == list(recording.carried())
    assert {one.named for one in recording.outlines("GMS_User")} >= {ODD_USER}


def test_archive_is_split_like_recording(path: Path) -> None:
    with hold(path) as archive:
        assert split(archive) == split(read(path))


def test_part_is_what_was_asked_for(path: Path) -> None:
    recording = read(path)
    first, last = recording.exchanges[0], recording.exchanges[-1]

    with hold(path) as archive:
        part = archive.part([last.id, first.id], [recording.messages[1].id])
        nothing = archive.part([], [])

    assert part == Recording(exchanges=(first, last), messages=(recording.messages[1],))
    assert part == recording.part([last.id, first.id], [recording.messages[1].id])
    assert nothing == Recording()


def test_file_may_go_while_it_is_held(path: Path) -> None:
    whole = split(read(path))

    with hold(path) as archive:
        path.unlink()
        assert split(archive) == whole


def test_file_may_grow_while_it_is_held(path: Path) -> None:
    with hold(path) as archive:
        change(path, "DELETE FROM outcome")
        assert next(one.told for one in archive.outlines(""))


ODD = {
    "no list": """UPDATE request SET headers = '{"a": "b"}' WHERE id = 1""",
    "not only pairs": """UPDATE request SET headers = '[["a", "b"], 5, ["c", "d"]]' WHERE id = 1""",
    "numbers": """UPDATE outcome SET headers = '[["a", 1]]' WHERE exchange_id = 1""",
    "triples": """UPDATE outcome SET headers = '[["a", "b", "c"]]' WHERE exchange_id = 1""",
    "no JSON": """UPDATE request SET headers = '[["a", "b"]' WHERE id = 1""",
    "no UTF-8": "UPDATE request SET client = CAST(x'ff' AS TEXT) WHERE id = 1",
    "a number": "UPDATE message SET at_us = 'soon' WHERE id = 1",
    "half an answer": "UPDATE outcome SET body = NULL WHERE exchange_id = 1",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_values_are_named_at_once(kind: str, path: Path) -> None:
    """As by whoever reads all."""
    change(path, ODD[kind])

    with pytest.raises(CassetteDamagedError) as held:
        hold(path)
    with pytest.raises(CassetteDamagedError) as whole:
        read(path)

    assert "visit.sqlite: damaged (" in str(held.value)
    assert kind == "no UTF-8" or str(held.value) == str(whole.value)


def test_pairs_may_be_written_otherwise(path: Path) -> None:
    change(path, """UPDATE request SET headers = ' [ ["gms_user","ann\\u00e9"] ,["b", "c"]]' WHERE id = 1""")

    with hold(path) as archive:
        assert [one.named for one in archive.outlines("gms_user")][:1] == ["ann\u00e9"]
        assert split(archive) == split(read(path))


def test_further_columns_are_left_alone(path: Path) -> None:
    """As a newer recorder may have added them without another format."""
    change(path, "ALTER TABLE request ADD COLUMN note TEXT")

    with hold(path) as archive:
        assert split(archive) == split(read(path))


def change(path: Path, statement: str) -> None:
    file = sqlite3.connect(path)
    file.execute(statement)
    file.commit()
    file.close()
