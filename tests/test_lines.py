import json
from typing import Any

from factories import HELLO, JOINED, REPLY, frame

from gms_replay import lines
from gms_replay.lines import Line
from gms_replay.spans import plain_text, spans


def read(text: bytes | dict[str, Any]) -> list[Line]:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    return list(lines.read(raw, tuple(spans(raw))))


def shown(text: bytes) -> list[tuple[str, str, bool, bool]]:
    """Nickname and text of each line, whether it is the client's, and whether it is a message."""
    found = lines.read(text, tuple(spans(text)))
    return [
        (
            *(plain_text(text[span.start : span.end]) if span else "" for span in (line.nickname, line.text)),
            line.is_client,
            line.is_message,
        )
        for line in found
    ]


def test_lines_of_version_1() -> None:
    assert shown(frame(2, f"{JOINED},{HELLO}")) == [
        ("Kristi", "has joined the session", False, False),
        ("Stan", "Hello.", True, True),
    ]


def test_lines_of_version_2() -> None:
    ours = {"from": {"nickname": "Stan", "type": "Client"}, "index": 1, "type": "Message", "text": "Hello."}
    theirs = {"from": {"nickname": "Kristi", "type": "Agent"}, "index": 2, "type": "ParticipantJoined"}

    assert shown(json.dumps({"messages": [ours, theirs]}).encode()) == [
        ("Stan", "Hello.", True, True),
        ("Kristi", "", False, False),
    ]


def test_malformed_text_has_lines() -> None:
    assert shown(b'{"transcriptToShow":[["Message.Text","Stan","Hello.\n","8","CLIENT",],], "a": }') == [
        ("Stan", "Hello.\n", True, True)
    ]


def test_line_told_again_is_the_same() -> None:
    (first,) = read(frame(2, HELLO))
    *_, again, other = read(frame(3, f"{JOINED},{HELLO},{REPLY}"))

    assert first.key == again.key
    assert first.key != other.key


def test_number_is_as_good_a_position() -> None:
    (told,) = read(frame(2, HELLO).replace(b'"transcriptPosition":"2"', b'"transcriptPosition":2'))

    assert told.key == read(frame(2, HELLO))[0].key


def test_lines_without_position_are_told_apart() -> None:
    line = ["Message.Text", "Stan", "Yes", "8", "CLIENT"]
    first, second = read({"transcriptToShow": [line, line]})

    assert first.key != second.key
    assert read({"transcriptToShow": [line]})[0].key == first.key


def test_position_that_is_none_does_not_count() -> None:
    """More digits than Python reads as a number."""
    (told,) = read(frame(2, HELLO).replace(b'"transcriptPosition":"2"', b'"transcriptPosition":"%s"' % (b"9" * 5000)))

    assert told.key == read({"transcriptToShow": [json.loads(HELLO)]})[0].key


def test_odd_lines_are_passed_over() -> None:
    assert read({"transcriptToShow": "none", "messages": ["a", 1, None]}) == []
    (line,) = read({"transcriptToShow": [[1, 2]]})
    assert (line.nickname, line.text, line.is_client, line.is_message) == (None, None, False, False)
    assert read({"text": "Hello."}) == []


def test_lines_stand_at_places_of_their_own() -> None:
    assert lines.is_line(("transcriptToShow", 0, 2))
    assert lines.is_line(("messages", 1, "text"))
    assert not lines.is_line(("transcriptPosition",))
    assert not lines.is_line(("transcriptToShow", 0, 9))
