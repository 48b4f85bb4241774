import asyncio
from random import Random

import pytest

from gms_replay.simulator.agent import attend
from gms_replay.simulator.cast import ARTICLE, Cast
from gms_replay.simulator.chat import Chat, Party
from gms_replay.simulator.clock import Pace, wall_us
from gms_replay.simulator.transcript1 import Transcript1

WROTE = ["Notice.TypingStarted", "Notice.TypingStopped", "Message.Text"]


def visit(act, cast=ARTICLE):
    """The agent's lines and the last state of a chat; `act` is called before it, and with each line of the agent."""
    told = []

    def tell(after):
        message = transcript.told(transcript.state, after)
        told.append(message)
        for kind, _, text, _, role in message["transcriptToShow"]:
            if role == "AGENT":
                act(chat, kind, text)

    chat = Chat(Party("Stan", "CLIENT"), wall_us)
    transcript = Transcript1(chat, "000", {})
    chat.listen(tell)
    act(chat, "", "")
    asyncio.run(attend(chat, Pace(quick=True, random=Random(1)), cast))
    lines = [line for message in told for line in message["transcriptToShow"] if line[4] == "AGENT"]
    return lines, told[-1]["chatIxnState"]


def test_bye_ends_the_chat():
    def act(chat, kind, text):
        if "How can I help" in text:
            chat.client_writes("My order 4711?")
        elif "4711" in text:
            chat.client_writes("Good BYE")

    lines, state = visit(act)
    assert [line[0] for line in lines] == ["Notice.Joined", *WROTE * 3, "Notice.Left"]
    assert (lines[-2][2], state) == (ARTICLE.farewell.format(name="Stan"), "DISCONNECTED")


def test_answers_quote_the_client():
    def act(chat, kind, text):
        if "How can I help" in text:
            chat.client_writes("{name} my order?")
            chat.client_writes("bye")

    lines, _ = visit(act)
    texts = [line[2] for line in lines if line[0] == "Message.Text"]
    assert texts[1] == 'You write "{name} my order?". Let me look into that.'


def test_words_are_the_casts():
    def act(chat, kind, text):
        if text.startswith("Hi"):
            chat.client_writes("one")
        elif "one" in text:
            chat.client_writes("two")
        elif "two" in text:
            chat.client_writes("bye")

    lines, _ = visit(act, Cast("Ann", "Hi {name}, {agent}.", ("1 {text}", "2 {text}"), "Bye from {agent}."))
    texts = [line[2] for line in lines if line[0] == "Message.Text"]
    assert texts == ["Hi Stan, Ann.", "1 one", "2 two", "Bye from Ann."]
    assert {line[1] for line in lines} == {"Ann"}


@pytest.mark.parametrize(
    ("leaves_at", "wrote"),
    [("", []), ("Notice.TypingStarted", WROTE[:2]), ("Message.Text", WROTE)],
)
def test_agent_leaves_after_client(leaves_at, wrote):
    lines, state = visit(lambda chat, kind, text: chat.client_leaves() if kind == leaves_at else None)
    assert ([line[0] for line in lines], state) == (["Notice.Joined", *wrote, "Notice.Left"], "DISCONNECTED")


def test_endless_client_is_dismissed():
    lines, state = visit(lambda chat, kind, text: chat.client_writes("And?") if kind == "Message.Text" else None)
    texts = [line[2] for line in lines if line[0] == "Message.Text"]
    assert (len(texts), texts[-1], state) == (8, ARTICLE.farewell.format(name="Stan"), "DISCONNECTED")
