"""A dozen of the kills that `benchmarks/kills.py` makes by the thousand."""

import runpy
import sys
from itertools import product
from pathlib import Path

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "kills.py"))

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize("seed", range(12))
def test_killed_recorder_leaves_all_that_was_on_disk(tmp_path: Path, seed: int) -> None:
    assert BENCHMARK["flaw_after"](BENCHMARK["drawn"](seed), tmp_path / "visit.sqlite") is None


def test_all_kinds_are_killed_redacting_and_not() -> None:
    drawn = [BENCHMARK["drawn"](seed) for seed in range(12)]
    assert {(one.kind, one.redaction) for one in drawn} == {*product(BENCHMARK["KINDS"], ("off", "on"))}
