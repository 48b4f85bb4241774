"""The samples in `cassettes/`: what they hold, and that their README knows each. `peers/test_offline.py` plays them."""

from pathlib import Path

import pytest
import visitor

from gms_replay.cassette import integrity
from gms_replay.findings import find
from gms_replay.rules import Rules
from gms_replay.scan import files
from gms_replay.sessions import split

SAMPLES = Path(__file__).parents[1] / "cassettes"
AT_MOST_BYTES = 256 << 10


def test_each_visit_has_its_sample() -> None:
    told = (SAMPLES / "README.md").read_text(encoding="utf-8")

    assert {path.stem for path in SAMPLES.glob("*.sqlite")} == set(visitor.NAMES)
    assert [name for name in visitor.NAMES if f"| `{name}` |" not in told] == []


@pytest.mark.parametrize("name", visitor.NAMES)
def test_sample_is_small_and_whole(name: str) -> None:
    examined = integrity.examine(SAMPLES / f"{name}.sqlite")
    visits = split(examined.recording)

    assert (examined.flaws, len(visits), find(examined.recording, visits)) == ((), 1, ())
    assert examined.size_bytes <= AT_MOST_BYTES


def test_samples_hold_no_secret() -> None:
    found = [files.scan(SAMPLES / f"{name}.sqlite", Rules()).found for name in visitor.NAMES]

    assert found == [()] * len(found)
