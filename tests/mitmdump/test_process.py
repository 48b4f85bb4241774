import re
import sys
from pathlib import Path

import httpx
import pytest
from factories import visit
from serving import served

from gms_replay.cassette import reader
from gms_replay.errors import GmsReplayError
from gms_replay.mitmdump.process import listening, python, recording, run, tool

ENDS_WELL = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))"
IGNORES = "import signal, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN)"
SIGN = re.compile(r"serving at (\S+)")


def script(text: str) -> list[str]:
    return [sys.executable, "-c", text]


def test_place_is_read_from_output() -> None:
    with listening(script(f"{ENDS_WELL}; print('hello'); print('serving at here'); signal.pause()"), SIGN) as (place,):
        assert place == "here"


def test_each_sign_has_its_place() -> None:
    other = re.compile(r"and at (\S+)")
    said = "print('and at there'); print('serving at here')"
    with listening(script(f"{ENDS_WELL}; {said}; signal.pause()"), SIGN, other) as places:
        assert places == ("here", "there")


def test_server_that_says_much_goes_on(tmp_path: Path) -> None:
    chatter = "print('x' * 1_000_000); open(sys.argv[1], 'w').close(); signal.pause()"
    with listening([*script(f"{ENDS_WELL}; print('serving at here'); {chatter}"), str(tmp_path / "said")], SIGN) as (
        place,
    ):
        while not (tmp_path / "said").exists():
            pass

    assert place == "here"


def test_server_that_ends_badly_is_named() -> None:
    ends_badly = ENDS_WELL.replace("sys.exit(0)", "(print('the disk is full'), sys.exit(3))")
    with (
        pytest.raises(GmsReplayError, match=r"ended with 3: .*the disk is full"),
        listening(script(f"{ends_badly}; print('serving at here'); signal.pause()"), SIGN),
    ):
        pass


@pytest.mark.parametrize(
    ("server", "told"),
    [
        (f"{IGNORES}; print('serving at here'); sys.exit('the folder is missing')", "the folder is missing"),
        (f"{ENDS_WELL}; print('serving at here'); signal.pause()", "none answers"),
    ],
)
def test_server_that_has_ended_explains_what_fails(server: str, told: str) -> None:
    with pytest.raises(GmsReplayError, match=told), listening(script(server), SIGN):
        raise GmsReplayError("none answers")


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


def test_recorder_is_a_proxy_of_its_own(tmp_path: Path) -> None:
    with served(visit()) as gms, recording(tmp_path / "visit.sqlite") as recorder:
        with httpx.Client(proxy=recorder.url, timeout=60) as app:
            app.get(f"{gms.base}/1/service/callback/customer-service/availability")
        assert "BEGIN CERTIFICATE" in recorder.ca_file.read_text()

    (exchange,) = reader.read(tmp_path / "visit.sqlite").exchanges
    assert exchange.request.target.endswith("/availability")


def test_recorder_that_cannot_start_is_quoted(tmp_path: Path) -> None:
    (tmp_path / "no.sqlite").write_text("no cassette")
    with pytest.raises(GmsReplayError, match=r"mitmdump .*: .*no\.sqlite"), recording(tmp_path / "no.sqlite"):
        pytest.fail("it does not record")
