"""Bayeux over WebSockets."""

from bayeux_peer import CONNECT, event, listening, over_socket, replies, texts

from gms_replay.comet import Frame


def test_socket_hears_at_once() -> None:
    """While its connect stays held."""
    peer = over_socket()
    assert peer.say(1, CONNECT) == []
    peer.tell("one")
    peer.tell("two")

    assert peer.flush(2) == [Frame(100, (event("one"), event("two")))]
    assert peer.comet.is_polled
    assert peer.flush(3) == []
    assert [reply["id"] for reply in replies(peer.flush(31))] == ["c"]


def test_socket_hears_without_connect() -> None:
    peer = over_socket()
    peer.tell("one")

    assert texts(peer.flush(1)) == ["one"]


def test_socket_holds_connect_in_batch() -> None:
    peer = over_socket()

    (reply,) = replies(peer.say(1, CONNECT, {"channel": "/_genesys", "clientId": "a", "data": 1}))

    assert reply["channel"] == "/_genesys"
    assert peer.comet.is_polled


def test_lost_socket_loses_nothing_later() -> None:
    peer = over_socket()
    peer.say(1, CONNECT)
    peer.gone(100, 2)
    peer.tell("one")
    assert peer.flush(3) == []
    assert not peer.comet.is_polled

    assert texts(peer.connect(4)) == ["one"]


def test_lost_socket_expires() -> None:
    peer = over_socket()
    peer.say(1, CONNECT)
    peer.gone(100, 2)

    assert peer.wakeup_s == 12
    assert peer.flush(12) == []
    assert not peer.comet.is_alive


def test_new_client_of_socket_hears_alone() -> None:
    """The one that it was before would be told the same, over the same socket."""
    peer = over_socket()
    peer.say(1, {"channel": "/meta/handshake"})
    peer.say(1, {"channel": "/meta/subscribe", "clientId": "b", "subscription": "/_genesys"})
    peer.tell("one")

    assert texts(peer.flush(2)) == ["one"]


def test_new_client_of_socket_ends_the_held_connect() -> None:
    """Its events would be told to a client that nobody is any more."""
    peer = over_socket()
    peer.say(1, CONNECT)
    peer.say(1, {"channel": "/meta/handshake"})
    peer.tell("one")
    assert peer.flush(2) == []

    peer.say(2, {"channel": "/meta/subscribe", "clientId": "b", "subscription": "/_genesys"})

    assert texts(peer.flush(2)) == ["one"]


def test_client_moves_from_polls_to_socket() -> None:
    """What it held before is answered where it was asked."""
    peer = listening()
    assert peer.connect(1) == []
    (answered,) = peer.say(2, CONNECT)
    peer.tell("one")

    assert answered.request_id == peer.asked
    assert peer.flush(3) == [Frame(100, (event("one"),))]


def test_client_moves_from_socket_to_polls() -> None:
    peer = over_socket()
    peer.say(1, CONNECT)
    (answered,) = peer.connect(2)
    assert answered.request_id == 100
    peer.tell("one")

    (frame,) = peer.flush(3)
    assert frame.request_id == peer.asked
    assert texts([frame]) == ["one"]
