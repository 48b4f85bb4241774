"""Comet over long polling, played by the engine."""

import pytest
from driver import NOW_US, start_chatting, told, visiting
from factories import CALLBACK, HELLO, JOINED, ORDER, REPLY, chat_recording, frame


def test_two_polls_at_once() -> None:
    app = start_chatting(chat_recording((4, frame(1, HELLO))))
    first = app.connect()
    app.driver.wait(1)
    second = app.connect()

    assert [message["channel"] for message in told(app.driver.answers[first])] == ["/meta/connect"]
    assert len(told(app.driver.wait_for(second))) == 2


def test_dropped_poll_loses_nothing() -> None:
    app = start_chatting(chat_recording((2, frame(1, JOINED)), (4, frame(2, HELLO))))
    before = app.connect()
    app.driver.wait(1)
    app.driver.hang_up(before)
    app.driver.wait(2)
    after = app.connect()
    app.driver.wait_for(after)
    app.driver.hang_up(after)
    app.listen(3)

    assert app.lines == ["has joined the session", "Hello."]


def test_delivered_poll_is_final() -> None:
    app = start_chatting(chat_recording((2, frame(1, JOINED)), (4, frame(2, HELLO))))
    had = app.connect()
    app.driver.wait_for(had)
    app.driver.confirm(had)
    app.driver.hang_up(had)
    app.listen(6)

    assert app.lines == ["Hello."]


def test_delivered_poll_of_parted_client_is_final() -> None:
    app = start_chatting(chat_recording((2, frame(1, JOINED)), (9, frame(2, HELLO))))
    had = app.connect()
    app.driver.wait_for(had)
    app.bayeux({"channel": "/meta/disconnect", "clientId": app.client_id})
    app.driver.confirm(had)
    app.driver.hang_up(had)
    app.shake_hands()
    app.subscribe()
    app.listen(10)

    assert app.lines == ["Hello."]


def test_poll_times_out_empty() -> None:
    app = start_chatting(chat_recording((200, frame(1, JOINED))))
    poll = app.connect()

    assert [message["channel"] for message in told(app.driver.wait_for(poll))] == ["/meta/connect"]
    assert app.driver.answered_at_us[poll] == NOW_US + 30_000_000


def test_expired_client_is_refused() -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (2, frame(2, HELLO))))
    app.wait_until(11)

    (refusal,) = told(app.driver.wait_for(app.connect()))

    assert (refusal["error"], refusal["advice"]) == (
        "402::session_unknown",
        {"reconnect": "handshake", "interval": 0},
    )
    app.shake_hands()
    app.subscribe()
    app.listen(1)
    assert app.lines == ["has joined the session", "Hello."]


@pytest.mark.parametrize("says_so", [True, False])
def test_background_and_back(says_so: bool) -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (5, frame(2, HELLO)), (9, frame(3, REPLY))))
    app.listen(3)
    if says_so:
        app.bayeux(app.meta("disconnect", ext={"transcriptPosition": "1"}))
    elif app.polling:
        app.driver.hang_up(app.polling)
    app.polling = None
    app.wait_until(7)
    app.shake_hands()
    app.subscribe()
    app.listen(13)

    assert app.lines == ["has joined the session", "Hello.", "How may I help?"]
    assert len(app.driver.player.sessions) == 1


@pytest.mark.parametrize("frame_text", [b"", b"nonsense", b"[1]", b'[{"channel":"/meta/connect"}', b"\xff"])
def test_malformed_frame_is_refused(frame_text: bytes) -> None:
    app = visiting()

    answer = app.call("POST", "/genesys/cometd", frame_text)

    assert answer.status == 400
    assert answer.body.startswith(b"not a Bayeux frame: ")


def test_single_object_is_a_frame() -> None:
    app = visiting()

    (reply,) = told(app.call("POST", "/genesys/cometd", b'{"channel":"/meta/handshake","id":5}'))

    assert (reply["successful"], reply["id"]) == (True, 5)


def test_empty_frame_is_answered() -> None:
    assert told(visiting().call("POST", "/genesys/cometd", b"[]")) == []


def test_deep_frame_is_answered() -> None:
    app = visiting()

    for depth in range(200, 1200, 3):
        asked = b'{"channel":"/meta/handshake","id":' + b"[" * depth + b"]" * depth + b"}"
        assert app.call("POST", "/genesys/cometd", asked).status in (200, 400)


def test_comet_elsewhere_is_known() -> None:
    app = visiting()
    app.comet_path = "/push/endpoint"
    app.call("POST", CALLBACK, ORDER)

    assert app.shake_hands()["successful"] is True
    assert len(app.driver.player.sessions) == 1
