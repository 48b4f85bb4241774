import json
from dataclasses import replace
from typing import Any

import pytest
from factories import CHAT, JOINED, frame

from gms_replay import transcript
from gms_replay.echoes import Echo
from gms_replay.gms import Kind
from gms_replay.rewrite import Compiler, Recorded, Telling, Template
from gms_replay.rules import Rules
from gms_replay.transcript import Page, Transcript

LINES = [f'["Message.Text","Stan","line {number}","{number}","CLIENT"]' for number in range(1, 6)]


def compiler() -> Compiler:
    return Compiler(Recorded(frozenset(), "/genesys", frozenset()), Rules())


def read(text: bytes | str) -> Page | None:
    return transcript.read(text.encode() if isinstance(text, str) else text, compiler(), {})


def page(first: int, last: int, *, state: str = "TRANSCRIPT") -> Page:
    """A page of version 1 that tells those of LINES, in its own layout."""
    lines = ",\n ".join(LINES[first - 1 : last])
    found = read(f'{{ "chatIxnState":"{state}","transcriptToShow":[ {lines} ], "transcriptPosition" : "{last}"}}')
    assert found is not None
    return found


def rendered(template: Template) -> bytes:
    return template.render(Telling({instant: instant[1] for instant in template.instants}, "", "", "", {}, {}))


def numbers(told: bytes) -> list[int]:
    return [int(line[3]) for line in json.loads(told)["transcriptToShow"]]


def test_answer_is_a_page() -> None:
    found = page(2, 4)

    assert (found.position, found.numbers, found.is_over) == (4, (2, 3, 4), False)
    assert [found.text[start:end].decode() for start, end in found.lines.inside] == LINES[1:4]


def test_message_is_cut_out() -> None:
    """What a frame has around it is Comet's."""
    found = read(frame(7, JOINED))

    assert found is not None
    assert (found.chat, found.position, found.numbers) == (CHAT, 7, (7,))
    assert json.loads(found.text) == json.loads(frame(7, JOINED))["data"]["message"]


def test_version_2_numbers_its_lines() -> None:
    said: dict[str, Any] = {"chatId": "c1", "nextPosition": 5, "chatEnded": True}
    found = read(json.dumps(said | {"messages": [{"index": 2, "text": "a"}, {"index": 4, "text": "b"}]}))

    assert found is not None
    assert (found.chat, found.position, found.numbers, found.is_over) == ("c1", 4, (2, 4), True)


def test_seeds_trailing_comma_is_a_page() -> None:
    found = read(
        '{"data":{"message":{"transcriptToShow":[["Notice.Joined",\n"K","x","1","AGENT"],],"transcriptPosition":"1",}}}'
    )

    assert found is not None
    assert (found.numbers, found.text[:2]) == ((1,), b'{"')


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"Hello.",
        b"{}",
        b'{"transcriptToShow":[]}',
        b'{"transcriptToShow":3,"transcriptPosition":"1"}',
        b'{"transcriptToShow":{"a":1},"transcriptPosition":"1"}',
        b'{"transcriptToShow":[["a"],["b"]],"transcriptPosition":"1"}',
        b'{"transcriptToShow":[["a"],"transcriptPosition":"1"',
        b'{"transcriptToShow":[],"transcriptPosition":"99999999999"}',
        b'{"messages":[{"text":"a"}],"nextPosition":2}',
        b'{"messages":[]}',
    ],
)
def test_all_else_is_none(text: bytes) -> None:
    assert read(text) is None


@pytest.mark.parametrize(
    ("version", "said", "after"),
    [
        ("1", {"transcriptPosition": "3"}, 3),
        ("2", {"transcriptPosition": "3"}, 2),
        ("2", {"transcriptPosition": "0"}, 0),
        ("1", {}, 0),
        ("1", {"transcriptPosition": "-1"}, 0),
        ("1", {"transcriptPosition": "many"}, 0),
    ],
)
def test_apps_say_what_they_have(version: str, said: dict[str, str], after: int) -> None:
    assert transcript.asked_after(version, said) == after


@pytest.mark.parametrize("after", range(6))
def test_any_page_tells_what_is_lacked(after: int) -> None:
    told = Transcript([page(1, 2), page(3, 3), page(4, 5)]).told(page(4, 5), after)

    assert numbers(rendered(told)) == list(range(after + 1, 6))


def test_lines_of_later_pages_wait() -> None:
    told = Transcript([page(1, 2), page(3, 5)]).told(page(1, 2), 0)

    assert numbers(rendered(told)) == [1, 2]


def test_page_with_its_own_lines_keeps_its_bytes() -> None:
    assert rendered(Transcript([page(3, 5)]).told(page(3, 5), 2)) == page(3, 5).text


def test_line_told_twice_is_one() -> None:
    """And is told in the words of who told it first."""
    told = Transcript([page(1, 3), page(2, 5)]).told(page(5, 5), 0)

    assert numbers(rendered(told)) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(("after", "kept"), [(0, [2, 3, 4]), (2, [3, 4]), (9, [])])
def test_page_is_cut(after: int, kept: list[int]) -> None:
    assert numbers(page(2, 4).cut(after)[0]) == kept


def test_cut_knows_where_words_are_then() -> None:
    """Before the lines, in those that stay, and after them."""
    whole = page(2, 4)
    places = [whole.text.index(word) for word in (b"TRANSCRIPT", b"line 2", b"line 4", b'4"}')]
    echo = Echo((Kind.SEND, 0), ("message",))

    text, echoes = replace(whole, echoes=dict.fromkeys(places, echo)).cut(after=3)

    assert [text[at : at + 6] for at in sorted(echoes)] == [b"TRANSC", b"line 4", b'4"}']


def test_far_positions_take_no_time() -> None:
    """Nothing counts up to where an odd page says that it is."""
    odd = read(f'{{"transcriptToShow":[{LINES[0]}],"transcriptPosition":"999999999"}}')
    assert odd is not None

    assert numbers(rendered(Transcript([page(1, 2), odd]).told(odd, 0))) == [1, 2, 1]


def test_message_that_does_not_end_is_a_page() -> None:
    whole = frame(7, JOINED)

    found = read(whole[: whole.index(b"}")])

    assert found is not None
    assert (found.numbers, found.text) == ((7,), whole[: whole.index(b"}")])
