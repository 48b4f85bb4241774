import json

from factories import CALLBACK, ORDER, SERVICE, Tape

from gms_replay.formats.apns import files


def test_pushes_come_visit_after_visit() -> None:
    tape = Tape()
    tape.push(0, "early", payload=b'{"message":{"_id":"nobody","_action":"early"}}')
    tape.ask(1, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.push(2, "wake")
    tape.ask(3, "POST", CALLBACK, ORDER, {"_id": "OTHER0000001"})
    tape.push(4, "wake", payload=b'{"message":{"_id":"OTHER0000001","_action":"wake"}}')

    found = dict(files(tape.recording(), "com.example.app"))

    assert [(name, json.loads(content)["message"]["_id"]) for name, content in found.items()] == [
        ("0001-visit-1-wake.apns", SERVICE),
        ("0002-visit-2-wake.apns", "OTHER0000001"),
        ("0003-others-early.apns", "nobody"),
    ]


def test_refused_push_is_none() -> None:
    tape = Tape()
    tape.ask(1, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.push(2, "wake", status=400, answer={"reason": "BadDeviceToken"})

    assert list(files(tape.recording(), "com.example.app")) == []
