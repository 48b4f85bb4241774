"""A sample of what `benchmarks/damage.py` tries in full: no damage is read in silence, none is a traceback."""

import random
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

BENCHMARK = runpy.run_path(str(Path(__file__).parents[2] / "benchmarks" / "damage.py"))
PARTS, CASES = 4, 75


@pytest.fixture(scope="module", params=["closed", "killed"])
def sample(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    return BENCHMARK[request.param](tmp_path_factory.mktemp("whole"))


@pytest.fixture
def verdict(tmp_path: Path, sample: Any) -> Callable[[Any], str]:
    return lambda case: BENCHMARK["verdict"](sample, case, tmp_path)


@pytest.mark.parametrize("part", range(PARTS))
def test_no_damage_is_read_in_silence(sample: Any, verdict: Callable[[Any], str], part: int) -> None:
    dice = random.Random(part)
    cases = dice.sample(list(sample.cases(dice)), CASES)

    wrong = {str(case): became for case in cases if (became := verdict(case)) not in BENCHMARK["FINE"]}

    assert wrong == {}


def test_undamaged_cassette_is_the_same(sample: Any, verdict: Callable[[Any], str]) -> None:
    assert verdict(BENCHMARK["Case"]("-none", 0)) == "same"


def test_flips_of_the_header_are_refused(sample: Any, verdict: Callable[[Any], str]) -> None:
    """What kind of file it is, and how it is read, stands there once."""
    case = BENCHMARK["Case"]
    for at in (0, 15, 16, 18, 19, 63, 68, 71):
        assert {verdict(case("", at, 1 << bit)) for bit in range(8)} == {"refused"}
