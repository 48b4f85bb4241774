"""The invariants that `make fuzz` works on: for the seeds, for what it found, and for what hypothesis makes of them."""

import ast
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

FUZZ = Path(__file__).parents[1] / "fuzz"
SOURCES = {path.stem: path for path in sorted(FUZZ.glob("*.py")) if path.stem != "__main__"}
TARGETS = {name: target for name, path in SOURCES.items() if "one_input" in (target := runpy.run_path(str(path)))}


def seeds() -> list[Any]:
    """The targets' own, and what was found."""
    own = [
        pytest.param(name, seed, id=f"{name}-{number}")
        for name, target in TARGETS.items()
        for number, seed in enumerate(target["seeds"]())
    ]
    found = sorted(FUZZ.glob("corpus/*/*"))
    return [*own, *(pytest.param(path.parent.name, path.read_bytes(), id=path.name) for path in found)]


@pytest.mark.parametrize(("name", "seed"), seeds())
def test_seed_holds(name: str, seed: bytes) -> None:
    TARGETS[name]["one_input"](seed)


@settings(max_examples=40)
@given(st.data())
def test_strangers_disturb_nobody(data: st.DataObject) -> None:
    steps = st.sampled_from(sorted({step for seed in TARGETS["player"]["seeds"]() for step in seed.split(b"\0")}))

    TARGETS["player"]["one_input"](b"\0".join(data.draw(st.lists(steps | st.binary(), max_size=9))))


@pytest.mark.parametrize("name", sorted(TARGETS.keys() - {"player", "cassettes"}))
def test_torn_seeds_hold(name: str) -> None:
    lines = sorted({line for seed in TARGETS[name]["seeds"]() for line in seed.splitlines(keepends=True)})

    @settings(max_examples=30)
    @given(st.lists(st.sampled_from(lines) | st.binary(max_size=20), max_size=9))
    def holds(torn: list[bytes]) -> None:
        TARGETS[name]["one_input"](b"".join(torn))

    holds()


@pytest.mark.parametrize("path", SOURCES.values(), ids=SOURCES)
def test_target_states_its_invariant(path: Path) -> None:
    sentence = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").partition("\n")[0]

    assert sentence.endswith(".")
    assert len(sentence.split()) > 8


def test_unknown_target_is_named() -> None:
    done = subprocess.run([sys.executable, FUZZ, "nothing"], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (2, f"nothing: no target; there are {', '.join(SOURCES)}\n")
