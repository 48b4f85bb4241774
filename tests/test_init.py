import subprocess
import sys

import pytest

import gms_replay
from gms_replay import errors
from gms_replay.replay.transport import ReplayTransport

HEAVY = {"aiohttp", "asyncio", "click", "httpx", "mitmproxy", "rich", "sqlalchemy", "uvicorn"}


def test_what_programs_need_is_there() -> None:
    assert {name for name in gms_replay.__all__ if getattr(gms_replay, name, None) is None} == set()
    assert gms_replay.ReplayTransport is ReplayTransport


def test_every_error_is_there() -> None:
    defined = {name for name, what in vars(errors).items() if isinstance(what, type)}

    assert defined <= set(gms_replay.__all__)


def test_nothing_else_is_there() -> None:
    with pytest.raises(AttributeError, match="module 'gms_replay' has no attribute 'Cassette'"):
        gms_replay.Cassette  # noqa: B018
    assert dir(gms_replay) == sorted(gms_replay.__all__)


@pytest.mark.parametrize("module", ["gms_replay", "gms_replay.pytest_plugin"])
def test_import_brings_little(module: str) -> None:
    script = f"import sys, pytest; before = set(sys.modules); import {module}; print(*set(sys.modules) - before)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    brought = set(done.stdout.split())
    assert {"gms_replay"} <= brought <= {"gms_replay", "gms_replay.pytest_plugin"}
