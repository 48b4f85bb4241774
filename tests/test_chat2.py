import pytest
from chats2 import CHANNEL, CHAT, KEY, failed, told

from gms_replay import chat2, gms
from gms_replay.gms import PUBLISHED, Act, Kind, Operation
from gms_replay.model import Body, Response


def frame(data, channel=CHANNEL):
    return {"channel": channel, "data": data}


@pytest.mark.parametrize(
    ("wanted", "kind", "name", "act"),
    [
        ("requestChat", Kind.REQUEST_CHAT, "support", Act.START),
        ("sendMessage", Kind.SEND, "sendMessage", Act.SEND),
        ("disconnect", Kind.DISCONNECT_CHAT, "disconnect", Act.DISCONNECT),
        ("requestNotifications", Kind.REFRESH, "requestNotifications", None),
        ("startTyping", Kind.TYPING, "startTyping", None),
        ("stopTyping", Kind.TYPING, "stopTyping", None),
        ("updateNickname", Kind.CHAT, "updateNickname", None),
        ("anything", Kind.CHAT, "anything", None),
    ],
)
def test_published_operation_is_that_of_rest(wanted, kind, name, act):
    operation = chat2.published(frame({"operation": wanted}))
    assert operation == Operation(kind, "", name, version="2", method=PUBLISHED)
    assert operation.act == act


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"channel": CHANNEL},
        {"channel": 7, "data": {"operation": "sendMessage"}},
        frame("sendMessage"),
        frame({}),
        frame({"operation": 7}),
        frame(told((1, "Hi!"))),
        frame({"operation": "sendMessage"}, "/service/echo"),
    ],
)
def test_nothing_else_is_published(message):
    assert chat2.published(message) is None


@pytest.mark.parametrize(
    ("status", "body", "refuses"),
    [
        (200, b'{"statusCode":0}', False),
        (200, b'{"statusCode" : "0"}', False),
        (200, b'{"statusCode":1,}', True),
        (200, b'{"statusCode": "2"}', True),
        (200, b"", False),
        (500, b"", True),
    ],
)
def test_status_code_refuses(status, body, refuses):
    operation = gms.recognise("POST", "/genesys/2/chat/support", b"")
    assert chat2.refuses(operation, Response(status, "", "HTTP/1.1", (), Body(body), 0, 0)) is refuses


def test_version_1_has_no_status_code():
    operation = gms.recognise("POST", "/genesys/1/service/request-chat", b"")
    response = Response(200, "", "HTTP/1.1", (), Body(b'{"statusCode":2}'), 0, 0)
    assert not chat2.refuses(operation, response)


@pytest.mark.parametrize(
    ("data", "position"),
    [
        (told((4, "Hi!")), (CHAT, 4)),
        (told((4, "Hi!"), (5, "Ho!"), nextPosition="6"), (CHAT, 5)),
        (told((4, "Hi!"), nextPosition=None), (CHAT, 4)),
        (told((4, "Hi!"), chatId=None), (KEY, 4)),
        (told((4, "Hi!"), chatId=None, secureKey=None), ("", 4)),
        (told((4, ""), chatEnded=True), (CHAT, 5)),
        (told(nextPosition=5, chatEnded=True), (CHAT, 5)),
        (told(nextPosition=5), None),
        (failed(), None),
        ({"messages": [1]}, None),
        ({"messages": {"0": 1}}, None),
        ("text", None),
    ],
)
def test_position_is_that_of_the_last_line(data, position):
    """The end comes after it, in whichever frame."""
    assert chat2.transcript_position(frame(data)) == position


def test_other_channels_have_no_position():
    assert chat2.transcript_position(frame(told((4, "Hi!")), "/_genesys")) is None


@pytest.mark.parametrize(
    ("data", "lines"),
    [
        ({"transcriptPosition": 4}, 3),
        ({"transcriptPosition": "4"}, 3),
        ({"transcriptPosition": 0}, 0),
        ({"transcriptPosition": "x"}, 0),
        ({}, 0),
    ],
)
def test_resumption_asks_for_the_rest(data, lines):
    assert chat2.resumed_from(frame({"operation": "requestNotifications"} | data)) == lines
    assert chat2.resumed_from(frame({"operation": "sendMessage"} | data)) is None
