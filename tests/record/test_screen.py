import io
import os
import pty
import re
from collections.abc import Iterator
from threading import Thread
from typing import TextIO

import pytest

from gms_replay.record.screen import Screen

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, TextIO]]:
    """Both ends of a terminal: ours to read, and the program's to write."""
    monkeypatch.setenv("TERM", "xterm")
    ours, theirs = pty.openpty()
    with open(theirs, "w", encoding="utf-8") as out:
        yield ours, out
    os.close(ours)


def shown(ours: int, until: str) -> str:
    text = b""
    while until.encode() not in text:
        text += os.read(ours, 65536)
    return text.decode()


def test_plain_lines_elsewhere() -> None:
    out = io.StringIO()
    screen = Screen(out)

    screen.show_status(lambda: "status")
    screen.line("[bold]:smile: 1 “two”[/]")
    screen.close()

    assert out.getvalue() == "[bold]:smile: 1 “two”[/]\n"


def test_foreign_encoding_is_survived(tmp_path) -> None:
    with (tmp_path / "out").open("w", encoding="ascii") as out:
        screen = Screen(out)
        screen.line("“two”")
        screen.close()

    assert (tmp_path / "out").read_text() == "\\u201ctwo\\u201d\n"


def test_terminal_keeps_status_below(terminal: tuple[int, TextIO]) -> None:
    ours, out = terminal
    screen = Screen(out)

    screen.show_status(lambda: "41 exchanges")
    before = shown(ours, "41 exchanges")
    screen.line("[red]says")
    after = shown(ours, "41 exchanges")
    screen.close()
    end = shown(ours, SHOW_CURSOR)

    assert HIDE_CURSOR in before
    assert re.search(r"\[red\]says\r\n.*41 exchanges", after, re.DOTALL)
    assert end.endswith(SHOW_CURSOR) or "\x1b[2K" in end


def test_dumb_terminal_gets_lines(terminal: tuple[int, TextIO], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    ours, out = terminal
    screen = Screen(out)

    screen.show_status(lambda: "status")
    screen.line("line")
    screen.close()

    assert shown(ours, "\n") == "line\r\n"


def test_abandoned_terminal_has_cursor(terminal: tuple[int, TextIO]) -> None:
    ours, out = terminal
    screen = Screen(out)
    screen.show_status(lambda: "status")
    shown(ours, "status")

    screen.abandon()

    assert SHOW_CURSOR in shown(ours, SHOW_CURSOR)
    screen.close()


def test_lost_audience_is_no_error() -> None:
    reader, writer = os.pipe()
    with open(writer, "w", encoding="utf-8") as out:
        screen = Screen(out)
        os.close(reader)

        screen.line("to nobody")
        screen.line("nor this")
        assert screen.close()


def test_unread_lines_hold_up_nobody() -> None:
    theirs, ours = os.pipe()
    with open(theirs, encoding="utf-8") as reading, open(ours, "w", encoding="utf-8") as out:
        screen = Screen(out)
        for number in range(3000):
            screen.line(f"{number} {'x' * 1000}")
        assert not screen.close()

        lines: list[str] = []
        reader = Thread(target=lambda: lines.extend(reading))
        reader.start()
        while not screen.close():
            pass
        screen.line("last")
        screen.close()
        out.close()
        reader.join()

    left_out = [int(line.split()[0]) for line in lines if "left out" in line]
    assert lines[-1] == "last\n"
    assert sum(left_out) + len(lines) - len(left_out) - 1 == 3000
