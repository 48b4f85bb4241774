"""The demo as a newcomer sees it; `make demo` runs the same in CI's fresh clone."""

from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from gms_replay.cassette.reader import read
from gms_replay.demo.show import play
from gms_replay.errors import CassetteError


def test_demo_ends_with_equal(tmp_path: Path) -> None:
    text = StringIO()

    status = play(tmp_path / "demo.sqlite", Console(file=text, width=100))

    lines = text.getvalue().splitlines()
    assert status == 0, text.getvalue()
    assert lines[-1] == "equal"
    assert any(line.startswith("shifted: ") and "event instants by" in line for line in lines)
    assert any("Kristi Sippola: has left the session" in line for line in lines)
    assert len(read(tmp_path / "demo.sqlite").messages) > 20
    assert [file.name for file in tmp_path.iterdir()] == ["demo.sqlite"]


def test_existing_cassette_is_spared(tmp_path: Path) -> None:
    (tmp_path / "demo.sqlite").write_text("precious")

    with pytest.raises(CassetteError, match="exists already; remove it, or name another"):
        play(tmp_path / "demo.sqlite", Console(file=StringIO()))

    assert (tmp_path / "demo.sqlite").read_text() == "precious"
