import json

import pytest

from gms_replay import bayeux, replies


def told(channel: str) -> dict[str, object]:
    (message,) = bayeux.parse(json.dumps({"channel": channel, "id": 3, "subscription": "/a"}).encode())
    (raw,) = replies.refuse([message], 50)
    reply: dict[str, object] = json.loads(raw)
    return reply


def test_unknown_client_is_told_so() -> None:
    assert told("/meta/subscribe") == {
        "channel": "/meta/subscribe",
        "id": 3,
        "subscription": "/a",
        "successful": False,
        "error": "402::session_unknown",
    }


def test_unknown_client_is_sent_to_the_handshake_by_its_connect() -> None:
    assert told("/meta/connect")["advice"] == {"reconnect": "handshake", "interval": 0}


def test_handshake_that_no_session_is_left_for_comes_later() -> None:
    reply = told("/meta/handshake")

    assert (reply["successful"], reply["error"]) == (False, "429:50:too_many_sessions")
    assert reply["advice"] == {"reconnect": "handshake", "interval": 10_000}


@pytest.mark.parametrize("channel", ["/meta/subscribe", "/chat", ""])
def test_only_a_handshake_is_advised_to_come_later(channel: str) -> None:
    (message,) = bayeux.parse(json.dumps({"channel": channel}).encode())

    assert "advice" not in json.loads(replies.too_many(message, "messages", 5))
