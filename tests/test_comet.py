"""A Bayeux session's life: handshake, connects and how long they are held, expiry, subscriptions, refusals, its end.

Then what extensions change (acknowledgement, the server's time), and WebSockets.
"""

import json
from typing import Any

import pytest
from bayeux_peer import ADVICE, CONNECT, Peer, acknowledging, event, listening, over_socket, publish, replies, texts

from gms_replay import bayeux
from gms_replay.carriers import Carrier
from gms_replay.comet import Comet, Frame
from gms_replay.instants import SECOND_US
from gms_replay.limits import Limits
from gms_replay.model import Transport


def test_handshake_names_client() -> None:
    assert Peer().handshake() == {
        "channel": "/meta/handshake",
        "id": "1",
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["websocket", "callback-polling", "long-polling"],
        "clientId": "a",
        "successful": True,
        "advice": ADVICE,
    }


def test_recorded_advice_is_given() -> None:
    assert Peer(timeout=20_000, reconnect="handshake").handshake()["advice"] == {
        "interval": 0,
        "reconnect": "handshake",
        "timeout": 20_000,
    }


@pytest.mark.parametrize("offered", [["eventsource"], [], "websocket", None, [["websocket"]]])
def test_client_judges_transports(offered: Any) -> None:
    """As with CometD's server, which tells its own whatever is offered."""
    reply = Peer().handshake(supportedConnectionTypes=offered)

    assert reply["successful"] is True
    assert reply["supportedConnectionTypes"] == ["websocket", "callback-polling", "long-polling"]


def test_first_connect_answered_at_once() -> None:
    peer = Peer()
    peer.handshake()

    assert replies(peer.connect(1)) == [
        {"channel": "/meta/connect", "id": "c", "clientId": "a", "successful": True, "advice": ADVICE}
    ]


def test_second_connect_is_held() -> None:
    peer = listening()

    assert peer.connect(1) == []
    assert peer.comet.is_polled
    assert peer.wakeup_s == 31


def test_events_come_before_reply() -> None:
    peer = listening()
    peer.connect(1)
    peer.tell("one")
    peer.tell("two")

    (frame,) = peer.flush(2)

    assert frame.messages[:2] == (event("one"), event("two"))
    assert json.loads(frame.messages[2]) == {"channel": "/meta/connect", "id": "c", "clientId": "a", "successful": True}


def test_held_connect_times_out() -> None:
    peer = listening(timeout=20_000)
    peer.connect(1)

    assert peer.flush(20.9) == []
    assert replies(peer.flush(21))[0]["successful"] is True


def test_client_may_not_wait() -> None:
    peer = listening()

    assert replies(peer.connect(1, advice={"timeout": 0}))[0]["successful"] is True


@pytest.mark.parametrize("timeout", [-1, 1e99, "soon", True, None, [], float("nan")])
def test_odd_timeouts_count_as_none(timeout: object) -> None:
    peer = listening()
    peer.connect(1, advice={"timeout": timeout})

    assert peer.wakeup_s == 31


def test_queued_events_answer_at_once() -> None:
    peer = listening()
    peer.tell("one")

    assert texts(peer.connect(1)) == ["one"]


def test_second_connect_frees_first() -> None:
    peer = listening()
    peer.connect(1)
    first = peer.asked

    (freed,) = peer.connect(2)

    assert freed.carrier.id == first
    assert peer.wakeup_s == 32


def test_connect_in_batch_returns() -> None:
    peer = listening()
    connect = {"channel": "/meta/connect", "clientId": "a", "id": "1"}
    subscribe = {"channel": "/meta/subscribe", "clientId": "a", "id": "2", "subscription": "/news"}

    assert [(reply["channel"], reply["id"]) for reply in replies(peer.send(1, connect, subscribe))] == [
        ("/meta/connect", "1"),
        ("/meta/subscribe", "2"),
    ]


def test_who_tells_advice_is_told_ours() -> None:
    peer = listening()

    (asking,) = replies(peer.connect(1, advice={"timeout": 0}))
    assert peer.connect(2) == []
    (silent,) = replies(peer.flush(60))

    assert asking["advice"] == ADVICE
    assert "advice" not in silent


def test_unknown_client_must_shake_hands() -> None:
    assert replies(Peer().connect(0, client="z")) == [
        {
            "channel": "/meta/connect",
            "id": "c",
            "successful": False,
            "error": "402::session_unknown",
            "advice": {"reconnect": "handshake", "interval": 0},
        }
    ]


def test_silent_client_expires() -> None:
    peer = listening()

    assert peer.wakeup_s == 10
    assert peer.flush(10) == []
    assert not peer.comet.is_alive
    assert replies(peer.connect(11))[0]["error"] == "402::session_unknown"


def test_max_interval_is_recorded() -> None:
    assert listening(maxInterval=3000).wakeup_s == 3


def test_client_is_waited_for_as_long_as_it_was_sent_away() -> None:
    """And then for `maxInterval`."""
    peer = listening(interval=60_000)

    assert peer.wakeup_s == 70


def test_client_may_say_how_long_it_sleeps() -> None:
    """As an app that goes to the background; what it sends meanwhile shortens nothing."""
    peer = listening()

    (reply,) = replies(peer.connect(1, advice={"timeout": 0, "interval": 60_000}))
    assert reply["advice"] == ADVICE | {"interval": 60_000}
    assert peer.wakeup_s == 71
    peer.subscribe(2, "/news")
    assert peer.wakeup_s == 72

    peer.connect(3, advice={"timeout": 0})
    assert peer.wakeup_s == 13


def test_held_client_never_expires() -> None:
    peer = listening(timeout=60_000)
    peer.connect(1)
    peer.flush(50)

    assert peer.comet.is_alive


def test_any_message_keeps_client() -> None:
    peer = listening()
    peer.subscribe(9, "/news")

    assert peer.wakeup_s == 19


def test_hanging_up_starts_interval() -> None:
    peer = listening()
    peer.connect(1)
    peer.gone(peer.asked, 25)

    assert peer.wakeup_s == 35


def test_disconnect_ends_client() -> None:
    peer = listening()

    assert replies(peer.send(1, {"channel": "/meta/disconnect", "clientId": "a", "id": "d"})) == [
        {"channel": "/meta/disconnect", "id": "d", "successful": True}
    ]
    assert replies(peer.connect(2))[0]["successful"] is False


def test_disconnect_frees_held_poll() -> None:
    peer = listening()
    peer.connect(1)
    held = peer.asked

    freed, left = peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "id": "d"})

    assert (freed.carrier.id, left.carrier.id) == (held, peer.asked)


def test_freed_poll_is_told_to_stay_away() -> None:
    peer = listening()
    peer.connect(1)

    freed, _ = peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "id": "d"})

    assert json.loads(freed.messages[0])["advice"] == {"reconnect": "none"}


@pytest.mark.parametrize(
    ("subscription", "heard"),
    [
        ("/_genesys", ["/_genesys"]),
        (["/_genesys", "/news"], ["/_genesys", "/news"]),
        ("/*", ["/_genesys", "/news"]),
        ("/**", ["/_genesys", "/news", "/news/late"]),
        ("/news/*", ["/news/late"]),
    ],
)
def test_subscriptions_choose_channels(subscription: str | list[str], heard: list[str]) -> None:
    peer = Peer()
    peer.handshake()
    peer.connect(0)

    assert peer.subscribe(0, subscription)["subscription"] == subscription
    for channel in ("/_genesys", "/news", "/news/late"):
        peer.tell("x", channel)

    (frame,) = peer.connect(1) if heard else ()
    assert [json.loads(message)["channel"] for message in frame.messages[:-1]] == heard


@pytest.mark.parametrize("subscription", ["", "news", "/meta/connect", 5, [], ["/a", 5], {"/a": 1}])
def test_bad_subscription_is_refused(subscription: object) -> None:
    """And repeated, so that clients know which it was."""
    peer = Peer()
    peer.handshake()

    assert peer.subscribe(0, subscription) == {
        "channel": "/meta/subscribe",
        "id": "s",
        "subscription": subscription,
        "successful": False,
        "error": "403::subscription_invalid",
    }


def test_missing_subscription_is_refused() -> None:
    peer = Peer()
    peer.handshake()

    assert peer.subscribe(0, None)["error"] == "403::subscription_missing"


def test_who_asks_on_service_channel_hears_there() -> None:
    """CometD's clients listen there, and subscribe to nothing."""
    peer = Peer()
    peer.handshake()
    peer.connect(0)
    peer.tell("one", "/service/chat")
    peer.connect(1)
    assert not peer.comet.is_awaited

    assert texts(peer.send(2, publish())) == []

    assert peer.comet.is_awaited
    assert texts(peer.flush(2)) == ["one"]


def test_late_subscriber_hears_all() -> None:
    peer = Peer()
    peer.handshake()
    peer.connect(0)
    peer.tell("one")
    peer.tell("elsewhere", "/news")
    peer.tell("two")
    peer.subscribe(1)

    assert texts(peer.connect(2)) == ["one", "two"]


def test_unsubscribed_channel_waits() -> None:
    peer = listening()
    peer.send(1, {"channel": "/meta/unsubscribe", "clientId": "a", "subscription": "/_genesys"})
    peer.tell("one")
    assert peer.connect(2, advice={"timeout": 0})[0].messages[:-1] == ()

    peer.subscribe(3)

    assert texts(peer.connect(4)) == ["one"]


def test_publish_is_acknowledged() -> None:
    peer = listening()

    assert replies(peer.send(1, {"channel": "/service/chat", "clientId": "a", "id": "p", "data": {}})) == [
        {"channel": "/service/chat", "id": "p", "successful": True}
    ]


def test_unknown_meta_channel_is_refused() -> None:
    peer = listening()

    (reply,) = replies(peer.send(1, {"channel": "/meta/dance", "clientId": "a"}))

    assert (reply["successful"], reply["error"]) == (False, "404:/meta/dance:channel_unknown")


def test_missing_channel_is_refused() -> None:
    peer = listening()

    (reply,) = replies(peer.send(1, {"clientId": "a", "id": "m"}))

    assert (reply["successful"], reply["error"]) == (False, "400::channel_missing")


@pytest.mark.parametrize("message_id", [7, 1.5, None, "", ["x"], {"a": 1}])
def test_ids_come_back_alike(message_id: object) -> None:
    assert Peer().handshake(id=message_id)["id"] == message_id


def test_missing_id_stays_missing() -> None:
    (reply,) = replies(Peer().send(0, {"channel": "/meta/handshake"}))

    assert "id" not in reply


def test_empty_frame_gets_one() -> None:
    assert Peer().send(0) == [Frame(Carrier(1), ())]


def test_second_client_of_browser_is_not_held() -> None:
    peer = listening()
    peer.handshake()
    peer.connect(0, client="b")
    poll = {"channel": "/meta/connect", "clientId": "a", "id": "c"}
    assert peer.send(1, poll, browser="x") == []

    (reply,) = replies(peer.send(2, poll | {"clientId": "b"}, browser="x"))
    assert reply["advice"] == ADVICE | {"multiple-clients": True, "reconnect": "retry", "interval": 2000}
    assert peer.send(3, poll | {"clientId": "b"}, browser="y") == []


def test_browser_polls_anew_as_often_as_it_likes() -> None:
    peer = listening()
    poll = {"channel": "/meta/connect", "clientId": "a", "id": "c"}
    peer.send(1, poll, browser="x")

    (freed,) = peer.send(2, poll, browser="x")

    assert "advice" not in json.loads(freed.messages[0])


def test_waiting_events_are_told_at_once_to_second_client_of_browser() -> None:
    peer = listening()
    peer.handshake()
    peer.connect(0, client="b")
    poll = {"channel": "/meta/connect", "clientId": "a", "id": "c"}
    peer.send(1, poll, browser="x")
    peer.subscribe(1, "/news", client="b")
    peer.tell("one", "/news")

    *_, reply = replies(peer.send(2, poll | {"clientId": "b"}, browser="x"))
    assert "advice" not in reply


def moved(peer: Peer) -> Peer:
    """Where the client of another is now, which holds a connect there."""
    other = Peer()
    client, frames = peer.comet.release("a", 3 * SECOND_US)
    assert [reply["successful"] for reply in replies(frames)] == [True]
    other.comet.adopt(client, 5 * SECOND_US)
    return other


def test_client_moves_to_another_session() -> None:
    peer = listening()
    peer.connect(2)
    other = moved(peer)
    assert (peer.comet.is_alive, other.comet.knows("a")) == (False, True)
    assert other.wakeup_s == 15

    other.tell("Hello.")
    assert other.connect(6) == []
    other.subscribe(6)

    assert texts(other.flush(6)) == ["Hello."]


def test_moved_client_acknowledges_nothing_of_before() -> None:
    peer = Peer()
    peer.handshake(ext={"ack": True})
    peer.connect(0)
    peer.subscribe(0)
    for text in ("One.", "More."):
        peer.tell(text)
    peer.connect(1)
    peer.connect(2)
    other = moved(peer)
    other.subscribe(5)
    other.tell("Two.")

    assert texts(other.connect(6, ext={"ack": 1})) == ["Two."]


def test_resumed_chat_is_told_again() -> None:
    """From the position that is named: in order, and after the reply."""
    channel = "/service/chatV2/support"
    peer = listening()
    asked = {"channel": channel, "id": "p", "data": {"operation": "requestNotifications", "transcriptPosition": 2}}
    peer.send(1, asked | {"clientId": "a"})
    for index in (1, 2, 3):
        peer.comet.deliver(channel, event(f"line {index}", channel), ("C", index))
    assert texts(peer.connect(2)) == ["line 1", "line 2", "line 3"]
    peer.handshake(4)
    peer.connect(4, "b")

    assert texts(peer.send(5, asked | {"clientId": "b"})) == []
    assert texts(peer.connect(5, "b")) == ["line 2", "line 3"]


def test_who_resumes_is_told_once_what_was_not_told() -> None:
    channel = "/service/chatV2/support"
    peer = listening()
    asked = {"channel": channel, "id": "p", "data": {"operation": "requestNotifications", "transcriptPosition": 2}}
    peer.send(1, asked | {"clientId": "a"})
    for index in (1, 2):
        peer.comet.deliver(channel, event(f"line {index}", channel), ("C", index))

    assert texts(peer.send(2, asked | {"clientId": "a"})) == []
    assert texts(peer.connect(3)) == ["line 2"]


def test_forgotten_client_leaves_what_it_has_not() -> None:
    peer = listening()
    peer.connect(1)
    peer.tell("one")
    (asked,) = bayeux.parse(json.dumps(CONNECT).encode())
    (held,) = peer.comet.forget((asked,))

    assert json.loads(held.messages[0])["error"] == "402::session_unknown"
    assert not peer.comet.knows("a")
    assert list(peer.comet.forget((asked,))) == []
    peer.join(2, "b")
    assert texts(peer.connect(3, "b")) == ["one"]


def test_forgotten_client_leaves_what_it_has_not_acknowledged() -> None:
    peer = Peer()
    peer.handshake(0, ext={"ack": True})
    peer.connect(0)
    peer.subscribe(0)
    for number in (1, 2):
        peer.tell(str(number))
        peer.connect(number)
    # It has the first batch with an event, not the second.
    (asked,) = bayeux.parse(json.dumps(CONNECT | {"ext": {"ack": 2}}).encode())

    assert list(peer.comet.forget((asked,))) == []
    peer.join(3, "b")
    assert texts(peer.connect(4, "b")) == ["2"]


def test_lost_message_is_told_to_nobody() -> None:
    peer = listening()
    peer.comet.deliver("/_genesys", event("one", "/_genesys"), None, True)

    assert texts(peer.connect(1, advice={"timeout": 0})) == []


def test_one_client_too_many_is_refused() -> None:
    peer = Peer()
    peer.comet.limits = Limits(clients=2)
    for _ in range(2):
        peer.handshake()

    reply = peer.handshake()

    assert (reply["successful"], reply["error"]) == (False, "429:2:too_many_clients")
    assert "clientId" not in reply


def test_clients_that_expired_make_room() -> None:
    peer = Peer()
    peer.comet.limits = Limits(clients=1)
    peer.handshake()
    peer.flush(11)

    assert peer.handshake(12)["successful"]


@pytest.mark.parametrize(
    ("wanted", "is_taken"), [(["/a", "/b"], True), (["/a", "/b", "/a"], True), (["/a", "/b", "/c"], False)]
)
def test_one_subscription_too_many_is_refused(wanted: list[str], is_taken: bool) -> None:
    """All of a message, or none."""
    peer = Peer()
    peer.comet.limits = Limits(subscriptions=3)
    peer.join(0)
    peer.subscribe(1)

    reply = peer.subscribe(1, wanted)

    assert reply["successful"] is is_taken
    assert reply.get("error") == (None if is_taken else "429:3:too_many_subscriptions")


@pytest.mark.parametrize(
    ("further", "error"),
    [
        (["/bcd", "/efg"], None),
        (["/bcd", "/bcd", "/a"], None),
        (["/bcd", "/efgh"], "429:19:too_many_subscribed_characters"),
    ],
)
def test_too_long_subscriptions_are_refused(further: list[str], error: str | None) -> None:
    """Beside `/_genesys`. Else a session's clients might hold the names of a hundred thousand long channels."""
    peer = Peer()
    peer.comet.limits = Limits(subscribed_characters=19)
    peer.join(0)
    peer.subscribe(1, ["/a"])

    assert peer.subscribe(1, further).get("error") == error


def test_what_was_subscribed_to_makes_room() -> None:
    peer = Peer()
    peer.comet.limits = Limits(subscribed_characters=19)
    peer.join(0)
    peer.subscribe(1, ["/23456789a"])
    peer.send(1, {"channel": "/meta/unsubscribe", "clientId": "a", "subscription": "/23456789a"})

    assert peer.subscribe(1, ["/23456789b"])["successful"]


def test_too_long_service_channel_is_refused() -> None:
    """Who publishes there listens there."""
    peer = Peer()
    peer.comet.limits = Limits(subscribed_characters=19)
    peer.join(0)

    (reply,) = replies(peer.send(1, {"channel": "/service/chatV2/x", "clientId": "a", "data": {}}))

    assert reply["error"] == "429:19:too_many_subscribed_characters"


def test_one_service_channel_too_many_is_refused() -> None:
    """Who publishes there listens there."""
    peer = Peer()
    peer.comet.limits = Limits(subscriptions=1)
    peer.join(0)

    (reply,) = replies(peer.send(1, {"channel": "/service/chatV2/x", "clientId": "a", "data": {}}))

    assert reply["error"] == "429:1:too_many_subscriptions"


def test_long_channel_is_no_channel() -> None:
    peer = Peer()
    peer.comet.limits = Limits(subscriptions=1)
    peer.join(0)
    long = "/service/" + "a" * 1000

    subscribed = peer.subscribe(1, [long])
    (published,) = replies(peer.send(1, {"channel": long, "clientId": "a", "data": {}}))

    assert subscribed["error"] == "403::subscription_invalid"
    assert published["error"] == "405::channel_invalid"


def test_long_channel_is_not_subscribed_to() -> None:
    peer = Peer()
    peer.join(0)
    long = "/service/" + "a" * 1000
    peer.send(1, {"channel": long, "clientId": "a", "data": {}})
    peer.comet.deliver(long, event("one", long))

    assert texts(peer.connect(2, advice={"timeout": 0})) == []


def test_what_is_told_is_counted() -> None:
    peer = listening()
    counts = []
    for at_s, text in enumerate(("one", "two"), start=1):
        peer.tell(text)
        counts.append((peer.comet.told_count, peer.comet.has_waiting))
        peer.connect(at_s)
        counts.append((peer.comet.told_count, peer.comet.has_waiting))

    assert counts == [(0, True), (1, False), (1, True), (2, False)]


def test_who_asked_in_vain_awaits_what_comes() -> None:
    """Which a message that is lost is not."""
    peer = listening()
    asked = [peer.comet.was_asked_in_vain]
    peer.connect(1, advice={"timeout": 0})
    asked += [peer.comet.was_asked_in_vain and peer.comet.is_awaited]
    peer.comet.deliver("/_genesys", event("lost"), is_lost=True)
    asked += [peer.comet.was_asked_in_vain]
    peer.tell("one")
    asked += [peer.comet.was_asked_in_vain]

    assert asked == [False, True, True, False]


def test_room_is_made_by_whom_nobody_waits_for() -> None:
    """Whoever has not connected yet is about to."""
    peer = listening()
    peer.connect(1)
    peer.join(1, "b")
    peer.handshake(1)

    peer.comet.make_room()

    assert [peer.comet.knows(client) for client in "abc"] == [True, False, True]


def test_end_tells_who_waits() -> None:
    peer = listening()
    peer.connect(1)
    held = peer.asked
    peer.join(1, "b")

    (told,) = peer.comet.end()

    assert (told.carrier.id, json.loads(told.messages[0])["error"]) == (held, "402::session_unknown")
    assert (peer.comet.is_alive, peer.wakeup_s) == (False, None)


def test_other_polls_outlive_one_that_is_gone() -> None:
    peer = listening()
    peer.connect(1)
    held = peer.asked
    peer.join(1, "b")
    peer.connect(1, "b")

    peer.gone(held, 2)

    assert peer.comet.is_polled
    assert peer.wakeup_s == 12


def test_who_leaves_may_say_what_it_has() -> None:
    """Of a chat: the rest comes again, though it was told."""
    peer = listening()
    for position in (1, 2):
        peer.comet.deliver("/_genesys", event(f"line {position}"), ("chat", position))
    peer.connect(1)
    peer.comet.sent(peer.asked)
    peer.send(2, {"channel": "/meta/disconnect", "clientId": "a", "ext": {"transcriptPosition": "1"}})
    peer.join(3, "b")

    assert texts(peer.connect(4, "b")) == ["line 2"]


# Extensions.


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


# WebSockets.


def test_socket_hears_at_once() -> None:
    """While its connect stays held."""
    peer = over_socket()
    assert peer.say(1, CONNECT) == []
    peer.tell("one")
    peer.tell("two")

    assert peer.flush(2) == [Frame(Carrier(100, Transport.WEBSOCKET), (event("one"), event("two")))]
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

    assert answered.carrier.id == peer.asked
    assert peer.flush(3) == [Frame(Carrier(100, Transport.WEBSOCKET), (event("one"),))]


def test_poll_of_who_shakes_hands_over_a_socket_is_answered() -> None:
    peer = listening()
    assert peer.connect(1) == []
    peer.say(2, {"channel": "/meta/handshake", "clientId": "a"})

    (answered,) = peer.flush(40)

    assert answered.carrier.id == peer.asked


def test_client_moves_from_socket_to_polls() -> None:
    peer = over_socket()
    peer.say(1, CONNECT)
    (answered,) = peer.connect(2)
    assert answered.carrier.id == 100
    peer.tell("one")

    (frame,) = peer.flush(3)
    assert frame.carrier.id == peer.asked
    assert texts([frame]) == ["one"]
