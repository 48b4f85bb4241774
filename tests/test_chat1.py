import pytest
from texts import SERVICE

from gms_replay import chat1


@pytest.mark.parametrize(
    ("told", "position"),
    [
        ({"chatSessionId": "C", "transcriptPosition": "3", "transcriptToShow": [["Message.Text"]]}, ("C", 3)),
        ({"transcriptPosition": 3, "transcriptToShow": [[]]}, ("None", 3)),
        ({"transcriptPosition": "3", "transcriptToShow": []}, None),
        ({"transcriptPosition": "3"}, None),
        ({"transcriptPosition": "three", "transcriptToShow": [[]]}, None),
        ({"transcriptPosition": None, "transcriptToShow": [[]]}, None),
        ("text", None),
    ],
)
def test_position_is_that_of_lines(told, position):
    """A frame without lines tells what no position can say that an app has."""
    assert chat1.transcript_position({"channel": "/_genesys", "data": {"message": told}}) == position


@pytest.mark.parametrize("message", [{}, {"data": "text"}, {"data": {}}])
def test_no_chat_has_no_position(message):
    assert chat1.transcript_position(message) is None


@pytest.mark.parametrize(
    ("message", "own"),
    [
        (
            {"id": "7", "data": {"id": "b2e607a0d21611e3", "message": {"chatIxnState": "TRANSCRIPT"}}},
            "b2e607a0d21611e3",
        ),
        ({"id": "7", "data": {"id": "room-1", "state": "ringing"}}, None),
        ({"id": "7", "data": {"id": 7, "message": {"chatIxnState": "TRANSCRIPT"}}}, None),
        ({"id": "7", "data": {}}, None),
        ({"id": "7", "data": "text"}, None),
        ({"id": "7"}, None),
    ],
)
def test_message_has_an_id_of_its_own(message, own):
    """Which is not the one that numbers the frame."""
    assert chat1.message_id(message) == own


@pytest.mark.parametrize(
    ("tag", "service_id"),
    [
        (f"service.chat.refresh.{SERVICE}", SERVICE),
        ("service.chat.refresh.a.b", "a.b"),
        ("service.chat.refresh.", None),
        (f"x.service.chat.refresh.{SERVICE}", None),
        ("", None),
    ],
)
def test_tag_names_its_service(tag, service_id):
    assert chat1.service_of_tag(tag) == service_id
