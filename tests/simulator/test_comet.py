import asyncio
import json

import pytest

from gms_replay import bayeux
from gms_replay.simulator.call import Caller
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.comet import Comet
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.sessions import Socket
from gms_replay.simulator.tasks import Tasks

ACKNOWLEDGING = {"ext": {"ack": True}}


def deaf(channel, data, tell):
    """Nobody listens on service channels."""


def channels(messages):
    return [message["channel"] for message in messages]


def shake(app, **fields):
    return app.comet({"channel": "/meta/handshake", "version": "1.0", "id": "1", **fields})[0]


def read(connection):
    """The answer to a poll begun earlier."""
    messages = json.loads(connection.getresponse().read())
    connection.close()
    return messages


def test_handshake_offers_what_there_is(app):
    shaken = shake(app)
    client_id = shaken.pop("clientId")
    assert len(client_id) > 20
    assert shaken == {
        "channel": "/meta/handshake",
        "id": "1",
        "successful": True,
        "version": "1.0",
        "minimumVersion": "1.0",
        "supportedConnectionTypes": ["websocket", "long-polling", "callback-polling"],
        "advice": {"interval": 0, "timeout": 60000, "maxInterval": 10000, "reconnect": "retry"},
    }


def test_first_connect_returns_at_once(app):
    app.client_id = shake(app)["clientId"]
    (reply,) = app.poll()
    assert (reply["channel"], reply["id"], reply["successful"]) == ("/meta/connect", "c", True)
    assert reply["advice"]["reconnect"] == "retry"
    assert "clientId" not in reply


def test_held_poll_times_out(app_of):
    app = app_of(poll_timeout_s=0.05)
    app.shake_hands()
    assert app.poll() == [{"channel": "/meta/connect", "id": "c", "successful": True}]


@pytest.mark.parametrize("timeout_ms", [0, 20, 20.5])
def test_clients_timeout_is_honoured(app, timeout_ms):
    app.shake_hands()
    (reply,) = app.poll(advice={"timeout": timeout_ms})
    assert reply["advice"]["timeout"] == 60000


@pytest.mark.parametrize("advice", ["soon", {"timeout": "1"}, {"timeout": -1}, {"timeout": None}])
def test_odd_advice_means_none(app_of, advice):
    app = app_of(poll_timeout_s=0.05)
    app.shake_hands()
    assert app.poll(advice=advice)[0]["successful"]


def test_event_ends_the_poll(app):
    app.open_comet()
    poll = app.begin_poll()
    app.start_chat()
    assert channels(read(poll)) == ["/_genesys", "/meta/connect"]


def test_subscriptions_are_confirmed(app):
    app.shake_hands()
    (reply,) = app.subscribe()
    assert reply == {"channel": "/meta/subscribe", "id": "s", "successful": True, "subscription": "/_genesys"}
    message = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": ["/a", "/b/**"]}
    assert app.comet(message)[0]["subscription"] == ["/a", "/b/**"]


@pytest.mark.parametrize("subscription", [[], "", "plain", "/", "/meta/connect", [1], {"a": 1}])
def test_wrong_subscriptions_fail(app, subscription):
    app.shake_hands()
    message = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": subscription}
    assert app.comet(message)[0] == {
        "channel": "/meta/subscribe",
        "subscription": subscription,
        "successful": False,
        "error": "403::subscription_invalid",
    }


def test_missing_subscription_fails(app):
    app.shake_hands()
    message = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": None}
    assert app.comet(message)[0] == {
        "channel": "/meta/subscribe",
        "successful": False,
        "error": "403::subscription_missing",
    }


def test_early_events_wait(app, until_line):
    app.shake_hands()
    app.start_chat()
    assert channels(app.poll(advice={"timeout": 300})) == ["/meta/connect"]
    app.subscribe()
    frames = app.chat_frames(until_line("Message.Text", "AGENT"))
    assert [frame["data"]["message"]["transcriptPosition"] for frame in frames] == ["2", "3", "4", "5"]


def test_unsubscribed_events_wait(app, until_disconnected):
    app.open_comet()
    message = {"channel": "/meta/unsubscribe", "clientId": app.client_id, "subscription": "/_genesys"}
    assert app.comet(message)[0] == {
        "channel": "/meta/unsubscribe",
        "successful": True,
        "subscription": "/_genesys",
    }
    service_id = app.start_chat()
    app.chat(service_id, "disconnect")
    assert channels(app.poll(advice={"timeout": 50})) == ["/meta/connect"]
    app.subscribe()
    assert app.chat_frames(until_disconnected)


def test_publish_is_acknowledged(app):
    app.shake_hands()
    message = {"channel": "/service/x", "clientId": app.client_id, "data": {"a": 1}, "id": "9"}
    assert app.comet(message) == [{"channel": "/service/x", "id": "9", "successful": True}]


@pytest.mark.parametrize("channel", ["/meta/connect", "/meta/subscribe", "/meta/disconnect", "/_genesys"])
@pytest.mark.parametrize("fields", [{"clientId": "nobody"}, {"clientId": ["x"]}, {}])
def test_unknown_client_must_shake(app, channel, fields):
    """A connect's reply alone says so: with another it could come after the new handshake."""
    (reply,) = app.comet({"channel": channel, "id": "4", **fields})
    advice = reply.pop("advice", None)
    assert reply == {"channel": channel, "id": "4", "successful": False, "error": "402::session_unknown"}
    assert advice == ({"interval": 0, "reconnect": "handshake"} if channel == "/meta/connect" else None)


def test_odd_channels_fail(app):
    app.shake_hands()
    replies = app.comet({"clientId": app.client_id}, {"channel": "/meta/odd", "clientId": app.client_id})
    assert [reply["error"] for reply in replies] == ["400::channel_missing", "404::unknown_meta_channel"]


@pytest.mark.parametrize("connect_first", [True, False])
def test_batches_take_any_order(app, connect_first):
    app.shake_hands()
    app.start_chat()
    connect = app.connect_message()
    subscribe = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": "/_genesys", "id": "s"}
    batch = [connect, subscribe] if connect_first else [subscribe, connect]
    replies = [message for message in app.comet(*batch) if message["channel"] != "/_genesys"]
    assert (
        replies
        == [
            {"channel": "/meta/connect", "id": "c", "successful": True},
            {"channel": "/meta/subscribe", "id": "s", "successful": True, "subscription": "/_genesys"},
        ][:: 1 if connect_first else -1]
    )


def test_batch_brings_events_first(app, until_disconnected):
    app.shake_hands()
    app.finish_chat()
    subscribe = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": "/_genesys"}
    answer = app.comet(app.connect_message(), subscribe)
    assert channels(answer)[-2:] == ["/meta/connect", "/meta/subscribe"]
    assert until_disconnected(answer[-3]["data"]["message"])


def test_second_connect_frees_first(app):
    app.open_comet()
    first = app.begin_poll()
    second = app.begin_poll()
    assert channels(read(first)) == ["/meta/connect"]
    app.start_chat()
    assert channels(read(second)) == ["/_genesys", "/meta/connect"]


def test_dropped_poll_loses_nothing(app, until_disconnected):
    app.open_comet()
    app.begin_poll().close()
    app.settle()
    service_id = app.start_chat()
    app.chat(service_id, "disconnect")
    positions = [frame["data"]["message"]["transcriptPosition"] for frame in app.chat_frames(until_disconnected)]
    assert positions[:-1] == [str(2 + at) for at in range(len(positions) - 1)]


def test_app_from_background_is_told_what_it_missed(app, until_line, until_disconnected):
    """By what it says that it has, whatever it was sent."""
    app.open_comet()
    service_id = app.start_chat()
    app.chat_frames(until_line("Message.Text", "AGENT"))
    leaving = {"channel": "/meta/disconnect", "clientId": app.client_id, "ext": {"transcriptPosition": "3"}}
    assert app.comet(leaving)[0]["successful"]
    app.chat(service_id, "send", message="Thank you, bye!")
    while app.chat(service_id, "refresh")["chatIxnState"] != "DISCONNECTED":
        pass

    app.open_comet()
    frames = app.chat_frames(until_disconnected)

    positions = [int(frame["data"]["message"]["transcriptPosition"]) for frame in frames]
    assert positions[:-1] == list(range(4, 4 + len(positions) - 1))
    assert positions[-1] == positions[-2]


def test_over_is_told_to_who_has_all_lines(app, until_disconnected):
    app.open_comet()
    service_id = app.start_chat()
    app.chat(service_id, "disconnect")
    while (told := app.chat(service_id, "refresh"))["chatIxnState"] != "DISCONNECTED":
        pass
    leaving = {"channel": "/meta/disconnect", "clientId": app.client_id}
    app.comet(leaving | {"ext": {"transcriptPosition": told["transcriptPosition"]}})

    app.open_comet()

    assert len(app.chat_frames(until_disconnected)) == 1


def test_disconnect_ends_the_session(app):
    app.open_comet()
    poll = app.begin_poll()
    message = {"channel": "/meta/disconnect", "clientId": app.client_id, "id": "8"}
    assert app.comet(message) == [{"channel": "/meta/disconnect", "id": "8", "successful": True}]
    assert read(poll)[0]["advice"] == {"interval": 0, "reconnect": "none"}
    assert app.poll()[0]["error"] == "402::session_unknown"


def test_missed_events_reach_next_session(app, until_disconnected):
    app.open_comet()
    app.comet({"channel": "/meta/disconnect", "clientId": app.client_id})
    service_id = app.start_chat()
    app.chat(service_id, "disconnect")
    app.open_comet()
    assert app.chat_frames(until_disconnected)[0]["data"]["message"]["transcriptPosition"] == "2"


def test_late_subscriber_is_told_what_waits(app, until_disconnected):
    app.shake_hands()
    app.finish_chat()
    poll = app.begin_poll()
    app.subscribe()
    assert until_disconnected(read(poll)[-2]["data"]["message"])


def test_unpolled_session_expires(app_of):
    app = app_of(max_interval_s=0.05)
    app.shake_hands()
    while app.subscribe()[0]["successful"]:
        pass
    assert app.subscribe()[0]["error"] == "402::session_unknown"


def test_dropped_poll_expires_too(app_of):
    app = app_of(max_interval_s=0.3)
    app.shake_hands()
    app.begin_poll().close()
    while app.subscribe()[0]["successful"]:
        pass
    assert app.subscribe()[0]["error"] == "402::session_unknown"


def test_held_poll_keeps_the_session(app_of):
    app = app_of(max_interval_s=1.5)
    app.open_comet()
    poll = app.begin_poll()
    doomed = app.client_id
    other = app.comet({"channel": "/meta/handshake", "id": "2"})[0]["clientId"]
    app.client_id = other
    while app.subscribe()[0]["successful"]:
        pass
    app.client_id = doomed
    assert app.subscribe()[0]["successful"]
    app.start_chat()
    assert channels(read(poll)) == ["/_genesys", "/meta/connect"]


def test_polls_wake_for_their_user(app, apps):
    other = apps(app.base_url)
    for one in (app, other):
        one.open_comet()
    polls = [one.begin_poll() for one in (app, other)]
    for one, poll in zip((app, other), polls, strict=True):
        one.start_chat()
        assert channels(read(poll)) == ["/_genesys", "/meta/connect"]


def test_acknowledgement_is_agreed(app):
    assert (shake(app, **ACKNOWLEDGING)["ext"], "ext" in shake(app)) == ({"ack": True}, False)


def test_connects_are_numbered(app):
    app.client_id = shake(app, **ACKNOWLEDGING)["clientId"]
    replies = [app.poll(ext={"ack": number}, advice={"timeout": 0})[0] for number in range(3)]
    assert [reply["ext"] for reply in replies] == [{"ack": 1}, {"ack": 2}, {"ack": 3}]


def test_lost_answers_come_again(app):
    app.open_comet(**ACKNOWLEDGING)
    app.finish_chat()
    *told, first = app.poll(ext={"ack": 1})
    *again, second = app.poll(ext={"ack": 1})
    assert (told == again, channels(told)[0]) == (True, "/_genesys")
    assert (first["ext"], second["ext"]) == ({"ack": 2}, {"ack": 3})


def test_acknowledged_events_do_not_come_again(app):
    app.open_comet(**ACKNOWLEDGING)
    app.finish_chat()
    app.poll(ext={"ack": 1})
    assert channels(app.poll(ext={"ack": 2}, advice={"timeout": 50})) == ["/meta/connect"]


def test_batched_connects_acknowledge_too(app):
    app.open_comet(**ACKNOWLEDGING)
    app.finish_chat()
    told = app.poll(ext={"ack": 1})[:-1]
    subscribe = {"channel": "/meta/subscribe", "clientId": app.client_id, "subscription": "/a"}
    answers = [app.comet(app.connect_message(ext={"ack": number}), subscribe) for number in (1, 3)]
    assert (answers[0][:-2], answers[1][:-2]) == (told, [])


def test_what_an_expired_session_did_not_acknowledge_is_told_to_the_next(app_of):
    app = app_of(max_interval_s=1.0, poll_timeout_s=60)
    app.finish_chat()
    app.open_comet(**ACKNOWLEDGING)
    told = app.poll(ext={"ack": 1})
    app.open_comet()
    assert app.poll()[:-1] == told[:-1]


def test_who_says_goodbye_has_all(app):
    app.open_comet(**ACKNOWLEDGING)
    app.finish_chat()
    app.poll(ext={"ack": 1})
    app.comet({"channel": "/meta/disconnect", "clientId": app.client_id})
    app.open_comet()
    assert channels(app.poll(advice={"timeout": 50})) == ["/meta/connect"]


async def subscribed(comet):
    """A session that has connected and subscribed: what sends one more message for it, and tells the answer."""

    stays = asyncio.Event().wait

    async def send(channel, gone=stays, **fields):
        (message,) = bayeux.parse(json.dumps({"channel": channel, **fields}).encode())
        answer = await comet.answer([message], Caller("stan", ""), gone)
        return None if answer is None else [json.loads(reply) for reply in answer]

    (shaken,) = await send("/meta/handshake")
    own = {"clientId": shaken["clientId"]}
    await send("/meta/connect", **own)
    await send("/meta/subscribe", **own, subscription="/_genesys")
    return lambda channel, **fields: send(channel, **(own | fields))


def conversation(*turns):
    """What each turn of a session is answered with, where the server repeats all it hears on service channels.

    A turn is the channel and fields of a message; one without is a turn of another session of the same user.
    """
    heard = []

    def hear(channel, data, tell):
        heard.append((channel, data))
        tell({"heard": data})

    async def scenario():
        comet = Comet(Ids(Chance(1, quick=True).source), Tasks(), hear, timeout_s=0.01, max_interval_s=60)
        send, other = await subscribed(comet), await subscribed(comet)
        return [await (send(turn[0], **turn[1]) if turn else other("/meta/connect")) for turn in turns]

    return asyncio.run(scenario()), heard


CONNECT = ("/meta/connect", {})


def test_who_publishes_hears_unsubscribed():
    answers, heard = conversation(("/service/x", {"data": 1}), CONNECT, CONNECT)
    assert heard == [("/service/x", 1)]
    assert answers == [
        [{"channel": "/service/x", "successful": True}],
        [{"data": {"heard": 1}, "channel": "/service/x"}, {"channel": "/meta/connect", "successful": True}],
        [{"channel": "/meta/connect", "successful": True}],
    ]


def test_users_other_sessions_do_not_hear():
    answers, _ = conversation(("/service/x", {"data": 1}), (), CONNECT)
    assert [channels(answer) for answer in answers[1:]] == [["/meta/connect"], ["/service/x", "/meta/connect"]]


@pytest.mark.parametrize("turn", [("/service/x", {}), ("/x", {"data": 1}), ("/meta/x", {"data": 1})])
def test_only_data_on_service_channels_are_heard(turn):
    assert conversation(turn)[1] == []


def test_strangers_are_not_heard():
    answers, heard = conversation(("/service/x", {"data": 1, "clientId": "nobody"}))
    assert (heard, answers[0][0]["successful"]) == ([], False)


def test_gone_session_is_told_no_more():
    async def scenario():
        tells, sent = [], []

        def hear(channel, data, tell):
            tells.append(tell)

        comet = Comet(Ids(Chance(1, quick=True).source), Tasks(), hear, timeout_s=60, max_interval_s=60)
        socket = Socket(sent.extend)

        def say(channel, **fields):
            comet.hear(bayeux.parse(json.dumps({"channel": channel, **fields}).encode()), Caller("stan", ""), socket)

        say("/meta/handshake")
        own = {"clientId": json.loads(sent.pop())["clientId"]}
        say("/service/x", **own, data=1)
        tells[0]({"n": 1})
        say("/meta/disconnect", **own)
        tells[0]({"n": 2})
        return [json.loads(message) for message in sent]

    assert asyncio.run(scenario()) == [
        {"channel": "/service/x", "successful": True},
        {"data": {"n": 1}, "channel": "/service/x"},
        {"channel": "/meta/disconnect", "successful": True},
    ]


def test_event_outlives_its_leaving_peer():
    async def scenario():
        comet = Comet(Ids(Chance(1, quick=True).source), Tasks(), deaf, timeout_s=60, max_interval_s=60)
        send = await subscribed(comet)

        async def gone():
            comet.publish("stan", "/_genesys", {"n": 1})

        return [await send("/meta/connect", gone=gone), await send("/meta/connect")]

    assert asyncio.run(scenario()) == [
        None,
        [{"data": {"n": 1}, "channel": "/_genesys"}, {"channel": "/meta/connect", "successful": True}],
    ]


def test_closed_comet_holds_nothing():
    async def scenario():
        comet = Comet(Ids(Chance(1, quick=True).source), Tasks(), deaf, timeout_s=600, max_interval_s=60)
        send = await subscribed(comet)
        comet.close()
        return await send("/meta/connect")

    assert asyncio.run(scenario()) == [{"channel": "/meta/connect", "successful": True}]
