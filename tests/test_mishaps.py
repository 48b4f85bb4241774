"""What befalls a session, played by the engine; see docs/architecture.md, "Faults"."""

import gzip
import json
from typing import Any

import pytest
from chats2 import CHANNEL as CHANNEL2
from chats2 import KEY, ONE_CHAT, Chatter, recorded_chat, told
from driver import App, send
from driver import told as messages
from factories import (
    CALLBACK,
    HELLO,
    JOINED,
    ORDER,
    QUEUE,
    REPLY,
    SEND,
    SERVICE,
    Tape,
    chat_recording,
    frame,
    position,
)
from faulty import chatting, faulty, listening, rule

from gms_replay import jsonp
from gms_replay.events import Break, CloseSocket

JOIN, GREET, ASK = "has joined the session", "Hello.", "How may I help?"
CONNECT = "/meta/connect"
CHANNEL = "/_genesys"


def conversation() -> Any:
    """Three messages, at 2, 4 and 6 s."""
    return chat_recording((2, frame(1, JOINED)), (4, frame(2, HELLO)), (6, frame(3, REPLY)))


def queue() -> Any:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "GET", QUEUE, b"", position(2))
    tape.ask(60, "POST", SEND, "message=Hi", b'{"sent":1}', takes_s=0.5)
    tape.ask(70, "POST", SEND, "message=Bye", b'{"sent":2}')
    return tape.recording()


def queued(*rules: dict[str, Any], **options: Any) -> App:
    app = App(faulty(queue(), *rules, **options))
    app.call("POST", CALLBACK, ORDER)
    return app


def log(app: App) -> list[str]:
    return [line.partition(": ")[2] for line in app.driver.logged if "fault" in line]


def test_without_rules_nothing_befalls() -> None:
    app = chatting(conversation())
    app.listen(8)

    assert (app.lines, app.times) == ([JOIN, GREET, ASK], [2, 4, 6])
    assert log(app) == []


def test_error_is_told_in_words_of_gms() -> None:
    app = queued(rule("queue position", "error", 2, status=500))

    assert app.call("GET", QUEUE).status == 200
    answer = app.call("GET", QUEUE)
    assert answer.status == 500
    assert json.loads(answer.body) == {
        "exception": "com.genesyslab.gsg.GSGException",
        "message": "Internal Server Error",
        "code": 500,
        "phrase": "Internal Server Error",
    }
    assert app.call("GET", QUEUE).status == 200
    assert log(app) == ["fault 1: error on queue position 2"]


def test_what_is_refused_was_never_asked() -> None:
    """So its retry gets what the first would have got."""
    app = queued(rule("send", "error", 1))

    assert [send(app, "Hi").status, send(app, "Hi").body, send(app, "Bye").body] == [503, b'{"sent":1}', b'{"sent":2}']
    assert app.driver.player.missed == 0
    assert app.driver.notes == []


def test_refused_start_opens_no_second_visit() -> None:
    app = App(faulty(queue(), rule("start callback", "error", 1)))

    assert app.call("POST", CALLBACK, ORDER).status == 503
    assert json.loads(app.call("POST", CALLBACK, ORDER).body)["_id"] == SERVICE
    assert len(app.driver.player.sessions) == 1


def test_miss_stays_a_miss() -> None:
    app = queued(rule("any", "error", 1, 2, 3))

    assert [app.call("GET", f"{QUEUE}/{n}").status for n in range(3)] == [404, 404, 404]
    assert app.driver.player.missed == 3


@pytest.mark.parametrize("do", ["reset", "cut", "garbage"])
def test_answer_that_is_lost_is_kept_for_the_retry(do: str) -> None:
    app = queued(rule("send", do, 1))
    first = app.ask("POST", SEND, "message=Hi")
    app.driver.wait(1)
    if do == "reset":
        assert app.driver.broken == [Break(first, resets=True)]
    else:
        # As a front end does, which cannot know.
        app.driver.confirm(first)

    assert [send(app, "Hi").body, send(app, "Bye").body] == [b'{"sent":1}', b'{"sent":2}']
    assert app.driver.notes == []


def test_cut_answer_is_whole_but_for_its_end() -> None:
    app = queued(rule("send", "cut", 1), rule("send", "cut", 2, after_bytes=3), rule("send", "cut", 3, after_bytes=99))

    answers = [send(app, "Hi") for _ in range(3)]
    assert {one.body for one in answers} == {b'{"sent":1}'}
    assert [one.cut_at for one in answers] == [5, 3, 10]


def test_garbage_is_no_json_and_comes_again() -> None:
    first, again = (queued(rule("send", "garbage")).call("POST", SEND, "message=Hi") for _ in range(2))

    assert first.status == 200
    assert first.body == again.body
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(first.body)


def test_answer_that_hangs_comes_with_the_retry() -> None:
    app = queued(rule("send", "hang", 1))
    first = app.ask("POST", SEND, "message=Hi")
    app.driver.wait(3600)
    assert first not in app.driver.answers
    app.driver.hang_up(first)

    assert [send(app, "Hi").body, send(app, "Bye").body] == [b'{"sent":1}', b'{"sent":2}']


def test_delay_comes_on_top() -> None:
    app = queued(rule("send", "delay", 1, delay_ms=2000))
    began_s = app.seconds

    send(app, "Hi")
    assert app.seconds - began_s == 2.5


def test_delayed_answer_may_be_given_up() -> None:
    app = queued(rule("send", "delay", 1, delay_ms=2000))
    first = app.ask("POST", SEND, "message=Hi")
    app.driver.wait(1)
    app.driver.hang_up(first)
    app.driver.wait(10)

    assert first not in app.driver.answers
    assert send(app, "Hi").body == b'{"sent":1}'


def test_jitter_is_drawn_within_bounds() -> None:
    app = queued(rule("queue position", "delay", delay_ms=100, jitter_ms=50))

    def takes() -> float:
        began_us = app.driver.now_us
        app.call("GET", QUEUE)
        return (app.driver.now_us - began_us) / 1000 - 100

    taken = [takes() for _ in range(20)]
    assert min(taken) >= 100
    assert max(taken) <= 150
    assert len(set(taken)) > 10


def test_virtual_clock_jumps_over_delays() -> None:
    app = queued(rule("send", "delay", 1, delay_ms=3_600_000), rule("send", "error", 2, delay_ms=5000), clock="virtual")
    began_us = app.driver.now_us
    (session,) = app.driver.player.sessions
    story_us = session.story_us(began_us)

    assert [send(app, "Hi").status, send(app, "Bye").status] == [200, 503]
    assert app.driver.now_us == began_us
    assert session.story_us(began_us) - story_us == 3_605_500_000


def test_poll_that_is_reset_dies_at_once_and_loses_nothing() -> None:
    app = chatting(conversation(), rule(CONNECT, "reset", 2))
    poll = app.connect()
    assert app.driver.broken == [Break(poll, resets=True)]
    app.driver.hang_up(poll)
    app.listen(8)

    assert app.lines == [JOIN, GREET, ASK]


def test_poll_may_be_reset_in_the_middle() -> None:
    app = chatting(conversation(), rule(CONNECT, "reset", 2, delay_ms=1500))
    app.connect()
    app.driver.wait(1)
    assert app.driver.broken == []
    app.driver.wait(1)
    assert len(app.driver.broken) == 1
    app.listen(8)

    assert app.lines == [JOIN, GREET, ASK]


@pytest.mark.parametrize("do", ["cut", "garbage", "hang"])
@pytest.mark.parametrize("acknowledges", [False, True])
def test_what_a_spoiled_poll_carried_comes_with_the_next(do: str, acknowledges: bool) -> None:
    app = App(faulty(conversation(), rule(CONNECT, do, 2)))
    app.call("POST", CALLBACK, ORDER)
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    (reply,) = app.bayeux(shake | ({"ext": {"ack": True}} if acknowledges else {}))
    app.client_id = reply["clientId"]
    app.driver.wait_for(app.connect())
    app.subscribe()
    poll = app.connect()
    app.driver.wait(3)
    assert (poll in app.driver.answers) == (do != "hang")
    app.driver.hang_up(poll)
    ext = {"ext": {"ack": 1}} if acknowledges else {}
    app.hear(app.driver.wait_for(app.connect(**ext)))

    assert app.lines == [JOIN]


def test_error_on_comet_is_the_status_alone() -> None:
    app = chatting(conversation(), rule("comet", "error", 4, status=500))

    answer = app.driver.wait_for(app.connect())
    assert (answer.status, answer.body) == (500, b"")
    app.listen(8)
    assert app.lines == [JOIN, GREET, ASK]


def test_delayed_poll_keeps_order() -> None:
    app = chatting(conversation(), rule(CONNECT, "delay", 2, delay_ms=3000))
    app.listen(12)

    assert app.lines == [JOIN, GREET, ASK]
    assert app.times == [5, 5, 6]


def test_virtual_clock_jumps_over_a_delayed_poll() -> None:
    app = chatting(conversation(), rule(CONNECT, "delay", 2, delay_ms=3000), clock="virtual")
    began_us = app.driver.now_us
    app.hear(app.driver.answers[app.connect()])

    assert app.lines == [JOIN]
    assert app.driver.now_us == began_us


@pytest.mark.parametrize("acknowledges", [False, True])
def test_forgotten_client_shakes_hands_and_hears_the_rest(acknowledges: bool) -> None:
    app = App(faulty(conversation(), rule(CONNECT, "forget", 4)))
    app.call("POST", CALLBACK, ORDER)
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    shake |= {"ext": {"ack": True}} if acknowledges else {}

    def shake_hands() -> None:
        (reply,) = app.bayeux(shake)
        app.client_id = reply["clientId"]
        app.driver.wait_for(app.connect(ext={"ack": 0}))
        app.subscribe()

    shake_hands()
    for ack in (1, 2):
        app.hear(app.driver.wait_for(app.connect(ext={"ack": ack})))
    app.driver.wait(3)
    # The last batch of an acknowledging client is confirmed by the very message that is refused.
    (refusal,) = messages(app.driver.wait_for(app.connect(ext={"ack": 3})))
    assert (refusal["error"], refusal["advice"]["reconnect"]) == ("402::session_unknown", "handshake")
    shake_hands()
    app.listen(4)

    assert app.lines == [JOIN, GREET, ASK]


def test_forgetting_ends_a_held_poll_too() -> None:
    app = chatting(conversation(), rule("/meta/subscribe", "forget", 2))
    poll = app.connect()
    (subscribed,) = app.bayeux(app.meta("subscribe", subscription="/x"))

    (held,) = messages(app.driver.answers[poll])
    assert (held["error"], subscribed["error"]) == ("402::session_unknown", "402::session_unknown")
    assert "advice" not in subscribed


def test_unacknowledged_goes_to_the_next_client() -> None:
    app = App(faulty(conversation(), rule("/meta/subscribe", "forget", 2)))
    app.call("POST", CALLBACK, ORDER)
    (reply,) = app.bayeux({"channel": "/meta/handshake", "version": "1.0", "ext": {"ack": True}})
    app.client_id = reply["clientId"]
    app.driver.wait_for(app.connect())
    app.subscribe()
    app.driver.confirm(app.driver.wait_for(app.connect()).request_id)
    assert not app.subscribe()["successful"]
    app.shake_hands()
    app.subscribe()
    app.listen(8)

    assert app.lines == [JOIN, GREET, ASK]


@pytest.mark.parametrize(
    ("fields", "advice"), [({}, None), ({"advice": "none"}, "none"), ({"advice": "retry"}, "retry")]
)
def test_handshake_is_refused(fields: dict[str, Any], advice: str | None) -> None:
    app = App(faulty(conversation(), rule("/meta/handshake", "refuse", 1, **fields)))
    app.call("POST", CALLBACK, ORDER)
    (reply,) = app.bayeux({"channel": "/meta/handshake", "version": "1.0", "id": "1"})

    assert (reply["successful"], reply["error"], reply["id"]) == (False, "403::handshake_denied", "1")
    assert reply.get("advice") == (advice and {"reconnect": advice})
    app.shake_hands()
    app.subscribe()
    app.listen(8)
    assert app.lines == [JOIN, GREET, ASK]


@pytest.mark.parametrize(
    ("fault", "lines", "times"),
    [
        (rule(CHANNEL, "double", 2), [JOIN, GREET, GREET, ASK], [2, 4, 4, 6]),
        (rule(CHANNEL, "lose", 2), [JOIN, ASK], [2, 6]),
        (rule(CHANNEL, "delay", 2, delay_ms=500), [JOIN, GREET, ASK], [2, 4.5, 6]),
        (rule(CHANNEL, "delay", 2, delay_ms=5000), [JOIN, GREET, ASK], [2, 9, 9]),
        (rule(CHANNEL, "reorder", 2), [JOIN, ASK, GREET], [2, 6, 6]),
        (rule(CHANNEL, "reorder", 3), [JOIN, GREET, ASK], [2, 4, 16]),
        (rule("/**", "reorder", 1, delay_ms=1000), [JOIN, GREET, ASK], [3, 4, 6]),
        (rule("/*", "lose", 2), [JOIN, ASK], [2, 6]),
    ],
)
def test_messages_go_astray(fault: dict[str, Any], lines: list[str], times: list[float]) -> None:
    app = chatting(conversation(), fault)
    app.listen(20)

    assert (app.lines, app.times) == (lines, times)


@pytest.mark.parametrize("on", ["/*", "/**"])
def test_rule_on_all_channels_leaves_requests_alone(on: str) -> None:
    app = queued(rule(on, "lose"))

    assert send(app, "Hi").body == b'{"sent":1}'
    assert log(app) == []


@pytest.mark.parametrize("on", ["/*", "/**"])
def test_rule_on_all_channels_leaves_pushes_alone(on: str) -> None:
    app = pushing(rule(on, "delay", delay_ms=3000))
    app.wait_until(4.5)

    assert [push.action for push in app.driver.pushes] == ["get-dialog-start-chat", "connect-inbound"]


def test_late_message_may_be_doubled_behind() -> None:
    app = chatting(conversation(), rule(CHANNEL, "delay", 1, delay_ms=3000), rule(CHANNEL, "double", 2))
    app.listen(20)

    assert app.lines == [JOIN, GREET, GREET, ASK]
    assert app.times == [5, 5, 5, 6]


def test_virtual_clock_keeps_the_place_of_what_is_late() -> None:
    app = chatting(conversation(), rule(CHANNEL, "reorder", 2), clock="virtual")
    began_us = app.driver.now_us
    app.listen(0)
    while len(app.lines) < 3:
        app.listen(0.001)

    assert app.lines == [JOIN, ASK, GREET]
    assert app.driver.now_us - began_us < 1_000_000


def test_acknowledgement_brings_back_no_message_that_was_never_queued() -> None:
    app = App(faulty(conversation(), rule(CHANNEL, "lose", 2)))
    app.call("POST", CALLBACK, ORDER)
    (reply,) = app.bayeux({"channel": "/meta/handshake", "version": "1.0", "ext": {"ack": True}})
    app.client_id = reply["clientId"]
    app.driver.wait_for(app.connect())
    app.subscribe()
    for ack in (1, 2):
        app.hear(app.driver.wait_for(app.connect(ext={"ack": ack})))

    assert app.lines == [JOIN, ASK]


def test_app_that_says_what_it_has_gets_what_was_lost() -> None:
    app = chatting(conversation(), rule(CHANNEL, "lose", 2))
    app.listen(7)
    app.bayeux(app.meta("disconnect", ext={"transcriptPosition": 1}))
    app.polling = None
    app.shake_hands()
    app.subscribe()
    app.listen(1)

    assert app.lines == [JOIN, ASK, GREET, ASK]


class Talking:
    """An app over a WebSocket."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.socket = app.driver.open_socket(app.asked("GET", app.comet_path))

    def say(self, name: str, **fields: Any) -> None:
        self.app.driver.say(self.socket, json.dumps([self.app.meta(name, **fields)]).encode())

    def begin(self) -> None:
        self.say("handshake", version="1.0")
        self.app.client_id = self.told[-1]["clientId"]
        self.say("connect")
        self.say("subscribe", subscription="/**")
        self.say("connect", id="held")

    @property
    def texts(self) -> list[bytes]:
        return [text for number, text in self.app.driver.told if number == self.socket]

    @property
    def told(self) -> list[dict[str, Any]]:
        return [message for text in self.texts for message in json.loads(text)]

    @property
    def answered(self) -> list[str]:
        """The ids of what was answered, with the error, where there was one; `garbage` for what cannot be read."""
        return [answer for text in self.texts for answer in _answers(text)]

    @property
    def events(self) -> list[str]:
        told = (message for message in self.told if "data" in message)
        return [line[2] for message in told for line in message["data"]["message"]["transcriptToShow"]]


def _answers(text: bytes) -> list[str]:
    try:
        told = [message for message in json.loads(text) if "data" not in message]
    except ValueError:
        return ["garbage"]
    return [f"{one['id']}: {one['error']}" if "error" in one else one["id"] for one in told]


def talking(*rules: dict[str, Any]) -> Talking:
    app = App(faulty(conversation(), *rules))
    app.call("POST", CALLBACK, ORDER)
    return Talking(app)


@pytest.mark.parametrize(
    ("do", "lines"), [("double", [JOIN, GREET, GREET, ASK]), ("lose", [JOIN, ASK]), ("reorder", [JOIN, ASK, GREET])]
)
def test_messages_go_astray_over_sockets(do: str, lines: list[str]) -> None:
    talk = talking(rule(CHANNEL, do, 2))
    talk.begin()
    talk.app.driver.wait(9)

    assert talk.events == lines


@pytest.mark.parametrize(("do", "resets"), [("reset", True), ("cut", False)])
def test_socket_is_broken_off(do: str, resets: bool) -> None:
    talk = talking(rule(CONNECT, do, 2, **({"delay_ms": 3000} if resets else {})))
    talk.begin()
    talk.app.driver.wait(4)

    assert talk.app.driver.broken == [Break(talk.socket, resets)]
    assert talk.events == ([JOIN] if resets else [])
    talk.app.driver.hang_up(talk.socket)
    # What a socket carried when it broke is lost.
    again = Talking(talk.app)
    again.begin()
    talk.app.driver.wait(8)
    assert again.events == ([GREET, ASK] if resets else [JOIN, GREET, ASK])


def test_error_closes_a_socket() -> None:
    talk = talking(rule(CONNECT, "error", 1, message="out of memory"))
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    talk.say("connect")

    assert talk.socket not in talk.app.driver.sockets


def test_garbage_comes_instead_of_a_reply() -> None:
    talk = talking(rule("/meta/handshake", "garbage"))
    talk.say("handshake", version="1.0")

    (text,) = talk.texts
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(text)


def test_socket_is_not_answered() -> None:
    talk = talking(rule("/meta/handshake", "hang", 1))
    talk.say("handshake", version="1.0")
    talk.app.driver.wait(100)
    assert talk.texts == []
    talk.begin()
    talk.app.driver.wait(10)

    assert talk.events == [JOIN, GREET, ASK]


def test_socket_keeps_order_behind_what_is_late() -> None:
    talk = talking(rule("/meta/subscribe", "delay", 1, delay_ms=1000))
    talk.begin()
    assert [message["channel"] for message in talk.told] == ["/meta/handshake", CONNECT]
    talk.app.driver.wait(1)

    assert talk.told[2]["channel"] == "/meta/subscribe"
    talk.app.driver.wait(10)
    assert talk.events == [JOIN, GREET, ASK]


def crowding(do: str, **fields: Any) -> Talking:
    """An app whose first connect is 5 s late; its second, struck so, comes 1 s after it, and a subscription behind."""
    talk = talking(rule(CONNECT, "delay", 1, delay_ms=5000), rule(CONNECT, do, 2, **fields))
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    talk.say("connect", id="1")
    talk.app.driver.wait(1)
    talk.say("connect", id="2", advice={"timeout": 0})
    talk.say("subscribe", id="3", subscription="/**")
    return talk


@pytest.mark.parametrize(
    ("do", "fields", "ids", "is_open"),
    [
        ("delay", {"delay_ms": 2000}, ["1", "2", "3"], True),
        ("delay", {"delay_ms": 6000}, ["1"], True),
        ("error", {}, ["1"], False),
        ("error", {"delay_ms": 2000}, ["1"], False),
        ("error", {"delay_ms": 6000}, ["1"], True),
        ("reset", {}, ["1"], False),
        ("cut", {}, ["1"], False),
        ("garbage", {}, ["1", "garbage", "3"], True),
        ("hang", {}, ["1", "3"], True),
        ("forget", {}, ["1", "2: 402::session_unknown", "3: 402::session_unknown"], True),
    ],
)
def test_what_waits_is_struck_in_its_turn(do: str, fields: dict[str, Any], ids: list[str], is_open: bool) -> None:
    talk = crowding(do, **fields)
    begun = len(talk.texts)
    talk.app.driver.wait(3.9)
    assert (talk.texts[begun:], talk.socket in talk.app.driver.sockets) == ([], True)
    talk.app.driver.wait(0.2)

    assert (talk.answered[begun:], talk.socket in talk.app.driver.sockets) == (ids, is_open)


@pytest.mark.parametrize("do", ["error", "reset", "cut"])
@pytest.mark.parametrize("before", [[], [rule("/meta/subscribe", "delay", 1, delay_ms=2000)]])
@pytest.mark.parametrize("under_way", [0, 1, 3])
def test_what_comes_after_the_end_counts_nowhere(do: str, before: list[dict[str, Any]], under_way: int) -> None:
    """It was on its way when the socket ended, or waits behind that end."""
    talk = talking(*before, rule(CONNECT, do, 2), rule(CONNECT, "garbage", 3))
    talk.begin()
    for _ in range(under_way):
        talk.say("connect", id="late")
    talk.app.driver.wait(2)
    talk.app.driver.hang_up(talk.socket)
    again = Talking(talk.app)
    for number in ("3", "4"):
        again.say("connect", id=number, advice={"timeout": 0})

    assert again.answered == ["garbage", "4"]


def flooding(count: int, *rules: dict[str, Any]) -> Talking:
    """An app that says so much over a WebSocket where the first is a minute late."""
    talk = talking(rule("/meta/subscribe", "delay", 1, delay_ms=60_000), *rules)
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    for number in range(count):
        talk.say("subscribe", id=str(number), subscription="/**")
    return talk


@pytest.mark.parametrize(("count", "told"), [(100, 100), (101, 0)])
def test_flood_behind_what_is_late_closes_the_socket(count: int, told: int) -> None:
    talk = flooding(count)
    talk.app.driver.wait(60)

    closed = [] if told else [CloseSocket(talk.socket, 1008, "100 messages may wait here")]
    assert (talk.app.driver.closed, len(talk.answered[1:])) == (closed, told)


def test_what_was_too_much_is_not_counted() -> None:
    talk = flooding(101, rule("/meta/subscribe", "garbage", 101))
    again = Talking(talk.app)
    again.say("subscribe", id="101", subscription="/**")

    assert again.answered == ["garbage"]


def test_what_waits_longer_holds_up_the_rest() -> None:
    talk = crowding("delay", delay_ms=6000)
    talk.app.driver.wait(6.1)

    assert talk.answered[1:] == ["1", "2", "3"]


@pytest.mark.parametrize("pause_s", [0, 1, 6])
def test_strikes_do_not_depend_on_pauses(pause_s: float) -> None:
    talk = talking(rule(CONNECT, "delay", 1, delay_ms=5000), rule(CONNECT, "garbage", 2))
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    for number in range(1, 4):
        talk.say("connect", id=str(number), advice={"timeout": 0})
        talk.app.driver.wait(pause_s)
    talk.app.driver.wait(5)

    assert talk.answered[1:] == ["1", "garbage", "3"]


def test_delay_strikes_each_of_a_burst() -> None:
    talk = talking(rule(CONNECT, "delay", delay_ms=2000))
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    answered: list[int] = []
    for number in range(1, 6):
        if number < 4:
            talk.say("connect", id=str(number), advice={"timeout": 0})
        talk.app.driver.wait(1)
        answered.append(len(talk.answered[1:]))

    assert answered == [0, 1, 2, 3, 3]


def test_handshake_that_waits_is_refused_in_its_turn() -> None:
    talk = talking(rule("/meta/handshake", "delay", 1, delay_ms=5000), rule("/meta/handshake", "refuse", 2))
    talk.say("handshake", version="1.0", id="1")
    talk.say("handshake", version="1.0", id="2")
    assert talk.answered == []
    talk.app.driver.wait(5)

    assert talk.answered == ["1", "2: 403::handshake_denied"]


def test_handshake_is_refused_over_a_socket() -> None:
    talk = talking(rule("/meta/handshake", "refuse", 1, advice="none"))
    talk.say("handshake", version="1.0")
    assert talk.told[-1]["advice"] == {"reconnect": "none"}
    talk.begin()
    talk.app.driver.wait(10)

    assert talk.events == [JOIN, GREET, ASK]


def test_forgotten_socket_shakes_hands_anew() -> None:
    talk = talking(rule(CONNECT, "forget", 3))
    talk.begin()
    talk.app.driver.wait(3)
    talk.say("connect", id="3")
    assert {message["id"]: message.get("error") for message in talk.told if "id" in message}["3"] == (
        "402::session_unknown"
    )
    talk.begin()
    talk.app.driver.wait(9)

    assert talk.events == [JOIN, GREET, ASK]


def pushing(*rules: dict[str, Any], **options: Any) -> App:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.push(2, "get-dialog-start-chat")
    tape.push(4, "connect-inbound")
    app = App(faulty(tape.recording(), *rules, has_devices=True, **options))
    app.call("POST", CALLBACK, ORDER)
    return app


@pytest.mark.parametrize(
    ("fault", "actions", "numbers"),
    [
        (rule("push", "lose", 1), ["connect-inbound"], [1]),
        (rule("push", "double", 1), ["get-dialog-start-chat"] * 2 + ["connect-inbound"], [1, 2, 3]),
        (rule("push", "delay", 1, delay_ms=3000), ["connect-inbound", "get-dialog-start-chat"], [1, 2]),
        (rule("push connect-inbound", "lose"), ["get-dialog-start-chat"], [1]),
    ],
)
@pytest.mark.parametrize("clock", ["real", "virtual"])
def test_pushes_go_astray(fault: dict[str, Any], actions: list[str], numbers: list[int], clock: str) -> None:
    app = pushing(fault, clock=clock)
    app.driver.wait(10)

    assert [push.action for push in app.driver.pushes] == actions
    assert [push.number for push in app.driver.pushes] == numbers


def chat2_by_rest(*rules: dict[str, Any]) -> App:
    tape = Tape()
    shown = f"userId=7&secureKey={KEY}&alias=117"
    tape.ask(0, "POST", "/genesys/2/chat/support", "nickname=Ann", told())
    tape.ask(2, "POST", f"{ONE_CHAT}/refresh", f"{shown}&transcriptPosition=1", told((1, "Hello.")))
    tape.ask(3, "POST", f"{ONE_CHAT}/send", f"{shown}&message=Hi", told())
    app = App(faulty(tape.recording(), *rules))
    app.call("POST", "/genesys/2/chat/support", "nickname=Ann")
    return app


def refresh(app: App, alias: str) -> dict[str, Any]:
    fields = f"userId=7&secureKey={KEY}&alias={alias}&transcriptPosition=1"
    answer = app.call("POST", f"{ONE_CHAT}/refresh", fields)
    assert answer.status == 200
    return dict(json.loads(answer.body))


def test_alias_changes_and_the_old_one_is_refused() -> None:
    app = chat2_by_rest(rule("refresh", "alias", 2))

    assert refresh(app, "117")["alias"] == "117"
    alias = refresh(app, "117")["alias"]
    assert alias != "117"
    assert len(alias) == 3
    assert refresh(app, "117") == {
        "statusCode": 2,
        "chatEnded": False,
        "errors": [{"code": 201, "advice": "alias is wrong: use the one that was told last"}],
    }
    assert refresh(app, alias)["alias"] == alias
    assert app.driver.player.missed == 0


def test_alias_changes_in_bodies_that_are_coded() -> None:
    tape = Tape()
    plain = json.dumps(told((1, "Hello."))).encode()
    headers = (("Content-Type", "application/json"), ("Content-Encoding", "gzip"))
    tape.ask(0, "POST", "/genesys/2/chat/support", "nickname=Ann", gzip.compress(plain), headers=headers, decoded=plain)
    app = App(faulty(tape.recording(), rule("request chat", "alias", 1)))
    answer = app.call("POST", "/genesys/2/chat/support", "nickname=Ann", (("accept-encoding", "gzip"),))

    assert "content-encoding" not in dict(answer.headers)
    body = json.loads(answer.body)
    assert body["alias"] != "117"
    assert body["messages"][0]["text"] == "Hello."


def test_chat2_is_refused_in_its_own_words() -> None:
    app = chat2_by_rest(rule("refresh", "error", 1, status_code=1, message="busy"))

    assert refresh(app, "117") == {
        "statusCode": 1,
        "chatEnded": False,
        "errors": [{"code": 100, "advice": "busy"}],
    }


def chat2(*rules: dict[str, Any]) -> Chatter:
    app = Chatter(faulty(recorded_chat().recording(), *rules))
    app.shake_hands()
    app.request_chat()
    return app


def test_alias_changes_over_comet() -> None:
    app = chat2(rule("send", "alias", 1))
    app.say("sendMessage", message="Hello.", alias="117")
    app.listen(3)
    alias = app.data[-1]["alias"]
    assert alias != "117"
    refused, reply = app.say("disconnect", alias="117")

    assert reply["successful"]
    assert refused["data"]["errors"][0]["advice"] == "alias is wrong: use the one that was told last"
    app.say("disconnect", alias=alias)
    app.listen(4)
    assert app.data[-1]["chatEnded"]


def test_chat2_is_refused_over_comet_by_a_frame() -> None:
    app = chat2(rule("send", "error", 1, status_code=2))
    refused, reply = app.say("sendMessage", message="Hello.")

    assert (refused["channel"], refused["data"]["statusCode"], reply["successful"]) == (reply["channel"], 2, True)
    app.say("sendMessage", message="Hello.")
    app.listen(4)
    assert app.lines[-2:] == ["Hello.", "How may I help?"]
    assert app.driver.notes == []


def chatting2(*rules: dict[str, Any]) -> Talking:
    """An app whose chat has begun, over a WebSocket."""
    talk = Talking(App(faulty(recorded_chat().recording(), *rules)))
    talk.begin()
    publish2(talk, "requestChat", nickname="Ann")
    talk.app.driver.wait(2)
    return talk


def publish2(talk: Talking, operation: str, **data: Any) -> None:
    said = {"channel": CHANNEL2, "clientId": talk.app.client_id, "data": {"operation": operation} | data}
    talk.app.driver.say(talk.socket, json.dumps([said]).encode())


def data2(talk: Talking) -> list[dict[str, Any]]:
    return [message["data"] for message in talk.told if "data" in message]


def test_chat2_is_refused_in_its_turn_over_a_socket() -> None:
    talk = chatting2(rule("send", "delay", 1, delay_ms=3000), rule("send", "error", 2, status_code=2))
    key = data2(talk)[-1]["secureKey"]
    begun = len(talk.told)
    publish2(talk, "sendMessage", message="Hello.", secureKey=key)
    publish2(talk, "sendMessage", message="Hello again.", secureKey=key)
    assert talk.told[begun:] == []
    talk.app.driver.wait(3)

    first, refused, second = talk.told[begun:]
    assert (first["successful"], refused["data"]["statusCode"], second["successful"]) == (True, 2, True)


def test_alias_of_what_waits_is_judged_in_its_turn() -> None:
    talk = chatting2(rule("send", "alias", 1), rule("send", "delay", 2, delay_ms=5000))
    key = data2(talk)[-1]["secureKey"]
    publish2(talk, "sendMessage", message="Hello.", secureKey=key, alias="117")
    publish2(talk, "sendMessage", message="Hello again.", secureKey=key, alias="117")
    talk.app.driver.wait(4)
    assert data2(talk)[-1]["alias"] != "117"
    talk.app.driver.wait(1)

    assert data2(talk)[-1]["errors"][0]["advice"] == "alias is wrong: use the one that was told last"


LATE2 = rule("/meta/subscribe", "delay", session="s2", delay_ms=5000)


def returning(*rules: dict[str, Any]) -> tuple[Chatter, Talking]:
    """An app with a chat, and the same from another address: it shakes hands there, which opens a session for it."""
    app = chat2(*rules)
    talk = Talking(App(app.driver, None, peer="192.0.2.9"))
    talk.say("handshake", version="1.0")
    talk.app.client_id = talk.told[-1]["clientId"]
    return app, talk


def go_on(app: Chatter, talk: Talking) -> dict[str, Any]:
    """What makes the client the first session's: it shows the key of the chat there."""
    data = {"operation": "requestNotifications", "secureKey": app.key}
    return {"channel": CHANNEL2, "clientId": talk.app.client_id, "id": "p", "data": data}


@pytest.mark.parametrize(
    ("rules", "ids"),
    [
        ([], ["1", "2", "p"]),
        ([rule(CONNECT, "delay", session="s2", delay_ms=60_000)], ["1", "2", "p"]),
        ([LATE2], ["1", "2", "p"]),
        ([LATE2, rule(CONNECT, "forget", session="s2")], ["1", "2: 402::session_unknown", "p: 402::session_unknown"]),
    ],
)
def test_what_is_late_is_heard_before_its_client_goes(rules: list[dict[str, Any]], ids: list[str]) -> None:
    """Else nobody would answer it, for the session that was opened in vain goes, too."""
    app, talk = returning(*rules)
    talk.say("subscribe", id="1", subscription="/**")
    talk.say("connect", id="2")
    talk.app.driver.say(talk.socket, json.dumps([go_on(app, talk)]).encode())
    talk.app.driver.wait(120)

    assert talk.answered[1:] == ids
    assert [session.name for session in app.driver.player.sessions] == ["s1"]


def test_nobody_goes_behind_an_end_that_is_late() -> None:
    app, talk = returning(LATE2, rule(CONNECT, "cut", session="s2"))
    talk.say("subscribe", id="1", subscription="/**")
    talk.say("connect", id="2")
    talk.app.driver.say(talk.socket, json.dumps([go_on(app, talk)]).encode())
    assert talk.answered == ["7"]
    talk.app.driver.wait(5)

    assert (talk.answered, talk.app.driver.broken) == (["7", "1"], [Break(talk.socket, resets=False)])


def test_what_is_late_over_a_socket_stays_there() -> None:
    """Its client went to another session by a request, and is unknown here."""
    app, talk = returning(LATE2)
    talk.say("subscribe", id="1", subscription="/**")
    talk.app.bayeux(go_on(app, talk))
    talk.app.driver.wait(5)

    assert talk.answered == ["7", "1: 402::session_unknown"]
    assert talk.socket not in talk.app.driver.answers


def test_late_answer_outlives_its_client() -> None:
    """It went to another session by another request."""
    app, talk = returning(rule(CONNECT, "delay", session="s2", delay_ms=5000))
    late = talk.app.connect()
    talk.app.bayeux(go_on(app, talk))
    talk.app.driver.wait(5)

    assert messages(talk.app.driver.answers[late])[-1]["successful"]


def test_what_shares_a_refused_frame_fails() -> None:
    app = chat2(rule("send", "error", 1, status_code=2))
    publish = {"channel": "/service/chatV2/support", "clientId": app.client_id, "data": {"operation": "sendMessage"}}

    *_, connect = app.bayeux(publish, app.meta("connect"))
    assert (connect["channel"], connect["successful"], connect["error"]) == (CONNECT, False, "500::server_error")


def test_script_is_called_with_garbage() -> None:
    app = App(faulty(conversation(), rule("/meta/handshake", "garbage")))
    app.call("POST", CALLBACK, ORDER)
    target = '/genesys/cometd?jsonp=f&message=[{"channel":"/meta/handshake","version":"1.0"}]'

    answer = app.call("GET", target)
    assert answer.body.startswith(b"f(")
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(jsonp.frame(answer.body))


def test_others_are_not_struck() -> None:
    driver = faulty(conversation(), rule(CONNECT, "reset", 1, session="alice"), rule("any", "error", session="9"))
    app = App(driver)
    listening(app)
    app.listen(7)

    assert app.lines == [JOIN, GREET, ASK]
    assert driver.broken == []


def test_rule_may_name_a_visit() -> None:
    driver = faulty(queue(), rule("queue position", "error", session=1))
    app = App(driver)
    app.call("POST", CALLBACK, ORDER)

    assert app.call("GET", QUEUE).status == 503


def test_dropped_session_answers_what_is_late() -> None:
    app = queued(rule("send", "error", 1, delay_ms=5000))
    late = app.ask("POST", SEND, "message=Hi")
    app.driver.arrive(
        app.asked("DELETE", "/__gms_replay__/sessions", b"", ())._replace(headers=(("host", "localhost"),))
    )

    assert app.driver.answers[late].status == 503
    assert b"dropped" in app.driver.answers[late].body
