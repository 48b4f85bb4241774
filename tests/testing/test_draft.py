from pathlib import Path

import factories
import pytest

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.model import Recording
from gms_replay.testing.draft import draft


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "visit.sqlite"


def names(cassette: Path) -> list[str]:
    return sorted(path.name for path in cassette.parent.iterdir())


@pytest.mark.parametrize(("is_wanted", "left"), [(True, ["visit.sqlite"]), (False, [])])
def test_what_is_wanted_takes_its_place(cassette: Path, is_wanted: bool, left: list[str]) -> None:
    with draft(cassette, lambda: is_wanted, adds=False, keeps_unwanted=False) as part:
        write(part, factories.visit())
        assert not cassette.exists()

    assert names(cassette) == left


def test_what_is_unwanted_may_be_kept(cassette: Path) -> None:
    with draft(cassette, lambda: False, adds=False, keeps_unwanted=True) as part:
        write(part, factories.visit())

    assert names(cassette) == ["visit.failed.sqlite"]


def test_old_one_is_whole_until_the_new_one_is(cassette: Path) -> None:
    cassette.parent.mkdir()
    write(cassette, factories.visit())
    before = cassette.read_bytes()
    with pytest.raises(RuntimeError), draft(cassette, lambda: True, adds=False, keeps_unwanted=True) as part:  # noqa: PT012
        part.write_bytes(b"half")
        raise RuntimeError

    assert cassette.read_bytes() == before
    assert names(cassette) == ["visit.sqlite"]


def test_added_to_is_what_was_there(cassette: Path) -> None:
    cassette.parent.mkdir()
    write(cassette, factories.visit())
    with draft(cassette, lambda: False, adds=True, keeps_unwanted=False) as part:
        assert reader.read(part) == factories.visit()


def test_nothing_added_changes_nothing(cassette: Path) -> None:
    cassette.parent.mkdir()
    write(cassette, factories.visit())
    before = cassette.read_bytes()
    with draft(cassette, lambda: True, adds=True, keeps_unwanted=False) as part:
        Writer(part, started_at_us=0, mode="serve", upstream=None, versions=()).close()

    assert cassette.read_bytes() == before
    assert names(cassette) == ["visit.sqlite"]


def test_nothing_recorded_is_told(cassette: Path) -> None:
    with (
        pytest.raises(CassetteError, match=r"visit\.sqlite: not recorded: .*base_url"),
        draft(cassette, lambda: True, adds=False, keeps_unwanted=False) as part,
    ):
        write(part, Recording(runs=factories.visit().runs))

    assert names(cassette) == []
