"""Every sample, replayed where nothing but loopback can be reached: all at once, for each takes its time."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import visitor

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "cassettes"


@pytest.fixture(scope="module")
def replays(alone: list[str]) -> Iterator[dict[str, subprocess.Popen[str]]]:
    """Each visit's process, in a network namespace of its own."""
    env = os.environ | {"PYTHONPATH": str(ROOT / "tests")}
    script = str(Path(__file__).parent / "offline.py")
    started = {
        visit: subprocess.Popen(
            [*alone, sys.executable, script, str(SAMPLES / f"{visit}.sqlite"), visit],
            env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )
        for visit in visitor.NAMES
    }  # fmt: skip
    yield started
    for process in started.values():
        process.kill()
        process.communicate()


@pytest.mark.parametrize("visit", visitor.NAMES)
def test_sample_replays_offline(replays: dict[str, subprocess.Popen[str]], visit: str) -> None:
    said, _ = replays[visit].communicate(timeout=110)

    assert replays[visit].returncode == 0, said
