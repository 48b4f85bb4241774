import json

import factories
import pytest
from factories import SERVICE, TOKEN, Tape, at
from lone_session import callback

from gms_replay.devices import Device
from gms_replay.events import SendPush
from gms_replay.items import Pushed
from gms_replay.story import Story, compile_stories
from gms_replay.translation import Translation

OTHER = "7WUM7W75075NP3P7V4S9S0X8SG444Y17"
ACTION = factories.MENU.rpartition("/")[2]


def story(tape: Tape) -> Story:
    (only,) = compile_stories(tape.recording())
    return only


def device(of: Story) -> Device:
    return Device("alice", of, Translation(of, {SERVICE: OTHER}, now_us=None, comet_segment=""))


def told(of: Story, item: Pushed, shift_us: int = 0) -> SendPush:
    return device(of).told(item, shift_us, at(9))


def test_push_is_told_in_the_apps_identities() -> None:
    tape = callback()
    sent = (("apns-topic", "com.example.app"), ("apns-expiration", "1399048858"), ("authorization", "bearer a.b.c"))
    tape.push(5, ACTION, sent=sent)
    only = story(tape)

    push = told(only, only.pushes[0], 60_000_000)

    wish = {"_id": OTHER, "_action": ACTION}
    assert push == SendPush(
        session="alice",
        visit=1,
        at_us=at(9),
        provider="apns",
        device=TOKEN,
        service_id=OTHER,
        action=ACTION,
        headers=(("apns-topic", "com.example.app"), ("apns-expiration", "1399048918")),
        payload=json.dumps({"aps": {"alert": "An agent is free"}, "message": wish}).encode(),
    )


def test_identity_is_told_inside_a_string() -> None:
    """FCM's data knows strings only."""
    tape = callback()
    wish = json.dumps({"_id": SERVICE, "_action": ACTION})
    tape.push(5, ACTION, provider="fcm", payload={"message": {"token": TOKEN, "data": {"message": wish}}})
    only = story(tape)

    push = told(only, only.pushes[0])

    assert json.loads(push.payload) == {"data": {"message": json.dumps({"_id": OTHER, "_action": ACTION})}}


def test_push_may_be_no_json() -> None:
    tape = callback()
    payload = b'{"aps":{},"message":{"_id":"%s","_action":"x",}}'
    tape.push(5, ACTION, payload=payload % SERVICE.encode())
    only = story(tape)

    assert told(only, only.pushes[0]).payload == payload % OTHER.encode()


def test_derived_push_names_no_provider() -> None:
    tape = callback()
    tape.ask(5, "POST", factories.MENU)
    only = story(tape)

    push = told(only, only.presumed_pushes[0])

    assert (push.provider, push.device, push.service_id, push.action) == (None, None, OTHER, ACTION)


@pytest.mark.parametrize("field", ["_device_notification_id", "push_notification_deviceid"])
def test_device_is_what_the_app_calls_it(field: str) -> None:
    tape = callback()
    tape.push(5, ACTION)
    only = story(tape)
    there = device(only)

    there.hear({field: "mine"})
    there.hear({field: "", "_media_type": "chat"})

    assert there.told(only.pushes[0], 0, at(9)).device == "mine"
