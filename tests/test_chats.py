import json

import pytest
from factories import CALLBACK, CHAT, CHAT_PATH, HELLO, JOINED, ORDER, REFRESH, REPLY, SERVICE, Tape, page

from gms_replay.chats import Chats
from gms_replay.rewrite import Telling
from gms_replay.story import Story, compile_stories

OTHER = "000FRa9NYM9A002L"


@pytest.fixture
def story() -> Story:
    """A chat of three lines, each told by a refresh; then another, of the same service."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "POST", CHAT_PATH, "", page(after=0, state="CONNECTED"))
    for number, line in enumerate((JOINED, HELLO, REPLY)):
        tape.ask(2 + number, "POST", REFRESH, "", page(line, after=number))
    tape.ask(9, "POST", CHAT_PATH, "", page(JOINED, after=0).replace(CHAT, OTHER))
    tape.ask(10, "POST", REFRESH, "", b'{"code":404}', status=404)
    (compiled,) = compile_stories(tape.recording())
    return compiled


def numbers(chats: Chats, story: Story, after: int) -> list[str]:
    """Of whom an app is told that has so many lines."""
    news = chats.news(story.answers[2], {"transcriptPosition": str(after)})
    assert news is not None
    template, _ = news
    told = template.render(Telling({instant: instant[1] for instant in template.instants}, "", "", "", {}))
    return [line[1] for line in json.loads(told)["transcriptToShow"]]


def test_nothing_is_known_at_first(story: Story) -> None:
    chats = Chats(story)

    assert not chats.knows(story.answers[2])
    assert chats.news(story.answers[2], {}) is None
    assert not chats.has_news(story.answers[2], {})


def test_what_happened_is_told(story: Story) -> None:
    chats = Chats(story)
    for index in (1, 2, 3):
        chats.happened(story.answers[index], shift_us=index)

    assert numbers(chats, story, 0) == ["Kristi", "Stan"]
    assert numbers(chats, story, 1) == ["Stan"]
    news = chats.news(story.answers[2], {})
    assert news is not None
    assert news[1] == 3


def test_late_answer_takes_nothing_back(story: Story) -> None:
    """One with fewer lines than are told already."""
    chats = Chats(story)
    for index in (4, 2):
        chats.happened(story.answers[index], shift_us=0)

    assert numbers(chats, story, 2) == ["Kristi"]


def test_news_are_new_once(story: Story) -> None:
    """Without a line that it lacks, an app may still not know how the chat stands."""
    chats = Chats(story)
    chats.happened(story.answers[2], shift_us=0)
    assert chats.has_news(story.answers[2], {"transcriptPosition": "1"})

    chats.news(story.answers[2], {"transcriptPosition": "1"})

    assert not chats.has_news(story.answers[2], {"transcriptPosition": "1"})
    assert chats.has_news(story.answers[2], {"transcriptPosition": "0"})


def test_last_chat_of_a_service_is_meant(story: Story) -> None:
    chats = Chats(story)
    for index in (4, 5):
        chats.happened(story.answers[index], shift_us=0)

    assert numbers(chats, story, 0) == ["Kristi"]


def test_refusals_and_other_answers_stay(story: Story) -> None:
    chats = Chats(story)
    chats.happened(story.answers[4], shift_us=0)

    assert [chats.news(story.answers[index], {}) for index in (0, 1, 6)] == [None, None, None]


def test_what_tells_no_lines_is_passed_over(story: Story) -> None:
    chats = Chats(story)
    chats.happened(story.answers[0], shift_us=0)

    assert not chats.knows(story.answers[2])
