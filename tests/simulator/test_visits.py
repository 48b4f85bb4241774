"""The seven visits that the vendor's sample app offers, and what a seed repeats of them."""

import json
import threading
from time import time_ns

import pytest

from gms_replay.simulator.clock import from_iso, iso_millis

NOW = {"_wait_for_agent": "false", "_wait_for_user_confirm": "false"}
WAIT = {"_wait_for_agent": "true", "_wait_for_user_confirm": "true"}
USER = {"_call_direction": "USERORIGINATED"}
GMS = {"_call_direction": "USERTERMINATED"}
VOICE, CHAT = {"_media_type": "voice"}, {"_media_type": "chat"}
CUSTOMER = {"_customer_number": "+14155550123", "first_name": "Stan", "last_name": "Demo"}
MENU = "get-dialog-user-confirmation-provide_code-"


def follow_push(app, device, service_id, code):
    """Wait for the push, take its action, and tell the menu's items by their label."""
    assert device.next_push() == {"_id": service_id, "_action": f"{MENU}{code}"}
    menu = app.take(service_id, f"{MENU}{code}").json()
    assert menu["_action"] == "DisplayMenu"
    items = menu["_content"][0]["_group_content"]
    return {item["_label"].partition(",")[0]: (item["_method"], item["_user_action_url"]) for item in items}


def hold_chat(app, dialog, until_disconnected, until_line):
    """Chat over Comet with a word and a bye; the texts that both said."""
    assert dialog["_comet_url"] == f"{app.base_url}/cometd"
    app.open_comet()
    app.http.post(dialog["_start_chat_url"], data={"notify_by": "comet", "firstName": "Stan"})
    frames = app.chat_frames(until_line("Message.Text", "AGENT"))
    for text in ("Hello?", "bye"):
        app.http.post(f"{dialog['_start_chat_url']}/send", data={"message": text})
        frames += app.chat_frames(until_line("Message.Text", "AGENT"))
    frames += app.chat_frames(until_disconnected)
    lines = [line for frame in frames for line in frame["data"]["message"]["transcriptToShow"]]
    return [line for line in lines if line[0] == "Message.Text"]


def test_voice_now_by_user(app):
    dialog = app.ask(**NOW, **USER, **VOICE, **CUSTOMER, _provide_code="true").json()
    assert (dialog["_action"], dialog["_tel_url"][:5], dialog["_access_code"].isdigit()) == (
        "DialNumber",
        "tel:+",
        True,
    )


def test_voice_now_by_gms(app):
    dialog = app.ask(**NOW, **GMS, **VOICE, **CUSTOMER).json()
    assert (dialog["_action"], dialog["_text"]) == ("ConfirmationDialog", "You will receive the call shortly")


@pytest.mark.parametrize(("direction", "action"), [(USER, "DialNumber"), (GMS, "ConfirmationDialog")])
@pytest.mark.parametrize("code", ["true", "false"])
def test_voice_after_waiting(app, device, direction, action, code):
    started = app.ask(**WAIT, **direction, **VOICE, **CUSTOMER, **device.fields, _provide_code=code).json()
    service_id = started["_id"]
    assert started["_text"] == "We will notify you when agent is available"
    places = app.wait_for_agent(service_id)
    items = follow_push(app, device, service_id, code)
    connected = app.http.request(*items["Yes"]).json()
    assert (places[-1], connected["_action"], connected["_id"]) == (0, action, service_id)
    assert device.posts.empty()


def test_snooze_wakes_again(app, device):
    service_id = app.start(**WAIT, **USER, **VOICE, **device.fields)
    items = follow_push(app, device, service_id, "false")
    app.http.request(*items["No"])
    items = follow_push(app, device, service_id, "false")
    assert app.http.request(*items["Yes"]).json()["_action"] == "DialNumber"


class Clock:
    """A clock that stands until it is told to go."""

    def __init__(self, at_us):
        self._at_us = at_us
        self._gone_at_us = None

    def __call__(self):
        gone_us = time_ns() // 1000 - self._gone_at_us if self._gone_at_us else 0
        return self._at_us + gone_us

    def go(self):
        self._gone_at_us = time_ns() // 1000


def test_voice_by_appointment(app_of, device):
    clock = Clock(from_iso("2014-05-02T10:04:59.900Z"))
    app = app_of(now_us=clock)
    path = "/1/service/callback/samples"
    slot = next(iter(app.http.get(f"{path}/availability").json()))
    night = app.ask(**WAIT, **GMS, **VOICE, _desired_time="2014-05-03T03:00:00.000Z").json()
    service_id = app.start(**WAIT, **GMS, **VOICE, **device.fields, _desired_time=next(iter(night["availability"])))
    later = app.record(service_id)["_desired_time"]
    app.http.put(f"{path}/{service_id}", json={"_new_desired_time": slot})
    assert (app.record(service_id)["_desired_time"], slot < later) == (slot, True)
    clock.go()
    items = follow_push(app, device, service_id, "false")
    assert iso_millis(clock()) >= slot
    assert app.http.request(*items["Yes"]).json()["_action"] == "ConfirmationDialog"


def test_cancelled_appointment_stays_silent(app, device):
    service_id = app.start(**WAIT, **GMS, **VOICE, **device.fields)
    app.http.delete(f"/1/service/callback/samples/{service_id}")
    other = app.start(**WAIT, **GMS, **VOICE, **device.fields)
    assert device.next_push()["_id"] == other


def test_chat_now(app, until_disconnected, until_line):
    dialog = app.ask(**NOW, **USER, **CHAT, **CUSTOMER).json()
    assert (dialog["_action"], dialog["_user_header"]) == ("StartChat", app.user)
    said = hold_chat(app, dialog, until_disconnected, until_line)
    assert [line[4] for line in said] == ["AGENT", "CLIENT", "AGENT", "CLIENT", "AGENT"]
    assert {line[1] for line in said} == {"Stan", "Kristi Sippola"}


def test_chat_after_waiting(app, device, until_disconnected, until_line):
    service_id = app.start(**WAIT, **USER, **CHAT, **CUSTOMER, **device.fields)
    items = follow_push(app, device, service_id, "false")
    said = hold_chat(app, app.http.request(*items["Yes"]).json(), until_disconnected, until_line)
    assert [line[2] for line in said if line[4] == "CLIENT"] == ["Hello?", "bye"]


def test_failing_devices_block_nobody(app, device, device_of):
    failing = device_of(500)
    services = [app.start(**WAIT, **USER, **VOICE, **one.fields) for one in (failing, device)]
    assert device.next_push()["_id"] == services[1]
    assert failing.next_push() == failing.next_push() == {"_id": services[0], "_action": f"{MENU}false"}


def seeded_visit(app, noise):
    """What a seed decides of a chat; `noise` is done beside it."""
    stop = threading.Event()
    beside = threading.Thread(target=noise, args=(stop,))
    beside.start()
    try:
        started = app.ask(**NOW, **USER, **CHAT, _provide_code="true")
        service_id = started.json()["_id"]
        chat = app.chat(service_id, "", firstName="Stan", _verbose="true")
        app.chat(service_id, "send", message="bye")
        while (told := app.chat(service_id, "refresh"))["chatIxnState"] != "DISCONNECTED":
            pass
        lines = [line[:3] for line in told["transcriptToShow"] if line[4] == "AGENT"]
        second = app.start()
    finally:
        stop.set()
        beside.join()
    cookie = started.headers["set-cookie"].partition(";")[0]
    return [service_id, second, cookie, chat["chatSessionId"], chat["userId"], chat["secureKey"], lines]


def test_seeds_repeat_the_visit(app_of):
    def quiet(stop):
        """Nothing else happens."""

    one = seeded_visit(app_of(seed=7), quiet)
    busy = app_of(seed=7)

    def polls(stop):
        while not stop.is_set():
            busy.http.get("/1/service/callback/samples/availability")

    again = seeded_visit(busy, polls)
    other = seeded_visit(app_of(seed=8), quiet)
    assert one == again
    assert not {json.dumps(value) for value in one} & {json.dumps(value) for value in other}
    assert one[-1][0][1] != other[-1][0][1]


def test_seeds_repeat_the_frames(app_of, until_disconnected):
    def frames(app):
        app.open_comet()
        service_id = app.start_chat()
        app.chat(service_id, "send", message="bye")
        seen = app.chat_frames(until_disconnected)
        return sorted(frame["data"]["id"] for frame in seen)

    one, again, other = (frames(app_of(seed=seed)) for seed in (7, 7, 8))
    assert one == again != other
