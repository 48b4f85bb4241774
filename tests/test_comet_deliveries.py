"""Whom events reach, by which answer, and what comes again because it got lost."""

import json

import pytest
from bayeux_peer import Peer, event, listening, publish, replies, texts

from gms_replay.model import Transport


def test_dropped_poll_keeps_events() -> None:
    peer = listening()
    peer.connect(1)
    peer.gone(peer.asked, 2)
    peer.tell("one")

    assert not peer.comet.is_polled
    assert texts(peer.connect(3)) == ["one"]


def test_lost_answer_comes_again() -> None:
    peer = listening()
    peer.connect(1)
    lost = peer.asked
    peer.tell("one")
    peer.flush(2)
    peer.gone(lost, 2)
    peer.tell("two")

    assert texts(peer.connect(3)) == ["one", "two"]


def test_lost_answer_reaches_held_poll() -> None:
    peer = listening()
    peer.connect(1)
    lost = peer.asked
    peer.tell("one")
    peer.flush(2)
    peer.connect(2.5)
    peer.gone(lost, 3)

    assert texts(peer.flush(3)) == ["one"]


def test_heard_answer_comes_once() -> None:
    peer = listening()
    peer.connect(1)
    peer.tell("one")
    peer.flush(2)

    assert peer.connect(3) == []


def test_next_client_hears_rest() -> None:
    peer = listening()
    peer.tell("one")
    peer.send(1, {"channel": "/meta/disconnect", "clientId": "a"})
    peer.tell("two")
    peer.join(2, "b")

    assert texts(peer.connect(3, client="b")) == ["one", "two"]


def test_new_client_replaces_lost_one() -> None:
    peer = listening()
    peer.tell("one")
    peer.join(2, "b")
    peer.tell("two")

    assert texts(peer.connect(3, client="b")) == ["one", "two"]


def test_expired_client_repeats_nothing() -> None:
    peer = listening()
    peer.join(2, "b")
    peer.tell("one")
    peer.connect(3, client="b")
    peer.connect(4, client="b")
    peer.flush(10)
    peer.subscribe(11, "/news", client="b")

    assert peer.flush(12) == []


def test_last_answer_of_left_client_returns() -> None:
    peer = listening()
    peer.connect(1)
    lost = peer.asked
    peer.tell("one")
    peer.flush(2)
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a"})
    peer.gone(lost, 2)
    peer.join(3, "b")

    assert texts(peer.connect(4, client="b")) == ["one"]


def replaced(first: str) -> Peer:
    """A client "a" whose poll was answered with that event, and a client "b" that has subscribed since."""
    peer = listening()
    peer.connect(1)
    peer.tell(first)
    peer.flush(2)
    peer.join(3, "b")
    return peer


def test_lost_answer_outlives_its_client() -> None:
    peer = replaced("one")
    peer.gone(4, 4)
    peer.connect(5, client="b")

    assert peer.flush(11.9) == []
    assert texts(peer.flush(12)) == ["one"]


def test_left_client_hands_over_late() -> None:
    peer = replaced("one")
    peer.send(4, {"channel": "/meta/disconnect", "clientId": "a"})
    peer.gone(4, 5)

    assert texts(peer.connect(6, client="b")) == ["one"]


def test_events_travel_with_other_answers() -> None:
    """As on CometD's server: before the reply."""
    peer = listening()
    peer.tell("one")

    (frame,) = peer.send(1, publish())

    assert frame.messages[0] == event("one")
    assert json.loads(frame.messages[1])["channel"] == "/service/chat"
    assert peer.connect(2) == []


def test_held_poll_carries_events_alone() -> None:
    peer = listening()
    peer.connect(1)
    held = peer.asked
    peer.tell("one")

    assert [reply["id"] for reply in replies(peer.send(2, publish()))] == ["p"]
    (frame,) = peer.flush(2)
    assert (frame.carrier.id, frame.messages[0]) == (held, event("one"))


def test_later_events_wait_for_earlier() -> None:
    """Nobody says which of two answers under way arrives first."""
    peer = listening()
    peer.connect(1)
    polled = peer.asked
    peer.tell("one")
    peer.flush(2)
    peer.tell("two")

    assert texts(peer.send(2, publish())) == []
    peer.comet.sent(polled)
    assert texts(peer.send(3, publish())) == ["two"]


def test_lost_answer_to_publish_comes_again() -> None:
    peer = listening()
    peer.tell("one")
    peer.send(1, publish())
    peer.gone(peer.asked, 2)

    assert texts(peer.connect(3)) == ["one"]


def test_scripts_hear_by_connect_only() -> None:
    peer = Peer(Transport.CALLBACK_POLLING)
    peer.join(0)
    peer.tell("one")

    assert texts(peer.send(1, publish())) == []
    assert texts(peer.connect(2)) == ["one"]


def chatting() -> Peer:
    """A client "a" that was told three lines of a chat, whose fourth waits."""
    peer = listening()
    for position in (1, 2, 3):
        peer.comet.deliver("/_genesys", event(f"line {position}"), ("chat", position))
    assert texts(peer.connect(1)) == ["line 1", "line 2", "line 3"]
    peer.comet.sent(peer.asked)
    peer.comet.deliver("/_genesys", event("line 4"), ("chat", 4))
    peer.comet.deliver("/_genesys", event("over"))
    return peer


def come_back(peer: Peer) -> list[str]:
    """What the app's next client is told."""
    peer.join(3, "b")
    return texts(peer.connect(4, client="b"))


@pytest.mark.parametrize(
    ("ext", "missed"),
    [
        ({"transcriptPosition": "1"}, ["line 2", "line 3", "line 4", "over"]),
        ({"transcriptPosition": 3}, ["line 4", "over"]),
        ({"transcriptPosition": "4"}, ["over"]),
        ({"transcriptPosition": "none"}, ["line 4", "over"]),
        ({}, ["line 4", "over"]),
    ],
)
def test_app_from_background_hears_what_it_missed(ext: dict[str, object], missed: list[str]) -> None:
    """Whatever it was sent: it says what it has."""
    peer = chatting()
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "ext": ext})

    assert come_back(peer) == missed


def test_app_that_says_what_it_has_is_believed() -> None:
    """Also where an answer is known to be lost only later."""
    peer = listening()
    peer.comet.deliver("/_genesys", event("line 1"), ("chat", 1))
    peer.connect(1)
    told = peer.asked
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "ext": {"transcriptPosition": "1"}})
    peer.gone(told, 2)
    peer.comet.deliver("/_genesys", event("line 2"), ("chat", 2))

    assert come_back(peer) == ["line 2"]


def test_earlier_chat_is_not_told_again() -> None:
    """Positions begin anew with each."""
    peer = listening()
    for chat in ("first", "second"):
        for position in (1, 2):
            peer.comet.deliver("/_genesys", event(f"{chat} {position}"), (chat, position))
    peer.connect(1)
    peer.comet.sent(peer.asked)
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "ext": {"transcriptPosition": "1"}})

    assert come_back(peer) == ["second 2"]


def test_what_no_position_tells_is_not_lost_by_leaving() -> None:
    """The app says what it has of the chat, not whether it heard that it is over."""
    peer = listening()
    peer.comet.deliver("/_genesys", event("line 1"), ("chat", 1))
    peer.tell("over")
    peer.connect(1)
    told = peer.asked
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "ext": {"transcriptPosition": "1"}})
    peer.gone(told, 2)

    assert come_back(peer) == ["over"]
