"""The demo as a newcomer sees it; `make demo` runs the same in CI's fresh clone."""

import re
import signal
import socket
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from factories import Tape
from rich.console import Console
from serving import served

from gms_replay.cassette.copy import write
from gms_replay.cassette.reader import read
from gms_replay.demo.show import play
from gms_replay.errors import CassetteError


def test_demo_ends_with_equal(tmp_path: Path) -> None:
    text = StringIO()

    status = play(tmp_path / "demo.sqlite", Console(file=text, width=100))

    lines = text.getvalue().splitlines()
    assert status == 0, text.getvalue()
    assert lines[-1] == "equal"
    assert any(line.startswith("shifted: ") and "event instants by" in line for line in lines)
    assert any("Kristi Sippola: has left the session" in line for line in lines)
    assert sum(line.strip() == "push   get-dialog-start-chat" for line in lines) == 2
    recording = read(tmp_path / "demo.sqlite")
    assert len(recording.messages) > 20
    assert [push.provider for push in recording.pushes] == ["httpcb"]
    assert [file.name for file in tmp_path.iterdir()] == ["demo.sqlite"]


def test_existing_cassette_is_spared(tmp_path: Path) -> None:
    (tmp_path / "demo.sqlite").write_text("precious")

    with pytest.raises(CassetteError, match="exists already; remove it, or name another"):
        play(tmp_path / "demo.sqlite", Console(file=StringIO()))

    assert (tmp_path / "demo.sqlite").read_text() == "precious"


def test_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="its folder does not exist; make it, or name another"):
        play(tmp_path / "none" / "demo.sqlite", Console(file=StringIO()))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/genesys", '/genesys/1/service/callback/.*: 404\n{.*"kind": '),
        ("/genesys/", '/genesys/1/service/callback/.*: 404\n{.*"kind": '),
        (":1/genesys", "does it run, and is its address right"),
    ],
)
def test_app_says_why_it_cannot_go_on(tmp_path: Path, path: str, expected: str) -> None:
    """A newcomer's first replay may be of another app's visit."""
    tape = Tape()
    tape.poll(0, 1)
    with served(tape.recording()) as server:
        origin = server.origin if path.startswith("/") else server.origin.rpartition(":")[0]
        command = [sys.executable, "-m", "gms_replay.demo.app", f"{origin}{path}", str(tmp_path / "told.json")]
        ended = subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    assert ended.returncode == 1
    assert re.search(expected, ended.stderr, re.DOTALL)
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), "usage: python -m gms_replay.demo.app [-h] URL [FILE]"),
        (
            ("http://127.0.0.1:1/genesys", "none/told.json"),
            "none/told.json: its folder does not exist; make it, or name",
        ),
        (("http://127.0.0.1:1/genesys", "visit.sqlite"), "visit.sqlite: that is a cassette, and is not written over"),
        (("http://[/genesys",), "http://[/genesys: "),
    ],
)
def test_app_is_used_wrongly(tmp_path: Path, words: tuple[str, ...], expected: str) -> None:
    write(tmp_path / "visit.sqlite", Tape().recording())

    ended = subprocess.run(
        [sys.executable, "-m", "gms_replay.demo.app", *words], cwd=tmp_path, check=False, capture_output=True, text=True
    )

    assert ended.returncode in (1, 2)
    assert ended.stderr.startswith(expected)
    assert "Traceback" not in ended.stderr


def test_app_is_broken_off() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        command = [sys.executable, "-m", "gms_replay.demo.app", f"http://127.0.0.1:{silent.getsockname()[1]}/genesys"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as app, silent.accept()[0]:
            app.send_signal(signal.SIGINT)
            _, said = app.communicate(timeout=60)

    assert (app.returncode, said) == (1, "broken off\n")
