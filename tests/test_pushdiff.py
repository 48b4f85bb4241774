import json
from dataclasses import replace
from typing import Any

import factories
import pytest
from factories import SERVICE, Tape, at

from gms_replay import pushes
from gms_replay.model import Push, Recording
from gms_replay.pushdiff import Comparison, Grade, compare, differences
from gms_replay.pushes import Derived, Notification, Result

OTHER = "4TRJ4T42704KM0M4S1P6P7U5PD111V84"
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
TAKEN = Result(200, "EC1BF194", None)


def wish(service: str = SERVICE, **more: Any) -> dict[str, Any]:
    return {"_id": service, "_action": "get-dialog", **more}


def seen(payload: bytes | dict[str, Any], provider: str = "apns", at_s: float = 3, **told: Any) -> Notification:
    """A push as it is read."""
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return replace(pushes.read(Push(1, 1, None, provider, at(at_s), raw), None), **told)


def apns(service: str = SERVICE, aps: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    return {"aps": {"alert": "An agent is free"} if aps is None else aps, "message": wish(service), **more}


def older(**more: Any) -> Notification:
    said = {"data": {"message": json.dumps(wish())}, "notification": {"body": "An agent is free"}}
    return seen({"to": "old-token-1", **said, "priority": "high", "time_to_live": 60} | more, "fcm")


def newer(**more: Any) -> Notification:
    said = {"data": {"message": json.dumps(wish(OTHER))}, "notification": {"body": "An agent is free"}}
    return seen({"message": {"token": "new-token-22", **said, "android": {"ttl": "60s"}} | more}, "fcm", at_s=50)


def test_fcm_s_ways_tell_the_same() -> None:
    assert differences(older(), newer()) == ()


def test_carriers_tell_the_same() -> None:
    expires_us = at(3) + 60_000_000
    told = seen(apns(OTHER, {"alert": "An agent is free", "sound": "ring"}), expires_at_us=expires_us, device=TOKEN)

    assert differences(older(), told) == ()
    assert differences(told, newer()) == ()


def test_notices_tell_the_same() -> None:
    apple = seen({"aps": {"content-available": 1}, "message": wish()})

    for said in (wish(OTHER), {"deviceId": "phone", "message": wish(OTHER)}, json.dumps(wish(OTHER)).encode()):
        assert differences(apple, seen(said, "httpcb")) == ()
    assert differences(apple, seen(wish(OTHER, extra=1), "httpcb")) == ("message.extra is new: 1",)


def test_flaws_are_no_difference() -> None:
    flawed = b'{"aps":{"alert":"An agent is free"},"message":{"_id":"%s","_action":"get-dialog",}}' % SERVICE.encode()

    assert differences(seen(flawed), seen(apns(OTHER), at_s=9)) == ()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"badge": 1}, {"badge": 2}, ("aps.badge 1 became 2",)),
        ({"badge": 1}, {"badge": "1"}, ("aps.badge 1 became “1”",)),
        ({"sound": "ring"}, {}, ("aps.sound is missing",)),
        ({}, {"badge": 1}, ("aps.badge is new: 1",)),
        ({"extra": {}}, {"extra": [1]}, ("aps.extra is missing", "aps.extra.0 is new: 1")),
        ({"alert": "a"}, {"alert": "b"}, ("alert.body “a” became “b”",)),
        ({"alert": "a"}, {"alert": {"title": "T", "body": "a"}}, ("alert.title is new: “T”",)),
        ({"alert": "a"}, {"alert": "b" * 90}, (f"alert.body “a” became “{'b' * 80}…”",)),
        ({}, {"extra": {}}, ("aps.extra is new: empty",)),
    ],
)
def test_fields_are_told(old: dict[str, Any], new: dict[str, Any], expected: tuple[str, ...]) -> None:
    first, second = (seen(apns(aps={"alert": "Free"} | aps)) for aps in (old, new))

    assert differences(first, second) == expected


def test_renamed_field_is_told() -> None:
    old, new = (seen({"message": wish(**{name: "VIP"})}) for name in ("segment", "customerSegment"))

    assert differences(old, new) == ("message.customerSegment is new: “VIP”", "message.segment is missing")


def test_action_is_told_first() -> None:
    new = {"aps": {"alert": "Ring"}, "message": {"_id": SERVICE, "_action": "connect"}, "a": 1}

    assert differences(seen(apns()), seen(new)) == (
        "action “get-dialog” became “connect”",
        "alert.body “An agent is free” became “Ring”",
        "a is new: 1",
    )


def test_message_that_moved_is_told() -> None:
    """The app looks for it in `message`."""
    assert differences(seen({"message": wish()}), seen(wish())) == (
        "action is missing",
        "_action is new: “get-dialog”",
        f"_id is new: “{SERVICE}”",
        "message._id is missing",
    )


def test_payload_that_is_no_json_is_told() -> None:
    assert differences(seen(b"hello"), seen(b"\xff")) == ("payload “hello” became “\\xff”",)
    assert differences(seen(b"hello"), seen(b"hello")) == ()


@pytest.mark.parametrize(
    ("old", "new", "is_same"),
    [
        (f"http://gms/1/service/{SERVICE}/connect", f"http://gms/1/service/{OTHER}/connect", True),
        (f"http://gms/1/service/{SERVICE}/connect", f"http://other/1/service/{OTHER}/connect", False),
        (f"device {TOKEN}", f"device {TOKEN[::-1]}", True),
        ("trace c56a4180-65aa-42ec-a945-5fd21dec0538", "trace 9b2f0000-65aa-42ec-a945-5fd21dec0538", True),
        ("000FRa9NYM9A001K, 000FRa9NYM9A001K", "000FRa9NYM9A002L, 000FRa9NYM9A002L", True),
        ("000FRa9NYM9A001K, 000FRa9NYM9A001K", "000FRa9NYM9A002L, 000FRa9NYM9A003M", False),
        ("call 5551234567", "call 5559876543", False),
        ("wait 30 s", "wait 60 s", False),
        ("2014-05-02T16:30:00.000Z", "2014-05-02T16:31:40.000Z", True),
        ("till 2014-05-02T16:30:00.000Z", "till 2014-05-02T16:31:41.000Z", True),
        ("till 2014-05-02T16:30:00.000Z", "till 2014-05-02T17:30:00.000Z", False),
        ("till 2014-05-02T16:30:00.000Z", "till 2014-05-02T16:31:40Z", False),
        ("1399048200", "1399048300", True),
        ("1399048200", "1399049300", False),
    ],
)
def test_texts_mean_the_same(old: str, new: str, is_same: bool) -> None:
    """The second comes 100 s later, for another service and device."""
    first = seen(apns(custom=old), device=TOKEN)
    second = seen(apns(OTHER, custom=new), at_s=103, device=TOKEN[::-1])

    assert differences(first, second) == (() if is_same else (f"custom “{old}” became “{new}”",))


def test_stale_link_is_told() -> None:
    link = f"http://gms/1/service/{SERVICE}/connect"

    assert differences(seen(apns(url=link)), seen(apns(OTHER, url=link))) == (f"url “{link}” names another's id",)
    assert differences(seen(apns(url=link)), seen(apns(url=link))) == ()


def test_slots_keep_their_grid() -> None:
    first = seen(apns(_desired_time="2014-05-02T16:30:00.000Z"))

    assert differences(first, seen(apns(_desired_time="2014-05-02T17:00:00.000Z"), at_s=103)) == ()
    assert differences(first, seen(apns(_desired_time="2014-05-02T19:00:00.000Z"), at_s=103)) != ()


def test_ids_stand_for_one_each() -> None:
    old = seen({"message": wish(chatId="000FRa9NYM9A001K", inner={"chatId": "000FRa9NYM9A001K"})})
    new = seen({"message": wish(chatId="000FRa9NYM9A002L", inner={"chatId": "000FRa9NYM9A003M"})})

    assert differences(old, new) == ("message.inner.chatId “000FRa9NYM9A001K” became “000FRa9NYM9A003M”",)


@pytest.mark.parametrize(
    ("old_s", "new_s", "expected"),
    [
        (60, 63, ()),
        (60, 600, ("expiry after 60 s became after 600 s",)),
        (60, None, ("expiry is missing",)),
        (None, 60, ("expiry is new: after 60 s",)),
        (None, None, ()),
        (0, 2, ("expiry at once became after 2 s",)),
        (0, 0, ()),
    ],
)
def test_expiry_counts_from_its_push(old_s: int | None, new_s: int | None, expected: tuple[str, ...]) -> None:
    """0: tried once."""
    old, new = (
        seen(apns(), at_s=at_s, expires_at_us=lasts_s and at(at_s + lasts_s))
        for at_s, lasts_s in ((3, old_s), (500, new_s))
    )

    assert differences(old, new) == expected


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (TAKEN, Result(410, None, "Unregistered"), ("taken became refused (Unregistered)",)),
        (Result(400, None, "BadDeviceToken"), TAKEN, ("refused (BadDeviceToken) became taken",)),
        (
            Result(400, None, "BadDeviceToken"),
            Result(429, None, "TooManyRequests"),
            ("refused (BadDeviceToken) became refused (TooManyRequests)",),
        ),
        (Result(200, None, "NotRegistered"), Result(404, None, "UNREGISTERED"), ()),
        (Result(410, None, "Unregistered"), Result(404, None, "UNREGISTERED"), ()),
        (Result(8, None, "InvalidToken"), Result(400, None, "BadDeviceToken"), ()),
        (TAKEN, Result(200, "other", None), ()),
        (TAKEN, None, ()),
        (None, Result(410, None, "Unregistered"), ()),
    ],
)
def test_results_are_told(old: Result | None, new: Result | None, expected: tuple[str, ...]) -> None:
    assert differences(seen(apns(), result=old), seen(apns(), result=new)) == expected


def test_derived_tells_its_action_only() -> None:
    derived = Derived(1, at(5), OTHER, "get-dialog")

    assert differences(seen(apns()), derived) == ()
    assert differences(derived, replace(derived, action="connect")) == ("action “get-dialog” became “connect”",)


def recorded(
    *payloads: dict[str, Any], service: str = SERVICE, visits: bool = True, provider: str = "apns"
) -> Recording:
    """A recording of pushes, ten seconds apart, with the visit that they are of."""
    tape = Tape()
    if visits:
        tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": service})
    pushed = tuple(
        Push(number, 1, None, provider, at(10 * number), json.dumps(payload).encode())
        for number, payload in enumerate(payloads, start=1)
    )
    return replace(tape.recording(), pushes=pushed)


def grades(comparison: Comparison) -> list[Grade]:
    return [pair.grade for pair in comparison.pairs]


def acted(action: str, alert: str = "An agent is free", service: str = SERVICE) -> dict[str, Any]:
    return {"aps": {"alert": alert}, "message": {"_id": service, "_action": action}}


def test_same_pushes_are_equal() -> None:
    old = recorded(acted("a"), acted("b"))
    new = recorded(acted("a", service=OTHER), acted("b", service=OTHER), service=OTHER)

    found = compare(old, new)

    assert (found.equal, grades(found)) == (True, [Grade.EQUAL] * 2)
    assert [(group.old and group.old.number, group.new and group.new.number) for group in found.groups] == [(1, 1)]


def test_dropped_and_extra_are_named_once() -> None:
    found = compare(recorded(acted("a"), acted("b"), acted("c")), recorded(acted("b"), acted("c"), acted("d")))

    assert (found.equal, grades(found)) == (False, [Grade.MISSING, Grade.EQUAL, Grade.EQUAL, Grade.EXTRA])


def test_moved_is_named_once() -> None:
    found = compare(recorded(acted("a"), acted("b"), acted("c")), recorded(acted("b"), acted("c"), acted("a")))

    assert [(pair.grade, pair.differences) for pair in found.pairs] == [
        (Grade.DIFFERS, ("moved: came as number 1, and comes as number 3",)),
        (Grade.EQUAL, ()),
        (Grade.EQUAL, ()),
    ]


def test_other_alert_is_no_other_push() -> None:
    found = compare(recorded(acted("a")), recorded(acted("a", "Ring")))

    assert [pair.differences for pair in found.pairs] == [("alert.body “An agent is free” became “Ring”",)]


def test_carrier_and_derived_are_remarks() -> None:
    seen_only = recorded(acted("a"))
    by_fcm = recorded({"message": {"data": {"message": json.dumps(wish(_action="a"))}}}, provider="fcm")
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": SERVICE})
    tape.ask(5, "POST", f"/genesys/1/service/{SERVICE}/a")

    assert compare(seen_only, by_fcm).pairs[0].remarks == ("by fcm instead of apns",)
    assert compare(seen_only, tape.recording()).pairs[0].remarks == ("new is derived: only its action is compared",)
    assert grades(compare(seen_only, tape.recording())) == [Grade.UNKNOWN]
    assert not compare(seen_only, tape.recording()).equal
    assert compare(tape.recording(), tape.recording()).equal


def test_services_stand_for_visits_that_are_not_there() -> None:
    """Recorded at GMS's side alone."""
    alone = recorded(acted("a", service=OTHER), acted("b", service=SERVICE), visits=False)
    both = recorded(acted("a"), acted("b", service=OTHER))

    found = compare(alone, both)

    assert grades(found) == [Grade.EQUAL, Grade.EQUAL]
    assert [group.old and group.old.service_id for group in found.groups] == [OTHER, SERVICE]
    assert [group.new and group.new.number for group in found.groups] == [1, None]


def test_pushes_of_no_service_belong_together() -> None:
    old, new = recorded({"aps": {}}, {"aps": {"badge": 1}}), recorded({"aps": {}})

    assert grades(compare(old, new)) == [Grade.EQUAL, Grade.MISSING]


@pytest.mark.parametrize(("old", "new", "expected"), [(1, 0, Grade.MISSING), (0, 1, Grade.EXTRA)])
def test_pushes_in_one_only_differ(old: int, new: int, expected: Grade) -> None:
    found = compare(recorded(*[acted("a")] * old), recorded(*[acted("a")] * new))

    assert (found.equal, grades(found)) == (False, [expected])


def test_none_in_either_is_equal() -> None:
    found = compare(recorded(), Recording())

    assert (found.equal, found.groups) == (True, ())


def test_tries_are_one_push() -> None:
    """How often GMS has to try says nothing of what the device is told."""
    tape, again = Tape(), Tape()
    for one in (tape, again):
        one.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": SERVICE})
    tape.push(5, "a")
    again.push(5, "a", status=429, answer={"reason": "TooManyRequests"})
    again.push(8, "a", status=503)
    again.push(11, "a")

    assert grades(compare(tape.recording(), again.recording())) == [Grade.EQUAL]


def test_app_that_asks_by_itself_hides_no_missing_push() -> None:
    """Where another visit shows that GMS's own traffic was recorded."""
    old, new = Tape(), Tape()
    for one in (old, new):
        one.ask(0, "POST", factories.CALLBACK, factories.ORDER, {"_id": SERVICE})
        one.push(2, "wait-for-agent")
        one.ask(60, "POST", factories.CALLBACK, factories.ORDER, {"_id": "OTHER0000001"})
        one.ask(70, "POST", "/genesys/1/service/OTHER0000001/connect")
    wish = {"_id": "OTHER0000001", "_action": "connect"}
    old.push(65, "connect", payload={"aps": {"alert": "Free"}, "message": wish})

    assert grades(compare(old.recording(), new.recording())) == [Grade.EQUAL, Grade.MISSING]


def told_of(name: str, number: str, redaction: str) -> Recording:
    """A visit and its push, which tell of whoever it is."""
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, {"first_name": name}, {"_id": SERVICE})
    said = apns(aps={"alert": f"{name}, call {number}"}, phone=number)
    tape.push(5, "get-dialog", payload=said)
    tape.ask(6, "POST", f"/genesys/1/service/{SERVICE}/get-dialog")
    recording = tape.recording()
    return replace(recording, runs=tuple(replace(run, redaction=redaction) for run in recording.runs))


def test_redacted_pushes_tell_the_same_by_other_names() -> None:
    old, new = told_of("Ann", "+4915112345678", "off"), told_of("Kbu", "+4915198765432", "on")
    assert [pair.grade for pair in compare(old, new).pairs] == [Grade.EQUAL]
    unlike = compare(old, told_of("Kbu", "+4915198765432", "off"))
    assert len(unlike.pairs[0].differences) == 2


def test_of_redacted_pushes_other_words_differ() -> None:
    new = told_of("Kbu", "+4915198765432", "on")
    (push,) = new.pushes
    said = replace(push, payload=push.payload.replace(b", call", b", text"))
    (pair,) = compare(told_of("Ann", "+4915112345678", "off"), replace(new, pushes=(said,))).pairs
    assert pair.differences == ("alert.body “Ann, call +4915112345678” became “Kbu, text +4915198765432”",)


def served(*services: str) -> Recording:
    """A visit a minute, each with its push."""
    tape = Tape()
    for minute, service in enumerate(services):
        tape.ask(60 * minute, "POST", factories.CALLBACK, factories.ORDER, {"_id": service})
        tape.push(60 * minute + 5, "a", payload=acted(f"a{minute}", service=service))
    return tape.recording()


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        ([(1, 1)], [(1, 1, Grade.EQUAL)]),
        ([(2, None)], [(2, 2, Grade.EQUAL)]),
        ([(1, 2)], [(1, 2, Grade.DIFFERS)]),
        ([(2, 2), (1, 9)], [(2, 2, Grade.EQUAL), (1, None, Grade.MISSING)]),
    ],
)
def test_named_visits_alone_are_compared(
    pairs: list[tuple[int, int | None]], expected: list[tuple[int, int | None, Grade]]
) -> None:
    both = served(SERVICE, OTHER)

    found = compare(both, both, pairs)

    assert [
        (group.old and group.old.number, group.new and group.new.number, pair.grade)
        for group in found.groups
        for pair in group.pairs
    ] == expected


def test_redacted_pushes_of_no_visit_tell_the_same() -> None:
    """They say themselves what stands for what, also where not each has a counterpart."""
    old, new = (
        replace(told_of(number, number, redaction), exchanges=())
        for number, redaction in (("+4915112345678", "off"), ("+4915198765432", "on"))
    )
    late = replace(old.pushes[0], id=2, at_us=at(500))

    found = compare(replace(old, pushes=(*old.pushes, late)), new)

    assert grades(found) == [Grade.EQUAL, Grade.MISSING]
