import re
import sys

import pytest

from gms_replay.demo.processes import listening, python, run, tool
from gms_replay.errors import GmsReplayError

SIGN = re.compile(r"serving at (\S+)")


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_place_is_read_from_output() -> None:
    with listening(script("print('hello'); print('serving at here'); input()"), SIGN) as place:
        assert place == "here"


def test_server_that_ends_is_quoted() -> None:
    with (
        pytest.raises(GmsReplayError, match="did not start: no such thing"),
        listening(script("print('no such thing')"), SIGN),
    ):
        pytest.fail("it is not listening")


def test_lines_come_one_by_one() -> None:
    said: list[str] = []

    run(script("print('one'); print('two')"), said.append)

    assert said == ["one", "two"]


def test_failure_is_quoted() -> None:
    with pytest.raises(GmsReplayError, match=r"failed with 1: .*ValueError: too bad"):
        run(script("raise ValueError('too bad')"), lambda _: None)


def test_programs_are_those_of_this_environment() -> None:
    said: list[str] = []

    run([tool("gms-replay"), "--version"], said.append)
    run(python("gms_replay.cli", "--version"), said.append)

    assert len(said) == 2
    assert said[0] == said[1]
