"""What extensions change: acknowledgement, the server's time."""

import pytest
from bayeux_peer import CONNECT, SECOND_US, Peer, acknowledging, publish, replies, texts

from gms_replay import bayeux
from gms_replay.carriers import Carrier
from gms_replay.comet import Comet


def test_unacknowledged_comes_again() -> None:
    peer = acknowledging()
    peer.tell("one")
    assert texts(peer.connect(1, ext={"ack": 1})) == ["one"]
    peer.comet.sent(peer.asked)
    peer.tell("two")

    again = peer.connect(2, ext={"ack": 1})

    assert texts(again) == ["one", "two"]
    assert replies(again)[-1]["ext"] == {"ack": 3}


def test_acknowledged_comes_once() -> None:
    peer = acknowledging()
    peer.tell("one")
    peer.connect(1, ext={"ack": 1})

    assert peer.connect(2, ext={"ack": 2}) == []


def test_acknowledged_comes_once_though_its_answer_seemed_lost() -> None:
    peer = acknowledging()
    peer.tell("one")
    peer.connect(1, ext={"ack": 1})
    told = peer.asked
    peer.gone(told, 2)

    assert peer.connect(3, ext={"ack": 2}) == []

    peer.gone(told, 4)
    assert peer.flush(4) == []


def test_acknowledging_client_hears_by_connect_only() -> None:
    peer = acknowledging()
    peer.tell("one")

    assert texts(peer.send(1, publish())) == []


def test_acknowledging_socket_loses_nothing() -> None:
    """What was sent over a socket that broke is told once more, and not if it had arrived."""
    peer = Peer()
    peer.say(0, {"channel": "/meta/handshake", "ext": {"ack": True}})
    peer.say(0, CONNECT | {"ext": {"ack": 0}})
    peer.say(0, {"channel": "/meta/subscribe", "clientId": "a", "subscription": "/_genesys"})
    peer.say(1, CONNECT | {"ext": {"ack": 1}})
    peer.tell("one")
    assert texts(peer.flush(2)) == ["one"]
    assert peer.say(2, CONNECT | {"ext": {"ack": 2}}) == []
    peer.tell("two")
    assert texts(peer.flush(3)) == ["two"]
    peer.gone(100, 4)

    assert texts(peer.say(5, CONNECT | {"ext": {"ack": 2}}, socket=101)) == ["two"]


def test_unacknowledged_goes_to_next_client_after_broken_socket() -> None:
    peer = Peer()
    peer.say(0, {"channel": "/meta/handshake", "ext": {"ack": True}})
    peer.say(0, CONNECT)
    peer.say(0, {"channel": "/meta/subscribe", "clientId": "a", "subscription": "/_genesys"})
    peer.tell("one")
    assert texts(peer.say(1, CONNECT)) == ["one"]
    peer.gone(100, 2)
    peer.flush(20)
    peer.join(21, "b")

    assert texts(peer.connect(22, client="b")) == ["one"]


@pytest.mark.parametrize("ack", ["1", None, True, [], 1e99])
def test_odd_acknowledgements_count_as_none(ack: object) -> None:
    peer = acknowledging()
    peer.tell("one")
    peer.connect(1, ext={"ack": 1})

    assert peer.connect(2, ext={"ack": ack}) == []


def test_time_is_told_to_who_asks() -> None:
    """As the session sees it, which may be ahead of the caller's."""
    comet = Comet(lambda: "a", {}, told_us=lambda at_us: at_us + 5 * SECOND_US)
    shake = bayeux.parse(b'{"channel":"/meta/handshake","ext":{"timesync":{"tc":17,"l":0,"o":0}}}')

    (reply,) = replies(comet.receive(Carrier(1), shake, 10 * SECOND_US))

    assert reply["ext"] == {"timesync": {"tc": 17, "ts": 15_000, "p": 0, "a": 17 - 15_000}}


def test_replies_are_stamped_as_recorded() -> None:
    comet = Comet(lambda: "a", {}, told_us=lambda at_us: at_us, timestamp=lambda at_us: f"at {at_us}")

    (reply,) = replies(comet.receive(Carrier(1), bayeux.parse(b'{"channel":"/meta/handshake"}'), 7))

    assert reply["timestamp"] == "at 7"
