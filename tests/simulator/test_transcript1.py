import pytest
from simulating import StandingClock

from gms_replay.simulator.chat import Chat, Kind, Party
from gms_replay.simulator.transcript1 import State, Transcript1

STAN = Party("Stan", "CLIENT")
KRISTI = Party("Kristi Sippola", "AGENT")
STARTED_US = 1_399_048_058_900_000


@pytest.fixture
def clock():
    return StandingClock(STARTED_US)


@pytest.fixture
def chat(clock):
    return Chat(STAN, clock)


@pytest.fixture
def transcript(chat):
    return Transcript1(chat, "000FRa9NYM9A001K", {})


def test_frame_is_the_seeds(chat, clock, transcript):
    clock.now_us = STARTED_US + 7_200_000
    chat.write(STAN, "Hello.")
    assert transcript.told(transcript.state, 1) == {
        "startedAt": "2014-05-02T16:27:38Z",
        "chatIxnState": "TRANSCRIPT",
        "chatSessionId": "000FRa9NYM9A001K",
        "transcriptToShow": [["Message.Text", "Stan", "Hello.", "8", "CLIENT"]],
        "transcriptPosition": "2",
        "chatServiceMessage": "Chat service is available",
    }


def test_notices_have_the_seeds_words(chat, transcript):
    for kind in (Kind.JOINED, Kind.TYPING_STARTED, Kind.TYPING_STOPPED, Kind.LEFT):
        chat.notice(kind, KRISTI)
    lines = transcript.told(State.CONNECTED, 0)["transcriptToShow"]
    assert lines[0] == ["Notice.Joined", "Stan", "has joined the session", "0", "CLIENT"]
    assert lines[1:] == [
        ["Notice.Joined", "Kristi Sippola", "has joined the session", "0", "AGENT"],
        ["Notice.TypingStarted", "Kristi Sippola", "is typing", "0", "AGENT"],
        ["Notice.TypingStopped", "Kristi Sippola", "has stopped typing", "0", "AGENT"],
        ["Notice.Left", "Kristi Sippola", "has left the session", "0", "AGENT"],
    ]


def test_lines_after_a_position(chat, transcript):
    chat.write(STAN, "one")
    chat.write(STAN, "two")
    told = [transcript.told(State.TRANSCRIPT, after)["transcriptToShow"] for after in (-1, 2, 3)]
    assert [[line[2] for line in lines] for lines in told] == [["has joined the session", "one", "two"], ["two"], []]


def test_clock_set_back_tells_no_past(chat, clock, transcript):
    clock.now_us = STARTED_US - 5_000_000
    chat.write(STAN, "Hello.")
    assert transcript.told(State.TRANSCRIPT, 1)["transcriptToShow"][0][3] == "0"


def test_end_is_disconnected(chat, transcript):
    chat.client_leaves()
    before = transcript.state
    chat.end()
    assert (before, transcript.state) == (State.TRANSCRIPT, State.DISCONNECTED)


def test_more_is_told_behind(chat):
    told = Transcript1(chat, "000FRa9NYM9A001K", {"userId": "007"}).told(State.CONNECTED, 0)
    assert list(told)[-2:] == ["chatServiceMessage", "userId"]
