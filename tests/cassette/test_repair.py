"""`check --repair NEW`, as a user meets it."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import factories
import pytest
from click.testing import CliRunner, Result
from hand_edits import edit

from gms_replay.cassette import opening, repair, wal
from gms_replay.cassette.copy import write
from gms_replay.cassette.integrity import examine
from gms_replay.cassette.reader import read
from gms_replay.cli.main import main
from gms_replay.model import Direction, Frame, Push, Recording, Run

RUN = Run(1, 1, "regular", None, ())


@pytest.fixture
def visit(tmp_path: Path) -> Path:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return tmp_path / "new.sqlite"


def run(*arguments: str | Path) -> Result:
    told = CliRunner().invoke(main, [os.fspath(argument) for argument in arguments])
    assert told.exception is None or isinstance(told.exception, SystemExit), told.exc_info
    return told


def cut_to(pages: int) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(path.read_bytes()[: pages * 4096]) and None


DAMAGE = {
    "a request": lambda path: edit(path, "UPDATE request SET target = target || '/x' WHERE id = 3"),
    "a message": lambda path: edit(path, "UPDATE message SET raw = x'00' WHERE id = 2"),
    "the run": lambda path: edit(path, "DELETE FROM run"),
    "rows": lambda path: edit(path, "DELETE FROM outcome WHERE exchange_id > 5"),
    "the table of counts": lambda path: edit(path, "DROP TABLE closing"),
    "the table of pushes": lambda path: edit(path, "DROP TABLE push"),
    "the end": lambda path: path.write_bytes(path.read_bytes()[: opening.pages_end(path.read_bytes()) - 4096]),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_what_is_whole_is_saved(visit: Path, new: Path, kind: str) -> None:
    DAMAGE[kind](visit)
    before = visit.read_bytes()
    whole = factories.visit()

    told = run("check", visit, "--repair", new)

    assert told.exit_code == 1
    assert f"saved into {new}: " in told.stdout
    assert told.stderr.endswith(")\n"), "what was done is not advised"
    assert visit.read_bytes() == before
    assert not examine(new).flaws
    assert set(read(new).messages) <= set(whole.messages)
    assert {one.request for one in read(new).exchanges} <= {one.request for one in whole.exchanges}
    assert len(read(new).exchanges) >= len(whole.exchanges) - 1
    assert [one.id for one in read(new).runs] == [1]


def test_what_belongs_to_a_lost_request_is_told(visit: Path, new: Path) -> None:
    whole = factories.visit()
    lost = whole.messages[0].exchange_id
    messages = sum(message.exchange_id == lost for message in whole.messages)
    edit(visit, f"UPDATE request SET port = 'soon' WHERE id = {lost}")

    told = json.loads(run("check", visit, "--repair", new, "--json").stdout)["repaired"]

    assert told["file"] == str(new)
    assert told["left_out"] == {"answers": 1, "messages": messages}
    assert told["saved"]["exchanges"] == len(whole.exchanges) - 1
    assert len(read(new).messages) == len(whole.messages) - messages


def test_lost_run_is_made_up(visit: Path, new: Path) -> None:
    edit(visit, "UPDATE run SET mode = 'other'")

    told = run("check", visit, "--repair", new)

    assert "  made up: 1 run, for the recorded one is lost\n" in told.stdout
    began_us = min(one.request.started_at_us for one in factories.visit().exchanges)
    assert read(new).runs == (Run(1, began_us, "repair", None, ()),)
    assert read(new).exchanges == factories.visit().exchanges
    assert "; nobody knows whether redacted: take it for not redacted)\n" in run("check", new).stdout


def test_advice_can_be_pasted(visit: Path) -> None:
    DAMAGE["the run"](visit)
    odd = visit.rename(visit.with_name("my visit.sqlite"))

    assert run("check", odd).stderr.endswith(f": gms-replay check '{odd}' --repair NEW\n")


def test_whole_cassette_is_copied(visit: Path, new: Path) -> None:
    told = run("check", visit, "--repair", new)

    assert told.exit_code == 0
    assert read(new) == read(visit)


def test_repaired_cassette_is_as_any_other(visit: Path, new: Path) -> None:
    """It is checked, shown, and repaired again."""
    DAMAGE["a request"](visit)
    run("check", visit, "--repair", new)
    again = new.with_name("again.sqlite")

    assert run("check", new).exit_code == 0
    assert run("show", new).exit_code == 0
    assert run("check", new, "--repair", again).exit_code == 0
    assert read(again) == read(new)


@pytest.mark.parametrize("name", ["visit.sqlite", "notes.txt"])
def test_no_file_is_written_over(visit: Path, name: str) -> None:
    (visit.parent / "notes.txt").write_text("mine")
    before = {file.name: file.read_bytes() for file in visit.parent.iterdir()}

    told = run("check", visit, "--repair", visit.parent / name)

    assert (told.exit_code, told.stdout) == (2, "")
    assert told.stderr.endswith(f"{name}: exists already; remove it, or name another file\n")
    assert {file.name: file.read_bytes() for file in visit.parent.iterdir()} == before


def test_nothing_is_made_where_nothing_is_whole(visit: Path, new: Path) -> None:
    visit.write_bytes(visit.read_bytes()[:200])

    told = run("check", visit, "--repair", new)

    assert told.exit_code == 1
    assert told.stdout.endswith(f"saved: nothing, so {new} was not made\n")
    assert not new.exists()
    assert json.loads(run("check", visit, "--repair", new, "--json").stdout)["repaired"]["file"] is None


def test_folder_must_be_there(visit: Path, tmp_path: Path) -> None:
    told = run("check", visit, "--repair", tmp_path / "none" / "new.sqlite")

    assert told.exit_code == 2
    assert told.stderr.count("\n") == 1


def test_wal_is_saved_up_to_what_is_lost(tmp_path: Path, new: Path, until, killed) -> None:
    path, beside = tmp_path / "visit.sqlite", tmp_path / "visit.sqlite-wal"
    script = """
from gms_replay.cassette.writer import Writer
writer = Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
for number in range(4):
    writer.push(None, "apns", number, bytes(5000))
    writer.drain()
open("written", "w").close()
"""
    killed(script, (tmp_path / "written").exists)
    assert len(read(path).pushes) == 4
    content = bytearray(beside.read_bytes())
    content[len(content) // 2] ^= 1
    beside.write_bytes(content)

    told = run("check", path, "--repair", new)

    assert told.exit_code == 1
    assert wal.flaw(path) in told.stdout
    assert 0 < len(read(new).pushes) < 4


def test_lost_wal_leaves_what_is_in_the_file(tmp_path: Path, new: Path, facts) -> None:
    path = tmp_path / "visit.sqlite"
    write(path, factories.visit())
    content = bytearray(path.read_bytes())
    content[18:20] = b"\x02\x02"
    path.write_bytes(content)

    assert run("check", path, "--repair", new).exit_code == 0
    assert read(new) == factories.visit()


def test_frames_of_a_lost_connection_are_left_out() -> None:
    saved = repair.whole(Recording((RUN,), frames=(Frame(1, 7, Direction.TO_SERVER, 1, b""),)))

    assert (saved.recording, saved.left_out) == (Recording((RUN,)), {"frames": 1})


def test_pushes_without_a_request_need_a_run_only() -> None:
    push = Push(1, 9, None, "apns", 3, b"")

    assert repair.whole(Recording(pushes=(push,))).recording.runs == (Run(9, 3, "repair", None, ()),)
