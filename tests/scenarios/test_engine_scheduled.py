"""A scheduled callback in the engine: refused for one time, taken for another, moved, looked up, cancelled."""

import json
from typing import Any

from driver import App, visiting
from factories import CALLBACK, CHAT, USER, Tape, slots

from gms_replay.model import Recording

SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U99"
ONE = f"{CALLBACK}/{SERVICE}"
LOOK_UP = f"{CALLBACK}?operand=AND&_customer_number=%2B14155550123"
SLOTS = f"{CALLBACK}/availability?number-of-days=1"
NIGHT, FIRST, SECOND = "2014-05-03T03:00:00.000Z", "2014-05-02T16:35:00.000Z", "2014-05-02T16:40:00.000Z"
CLOSED = {
    "exception": "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionAvailability",
    "message": "Office is closed at the desired time",
    "availability": {FIRST: 5, SECOND: 5},
}


def order(at: str, field: str = "_desired_time") -> dict[str, Any]:
    return {"_customer_number": "+14155550123", "_media_type": "voice", field: at}


def record(at: str) -> bytes:
    return json.dumps([{"_id": SERVICE, "_desired_time": at, "_callback_state": "SCHEDULED"}]).encode()


def scheduled() -> Recording:
    tape = Tape()
    tape.ask(0, "GET", SLOTS, answer=slots(FIRST, SECOND))
    tape.ask(1, "POST", CALLBACK, order(NIGHT), answer=CLOSED, status=400)
    tape.ask(2, "POST", CALLBACK, order(FIRST), answer={"_id": SERVICE})
    tape.ask(3, "GET", LOOK_UP, answer=record(FIRST))
    tape.ask(4, "PUT", ONE, {"_new_desired_time": SECOND}, answer={})
    tape.ask(5, "GET", LOOK_UP, answer=record(SECOND))
    tape.ask(6, "DELETE", ONE, answer={})
    tape.ask(7, "GET", LOOK_UP, answer=b"[]")
    return tape.recording()


def told(app: App, method: str, target: str, text: dict[str, Any] | bytes = b"") -> Any:
    return json.loads(app.call(method, target, text).body)


def test_refusal_and_start_are_one_visit() -> None:
    app = visiting(scheduled())

    first, second = told(app, "GET", SLOTS)
    refused = app.call("POST", CALLBACK, order("2026-03-05T03:00:00.000Z"))
    proposed = json.loads(refused.body)["availability"]

    assert (refused.status, list(proposed)) == (400, [first, second])
    assert told(app, "POST", CALLBACK, order(first)) == {"_id": SERVICE}
    assert len(app.driver.player.sessions) == 1


def test_offered_time_is_taken_at_once() -> None:
    app = visiting(scheduled())
    first, _ = told(app, "GET", SLOTS)

    assert told(app, "POST", CALLBACK, order(first)) == {"_id": SERVICE}


def test_looked_up_as_it_was_changed() -> None:
    app = visiting(scheduled())
    first, second = told(app, "GET", SLOTS)
    app.call("POST", CALLBACK, order("2026-03-05T03:00:00.000Z"))
    app.call("POST", CALLBACK, order(first))
    found = [told(app, "GET", LOOK_UP)]
    app.call("PUT", ONE, {"_new_desired_time": second})
    found.append(told(app, "GET", LOOK_UP))
    app.call("DELETE", ONE)
    found.append(told(app, "GET", LOOK_UP))

    assert [[one["_desired_time"] for one in listed] for listed in found] == [[first], [second], []]


def test_snoozed_early_queues_anew() -> None:
    queue, snooze = f"/genesys/1/service/{SERVICE}/check-queue-position", f"/genesys/1/service/{SERVICE}/snooze"
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, order(FIRST), answer={"_id": SERVICE})
    for at_s, place in [(1, 5), (7, 4), (13, 3), (15, 9)]:
        if place == 9:
            tape.ask(14, "POST", snooze)
        tape.ask(at_s, "GET", queue, answer={"_position": str(place)})
    app = visiting(tape.recording())

    app.call("POST", CALLBACK, order(FIRST))
    places = [told(app, "GET", queue)]
    app.wait_until(2)
    app.call("POST", snooze)
    for at_s in (3, 8, 20):
        app.wait_until(at_s)
        places.append(told(app, "GET", queue))

    assert [place["_position"] for place in places] == ["5", "9", "9", "9"]


def test_app_back_again_begins_anew() -> None:
    app = visiting(scheduled())
    first, _ = told(app, "GET", SLOTS)
    app.call("POST", CALLBACK, order(first))

    refused = app.call("POST", CALLBACK, order("2026-03-05T03:00:00.000Z"))

    assert refused.status == 400
    assert len(app.driver.player.sessions) == 2


def test_chat_after_callback_stays_in_visit() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, order(FIRST), answer={"_id": SERVICE})
    tape.ask(1, "POST", "/genesys/1/service/request-chat", {"gms_user": USER}, answer={"_id": SERVICE + "X"})
    tape.ask(2, "POST", f"/genesys/1/service/{SERVICE}X/ixn/chat", answer={"chatSessionId": CHAT, "_id": SERVICE})
    app = visiting(tape.recording())

    app.call("POST", CALLBACK, order(FIRST))

    assert told(app, "POST", "/genesys/1/service/request-chat", {"gms_user": USER}) == {"_id": SERVICE + "X"}
    assert len(app.driver.player.sessions) == 1
