"""Chat version 2, played by the engine: over Comet and by REST."""

import json

import factories
import pytest
from chats2 import (
    CHANNEL,
    CHAT,
    HELLO,
    KEY,
    LEFT,
    ONE_CHAT,
    REPLY,
    REST,
    Chatter,
    event,
    failed,
    publish,
    record_chat,
    recorded_chat,
    told,
)
from driver import NOW_US, Driver
from factories import CALLBACK, ORDER, Tape

from gms_replay.clocks import Clock, Pacing
from gms_replay.player import Player
from gms_replay.story import compile_stories

JOINED = "Stan joins"


def player(tape: Tape, pacing: Pacing | None = None) -> Driver:
    return Driver(Player(compile_stories(tape.recording()), pacing))


def chatter(tape: Tape | None = None, pacing: Pacing | None = None) -> Chatter:
    """An app that has shaken hands, at a player of that tape."""
    app = Chatter(player(tape or recorded_chat(), pacing))
    app.shake_hands()
    return app


def sessions(app: Chatter) -> list[tuple[str, int]]:
    return [(session.name, session.story.number) for session in app.driver.player.sessions]


def hold_chat(app: Chatter) -> None:
    app.request_chat()
    app.say("sendMessage", message="Hi!")
    app.listen(5)
    app.say("disconnect")
    app.listen(3)


def test_nothing_comes_before_it_is_asked_for() -> None:
    app = chatter()
    app.listen(9)
    assert app.lines == []

    app.request_chat(9)
    assert app.lines == [JOINED]

    app.say("sendMessage", message="Hi!")
    app.listen(3)
    assert app.lines == [JOINED, HELLO, REPLY]

    app.say("disconnect")
    app.listen(2)
    assert app.lines == [JOINED, HELLO, REPLY, LEFT]
    assert app.data[-1]["chatEnded"] is True
    assert app.driver.notes == []


def test_what_is_caused_keeps_its_gap() -> None:
    app = chatter()
    app.wait_until(4)
    app.say("requestChat")
    app.listen(2.5)
    app.say("sendMessage", message="Hi!")
    app.listen(4)

    assert app.times == [5, 8.2, 10]


@pytest.mark.parametrize("operation", ["startTyping", "requestNotifications", "updateNickname", "pushUrl"])
def test_other_operations_cause_nothing(operation: str) -> None:
    app = chatter()
    app.request_chat()
    app.say(operation, transcriptPosition=2)
    app.listen(5)

    assert app.lines == [JOINED]


def test_batch_counts_in_order() -> None:
    app = chatter()
    said = [{"operation": "requestChat"}, {"operation": "sendMessage", "message": "Hi!"}]
    app.bayeux(*({"channel": CHANNEL, "clientId": app.client_id, "data": data} for data in said))
    app.listen(9)

    assert app.lines == [JOINED, HELLO, REPLY]


@pytest.mark.parametrize("again", [True, False])
def test_lost_publication_counts_once(again: bool) -> None:
    tape = Tape()
    tape.open_comet(0)
    publish(tape, 1, "requestChat")
    tape.poll(1.1, 0.9, event(told((1, JOINED))))
    for at_s, index in ((3, 2), (5, 3)):
        publish(tape, at_s, "sendMessage", message=f"{index}")
        tape.poll(at_s + 0.1, 0.9, event(told((index, f"{index}"))))
    app = chatter(tape)
    app.request_chat()
    message = {"channel": CHANNEL, "clientId": app.client_id, "data": {"operation": "sendMessage", "message": "Hi!"}}
    for _ in range(2):
        request_id = app.frame(message)
        if again:
            app.driver.hang_up(request_id)
        else:
            app.driver.confirm(request_id)
            app.driver.hang_up(request_id)
    app.listen(5)

    assert app.lines == ([JOINED, "2"] if again else [JOINED, "2", "3"])
    assert app.driver.notes == []


def test_lost_chat_request_begins_nothing_anew() -> None:
    app = chatter()
    for _ in range(2):
        message = {"channel": CHANNEL, "clientId": app.client_id, "data": {"operation": "requestChat"}}
        app.driver.hang_up(app.frame(message))
    app.listen(3)

    assert (app.lines, sessions(app)) == ([JOINED], [("s1", 1)])


def test_act_too_many_is_reported() -> None:
    app = chatter()
    app.request_chat()
    for _ in range(2):
        app.say("sendMessage", message="Hi!")

    app.listen(1)

    assert app.driver.notes == ["session s1: send once more than recorded: nothing follows"]


def test_unknown_client_does_nothing() -> None:
    app = chatter()
    app.bayeux({"channel": CHANNEL, "clientId": "nobody", "data": {"operation": "requestChat"}})
    app.bayeux({"channel": CHANNEL, "clientId": app.client_id, "data": {"operation": "sendMessage"}})
    app.listen(5)

    assert app.lines == []


def test_client_of_nobody_does_nothing_in_a_named_session() -> None:
    app = Chatter(player(recorded_chat()))
    app.comet_path = "/~ann~/genesys/cometd"
    app.shake_hands()
    (reply,) = app.bayeux({"channel": CHANNEL, "clientId": "nobody", "data": {"operation": "requestChat"}})
    app.say("sendMessage", message="Hi!")
    app.listen(5)

    assert (reply["successful"], app.lines) == (False, [])


def test_told_visit_is_followed_by_another() -> None:
    app = chatter()
    hold_chat(app)
    app.bayeux(app.meta("disconnect"))
    first = app.data
    app.heard, app.key = [], ""
    app.shake_hands()
    hold_chat(app)

    assert sessions(app) == [("s1", 1), ("s2", 1)]
    assert [data["messages"][0].get("text") for data in app.data] == [data["messages"][0].get("text") for data in first]
    assert {data["secureKey"] for data in first} == {KEY}
    assert KEY not in {data["secureKey"] for data in app.data}


@pytest.mark.parametrize("shakes_hands", [True, False])
def test_chat_that_broke_off_is_begun_anew(shakes_hands: bool) -> None:
    """Whether its Bayeux client is still there, or is a new one, which nobody can tell from one that resumes."""
    app = chatter()
    app.request_chat()
    app.driver.hang_up(app.polling)
    app.polling = None
    app.heard, app.key = [], ""
    if shakes_hands:
        app.shake_hands()
    hold_chat(app)

    assert sessions(app) == [("s1", 1), ("s2", 1)]
    assert app.lines == [JOINED, HELLO, REPLY, LEFT]
    assert app.driver.notes == []


def test_held_connect_is_answered_where_its_client_moves() -> None:
    app = chatter()
    app.request_chat()
    held = app.polling
    assert held not in app.driver.answers

    app.say("requestChat")

    assert [message["successful"] for message in json.loads(app.driver.answers[held].body)] == [True]
    app.polling = None
    app.listen(2)
    app.say("requestChat")
    app.polling = None
    app.listen(2)
    assert app.lines == [JOINED, JOINED, JOINED]
    assert len(sessions(app)) == 3


def test_socket_moves_too() -> None:
    app = Chatter(player(recorded_chat()))
    socket = app.driver.open_socket(app.asked("GET", app.comet_path))

    def say(**message: object) -> list[dict[str, object]]:
        before = len(app.driver.told)
        app.driver.say(socket, json.dumps([{"clientId": app.client_id} | message]).encode())
        app.driver.wait(2)
        return [one for _, text in app.driver.told[before:] for one in json.loads(text)]

    app.client_id = str(say(channel="/meta/handshake")[0]["clientId"])
    heard = [say(channel=CHANNEL, data={"operation": "requestChat"}) for _ in range(2)]

    assert [["data" in message for message in messages] for messages in heard] == [[False, True]] * 2
    assert sessions(app) == [("s1", 1), ("s2", 1)]
    assert [session.is_waited_for for session in app.driver.player.sessions] == [False, True]
    app.driver.hang_up(socket)
    assert [session.is_waited_for for session in app.driver.player.sessions] == [False, False]


def test_chat_is_looked_for_by_its_service() -> None:
    """The first handshake could not say which; what it had opened for nothing is forgotten."""
    tape = recorded_chat()
    sales = CHANNEL.replace("support", "sales")
    record_chat(tape, 100, client="second", chat="0001JaBBFDMA00C8", key="00f26a0c41b75e93", channel=sales)
    app = chatter(tape)
    assert sessions(app) == [("s1", 1)]

    app.say("requestChat", channel=sales)
    app.listen(2)

    assert [message["channel"] for _, message in app.heard] == [sales]
    assert [number for _, number in sessions(app)] == [2]
    assert app.data[0]["secureKey"] == "00f26a0c41b75e93"


def test_visit_that_was_wished_for_is_kept() -> None:
    """It tells of no such chat: none is begun in vain."""
    tape = Tape(user="ann")
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % factories.SERVICE.encode())
    record_chat(tape, 100)
    app = Chatter(player(tape))
    app.comet_path = "/genesys/cometd?gms_session=1"
    app.shake_hands()

    app.say("requestChat")

    assert sessions(app) == [("s1", 1)]


def test_chat_over_comet_is_preferred_for_a_handshake() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % factories.SERVICE.encode())
    tape.open_comet(1, client="first")
    tape.poll(2, 1, factories.frame(1, factories.JOINED), client="first")
    record_chat(tape, 100)

    assert sessions(chatter(tape)) == [("s1", 2)]


def test_keys_find_their_session() -> None:
    """Two apps behind one address, without names: a handshake alone may find the wrong one."""
    driver = player(recorded_chat())
    ann, ben = Chatter(driver, None), Chatter(driver, None)
    for app in (ann, ben):
        app.shake_hands()
        app.request_chat()
        app.bayeux(app.meta("disconnect"))
        app.polling = None
    ben.shake_hands()
    ben.say("sendMessage", message="Hi!")
    ben.listen(4)

    assert {data["secureKey"] for data in ben.data} == {ben.key}
    assert (ben.lines, ann.lines) == ([JOINED, HELLO, REPLY], [JOINED])


def test_named_session_keeps_its_client() -> None:
    app = Chatter(player(recorded_chat()))
    app.comet_path = "/~ann~/genesys/cometd"
    app.shake_hands()
    app.request_chat()
    app.say("requestChat")

    app.listen(1)

    assert sessions(app) == [("ann", 1)]
    assert app.driver.notes == ["session ann: request chat support once more than recorded: nothing follows"]


@pytest.mark.parametrize(("position", "lines"), [(1, [JOINED, HELLO, REPLY]), (3, [REPLY]), ("4", []), (None, None)])
def test_resumed_chat_is_told_from_its_position(position: int | str | None, lines: list[str] | None) -> None:
    app = chatter()
    app.request_chat()
    app.say("sendMessage", message="Hi!")
    app.listen(4)
    app.driver.hang_up(app.polling)
    app.polling = None
    app.heard = []
    app.shake_hands()
    app.say("requestNotifications", **({} if position is None else {"transcriptPosition": position}))
    app.listen(1)

    assert app.lines == ([JOINED, HELLO, REPLY] if lines is None else lines)
    app.say("disconnect")
    app.listen(2)
    assert app.lines[-1] == LEFT


def test_chat_heard_by_rest_goes_on_over_comet() -> None:
    """From where the app has it."""
    tape = Tape()
    tape.ask(0, "POST", REST, "nickname=Stan", told((1, JOINED)))
    tape.open_comet(1)
    publish(tape, 2, "requestNotifications", secureKey=KEY)
    tape.poll(2.1, 0.1, event(told((1, JOINED))))
    tape.poll(2.3, 0.7, event(told((2, HELLO))))
    app = Chatter(player(tape))
    app.key = json.loads(app.call("POST", REST, "nickname=Ann").body)["secureKey"]
    app.wait_until(5)
    app.shake_hands()
    app.say("requestNotifications", transcriptPosition=2)
    app.listen(1)

    assert app.lines == [HELLO]
    assert sessions(app) == [("s1", 1)]


def test_what_was_told_again_is_told_once() -> None:
    tape = recorded_chat()
    tape.open_comet(20, client="second")
    publish(tape, 21, "requestNotifications", client="second", secureKey=KEY)
    again = told((1, JOINED), (2, HELLO), (3, REPLY), (4, LEFT), chatEnded=True)
    tape.poll(21.1, 0.1, event(again), client="second")
    app = chatter(tape)
    hold_chat(app)
    app.listen(40)

    assert app.lines == [JOINED, HELLO, REPLY, LEFT]


def test_what_was_missed_is_told_in_its_frame() -> None:
    """As recorded, to an app that was away, and to one that stays."""
    tape = Tape()
    tape.open_comet(0)
    publish(tape, 1, "requestChat")
    tape.poll(1.1, 0.9, event(told((1, JOINED))))
    tape.open_comet(20, client="second")
    publish(tape, 21, "requestNotifications", client="second", secureKey=KEY, transcriptPosition=2)
    tape.poll(21.1, 0.1, event(told((2, HELLO), (3, REPLY))), client="second")
    staying, leaving = chatter(tape), chatter(tape)
    for app in (staying, leaving):
        app.request_chat()
    staying.listen(30)
    leaving.bayeux(leaving.meta("disconnect"))
    leaving.polling = None
    leaving.wait_until(25)
    leaving.shake_hands()
    leaving.say("requestNotifications", transcriptPosition=2)
    leaving.listen(1)

    assert [len(data["messages"]) for data in staying.data] == [1, 2]
    assert [len(data["messages"]) for data in leaving.data] == [1, 2]


def test_refused_chat_request_is_told_when_asked() -> None:
    tape = Tape()
    tape.open_comet(0)
    publish(tape, 1, "requestChat")
    tape.poll(1.1, 0.1, event(failed(1, "Parameter nickname is missing")))
    publish(tape, 3, "requestChat", nickname="Stan")
    tape.poll(3.1, 0.1, event(told((1, JOINED))))
    app = chatter(tape)
    app.listen(5)
    assert app.data == []

    app.say("requestChat")
    app.listen(1)
    assert [data["statusCode"] for data in app.data] == [1]
    app.say("requestChat", nickname="Ann")
    app.listen(2)
    assert [data["statusCode"] for data in app.data] == [1, 0]
    assert sessions(app) == [("s1", 1)]


def test_clock_jumps_for_chats_over_comet() -> None:
    app = chatter(pacing=Pacing(clock=Clock.VIRTUAL))
    before_us = app.driver.now_us
    app.request_chat()
    for operation in ("sendMessage", "disconnect"):
        app.say(operation)
        app.listen(0.1)

    assert app.lines == [JOINED, HELLO, REPLY, LEFT]
    assert app.driver.now_us - before_us < 3_000_000


def recorded_rest(*, refused: bool = False) -> Tape:
    """A chat by REST, whose alias changes; refreshed at 2, 6 and 8 s."""
    tape = Tape()
    if refused:
        tape.ask(0, "POST", REST, "nickname=", failed(1, "Parameter nickname is missing"))
    tape.ask(1, "POST", REST, "nickname=Stan&subject=Order", told((1, JOINED)))
    shown = f"userId=7&secureKey={KEY}&alias="
    tape.ask(2, "POST", f"{ONE_CHAT}/refresh", f"{shown}117&transcriptPosition=2", told(nextPosition=2))
    tape.ask(4, "POST", f"{ONE_CHAT}/send", f"{shown}117&message=Hello.", told((2, HELLO)))
    tape.ask(6, "POST", f"{ONE_CHAT}/refresh", f"{shown}117&transcriptPosition=3", told((3, REPLY), alias="118"))
    tape.ask(7, "POST", f"{ONE_CHAT}/send", f"{shown}117&message=Late", failed(2, "alias is wrong"))
    tape.ask(8, "POST", f"{ONE_CHAT}/refresh", f"{shown}118&transcriptPosition=4", told(nextPosition=4, alias="118"))
    return tape


def test_rest_is_free_in_what_it_shows() -> None:
    app = Chatter(player(recorded_rest()))
    begun = app.call("POST", REST, {"nickname": "Ann", "subject": "Other"})
    shown = {"userId": "x", "secureKey": "y", "alias": "z", "chatId": CHAT, "transcriptPosition": 9}
    said = app.call("POST", f"{ONE_CHAT}/send", shown | {"message": "Hi!"})
    late = app.call("POST", f"{ONE_CHAT}/send", shown | {"message": "Hi again!"})

    assert json.loads(begun.body)["messages"][0]["text"] == JOINED
    assert json.loads(said.body)["messages"][0]["text"] == HELLO
    assert (late.status, json.loads(late.body)) == (200, failed(2, "alias is wrong"))


def test_refresh_follows_the_story() -> None:
    """Also for an app that keeps to the first alias."""
    app = Chatter(player(recorded_rest()))
    app.call("POST", REST, "nickname=Ann")

    def refresh(position: int) -> list[int]:
        answer = app.call("POST", f"{ONE_CHAT}/refresh", f"secureKey={KEY}&alias=117&transcriptPosition={position}")
        return [line["index"] for line in json.loads(answer.body)["messages"]]

    app.wait_until(2)
    assert refresh(2) == []
    app.wait_until(9)
    assert refresh(3) == []
    app.call("POST", f"{ONE_CHAT}/send", f"secureKey={KEY}&message=Hi")
    app.wait_until(11.5)
    assert refresh(3) == [3]


def test_refused_start_by_rest_began_nothing() -> None:
    """So an app that is taken at once waits for nothing."""
    tape = recorded_rest(refused=True)
    app = Chatter(player(tape))
    refused = app.call("POST", REST, "nickname=")
    begun = app.call("POST", REST, "nickname=Ann")

    assert [json.loads(answer.body)["statusCode"] for answer in (refused, begun)] == [1, 0]
    assert sessions(app) == [("s1", 1)]
    (story,) = compile_stories(tape.recording())
    assert [cause.count for cause in story.states[0][-1].causes] == [1, 2]


def test_refused_start_by_rest_is_not_waited_from() -> None:
    tape = Tape()
    tape.ask(0, "POST", REST, "nickname=", failed(1, "Parameter nickname is missing"))
    tape.ask(1, "POST", REST, "nickname=Stan", told((1, JOINED)))
    tape.open_comet(2)
    publish(tape, 2.5, "requestNotifications", secureKey=KEY, transcriptPosition=2)
    tape.poll(2.6, 0.4, event(told((2, HELLO))))
    app = Chatter(player(tape))
    app.call("POST", REST, "nickname=")
    app.shake_hands()
    app.say("requestNotifications", transcriptPosition=2)
    app.listen(5)
    assert app.lines == []

    app.call("POST", REST, "nickname=Ann")
    app.listen(3)
    assert app.lines == [HELLO]


def test_instants_move() -> None:
    app = chatter(pacing=Pacing(now_us=NOW_US))
    app.request_chat()

    shift_ms = NOW_US // 1000 - factories.START_US // 1000
    (line,) = app.data[0]["messages"]
    assert abs(line["utcTime"] - (factories.START_US // 1000 + 1000 + shift_ms)) < 2000
