"""Mermaid's own parser, from npm, on the diagrams that we write."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import factories
import pytest
from factories import CALLBACK, CHAT_PATH, SERVICE, Tape, frame

from gms_replay.cassette.reader import read
from gms_replay.formats.mermaid import tell
from gms_replay.model import Recording

SAMPLES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.sqlite"))
NASTY = (
    "end",
    "loop for ever; end",
    "a; app->>GMS: b",
    "100% sure %% no comment",
    "%%{init: {'theme': 'dark'}}%%",
    "#59; #quot; &amp; <b>bold</b><script>alert(1)</script> <br/>",
    "``` ```mermaid",
    "style x: y#z; classDef a: b#c;",
    "Note over app,GMS: no note",
    "+++ --- --- title: x",
    "ﬂ°°59¶ß",
    "😀 👍🏽 \u202eright to left\u202c \u200b",
    "{ } [ ] | \\ / ~ ^ ` ' \" $ * _ :wrap: :",
    "العربية हिन्दी Ελληνικά 日本語",
    "x" * 150,
    ";",
    "activate GMS",
)

Parse = Callable[[Recording], list[list[list[str | None]]]]


@pytest.fixture
def parse(installed: Path, program: Callable[..., str]) -> Parse:
    def parsed(recording: Recording) -> list[list[list[str | None]]]:
        text = "\n".join(tell(recording, "visit.sqlite")) + "\n"
        script = installed.parent / "mermaid_arrows.mjs"
        done = subprocess.run([program("node"), str(script)], input=text, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: Any = json.loads(done.stdout)
        return list(found)

    return parsed


def test_samples_are_drawn(parse: Parse) -> None:
    for path in SAMPLES:
        (diagram,) = parse(read(path))
        assert "start callback" in str(diagram), path.name


def test_no_word_of_a_chat_is_grammar(parse: Parse) -> None:
    tape = Tape(user="end; #1 `@all` <i>")
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    tape.open_comet(1)
    for number, text in enumerate(NASTY, start=1):
        tape.ask(number * 10, "POST", f"{CHAT_PATH}/send", {"message": text})
        line = json.dumps(["Message.Text", text, text, "1", "AGENT"])
        tape.poll(number * 10 + 1, 1, frame(number, line))

    tape.ask_in_vain(900, "POST", f"{CHAT_PATH}/send", {"message": "lost"}, error="a; b")
    tape.push(950, "get-dialog-start-chat")

    (diagram,) = parse(tape.recording())

    texts = ["".join(text.split()) for _, _, text in diagram if text]
    assert {(by, to) for by, to, _ in diagram} == {("app", "GMS"), ("GMS", "app"), ("GMS", "Apple")}
    for text in NASTY:
        for did in ("send", "says"):
            assert any(f"{did}“{_bare(text)}”" in one for one in texts), text


def _bare(text: str) -> str:
    """A text without blanks, for long words are broken over lines, and with escapes as `show` has them."""
    return "".join(one if one.isprintable() else f"\\u{ord(one):04x}" for one in "".join(text.split()))


def test_long_visits_are_drawn_in_parts(parse: Parse) -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    for number in range(600):
        tape.ask(number + 1, "POST", f"{CHAT_PATH}/send", {"message": f"line {number};"})

    diagrams = parse(tape.recording())

    assert len(diagrams) > 1
    assert sum(len(diagram) for diagram in diagrams) == 2 * 601
