import asyncio

import pytest

from gms_replay.simulator.chat import Chat, Line, Party, State

STAN = Party("Stan", "CLIENT")
KRISTI = Party("Kristi Sippola", "AGENT")
STARTED_US = 1_399_048_058_900_000


class Clock:
    def __init__(self):
        self.now_us = STARTED_US

    def __call__(self):
        return self.now_us


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def chat(clock, told):
    return Chat("000FRa9NYM9A001K", STAN, clock, told.append, {})


def test_frame_is_the_seeds(chat, clock, told):
    clock.now_us = STARTED_US + 7_200_000
    chat.write(STAN, "Hello.")
    assert told == [
        {
            "startedAt": "2014-05-02T16:27:38Z",
            "chatIxnState": "TRANSCRIPT",
            "chatSessionId": "000FRa9NYM9A001K",
            "transcriptToShow": [["Message.Text", "Stan", "Hello.", "8", "CLIENT"]],
            "transcriptPosition": "2",
            "chatServiceMessage": "Chat service is available",
        }
    ]


def test_arrival_is_the_first_line(chat, told):
    assert chat.told(State.CONNECTED, 0)["transcriptToShow"] == [
        ["Notice.Joined", "Stan", "has joined the session", "0", "CLIENT"]
    ]
    assert told == []


def test_each_line_is_one_frame(chat, told):
    for kind in (Line.JOINED, Line.TYPING_STARTED, Line.TYPING_STOPPED, Line.LEFT):
        chat.notice(kind, KRISTI)
    assert [(len(message["transcriptToShow"]), message["transcriptPosition"]) for message in told] == [
        (1, "2"),
        (1, "3"),
        (1, "4"),
        (1, "5"),
    ]
    assert [message["transcriptToShow"][0][2] for message in told[:2]] == ["has joined the session", "is typing"]


def test_lines_after_a_position(chat):
    chat.write(STAN, "one")
    chat.write(STAN, "two")
    assert [line[2] for line in chat.told(State.TRANSCRIPT, 2)["transcriptToShow"]] == ["two"]


def test_agent_hears_in_order(chat):
    chat.client_writes("one")
    chat.client_leaves()
    chat.client_leaves()

    async def hear():
        return [await chat.next_heard(), await chat.next_heard()]

    assert asyncio.run(hear()) == ["one", None]


def test_leaving_is_told_once(chat, told):
    chat.client_leaves()
    chat.client_leaves()
    assert [message["transcriptToShow"][0][0] for message in told] == ["Notice.Left"]


def test_end_is_told(chat, told):
    chat.end()
    assert (chat.ended, told[0]["chatIxnState"], told[0]["transcriptToShow"]) == (True, "DISCONNECTED", [])


def test_more_is_told_behind(clock, told):
    chat = Chat("000FRa9NYM9A001K", STAN, clock, told.append, {"userId": "007"})
    chat.end()
    answer = chat.told(State.CONNECTED, 0)
    assert [list(message)[-2:] for message in (answer, told[0])] == [["chatServiceMessage", "userId"]] * 2
