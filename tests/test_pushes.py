import json
from dataclasses import replace
from typing import Any

import factories
import pytest
from apns_frames import PAYLOAD, enhanced, item, items, refusal, simple
from factories import CALLBACK, MENU, SERVICE, Tape, at

from gms_replay import apns, pushes, sessions
from gms_replay.model import Direction, Exchange, Frame, Headers, Push
from gms_replay.pushes import Derived, Notification, Result
from gms_replay.refusals import Fate
from gms_replay.story import compile_stories

TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
ACTION = "get-dialog-user-confirmation-provide_code-true"
WISH = {"_id": SERVICE, "_action": ACTION}
APNS = {"aps": {"alert": {"title": "Call", "body": "An agent is free"}}, "message": WISH}
FCM = {
    "message": {
        "token": TOKEN,
        "data": {"message": json.dumps(WISH)},
        "notification": {"title": "Call", "body": "An agent is free"},
        "android": {"ttl": "3600s"},
    }
}
LEGACY = {"to": TOKEN, "data": {"message": json.dumps(WISH)}, "notification": {"title": "Call"}, "time_to_live": 60}
PLACES = {
    "apns": f"/3/device/{TOKEN}",
    "fcm": "/v1/projects/contact-center/messages:send",
    "fcm, older": "/fcm/send",
}


def pushed(
    to: str,
    payload: bytes | dict[str, Any],
    answer: dict[str, Any] | None = None,
    *,
    status: int = 200,
    sent: Headers = (),
    headers: Headers = (),
) -> tuple[Push, Exchange]:
    """A push and what carried it, at 3 s."""
    tape = Tape(user=None, host="push.example:443")
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    if answer is None:
        exchange = tape.ask_in_vain(3, "POST", PLACES[to], raw)
    else:
        exchange = tape.ask(3, "POST", PLACES[to], raw, answer, status=status, sent=sent, headers=headers)
    return Push(1, 1, exchange.id, to[:4].rstrip(","), at(3), raw), exchange


def read(to: str, payload: bytes | dict[str, Any], answer: dict[str, Any] | None = None, **told: Any) -> Notification:
    return pushes.read(*pushed(to, payload, answer, **told))


def test_apns_is_read() -> None:
    told = read("apns", APNS, {}, sent=(("apns-expiration", "1399048858"),), headers=(("apns-id", "EC1BF194"),))

    assert told == Notification(
        push_id=1,
        exchange_id=1,
        at_us=at(3),
        provider="apns",
        device=TOKEN,
        service_id=SERVICE,
        action=ACTION,
        alert="An agent is free",
        expires_at_us=1_399_048_858_000_000,
        result=Result(200, "EC1BF194", None),
        payload=json.dumps(APNS).encode(),
        headers=(("apns-expiration", "1399048858"),),
    )


def test_fcm_is_read() -> None:
    told = read("fcm", FCM, {"name": "projects/contact-center/messages/0:1"})

    assert (told.provider, told.device, told.service_id, told.action) == ("fcm", TOKEN, SERVICE, ACTION)
    assert (told.alert, told.expires_at_us) == ("An agent is free", at(3) + 3_600_000_000)
    assert told.result == Result(200, "projects/contact-center/messages/0:1", None)


def test_older_fcm_is_read() -> None:
    told = read("fcm, older", LEGACY, {"success": 1, "results": [{"message_id": "0:2"}]})

    assert (told.provider, told.device, told.service_id, told.action) == ("fcm", TOKEN, SERVICE, ACTION)
    assert (told.alert, told.expires_at_us) == ("Call", at(3) + 60_000_000)
    assert told.result == Result(200, "0:2", None)


def test_push_without_http_is_read() -> None:
    push, _ = pushed("apns", APNS, {})

    told = pushes.read(replace(push, exchange_id=None), None)

    assert (told.service_id, told.action, told.device, told.expires_at_us, told.result) == (
        SERVICE, ACTION, None, None, None
    )  # fmt: skip


@pytest.mark.parametrize(
    ("to", "status", "answer", "reason"),
    [
        ("apns", 410, {"reason": "Unregistered", "timestamp": 1399048058000}, "Unregistered"),
        ("apns", 503, {}, "status 503"),
        ("fcm", 404, {"error": {"status": "NOT_FOUND", "details": [{"errorCode": "UNREGISTERED"}]}}, "UNREGISTERED"),
        ("fcm", 400, {"error": {"status": "INVALID_ARGUMENT"}}, "INVALID_ARGUMENT"),
        ("fcm, older", 200, {"failure": 1, "results": [{"error": "NotRegistered"}]}, "NotRegistered"),
        ("fcm, older", 401, {}, "status 401"),
    ],
)
def test_refusal_is_told(to: str, status: int, answer: dict[str, Any], reason: str) -> None:
    result = read(to, APNS if to == "apns" else FCM, answer, status=status).result

    assert result == Result(status, None, reason)


@pytest.mark.parametrize(
    ("to", "answer", "name"),
    [
        ("apns", {"reason": "queued"}, None),
        ("apns", {"reason": None}, None),
        ("fcm, older", {"results": [{"message_id": "0:1", "error": None}]}, "0:1"),
    ],
)
def test_what_is_taken_has_no_reason(to: str, answer: dict[str, Any], name: str | None) -> None:
    assert read(to, APNS if to == "apns" else FCM, answer).result == Result(200, name, None)


def test_service_and_action_are_of_one_object() -> None:
    payload = {"_id": "64a1", "deviceId": "phone", "message": WISH, "other": {"inner": {"_id": "b", "_action": "c"}}}

    told = read("apns", payload, {})

    assert (told.service_id, told.action) == (SERVICE, ACTION)


def test_fcm_may_carry_what_is_apns_s() -> None:
    apns = {"headers": {"apns-expiration": "1399048858"}, "payload": {"aps": {"alert": "Free"}}}

    told = read("fcm", {"message": {"token": TOKEN, "apns": apns}}, {"name": "a"})

    assert (told.alert, told.expires_at_us) == ("Free", 1_399_048_858_000_000)


def test_fcm_that_lives_no_time_is_tried_once() -> None:
    assert read("fcm", {"message": {"android": {"ttl": "0s"}}}, {"name": "a"}).expires_at_us == 0


def test_device_may_end_in_a_slash() -> None:
    push, exchange = pushed("apns", APNS, {})
    request = replace(exchange.request, target=f"/3/device/{TOKEN}/?now")

    assert pushes.read(push, replace(exchange, request=request)).device == TOKEN


NOTICE = {"_id": SERVICE, "_action": ACTION}


def noticed(payload: bytes | dict[str, Any], status: int = 200) -> Notification:
    """A notice by HTTP, at 3 s."""
    tape = Tape(user=None, host="app.example:9000")
    raw = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    exchange = tape.ask(3, "POST", "/wake?key=1", raw, b"", status=status)
    return pushes.read(Push(1, 1, exchange.id, "httpcb", at(3), raw), exchange)


def test_notice_is_read() -> None:
    told = noticed(NOTICE)

    assert (told.provider, told.device) == ("httpcb", "http://app.example:9000/wake?key=1")
    assert (told.service_id, told.action, told.alert, told.expires_at_us) == (SERVICE, ACTION, None, None)
    assert told.result == Result(200, None, None)


def test_custom_notice_names_its_device() -> None:
    told = noticed({"deviceId": "phone 7", "message": json.dumps(NOTICE)})

    assert (told.device, told.service_id, told.action) == ("phone 7", SERVICE, ACTION)


@pytest.mark.parametrize("status", [201, 204, 302, 503])
def test_notice_wants_200(status: int) -> None:
    assert noticed(NOTICE, status).result == Result(status, None, f"status {status}")


def test_notice_by_no_http_is_read() -> None:
    told = pushes.read(Push(1, 1, None, "httpcb", at(3), b"odd"), None)

    assert (told.device, told.service_id, told.action, told.result, told.payload) == (None, None, None, None, b"odd")


def test_notice_to_an_address_is_read() -> None:
    exchange = Tape(user=None).ask(3, "POST", "/wake", NOTICE)
    there = replace(exchange, request=replace(exchange.request, host="::1", port=80, scheme="https"))

    assert pushes.read_exchange("httpcb", there).device == "https://[::1]:80/wake"


def test_push_without_answer_has_no_result() -> None:
    assert read("apns", APNS).result is None


@pytest.mark.parametrize(
    "payload",
    [
        b'{"aps":{},"message":{"_id":"%s","_action":"%s",}}',
        b'{"aps":{},"message":"{\\"_id\\":\\"%s\\",\\"_action\\":\\"%s\\",}"}',
        b'{"_id":"%s","_action":"%s"}',
        b'"{\\"_id\\":\\"%s\\",\\"_action\\":\\"%s\\"}"',
        b'{"aps":{},"message":{"_id":"%s",\n"_action":"%s"',
    ],
    ids=["trailing comma", "in a string", "by itself", "itself in a string", "cut off"],
)
def test_what_it_means_is_read_with_its_flaws(payload: bytes) -> None:
    told = read("apns", payload % (SERVICE.encode(), ACTION.encode()), {})

    assert (told.service_id, told.action) == (SERVICE, ACTION)


@pytest.mark.parametrize("payload", [b"", b"hello", b"\xff{", b"[]", b'{"aps":{"badge":1}}'])
def test_other_push_names_nothing(payload: bytes) -> None:
    told = read("apns", payload, {})

    assert (told.service_id, told.action, told.alert, told.payload) == (None, None, None, payload)


@pytest.mark.parametrize(("written", "expires_at_us"), [("0", 0), ("soon", None), ("-5", None), ("1.5s", 1_500_000)])
def test_expiration_is_read(written: str, expires_at_us: int | None) -> None:
    assert read("apns", APNS, {}, sent=(("apns-expiration", written),)).expires_at_us == expires_at_us


def waiting(tape: Tape) -> None:
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})


def dialog(tape: Tape, at_s: float, action: str, *leads_to: str) -> None:
    urls = [f"http://gms.example/genesys/1/service/{SERVICE}/{one}" for one in leads_to]
    tape.ask(at_s, "POST", f"/genesys/1/service/{SERVICE}/{action}", b"", json.dumps({"_urls": urls}))


def derived(tape: Tape) -> list[tuple[int, str]]:
    (visit,) = sessions.split(tape.recording())
    return [(one.at_us, one.action) for one in pushes.derive(visit)]


def test_dialog_that_nothing_led_to_was_pushed() -> None:
    tape = Tape()
    waiting(tape)
    dialog(tape, 5, ACTION, "connect", "snooze")
    dialog(tape, 6, "connect")

    assert derived(tape) == [(at(5), ACTION)]


def test_dialog_asked_again_was_pushed_once() -> None:
    tape = Tape()
    waiting(tape)
    dialog(tape, 5, ACTION, "connect", "snooze", ACTION)
    dialog(tape, 6, ACTION, "connect", "snooze", ACTION)

    assert derived(tape) == [(at(5), ACTION)]


def test_dialog_after_a_snooze_was_pushed_again() -> None:
    """Though it names itself."""
    tape = Tape()
    waiting(tape)
    dialog(tape, 5, ACTION, "connect", "snooze", ACTION)
    dialog(tape, 6, "snooze")
    dialog(tape, 9, ACTION, "connect", "snooze", ACTION)

    assert derived(tape) == [(at(5), ACTION), (at(9), ACTION)]


def test_url_may_be_broken_over_lines() -> None:
    tape = Tape()
    waiting(tape)
    broken = f'{{"_user_action_url":"http://gms.example/genesys/1/service/\n   {SERVICE}/connect?code=1"}}'
    tape.ask(5, "POST", MENU, b"", broken)
    dialog(tape, 6, "connect")

    assert [action for _, action in derived(tape)] == [MENU.rpartition("/")[2]]


def test_refused_dialogs_were_not_pushed() -> None:
    tape = Tape()
    waiting(tape)
    for at_s, action in enumerate(("a", "b", "a"), start=5):
        tape.ask(at_s, "POST", f"/genesys/1/service/{SERVICE}/{action}", status=404)

    assert derived(tape) == []


def test_going_back_after_a_refusal_takes_no_push() -> None:
    tape = Tape()
    waiting(tape)
    dialog(tape, 5, ACTION, "connect", ACTION)
    tape.ask(6, "POST", f"/genesys/1/service/{SERVICE}/connect", status=500)
    dialog(tape, 7, ACTION, "connect", ACTION)

    assert derived(tape) == [(at(5), ACTION)]


def test_url_may_be_escaped() -> None:
    tape = Tape()
    waiting(tape)
    tape.ask(2, "GET", factories.QUEUE, b"", {"_url": f"http://x/1/service/{SERVICE}/connect%2Dinbound?a#b"})
    dialog(tape, 6, "connect-inbound")

    assert derived(tape) == []


@pytest.mark.parametrize("at_s", [1, 4])
def test_what_is_told_leads_from_when_it_is_told(at_s: int) -> None:
    """An answer that was waited for, until 3 s, by service and action."""
    tape = Tape()
    waiting(tape)
    tape.ask(0.5, "GET", factories.QUEUE, b"", WISH, takes_s=2.5)
    dialog(tape, at_s, ACTION)

    assert derived(tape) == [(at(at_s), ACTION)] * (at_s < 3)


def test_comet_leads_to_dialogs() -> None:
    tape = Tape()
    waiting(tape)
    tape.open_comet(1)
    event = json.dumps({"channel": "/_genesys", "data": {"message": WISH, "tag": f"service.chat.refresh.{SERVICE}"}})
    tape.poll(2, 1, event.encode())
    dialog(tape, 6, ACTION)

    assert any(message.direction is Direction.TO_CLIENT for message in tape.messages)
    assert derived(tape) == []


@pytest.mark.parametrize(("provider", "others"), [("apns", []), ("fcm", []), ("httpcb", ["connect"])])
@pytest.mark.parametrize("status", [200, 410])
def test_nothing_is_derived_where_pushes_were_seen(status: int, provider: str, others: list[str]) -> None:
    """Where they were told to Apple or Google, in no visit; where to whom an app named, not in that visit."""
    tape = Tape()
    waiting(tape)
    dialog(tape, 5, ACTION)
    tape.push(6, ACTION, provider=provider, payload=WISH, status=status)
    tape.ask(60, "POST", CALLBACK, factories.ORDER, {"_id": "OTHER0000001"})
    tape.ask(61, "POST", "/genesys/1/service/OTHER0000001/connect")
    recording = tape.recording()

    first, second = pushes.find(recording, sessions.split(recording)).of_visits

    assert [type(one) for one in first] == [Notification]
    assert [(type(one), one.action) for one in second] == [(Derived, action) for action in others]
    stories = compile_stories(recording)
    assert [story.notifications for story in stories] == [first, second]


def test_frame_is_read() -> None:
    payload = json.dumps(APNS).encode()
    frame = Frame(5, 1, Direction.TO_SERVER, at(3), enhanced(7, 1_399_048_858, payload=payload))

    told = pushes.read_frame(frame, apns.read(frame.raw), Fate(8, "InvalidToken"))

    assert told == Notification(
        push_id=None,
        exchange_id=None,
        at_us=at(3),
        provider="apns",
        device=TOKEN,
        service_id=SERVICE,
        action=ACTION,
        alert="An agent is free",
        expires_at_us=1_399_048_858_000_000,
        result=Result(8, None, "InvalidToken"),
        payload=payload,
        frame_id=5,
    )


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (simple(), (TOKEN, None, PAYLOAD)),
        (enhanced(1, 0, token=b"", payload=b""), (None, 0, b"")),
        (items(item(1, bytes(2)), item(4, b"\xff" * 4)), ("0000", (2**32 - 1) * 1_000_000, b"")),
        (items(item(4, bytes(400))), (None, None, b"")),
    ],
    ids=["command 0", "empty", "latest", "wrong size"],
)
def test_frame_tells_what_it_has(raw: bytes, expected: tuple[str | None, int | None, bytes]) -> None:
    told = pushes.read_frame(Frame(1, 1, Direction.TO_SERVER, at(3), raw), apns.read(raw))

    assert (told.device, told.expires_at_us, told.payload, told.result) == (*expected, None)


def test_frames_belong_to_visits_beside_other_pushes() -> None:
    """With what became of each."""
    tape = Tape()
    waiting(tape)
    dialog(tape, 8, "connect-inbound")
    push, exchange = pushed("apns", APNS, {})
    wishes = [WISH, WISH | {"_action": "connect-inbound"}]
    payloads = [json.dumps({"aps": {}, "message": wish}).encode() for wish in wishes]
    raws = [*(enhanced(number, payload=payload) for number, payload in enumerate(payloads, 1)), refusal(8, 1)]
    recording = replace(
        tape.recording(),
        exchanges=(*tape.exchanges, replace(exchange, id=3)),
        pushes=(replace(push, exchange_id=3),),
        frames=tuple(
            Frame(number, 1, Direction.TO_CLIENT if number == 3 else Direction.TO_SERVER, at(number), raw)
            for number, raw in enumerate([*raws, enhanced(3)], 1)
        ),
    )

    found = pushes.find(recording, sessions.split(recording))

    ((refused, lost, seen),) = found.of_visits
    assert [refused.frame_id, lost.frame_id, seen.push_id] == [1, 2, 1]
    assert refused.result == Result(8, None, "InvalidToken")
    assert lost.result == Result(None, None, "not delivered: after a refused one")
    assert [one.frame_id for one in found.others] == [4]


def test_visit_without_an_id_is_nobody_s_home() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": ""})
    push, _ = pushed("apns", b"", {})
    recording = replace(tape.recording(), pushes=(replace(push, exchange_id=None),))

    assert len(pushes.find(recording, sessions.split(recording)).others) == 1


def test_pushes_belong_to_their_visits() -> None:
    tape = Tape()
    waiting(tape)
    push, exchange = pushed("apns", APNS, {})
    other, _ = pushed("fcm", {"message": {"data": {"_id": "nobody's"}}}, {})
    recording = replace(
        tape.recording(),
        exchanges=(*tape.exchanges, replace(exchange, id=2)),
        pushes=(replace(push, exchange_id=2), replace(other, id=2, exchange_id=None)),
    )

    found = pushes.find(recording, sessions.split(recording))

    ((seen,),) = found.of_visits
    assert isinstance(seen, Notification)
    assert (seen.push_id, seen.device) == (1, TOKEN)
    assert [one.push_id for one in found.others] == [2]


TAKEN, REFUSED = Result(200, None, None), Result(503, None, "status 503")


def tried(at_s: float, result: Result | None, device: str = TOKEN) -> Notification:
    return replace(read("apns", APNS), at_us=at(at_s), device=device, result=result)


@pytest.mark.parametrize(
    ("result", "frame_id", "has_failed"),
    [(TAKEN, None, False), (REFUSED, None, True), (None, None, True), (None, 1, False), (REFUSED, 1, True)],
)
def test_only_binary_pushes_are_taken_without_a_word(
    result: Result | None, frame_id: int | None, has_failed: bool
) -> None:
    assert replace(tried(0, result), frame_id=frame_id).has_failed is has_failed


def test_of_tries_the_last_counts() -> None:
    """Unless they are two pushes: to two devices, or long after."""
    sent = [tried(0, REFUSED), tried(1, None), tried(2, TAKEN), tried(3, REFUSED, "other"), tried(4, TAKEN)]
    late = tried(90_000, REFUSED)

    assert pushes.settled([*sent, late]) == [*sent[2:], late]
    assert pushes.arrived([*sent, late]) == [sent[2], sent[4]]


def test_pushes_of_one_visit_are_seen() -> None:
    tape = Tape()
    waiting(tape)
    tape.ask(1, "GET", factories.AVAILABILITY)
    for at_s, service in ((2, SERVICE), (3, SERVICE[::-1])):
        tape.push(at_s, ACTION, payload=APNS | {"message": WISH | {"_id": service}})
    recording = tape.recording()

    told = pushes.seen(recording, sessions.split(recording)[0])

    assert [(one.at_us, one.service_id) for one in told] == [(at(2), SERVICE)]


def test_odd_url_leads_nowhere() -> None:
    tape = Tape()
    waiting(tape)
    tape.ask(2, "GET", factories.QUEUE, b"", {"_url": f"http://[odd/genesys/1/service/{SERVICE}/{ACTION}"})
    dialog(tape, 3, ACTION)

    assert derived(tape) == [(at(3), ACTION)]
