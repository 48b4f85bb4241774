import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import factories
import pytest

from gms_replay.cassette.copy import write
from gms_replay.cassette.counts import Counts, count
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.model import Connection, Direction, Frame, Push

SECOND = """
import sys
from gms_replay.cassette.writer import Writer
Writer(sys.argv[1], started_at_us=0, mode="test", upstream=None, versions=())
"""


def test_facts_are_counted(tmp_path: Path) -> None:
    visit = factories.visit()
    run_id = visit.runs[0].id
    pushed = replace(
        visit,
        pushes=(Push(1, run_id, None, "apns", 0, b""),),
        connections=(Connection(1, run_id, "apns", 2195, "gms:1", 0),),
        frames=tuple(Frame(number, 1, Direction.TO_SERVER, 0, b"") for number in (1, 2)),
    )
    write(tmp_path / "visit.sqlite", pushed)

    assert count(tmp_path / "visit.sqlite") == Counts(1, len(visit.exchanges), len(visit.messages), 1, 2)


def test_counting_leaves_recorder_its_file(tmp_path: Path) -> None:
    path = tmp_path / "visit.sqlite"
    writer = Writer(path, started_at_us=0, mode="test", upstream=None, versions=())

    counts = count(path)
    second = subprocess.run([sys.executable, "-c", SECOND, path], capture_output=True, text=True, check=False)
    writer.close()

    assert counts == Counts(1, 0, 0, 0, 0)
    assert "another program records into it" in second.stderr


@pytest.mark.parametrize("content", [None, b"no cassette at all, but as long as a header of SQLite's is" * 3])
def test_uncountable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "notes.txt").write_bytes(content)

    with pytest.raises(CassetteError, match=r"notes\.txt"):
        count(tmp_path / "notes.txt")
