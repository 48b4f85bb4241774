"""The invariant that `make fuzz` works on, for its seeds and what hypothesis makes of them."""

import importlib.util
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

_SPEC = importlib.util.spec_from_file_location("target", Path(__file__).parents[1] / "fuzz" / "target.py")
target = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(target)

SEEDS = tuple(target.seeds())
known = st.sampled_from(sorted({step for seed in SEEDS for step in seed.split(b"\0")}))


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: seed[:24].decode().replace("/", "-"))
def test_seed_holds(seed: bytes) -> None:
    target.one_input(seed)


@settings(max_examples=40)
@given(st.lists(known | st.binary(), max_size=9))
def test_invariant_holds(some: list[bytes]) -> None:
    target.one_input(b"\0".join(some))
