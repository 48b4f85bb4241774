import json

import chats2
import pytest
from chats2 import CHAT, failed, told

from gms_replay import chat2
from gms_replay.formats.chat2 import Saying, published, refusal, sayings
from gms_replay.spans import texts


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"operation": "requestChat"}, "requests a chat with support"),
        ({"operation": "requestNotifications"}, "asks for the chat from line 1"),
        ({"operation": "requestNotifications", "transcriptPosition": 4}, "asks for the chat from line 4"),
        ({"operation": "sendMessage", "message": "Hi!"}, "says “Hi!”"),
        ({"operation": "startTyping"}, "starts typing"),
        ({"operation": "stopTyping"}, "stops typing"),
        ({"operation": "disconnect"}, "leaves the chat"),
        ({"operation": "updateNickname"}, "asks for updateNickname"),
    ],
)
def test_what_is_published_is_told(data, text):
    operation = chat2.published({"channel": chats2.CHANNEL, "data": data})
    assert published(operation, texts(json.dumps(data).encode())) == text


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ({"type": "Message", "text": "Hi!"}, "Kristi (Agent) says “Hi!”"),
        ({"type": "ParticipantJoined"}, "Kristi (Agent) joins"),
        ({"type": "PushUrl", "text": "https://a.example"}, "Kristi (Agent) shows “https://a.example”"),
        ({"type": "FileUploaded", "text": "a.png"}, "Kristi (Agent) FileUploaded “a.png”"),
    ],
)
def test_line_is_told(line, text):
    body = told((3, "x"))
    body["messages"] = [{"from": {"nickname": "Kristi", "type": "Agent"}, "index": 3} | line]
    assert list(sayings(json.dumps(body).encode())) == [Saying(text, (CHAT, 3))]


def test_typing_is_marked():
    body = b'{"messages":[{"from":{"nickname":"K","type":"Agent"},"type":"TypingStarted"}]}'
    assert list(sayings(body)) == [Saying("K (Agent) starts typing", None, is_typing=True)]


def test_end_is_told_after_the_last_line():
    found = list(sayings(json.dumps(told((4, ""), chatEnded=True)).encode()))
    assert [one.text for one in found] == ["Kristi (Agent) leaves", "the chat is over (chatEnded)"]
    assert found[0].told != found[1].told


@pytest.mark.parametrize("body", [b"", b"[]", b'{"messages":[1,"a",{}]}', b'{"messages":{"0":1},"chatEnded":1}'])
def test_odd_bodies_are_told_somehow(body):
    assert all(isinstance(one.text, str) for one in sayings(body))


def test_refusal_says_why():
    assert refusal(json.dumps(failed(2, "alias is wrong")).encode()) == "refused with statusCode 2, alias is wrong"
    assert refusal(b'{"statusCode":1}') == "refused with statusCode 1"
    assert refusal(json.dumps(told()).encode()) == ""
