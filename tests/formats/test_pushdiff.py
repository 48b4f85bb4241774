import json
from dataclasses import replace
from typing import Any

import factories
from factories import SERVICE, Tape, at

from gms_replay.formats.pushdiff import tell, to_json
from gms_replay.model import Push, Recording
from gms_replay.pushdiff import compare


def recorded(*payloads: dict[str, Any], provider: str = "apns", stray: bool = False) -> Recording:
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": SERVICE})
    pushed = [
        Push(number, 1, None, provider, at(10 * number), json.dumps(payload).encode())
        for number, payload in enumerate(payloads, start=1)
    ]
    if stray:
        pushed.append(Push(9, 1, None, provider, at(99), b'{"aps":{"alert":"\x1b[1m"}}'))
    return replace(tape.recording(), pushes=tuple(pushed))


def acted(action: str, **aps: Any) -> dict[str, Any]:
    return {"aps": {"alert": "Free", **aps}, "message": {"_id": SERVICE, "_action": action}}


HEADING = "session 1, 2014-05-02 16:27:30 UTC: user alice@example.com"


def test_comparison_is_told() -> None:
    old = recorded(acted("a"), acted("b", badge=1), acted("c"))
    new = recorded(acted("a"), acted("b", badge=2), acted("d"), stray=True)

    assert list(tell(compare(old, new), "old\n.sqlite", "new.sqlite")) == [
        "old: old\\u000a.sqlite: 3 seen, 0 derived from what the apps ask for",
        "new: new.sqlite: 4 seen, 0 derived from what the apps ask for",
        "",
        f"old: {HEADING}",
        f"new: {HEADING}",
        "  equal    a by apns: no answer, “Free”",
        "  differs  b by apns: no answer, “Free”",
        "           aps.badge 1 became 2",
        "  differs  c by apns: no answer, “Free”",
        "           action “c” became “d”",
        "",
        "old: nothing that corresponds",
        "new: of no session, no service named",
        "  extra    what names no action by apns: no answer, “\\u001b[1m”",
        "",
        "1 equal, 2 differs, 1 extra: the devices were told something else",
    ]


def test_remarks_are_told_apart() -> None:
    said = {"message": {"data": {"message": json.dumps(acted("a")["message"])}, "notification": {"body": "Free"}}}

    lines = list(tell(compare(recorded(acted("a")), recorded(said, provider="fcm")), "a", "b"))

    assert lines[-3:] == ["           (by fcm instead of apns)", "", "1 equal: the devices were told the same"]


def test_one_without_is_told() -> None:
    lines = list(tell(compare(recorded(acted("a")), recorded()), "a", "b"))

    assert lines[1] == "new: b: no pushes"
    assert lines[-1] == "1 missing: the devices were told something else"


def test_none_in_either_is_told() -> None:
    assert list(tell(compare(recorded(), recorded()), "a", "b")) == ["a, b: no pushes in either"]


def test_json_is_whole() -> None:
    told = json.loads(json.dumps(to_json(compare(recorded(acted("a")), recorded(acted("a", badge=1))), "a", "b")))

    (group,) = told["groups"]
    (pair,) = group["pushes"]
    assert (told["equal"], told["counts"]) == (
        False,
        {"equal": 0, "unknown": 0, "differs": 1, "missing": 0, "extra": 0},
    )
    assert group["old"] == {"session": 1, "user": "alice@example.com", "service_id": None}
    assert (pair["grade"], pair["differences"], pair["remarks"]) == ("differs", ["aps.badge is new: 1"], [])
    assert (pair["old"]["action"], pair["new"]["push"]) == ("a", 1)
