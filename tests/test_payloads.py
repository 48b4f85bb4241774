import json
from typing import Any

import pytest
from factories import SERVICE, TOKEN

from gms_replay import pushes
from gms_replay.model import Push
from gms_replay.payloads import file_name, for_device, for_simulator
from gms_replay.pushes import Derived

WISH = {"_id": SERVICE, "_action": "get-dialog-start-chat"}
TEXT = json.dumps(WISH)
BUNDLE = "com.example.app"


def test_file_name_is_safe_and_in_order() -> None:
    names = [file_name(2, "s1", "../a b"), file_name(10, "s1", None), file_name(3, "s" * 100, "a")]

    assert names == ["0002-s1-..-a-b.apns", "0010-s1-push.apns", f"0003-{'s' * 75}.apns"]


def got(provider: str, payload: bytes | dict[str, Any]) -> bytes:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return for_device(pushes.read(Push(1, 1, None, provider, 0, raw), None))


def simulated(payload: bytes | dict[str, Any]) -> dict[str, Any]:
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    said: dict[str, Any] = json.loads(for_simulator(raw, BUNDLE))
    assert said.pop("Simulator Target Bundle") == BUNDLE
    return said


@pytest.mark.parametrize("payload", [b'{"aps":{}, "message":{"_id":"1",}}', b"\xff", b""])
def test_apns_payload_is_as_it_was(payload: bytes) -> None:
    assert got("apns", payload) == payload


def test_fcm_hands_on_data_and_notification() -> None:
    message = {"token": TOKEN, "data": {"message": TEXT}, "notification": {"title": "Call"}, "android": {"ttl": "60s"}}

    expected = {"data": {"message": TEXT}, "notification": {"title": "Call"}}
    assert json.loads(got("fcm", {"message": message})) == expected
    assert json.loads(got("fcm", {"to": TOKEN, **message})) == expected


def test_fcm_for_apple_is_apples() -> None:
    """With the data at its root, as Apple's devices get it of Google."""
    payload = {"aps": {"alert": "Free"}}
    message = {"token": TOKEN, "data": {"message": TEXT}, "apns": {"payload": payload}}

    assert json.loads(got("fcm", {"message": message})) == {"message": TEXT, "aps": {"alert": "Free"}}


@pytest.mark.parametrize("payload", [b"{", b"[]", b'{"message":"hello"}', b"[" * 20_000])
def test_odd_fcm_is_handed_on_whole(payload: bytes) -> None:
    assert got("fcm", payload) == payload


def test_fcm_for_apple_shows_the_notification() -> None:
    """As Google hands it on, where Apple's part says nothing else."""
    apns = {"payload": {"aps": {"sound": "default"}}}
    message = {"token": TOKEN, "notification": {"title": "Call", "body": "Free", "image": "x"}, "apns": apns}

    alert = {"title": "Call", "body": "Free"}
    assert json.loads(got("fcm", {"message": message})) == {"aps": {"alert": alert, "sound": "default"}}


def test_fcm_for_android_is_androids() -> None:
    android = {"notification": {"title": "Call"}, "data": {"message": TEXT}, "ttl": "60s"}

    expected = {"notification": {"title": "Call"}, "data": {"message": TEXT}}
    assert json.loads(got("fcm", {"message": {"token": TOKEN, "android": android}})) == expected


def test_fcm_without_anything_tells_nothing() -> None:
    assert json.loads(got("fcm", {"message": {"token": TOKEN}})) == {}


def test_bundle_is_the_one_that_is_asked_for() -> None:
    assert simulated({"Simulator Target Bundle": "com.other", "aps": {}}) == {"aps": {}}


def test_derived_push_is_as_gms_sends_it() -> None:
    assert json.loads(for_device(Derived(3, 0, SERVICE, "get-dialog-start-chat"))) == {
        "aps": {"alert": "get-dialog-start-chat"},
        "message": WISH,
    }


def test_simulator_takes_apns_as_it_is() -> None:
    payload = {"aps": {"alert": "Frei für Sie", "badge": 1}, "message": WISH}

    assert simulated(payload) == payload


def test_simulator_gets_the_alert_of_fcm() -> None:
    notification = {"title": "Call", "body": "An agent is free"}

    assert simulated({"data": {"message": TEXT}, "notification": notification}) == {
        "aps": {"alert": notification},
        "message": TEXT,
    }


@pytest.mark.parametrize("payload", [WISH, {"deviceId": "a", "message": WISH}])
def test_simulator_shows_the_action_where_nobody_has_words(payload: dict[str, Any]) -> None:
    assert simulated(payload) == {"aps": {"alert": "get-dialog-start-chat"}, "message": WISH}


def test_simulator_gets_what_can_be_read() -> None:
    payload = b'{"aps":{"alert":"Free",},"message":{"_id":"%s","_action":"get-dialog-start-chat"}}' % SERVICE.encode()

    assert simulated(payload) == {"aps": {"alert": "Free"}, "message": WISH}


@pytest.mark.parametrize("payload", [b"", b"\xff\x00", b"[1]", b'"hello"', b'{"aps":3}'])
def test_simulator_takes_whatever_it_is(payload: bytes) -> None:
    assert simulated(payload)["aps"] == {"alert": ""}
