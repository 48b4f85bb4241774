from dataclasses import replace
from pathlib import Path

import factories
import pytest
from hand_edits import edit, edit_on_purpose

from gms_replay.cassette import schema
from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import hold, read
from gms_replay.errors import CassetteDamagedError, NotACassetteError
from gms_replay.model import Connection, Direction, Frame, Push, Recording, Redaction
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


def test_redactions_are_those_of_its_runs(tmp_path: Path, visit: Recording) -> None:
    (run,) = visit.runs
    runs = (run, replace(run, id=2, redaction=Redaction.TYPED), replace(run, id=3))
    write(tmp_path / "three.sqlite", replace(visit, runs=runs))

    with hold(tmp_path / "three.sqlite") as archive:
        assert archive.redactions() == {Redaction.OFF, Redaction.TYPED}


@pytest.mark.parametrize("name", ["gms_user", "Host", "content-TYPE", "nothing"])
def test_archive_is_looked_through_like_recording(path: Path, name: str) -> None:
    recording = read(path)

    with hold(path) as archive:
        assert sorted(archive.outlines(name)) == sorted(recording.outlines(name))
        assert list(archive.carried()) == list(recording.carried())
    assert {one.named for one in recording.outlines("GMS_User")} >= {ODD_USER}


def test_hosts_are_those_that_were_asked(tmp_path: Path) -> None:
    """As the recorder noted them, and as apps named them: a reverse proxy's host is not the one in the header."""
    tape = factories.Tape()
    for path in ("/a", "/b", "/c", "/d"):
        tape.ask(0, "GET", path, b"", b"{}")
    recording = tape.recording()
    asked = [
        ("10.0.0.7", (("HOST", "gms.example:8080"),)),
        ("live.example", ()),
        ("", (("host", ""),)),
        ("10.0.0.7", ()),
    ]
    told = [
        replace(exchange, request=replace(exchange.request, host=host, headers=headers))
        for exchange, (host, headers) in zip(recording.exchanges, asked, strict=True)
    ]
    path = tmp_path / "hosts.sqlite"
    write(path, replace(recording, exchanges=tuple(told)))

    with hold(path) as archive:
        assert archive.hosts() == {"10.0.0.7", "gms.example:8080", "live.example"}


@pytest.mark.parametrize("parts", [[], [b'"_id"'], [b'"_id"', b"clientId", b"\x00"]])
def test_answers_are_found_by_their_parts(path: Path, parts: list[bytes]) -> None:
    with hold(path) as archive:
        found = sorted(archive.answers_with(parts))

    assert found == sorted(read(path).answers_with(parts))
    assert bool(found) is bool(parts)


@pytest.mark.parametrize(
    ("parts", "found"), [([], ([], [])), ([b"mine"], ([2], [1, 2, 4])), ([b"mine", b"other"], ([1, 2], [1, 2, 3, 4]))]
)
def test_pushes_are_found_by_their_parts(
    tmp_path: Path, visit: Recording, parts: list[bytes], found: tuple[list[int], list[int]]
) -> None:
    """A frame with what passed before and after it over its connection."""
    connections = tuple(Connection(number, 1, "apns", 2195, "gms:1", 0) for number in (1, 2))
    told = [(1, b"?"), (1, b"mine"), (2, b"other"), (1, b"!")]
    frames = tuple(Frame(number, one, Direction.TO_SERVER, 0, raw) for number, (one, raw) in enumerate(told, 1))
    pushes = (Push(1, 1, 2, "apns", 0, b"other"), Push(2, 1, None, "apns", 0, b"mine"))
    pushed = replace(visit, pushes=pushes, connections=connections, frames=frames)
    write(tmp_path / "pushed.sqlite", pushed)

    with hold(tmp_path / "pushed.sqlite") as archive:
        part = archive.pushed_with(parts)

    assert ([push.id for push in part.pushes], [frame.id for frame in part.frames]) == found
    assert part == pushed.pushed_with(parts)
    assert [exchange.id for exchange in part.exchanges] == [2] * (1 in found[0])


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
        archive.assure()
        path.unlink()
        assert split(archive) == whole


def test_file_may_grow_while_it_is_held(path: Path) -> None:
    with hold(path) as archive:
        archive.assure()
        edit(path, "DELETE FROM outcome")
        assert list(archive.answers_with([b"_id"]))


ODD = {
    "no list": """UPDATE request SET headers = '{"a": "b"}' WHERE id = 1""",
    "not only pairs": """UPDATE request SET headers = '[["a", "b"], 5, ["c", "d"]]' WHERE id = 1""",
    "numbers": """UPDATE outcome SET headers = '[["a", 1]]' WHERE exchange_id = 1""",
    "triples": """UPDATE outcome SET headers = '[["a", "b", "c"]]' WHERE exchange_id = 1""",
    "no JSON": """UPDATE request SET headers = '[["a", "b"]' WHERE id = 1""",
    "no escape": """UPDATE outcome SET headers = '[["a", "b\\qc"]]' WHERE exchange_id = 1""",
    "a raw line break": f"""UPDATE outcome SET headers = '[["a", "b{chr(10)}c"]]' WHERE exchange_id = 1""",
    "no UTF-8": "UPDATE request SET client = CAST(x'ff' AS TEXT) WHERE id = 1",
    "a number": "UPDATE message SET at_us = 'soon' WHERE id = 1",
    "half an answer": "UPDATE outcome SET body = NULL WHERE exchange_id = 1",
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_values_are_named_at_once(kind: str, path: Path) -> None:
    """As by whoever reads all."""
    edit(path, ODD[kind])

    with pytest.raises(CassetteDamagedError) as held, hold(path):
        pass
    with pytest.raises(CassetteDamagedError) as whole:
        read(path)

    assert "visit.sqlite: damaged (" in str(held.value)
    assert str(held.value) == str(whole.value)


def test_damage_is_told_instead_of_what_it_brings_about(path: Path) -> None:
    edit(path, "UPDATE request SET method = x'05' WHERE id = 1")

    with pytest.raises(CassetteDamagedError, match=r"request\.method holds"), hold(path):
        raise TypeError("5")


def test_file_that_cannot_be_held_is_named_by_whoever_asks(tmp_path: Path) -> None:
    archive = hold(tmp_path / "none.sqlite")

    with pytest.raises(NotACassetteError, match="no such file"), archive:
        list(archive.carried())
    with pytest.raises(NotACassetteError, match="no such file"):
        archive.assure()


def test_whoever_interrupts_waits_for_nothing(path: Path) -> None:
    edit(path, "UPDATE request SET method = x'05' WHERE id = 1")

    with pytest.raises(KeyboardInterrupt), hold(path):
        raise KeyboardInterrupt


def test_rows_by_the_thousand_are_searched(path: Path) -> None:
    """Also where ids are far apart, and the fault is in the last."""
    kept = ", ".join(column.name for column in schema.request.columns if column.name != "id")
    numbers = "WITH RECURSIVE number(value) AS (SELECT 1 UNION SELECT value + 1 FROM number LIMIT 20500)"
    rows = f"SELECT 1000 + value * 7, {kept} FROM request, number WHERE request.id = 1"
    edit_on_purpose(path, "DELETE FROM closing", f"{numbers} INSERT INTO request (id, {kept}) {rows}")
    with hold(path) as archive:
        assert sum(len(one.places) for one in archive.outlines("")) > 20_500
    edit(path, """UPDATE request SET headers = '[["a"]]' WHERE id = (SELECT max(id) FROM request)""")

    with pytest.raises(CassetteDamagedError, match="not a list of"), hold(path):
        pass


def test_pairs_may_be_written_otherwise(path: Path) -> None:
    edit_on_purpose(path, """UPDATE request SET headers = ' [ ["gms_user","ann\\u00e9"] ,["b", "c"]]' WHERE id = 1""")

    with hold(path) as archive:
        assert [one.named for one in archive.outlines("gms_user")][:1] == ["ann\u00e9"]
        assert split(archive) == split(read(path))


def test_further_columns_are_left_alone(path: Path) -> None:
    """As a newer recorder may have added them without another format."""
    edit(path, "ALTER TABLE request ADD COLUMN note TEXT")

    with hold(path) as archive:
        assert split(archive) == split(read(path))
