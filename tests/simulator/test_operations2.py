import asyncio

import pytest

from gms_replay.simulator.chat import Chat, Kind, Party
from gms_replay.simulator.operations2 import OPERATIONS, perform
from gms_replay.simulator.refusals2 import ChatError


@pytest.fixture
def chat():
    """A chat with two lines."""
    chat = Chat(Party("Stan", "CLIENT"), lambda: 0)
    chat.notice(Kind.JOINED, Party("Kristi Sippola", "AGENT"))
    return chat


@pytest.mark.parametrize(
    ("operation", "fields", "lines"),
    [
        ("send", {"message": "Hi"}, [(Kind.WROTE, "Hi")]),
        ("pushUrl", {"pushUrl": "https://example.com"}, [(Kind.PUSHED_URL, "https://example.com")]),
        ("customNotice", {"message": "seen"}, [(Kind.SENT_NOTICE, "seen")]),
        ("updateNickname", {"nickname": "Stan the man"}, [(Kind.RENAMED, "")]),
        ("disconnect", {}, [(Kind.LEFT, "")]),
        ("startTyping", {"message": "H"}, []),
        ("stopTyping", {}, []),
        ("updateData", {"userData[a]": "1"}, []),
        ("refresh", {}, []),
    ],
)
def test_operations_add_their_line(chat, operation, fields, lines):
    start = perform(chat, operation, fields)
    assert [(line.kind, line.text) for line in chat.lines[2:]] == lines
    assert start == (1 if operation == "refresh" else 3)


def test_agent_hears_what_is_sent(chat):
    perform(chat, "send", {"message": "Hi"})
    assert asyncio.run(chat.next_heard()) == "Hi"


def test_nickname_is_changed(chat):
    perform(chat, "updateNickname", {"nickname": "Stan the man"})
    assert chat.client.nickname == "Stan the man"


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_position_may_be_asked_for(chat, operation):
    fields = {"message": "Hi", "pushUrl": "u", "nickname": "Stan", "transcriptPosition": "2"}
    assert perform(chat, operation, fields) == 2


@pytest.mark.parametrize("position", ["two", "-1", "1.5", "\u0661", "1234567890"])
def test_odd_positions_are_refused_before_anything_is_done(chat, position):
    with pytest.raises(ChatError, match="transcriptPosition"):
        perform(chat, "send", {"message": "Hi", "transcriptPosition": position})
    assert chat.position == 2


@pytest.mark.parametrize(
    ("operation", "parameter"),
    [("send", "message"), ("pushUrl", "pushUrl"), ("customNotice", "message"), ("updateNickname", "nickname")],
)
def test_missing_parameters_are_named(chat, operation, parameter):
    with pytest.raises(ChatError, match=f"Parameter {parameter} is missing"):
        perform(chat, operation, {})


@pytest.mark.parametrize("ends", [Chat.end, Chat.client_leaves])
@pytest.mark.parametrize("operation", sorted(OPERATIONS.keys() - {"refresh", "disconnect"}))
def test_ended_chat_takes_nothing(chat, operation, ends):
    ends(chat)
    before = chat.position
    with pytest.raises(ChatError) as refused:
        perform(chat, operation, {"message": "Hi", "pushUrl": "u", "nickname": "Stan"})
    assert (refused.value.told()["chatEnded"], chat.position) == (True, before)


@pytest.mark.parametrize("operation", ["refresh", "disconnect"])
def test_ended_chat_can_be_read_and_left(chat, operation):
    chat.end()
    perform(chat, operation, {})
    assert chat.position == 2
