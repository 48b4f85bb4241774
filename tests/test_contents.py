import json
from typing import Any

import pytest

from gms_replay.contents import EMPTY, Value, read

WISH = {"_id": "3SQI3S31693JL9L3", "_action": "get-dialog"}


def told(provider: str, payload: bytes | dict[str, Any]) -> dict[str, str]:
    """Paths joined by dots, to texts."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return {".".join(map(str, path)): value.text for path, value in read(provider, raw).items()}


ALERTED = {"alert.title": "Call", "alert.body": "Free", "message._id": WISH["_id"], "message._action": "get-dialog"}


@pytest.mark.parametrize(
    ("provider", "payload"),
    [
        ("apns", {"aps": {"alert": {"title": "Call", "body": "Free"}}, "message": WISH}),
        ("apns", {"aps": {"alert": {"title": "Call", "body": "Free"}}, "message": json.dumps(WISH)}),
        (
            "fcm",
            {
                "message": {
                    "token": "abc",
                    "notification": {"title": "Call", "body": "Free"},
                    "data": {"message": json.dumps(WISH)},
                    "android": {"ttl": "60s", "priority": "HIGH"},
                }
            },
        ),
        (
            "fcm",
            {
                "to": "abc",
                "notification": {"title": "Call", "body": "Free"},
                "data": {"message": json.dumps(WISH)},
                "time_to_live": 60,
                "priority": "high",
            },
        ),
    ],
    ids=["apns", "apns, in a string", "fcm", "fcm, older"],
)
def test_app_reads_the_same_of_all(provider: str, payload: dict[str, Any]) -> None:
    assert told(provider, payload) == ALERTED


@pytest.mark.parametrize(
    "payload",
    [
        WISH,
        b'"{\\"_id\\":\\"3SQI3S31693JL9L3\\",\\"_action\\":\\"get-dialog\\",}"',
        {"deviceId": "phone", "message": WISH},
        {"deviceId": "phone", "message": json.dumps(WISH)},
    ],
    ids=["plain", "in a string", "custom", "custom, in a string"],
)
def test_notices_are_messages(payload: bytes | dict[str, Any]) -> None:
    assert told("httpcb", payload) == {"message._id": WISH["_id"], "message._action": "get-dialog"}


def test_short_alert_is_its_body() -> None:
    assert told("apns", {"aps": {"alert": "Free", "badge": 1}}) == {"alert.body": "Free", "aps.badge": "1"}


def test_fcm_s_sounds_are_named_alike() -> None:
    older = told("fcm", {"notification": {"sound": "ring", "icon": "phone"}})
    newer = told("fcm", {"message": {"android": {"notification": {"sound": "ring", "icon": "phone"}}}})

    assert older == newer == {"aps.sound": "ring", "notification.icon": "phone"}


def test_first_of_fcm_s_alerts_counts() -> None:
    alerts = {
        "apns": {"payload": {"aps": {"alert": {"body": "Apple", "subtitle": "only there"}}}},
        "notification": {"body": "All"},
    }

    assert told("fcm", {"message": alerts}) == {"alert.body": "All", "alert.subtitle": "only there"}


def test_what_nobody_knows_is_kept() -> None:
    assert told("fcm", {"message": {"novelty": 1}, "other": 2}) == {"message.novelty": "1", "other": "2"}


def test_kinds_of_values_are_known() -> None:
    assert read("apns", b'{"a": 1, "b": "1", "c": {}, "d": ""}') == {
        ("a",): Value("1", is_string=False),
        ("b",): Value("1", is_string=True),
        ("c",): EMPTY,
        ("d",): Value("", is_string=True),
    }
    assert read("fcm", b'{"data": {"a": "1", "b": "[1]"}}') == {
        ("a",): Value("1", is_string=None),
        ("b", 0): Value("1", is_string=False),
    }


@pytest.mark.parametrize("text", ["{smile} hello", "[1] hello", "[", "{}", "12"])
def test_texts_that_are_no_json_stay_whole(text: str) -> None:
    assert told("apns", {"aps": {"alert": text}}) == {"alert.body": text}


@pytest.mark.parametrize(
    "payload",
    [b'{"message":{"_id":"a","_action":"b",}}', b'{"message":"{\\"_id\\":\\"a\\",\\"_action\\":\\"b\\",}"}'],
)
def test_flaws_are_read_over(payload: bytes) -> None:
    assert told("apns", payload) == {"message._id": "a", "message._action": "b"}


@pytest.mark.parametrize(("payload", "text"), [(b" hello\n", "hello"), (b"\xff\xfe", "\\xff\\xfe")])
def test_what_is_no_json_stands_whole(payload: bytes, text: str) -> None:
    assert told("apns", payload) == {"": text}


def test_json_in_strings_ends() -> None:
    text = '{"a": 1}'
    for _ in range(5):
        text = json.dumps({"a": text})

    (path,) = read("apns", text.encode())

    assert len(path) == 4
