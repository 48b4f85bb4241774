import shutil
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
        file = sqlite3.connect(path)
        file.execute("DELETE FROM outcome")
        file.commit()
        file.close()
        assert next(one.told for one in archive.outlines(""))


def test_pairs_that_are_none_are_named_when_read(path: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.sqlite"
    shutil.copy(path, odd)
    file = sqlite3.connect(odd)
    file.execute("""UPDATE request SET headers = '[["a", "b"], 5, ["c", "d"]]' WHERE id = 1""")
    file.commit()
    file.close()

    with hold(odd) as archive, pytest.raises(CassetteDamagedError, match=r"odd\.sqlite: damaged \(not a list of"):
        archive.part([1], [])
