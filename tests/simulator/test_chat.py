import asyncio
from itertools import count

import pytest

from gms_replay.simulator.chat import Chat, Kind, Line, Party

STAN = Party("Stan", "CLIENT")
KRISTI = Party("Kristi Sippola", "AGENT")


@pytest.fixture
def chat():
    """A chat whose lines are of the instants 0, 1, 2, …"""
    return Chat(STAN, count().__next__)


@pytest.fixture
def news(chat):
    """The positions after which there was something new, and how many lines there were then."""
    told = []
    chat.listen(lambda after: told.append((after, chat.position)))
    return told


def test_arrival_is_the_first_line(chat):
    assert chat.lines == [Line(Kind.JOINED, STAN, "", 0)]


def test_each_line_is_told_once(chat, news):
    chat.notice(Kind.JOINED, KRISTI)
    chat.write(KRISTI, "Hello.")
    chat.client_writes("Hi.")
    assert news == [(1, 2), (2, 3), (3, 4)]
    assert chat.lines[1:] == [
        Line(Kind.JOINED, KRISTI, "", 1),
        Line(Kind.WROTE, KRISTI, "Hello.", 2),
        Line(Kind.WROTE, STAN, "Hi.", 3),
    ]


def test_nobody_need_listen(chat):
    chat.client_writes("Hi.")
    assert chat.position == 2


def test_agent_hears_in_order(chat):
    chat.client_writes("one")
    chat.client_leaves()
    chat.client_leaves()

    async def hear():
        return [await chat.next_heard(), await chat.next_heard()]

    assert asyncio.run(hear()) == ["one", None]


def test_agent_hears_words_only(chat):
    chat.client_shows(Kind.PUSHED_URL, "https://example.com")
    chat.client_renames("Stan the man")
    chat.client_writes("Look!")
    assert asyncio.run(chat.next_heard()) == "Look!"


def test_leaving_is_told_once(chat, news):
    chat.client_leaves()
    chat.client_leaves()
    assert (news, chat.lines[-1].kind) == ([(1, 2)], Kind.LEFT)


def test_nobody_leaves_after_the_end(chat):
    chat.end()
    chat.client_leaves()
    assert (chat.client_left, chat.position) == (False, 1)


def test_end_is_told(chat, news):
    chat.end()
    assert (chat.ended, news) == (True, [(1, 1)])


def test_new_name_is_for_what_follows(chat):
    chat.client_writes("one")
    chat.client_renames("Stan the man")
    chat.client_shows(Kind.SENT_NOTICE, "two")
    assert [line.party.nickname for line in chat.lines] == ["Stan", "Stan", "Stan the man", "Stan the man"]
    assert chat.lines[2:] == [
        Line(Kind.RENAMED, chat.client, "", 2),
        Line(Kind.SENT_NOTICE, chat.client, "two", 3),
    ]
