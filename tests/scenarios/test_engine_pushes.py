"""Pushes as the engine tells them: when, to whom, and to testers who listen, hold and release."""

import json
from dataclasses import replace
from typing import Any

from apns_frames import enhanced, refusal
from driver import NOW_US, App, Driver, start
from factories import CALLBACK, MENU, ORDER, QUEUE, SERVICE, Tape, at, position

from gms_replay.clocks import Clock, Pacing
from gms_replay.model import Direction, Frame, Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories

PUSHES = "/__gms_replay__/pushes"
ACTION = MENU.rpartition("/")[2]


def begun() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    return tape


def woken() -> Recording:
    """Somebody waits in a queue, until a push leads to the menu."""
    tape = begun()
    for at_s, place in ((2, 2), (20, 1)):
        tape.ask(at_s, "GET", QUEUE, b"", position(place), takes_s=0)
    tape.push(30, ACTION)
    tape.ask(31, "POST", MENU)
    tape.push(50, "get-dialog-start-chat", provider="fcm", payload=fcm("get-dialog-start-chat"))
    return tape.recording()


def unseen() -> Recording:
    """The same, recorded on the phone's side."""
    tape = begun()
    tape.ask(31, "POST", MENU)
    return tape.recording()


def fcm(action: str) -> dict[str, Any]:
    wish = json.dumps({"_id": SERVICE, "_action": action})
    return {"message": {"token": "a", "data": {"message": wish}}}


def visiting(recording: Recording, clock: Clock = Clock.REAL, **options: Any) -> App:
    return App(Driver(Player(compile_stories(recording), Pacing(clock=clock), **options)), peer="127.0.0.1")


def listen(app: App, query: str = "") -> int:
    return app.ask("GET", f"{PUSHES}?{query}", headers=(("host", "localhost"),))


def heard(app: App, request_id: int) -> list[tuple[int, str, str]]:
    """What a listener was told: number, session and action."""
    told = json.loads(app.driver.wait_for(request_id).body)
    return [(push["number"], push["session"], push["_action"]) for push in told["pushes"]]


def post(app: App, **what: Any) -> dict[str, Any]:
    answer = app.call("POST", PUSHES, what)
    assert answer.status == 200, answer
    told: dict[str, Any] = json.loads(answer.body)
    return told


def sent(app: App) -> list[tuple[float, str | None]]:
    """What went to devices: when by the story, in seconds, and the action."""
    return [((push.at_us - NOW_US) / 1_000_000, push.action) for push in app.driver.pushes]


def test_push_comes_when_the_app_has_done_what_was_before() -> None:
    app = visiting(woken())
    app.wait_until(5)
    start(app)
    app.wait_until(34.9)
    assert sent(app) == []

    app.wait_until(35)
    assert sent(app) == [(35, ACTION)]
    app.wait_until(60)
    app.call("POST", MENU)
    app.wait_until(90)

    assert sent(app) == [(35, ACTION), (79, "get-dialog-start-chat")]


def test_push_in_binary_is_played_unless_it_was_refused() -> None:
    """Or lost after a refused one."""
    payloads = [json.dumps({"aps": {}, "message": {"_id": SERVICE, "_action": action}}) for action in ("a", "b", "c")]
    raws = [enhanced(number, payload=payload.encode()) for number, payload in enumerate(payloads, 1)]
    tape = begun()
    frames = tuple(Frame(number, 1, Direction.TO_SERVER, at(30 + number), raw) for number, raw in enumerate(raws, 1))
    refused = Frame(4, 1, Direction.TO_CLIENT, at(35), refusal(8, 2))
    app = visiting(replace(tape.recording(), frames=(*frames, refused)))

    start(app)
    app.wait_until(60)

    assert sent(app) == [(31, "a")]
    assert json.loads(app.driver.pushes[0].payload)["message"]["_action"] == "a"


def test_each_session_has_pushes_of_its_own() -> None:
    app = visiting(woken())
    services = [start(app), start(App(app.driver, "carl@example.com"))]
    app.wait_until(40)

    first, second = app.driver.pushes

    assert (first.session, first.service_id, first.number) == ("s1", services[0], 1)
    assert (second.session, second.service_id, second.number) == ("s2", services[1], 2)
    assert json.loads(second.payload)["message"]["_id"] == services[1] != SERVICE


def test_push_is_for_the_device_that_the_app_names() -> None:
    app = visiting(woken())
    app.call("POST", CALLBACK, ORDER | {"_device_notification_id": "my phone"})
    app.wait_until(40)

    assert [push.device for push in app.driver.pushes] == ["my phone"]


def test_pushes_are_listed() -> None:
    app = visiting(woken())
    start(app)
    app.wait_until(40)

    told = json.loads(app.driver.wait_for(listen(app)).body)

    (push,) = told["pushes"]
    assert told["held"] == 0
    assert json.loads(push.pop("payload")) == {
        "aps": {"alert": "An agent is free"},
        "message": {"_id": SERVICE, "_action": ACTION},
    }
    assert push.pop("device").startswith("00fc13ad")
    assert push == {
        "number": 1,
        "session": "s1",
        "visit": 1,
        "at": "2026-03-04T09:00:30.000Z",
        "derived": False,
        "provider": "apns",
        "_id": SERVICE,
        "_action": ACTION,
        "headers": {},
    }


def test_listener_waits_for_the_next() -> None:
    app = visiting(woken())
    start(app)

    held = listen(app, "wait_ms=60000")
    app.wait_until(29)
    assert held not in app.driver.answers

    assert heard(app, held) == [(1, "s1", ACTION)]
    assert app.seconds == 30
    assert heard(app, listen(app, "after=1&wait_ms=5000")) == []
    assert app.seconds == 35


def test_listener_may_be_there_before_the_app() -> None:
    app = visiting(woken(), Clock.VIRTUAL)
    other = listen(app, "wait_ms=60000&session=bob")
    held = listen(app, "wait_ms=60000&session=alice")

    app.call("POST", f"{CALLBACK}?gms_session=alice", ORDER)

    assert [push[1:] for push in heard(app, held)] == [("alice", ACTION)]
    assert other not in app.driver.answers


def test_listener_that_hangs_up_is_forgotten() -> None:
    app = visiting(woken())
    start(app)
    held = listen(app, "wait_ms=60000")

    app.driver.hang_up(held)
    app.wait_until(40)

    assert held not in app.driver.answers
    assert heard(app, listen(app)) == [(1, "s1", ACTION)]


def test_dropped_sessions_pushes_are_forgotten() -> None:
    app = visiting(woken())
    start(app)
    app.wait_until(40)

    app.call("DELETE", "/__gms_replay__/sessions")

    assert heard(app, listen(app)) == []


def test_held_push_waits_for_the_tester() -> None:
    app = visiting(woken(), holds_pushes=True)
    start(app)
    app.wait_until(40)
    assert (app.driver.pushes, heard(app, listen(app))) == ([], [])

    assert post(app, release=1) == {"told": [1], "holding": "all", "held": 0}

    assert [(push.number, push.action) for push in app.driver.pushes] == [(1, ACTION)]
    assert post(app, hold=False) == {"told": [], "holding": [], "held": 0}
    app.call("POST", MENU)
    app.wait_until(60)
    assert len(app.driver.pushes) == 2


def test_release_answers_who_listens() -> None:
    app = visiting(woken(), holds_pushes=True)
    start(app)
    app.wait_until(40)
    held = listen(app, "wait_ms=60000")

    post(app, release="all", session="s1")

    assert heard(app, held) == [(1, "s1", ACTION)]


def test_presumed_push_is_told_to_who_listens() -> None:
    """At the latest when the recorded app asked, and to nobody who wants none."""
    app = visiting(unseen())
    start(app)
    app.wait_until(5)
    held = listen(app, "wait_ms=60000")

    (push,) = json.loads(app.driver.wait_for(held).body)["pushes"]

    assert (push["derived"], push["provider"], push["_id"], push["_action"]) == (True, None, SERVICE, ACTION)
    assert (round(app.seconds, 3), json.loads(push["payload"])["message"]["_action"]) == (31, ACTION)
    quiet = visiting(unseen())
    start(quiet)
    quiet.wait_until(60)
    assert quiet.driver.pushes == []


def test_app_that_asks_by_itself_is_not_woken() -> None:
    app = visiting(unseen(), has_devices=True)
    start(app)
    app.wait_until(10)
    app.call("POST", MENU)
    app.wait_until(60)

    assert app.driver.pushes == []


def test_virtual_story_jumps_to_the_push_that_is_waited_for() -> None:
    app = visiting(woken(), Clock.VIRTUAL)
    start(app)

    assert heard(app, listen(app, "wait_ms=60000")) == [(1, "s1", ACTION)]
    assert app.seconds < 1
    held = listen(app, "after=1&wait_ms=60000")
    app.wait_until(3)
    assert held not in app.driver.answers
    app.call("POST", MENU)
    assert heard(app, held) == [(2, "s1", "get-dialog-start-chat")]


def test_virtual_story_jumps_for_devices() -> None:
    app = visiting(woken(), Clock.VIRTUAL, has_devices=True)
    start(app)
    app.call("POST", MENU)

    assert [action for _, action in sent(app)] == [ACTION, "get-dialog-start-chat"]


def test_virtual_poll_passes_pushes() -> None:
    """Who asks for a place in the queue wants a new one."""
    tape = begun()
    tape.ask(2, "GET", QUEUE, b"", position(2), takes_s=0)
    tape.push(5, ACTION)
    tape.ask(20, "GET", QUEUE, b"", position(1), takes_s=0)
    app = visiting(tape.recording(), Clock.VIRTUAL)
    start(app)

    assert [app.call("GET", QUEUE).body for _ in range(2)] == [position(2), position(1)]
    assert [action for _, action in sent(app)] == [ACTION]


def test_story_is_not_given_up_while_a_push_is_to_come() -> None:
    """The app, which polls, waits for what a push is to wake it for: only then is its act missing."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.ask(40, "POST", MENU)
    tape.poll(41, 1, b'{"channel":"/_genesys","data":"hi"}')
    app = visiting(tape.recording(), has_devices=True)
    start(app)
    app.shake_hands()
    app.subscribe()

    app.listen(49)
    assert app.driver.notes == []
    app.listen(2)

    assert app.driver.notes == ["session s1: went on without dialog act 1, which the app never did"]
    assert [action for _, action in sent(app)] == [ACTION]


def test_holding_counts_as_taking() -> None:
    """What nobody saw comes for who holds and releases, too."""
    app = visiting(unseen())
    start(app)
    post(app, hold=True)
    app.wait_until(60)

    assert post(app, release="all")["told"] == [1]
    assert [push.action for push in app.driver.pushes] == [ACTION]


def test_virtual_story_does_not_jump_for_what_is_held() -> None:
    app = visiting(woken(), Clock.VIRTUAL, has_devices=True, holds_pushes=True)
    start(app)

    assert [app.call("GET", QUEUE).body for _ in range(2)] == [position(2), position(1)]
    assert app.driver.pushes == []


def test_dropped_session_takes_its_pushes_along() -> None:
    app = visiting(woken(), holds_pushes=True)
    start(app)
    app.wait_until(40)

    app.call("DELETE", "/__gms_replay__/sessions")

    assert app.driver.dropped == ["s1"]
    assert post(app, release="all") == {"told": [], "holding": "all", "held": 0}


def test_device_of_a_chat_is_known() -> None:
    app = visiting(unseen(), has_devices=True)
    app.call("POST", CALLBACK, ORDER | {"push_notification_deviceid": "my phone"})
    app.wait_until(40)

    assert [push.device for push in app.driver.pushes] == ["my phone"]
