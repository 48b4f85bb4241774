from pathlib import Path

import factories
import pytest

from gms_replay.cassette import states
from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import read
from gms_replay.cassette.states import State


def test_closed_cassette(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())

    assert states.of(tmp_path / "visit.sqlite") == State.CLOSED


def test_cassette_that_is_being_recorded_is_read_without_a_word(
    tmp_path: Path, killed, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "visit.sqlite"
    script = """
from gms_replay.cassette.writer import Writer
writer = Writer("visit.sqlite", started_at_us=1, mode="regular", upstream=None, versions=())
open("begun", "w").close()
"""

    def is_read() -> bool:
        if not (tmp_path / "begun").exists():
            return False
        assert states.of(path) == State.OPEN
        assert [run.id for run in read(path).runs] == [1]
        assert caplog.text == ""
        return True

    killed(script, is_read)

    assert states.of(path) == State.LEFT
    assert len(read(path).runs) == 1
    assert "its recorder did not close it" in caplog.text
