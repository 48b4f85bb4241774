import os
from pathlib import Path

import factories
import pytest

from gms_replay.cassette.copy import write
from gms_replay.cassette.opening import connect, enter_wal_mode
from gms_replay.cassette.outputs import require_no_cassette
from gms_replay.errors import OptionError


def test_cassette_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())
    (tmp_path / "report.xml").symlink_to("visit.sqlite")

    for name in ("visit.sqlite", "report.xml"):
        with pytest.raises(OptionError, match=rf"^--junit \S+{name}: that is a cassette, and is not written over; "):
            require_no_cassette(tmp_path / name, "--junit")


def test_last_of_a_cassette_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())
    with connect(tmp_path / "visit.sqlite", "rw") as connection:
        enter_wal_mode(connection)
        connection.exec_driver_sql("CREATE TABLE more (x)")
        connection.commit()

        with pytest.raises(OptionError, match=r"visit\.sqlite-wal: that is a cassette"):
            require_no_cassette(tmp_path / "visit.sqlite-wal", "--output")


def test_anything_else_may_be_written_over(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    (tmp_path / "old.xml").write_text("<testsuites/>")
    os.mkfifo(tmp_path / "pipe")

    for name in ("empty", "old.xml", "pipe", "none", "."):
        require_no_cassette(tmp_path / name, "--output")

    # To ask is not to write.
    assert (tmp_path / "old.xml").read_text() == "<testsuites/>"
    assert not (tmp_path / "none").exists()
