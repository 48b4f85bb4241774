import json
import re
from base64 import urlsafe_b64encode
from dataclasses import replace
from typing import Any

import pytest
from driver import NOW_US
from factories import JSON_HEADERS, START_US, TOKEN, body
from hypothesis import given
from hypothesis import strategies as st

from gms_replay.events import JSON, Asked
from gms_replay.model import Headers, Response, header
from gms_replay.provider import Precedent, Reply, Sent, Verdict, answer
from gms_replay.rules import Rules

APNS = f"/3/device/{TOKEN}"
FCM = "/v1/projects/demo/messages:send"
OLDER = "/fcm/send"
NAMES = {APNS: "device", FCM: "messages:send", OLDER: "fcm/send"}
OWN_ID = "123e4567-e89b-12d3-a456-4266554400a0"
UUID = re.compile(r"[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}")
MESSAGE_ID = r"0:\d{16}%[0-9a-f]{16}"
MINUTE_S = 60


def sent(
    target: str = APNS,
    text: bytes | dict[str, Any] = b'{"aps":{}}',
    headers: Headers = (),
    *,
    method: str = "POST",
    rules: Rules | None = None,
    precedent: Precedent | None = None,
) -> Sent:
    raw = text if isinstance(text, bytes) else json.dumps(text).encode()
    return Sent(Asked(method, "https", target, headers, raw), rules or Rules(), NOW_US, "0 push 1", precedent)


def said(one: Sent) -> Reply:
    target = one.asked.target
    return answer("device" if target.startswith("/3/device") else NAMES[target], one)


def reason(one: Sent) -> tuple[int, str, Verdict]:
    reply = said(one)
    return reply.status, json.loads(reply.body)["reason"], reply.verdict


def message(**fields: Any) -> dict[str, Any]:
    return {"message": {"token": "cKE:APA91bH", **fields}}


def test_apns_takes_a_push() -> None:
    reply = said(sent())

    assert (reply.status, reply.body, reply.verdict) == (200, b"", Verdict.TAKEN)
    ((name, value),) = reply.headers
    assert name == "apns-id"
    assert UUID.fullmatch(value)


def test_names_are_drawn_from_their_key() -> None:
    assert said(sent()) == said(sent())
    assert said(sent()) != said(replace(sent(), key="0 push 2"))
    assert said(sent(FCM, message())) != said(replace(sent(FCM, message()), key="0 push 2"))


def test_apns_id_is_the_senders_own() -> None:
    precedent = Precedent("EC1BF194-B3B2-424B-89A9-5A918A6E6B5E", None, 0)

    assert header(said(sent(headers=(("apns-id", OWN_ID),), precedent=precedent)).headers, "apns-id") == OWN_ID
    assert header(said(sent(precedent=precedent)).headers, "apns-id") == precedent.name


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (sent(method="GET"), (405, "MethodNotAllowed")),
        (sent("/3/device/"), (400, "MissingDeviceToken")),
        (sent("/3/device"), (400, "MissingDeviceToken")),
        (sent(f"/3/device/{TOKEN[:-1]}"), (400, "BadDeviceToken")),
        (sent(f"/3/device/{TOKEN[:-2]}"), (400, "BadDeviceToken")),
        (sent(f"/3/device/{TOKEN[:-2]}zz"), (400, "BadDeviceToken")),
        (sent(headers=(("apns-id", "7"),)), (400, "BadMessageId")),
        (sent(text=b""), (400, "PayloadEmpty")),
        (sent(text=b"x" * 4097), (413, "PayloadTooLarge")),
        (sent(text=b"x" * 5121, headers=(("apns-push-type", "voip"),)), (413, "PayloadTooLarge")),
    ],
)
def test_apns_refuses_mistakes(one: Sent, expected: tuple[int, str]) -> None:
    assert reason(one) == (*expected, Verdict.FAULTY)


def test_first_mistake_counts() -> None:
    assert reason(sent("/3/device/zz", b"", method="PUT"))[1] == "MethodNotAllowed"
    assert reason(sent("/3/device/zz", b"x" * 9999))[1] == "BadDeviceToken"


@pytest.mark.parametrize(
    "one",
    [
        sent(text=b"x" * 4096),
        sent(text=b"x" * 5120, headers=(("apns-push-type", "voip"),)),
        sent(f"/3/device/{TOKEN.upper()}{TOKEN}"),
        sent(f"{APNS}/?now"),
        sent(text=b'{"aps":{"alert":"trailing",}}'),
    ],
)
def test_apns_takes_what_is_allowed(one: Sent) -> None:
    assert said(one).status == 200


def test_refused_by_rule() -> None:
    rules = Rules(refused={TOKEN: "Unregistered", "*": "TooManyRequests"})
    reply = said(sent(rules=rules))

    assert (reply.status, reply.verdict) == (410, Verdict.RULED_OUT)
    assert json.loads(reply.body) == {"reason": "Unregistered", "timestamp": NOW_US // 1000}
    assert UUID.fullmatch(header(reply.headers, "apns-id") or "")
    assert reason(sent(f"/3/device/{TOKEN[::-1]}", rules=rules))[:2] == (429, "TooManyRequests")


def test_rule_of_another_provider_is_not_for_this() -> None:
    assert said(sent(rules=Rules(refused={"*": "UNREGISTERED"}))).status == 200
    assert said(sent(FCM, message(), rules=Rules(refused={"*": "Unregistered"}))).status == 200


def test_mistake_comes_before_rule() -> None:
    assert reason(sent(text=b"", rules=Rules(refused={"*": "Unregistered"})))[1] == "PayloadEmpty"


def recorded(status: int, answered: dict[str, Any], headers: Headers = JSON_HEADERS) -> Response:
    return Response(status, "", "HTTP/2.0", headers, body(answered), START_US, START_US)


def test_refused_as_recorded_at_another_time() -> None:
    was = recorded(410, {"reason": "Unregistered", "timestamp": 1399048050123}, (("apns-id", "1"), ("X-Y", "z")))
    reply = said(sent(precedent=Precedent(None, was, 90_400_000)))

    assert (reply.status, reply.verdict) == (410, Verdict.RECORDED)
    assert reply.body == b'{"reason": "Unregistered", "timestamp": 1399048140123}'
    assert [name for name, _ in reply.headers] == ["apns-id", "x-y"]


def test_rule_comes_before_what_was_recorded() -> None:
    precedent = Precedent(None, recorded(410, {"reason": "Unregistered"}), 0)

    assert reason(sent(rules=Rules(refused={"*": "Shutdown"}), precedent=precedent))[:2] == (503, "Shutdown")


def part(claims: Any) -> str:
    raw = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def token(age_s: int = 0, **head: Any) -> Headers:
    issued_s = NOW_US // 1_000_000 - age_s
    stated = {"alg": "ES256", "kid": "ABC123DEFG"} | head
    return (("authorization", f"bearer {part(stated)}.{part({'iss': 'DEF123GHIJ', 'iat': issued_s})}.c2ln"),)


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (token(), None),
        (token(59 * MINUTE_S), None),
        (token(61 * MINUTE_S), "ExpiredProviderToken"),
        ((), "MissingProviderToken"),
        ((("authorization", "Basic YTpi"),), "MissingProviderToken"),
        ((("authorization", "bearer abc"),), "InvalidProviderToken"),
        (token(alg="none"), "InvalidProviderToken"),
        (token(kid=7), "InvalidProviderToken"),
        ((("authorization", f"bearer {part(b'7')}.{part(b'[')}.x"),), "InvalidProviderToken"),
        ((("authorization", token()[0][1].removesuffix("c2ln")),), "InvalidProviderToken"),
    ],
)
def test_credentials_are_looked_at_where_asked(headers: Headers, expected: str | None) -> None:
    assert said(sent(headers=headers)).status == 200

    reply = said(sent(headers=headers, rules=Rules(checks_authorization=True)))

    assert (
        (reply.status, reply.body and json.loads(reply.body)["reason"]) == (403, expected) if expected else (200, b"")
    )


def test_fcm_takes_a_message() -> None:
    reply = said(sent(FCM, message(data={"message": "{}"}, notification={"body": "Hi"})))

    assert (reply.status, reply.verdict) == (200, Verdict.TAKEN)
    assert re.fullmatch(rf'{{"name":"projects/demo/messages/{MESSAGE_ID}"}}', reply.body.decode())


def test_fcm_names_a_message_as_recorded_in_the_senders_project() -> None:
    reply = said(sent(FCM, message(), precedent=Precedent("projects/contact-center/messages/0:17", None, 0)))

    assert json.loads(reply.body) == {"name": "projects/demo/messages/0:17"}


def deep(depth: int) -> bytes:
    return b'{"message":{"token":"a","android":' + b"[" * depth + b"]" * depth + b"}}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"", "no object"),
        (b"{", "no object"),
        (b"[1]", "no object"),
        (b'{"message":7}', "no object"),
        (b'{"message":{"token":"a","data":{"a":"b",}}}', "no object"),
        (b"\xff", "no object"),
        (message(token=""), "Recipient of the message is not set."),
        ({"message": {"data": {}}}, "Recipient of the message is not set."),
        (message(token="a b"), "not a valid FCM registration token"),
        (message(token=7), "not a valid FCM registration token"),
        (message(data={"message": {"_id": "a"}}), "message.data[message]"),
        (message(data={"": 7}), "message.data[]"),
        (message(data=[]), "message.data"),
        (message(data={"a": "x" * 4096}), "more than 4096 bytes"),
        (message(notification={"body": "é" * 2048}), "more than 4096 bytes"),
    ],
)
def test_fcm_refuses_mistakes(text: bytes | dict[str, Any], says: str) -> None:
    reply = said(sent(FCM, text))

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["code"], error["status"], reply.verdict) == (
        400,
        400,
        "INVALID_ARGUMENT",
        Verdict.FAULTY,
    )
    assert error["details"][0]["errorCode"] == "INVALID_ARGUMENT"
    assert says in error["message"]


def test_fcm_takes_what_is_just_small_enough() -> None:
    assert said(sent(FCM, message(data={"a": "x" * 4091}))).status == 200
    assert said(sent(FCM, message(token="t" * 9000))).status == 200


@pytest.mark.parametrize("depth", [50, 5000, 20_000, 100_000])
def test_deep_messages_are_answered(depth: int) -> None:
    assert said(sent(FCM, deep(depth))).status in (200, 400)


def test_fcm_takes_posts_only() -> None:
    reply = said(sent(FCM, message(), method="GET"))

    assert (reply.status, json.loads(reply.body)["error"]["code"], reply.verdict) == (405, 405, Verdict.FAULTY)
    assert said(sent(OLDER, {"to": "a"}, method="GET")).status == 405


@pytest.mark.parametrize(
    ("code", "status", "name"),
    [
        ("UNREGISTERED", 404, "NOT_FOUND"),
        ("QUOTA_EXCEEDED", 429, "RESOURCE_EXHAUSTED"),
        ("SENDER_ID_MISMATCH", 403, "PERMISSION_DENIED"),
        ("UNAVAILABLE", 503, "UNAVAILABLE"),
    ],
)
def test_fcm_refuses_by_rule(code: str, status: int, name: str) -> None:
    reply = said(sent(FCM, message(), rules=Rules(refused={"cKE:APA91bH": code})))

    error = json.loads(reply.body)["error"]
    assert (reply.status, error["status"], error["details"][0]["errorCode"]) == (status, name, code)
    assert reply.verdict is Verdict.RULED_OUT


def test_fcm_looks_at_credentials_where_asked() -> None:
    rules = Rules(checks_authorization=True)
    own, older = (("authorization", "Bearer ya29.a"),), (("authorization", "key=AAAA"),)

    assert [said(sent(FCM, message(), headers, rules=rules)).status for headers in ((), own)] == [401, 200]
    assert [said(sent(OLDER, {"to": "a"}, headers, rules=rules)).status for headers in ((), older)] == [401, 200]


def test_fcm_refuses_as_recorded() -> None:
    was = recorded(404, {"error": {"status": "NOT_FOUND"}})

    reply = said(sent(FCM, message(), precedent=Precedent(None, was, 0)))

    assert (reply.status, reply.body, reply.verdict) == (404, b'{"error": {"status": "NOT_FOUND"}}', Verdict.RECORDED)


def older(text: bytes | dict[str, Any], rules: Rules | None = None) -> tuple[dict[str, Any], Verdict]:
    reply = said(sent(OLDER, text, rules=rules))
    assert reply.status == 200
    told: dict[str, Any] = json.loads(reply.body)
    return told, reply.verdict


def test_older_fcm_tells_of_each_device() -> None:
    told, verdict = older({"registration_ids": ["a", "b", "c d", ""], "data": {}}, Rules(refused={"b": "UNREGISTERED"}))

    first, *others = told["results"]
    assert re.fullmatch(MESSAGE_ID, first["message_id"])
    assert others == [{"error": "NotRegistered"}, {"error": "InvalidRegistration"}, {"error": "MissingRegistration"}]
    assert (told["success"], told["failure"], told["canonical_ids"], verdict) == (1, 3, 0, Verdict.FAULTY)
    assert isinstance(told["multicast_id"], int)


def test_older_fcm_takes_a_message() -> None:
    told, verdict = older({"to": "a", "data": {"message": "{}"}})

    assert (told["success"], told["failure"], len(told["results"]), verdict) == (1, 0, 1, Verdict.TAKEN)


def test_older_fcm_takes_a_topic() -> None:
    assert older({"to": "/topics/news"}) == (
        {"message_id": older({"to": "/topics/news"})[0]["message_id"]},
        Verdict.TAKEN,
    )
    assert older({"to": "/topics/news", "data": {"a": "x" * 4096}}) == ({"error": "MessageTooBig"}, Verdict.FAULTY)


def test_older_fcm_refuses_by_rule_and_size() -> None:
    ruled, verdict = older({"to": "a"}, Rules(refused={"*": "QUOTA_EXCEEDED"}))
    too_big, _ = older({"to": "a", "data": {"a": "x" * 4096}})

    assert (ruled["results"], verdict) == ([{"error": "DeviceMessageRateExceeded"}], Verdict.RULED_OUT)
    assert too_big["results"] == [{"error": "MessageTooBig"}]


@pytest.mark.parametrize("text", [b"", b"{,}", b"[]", b'{"registration_ids":"a"}'])
def test_older_fcm_refuses_what_it_cannot_read(text: bytes) -> None:
    reply = said(sent(OLDER, text))

    assert (reply.status, reply.verdict) == (400, Verdict.FAULTY)


TARGETS = st.sampled_from([APNS, "/3/device", f"{APNS}/x?y", FCM, OLDER])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(["/topics/a", ""]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["token", "to", "data", "a"]), inner),
    max_leaves=8,
)
FIELDS = ["message", "to", "registration_ids", "condition", "data", "topic"]
BODIES = st.binary(max_size=40) | st.dictionaries(st.sampled_from(FIELDS), VALUES).map(
    lambda said: json.dumps(said).encode()
)
CREDENTIALS = st.sampled_from(["", "bearer", "bearer a.b.c", "key=a"]) | st.text(max_size=9)


@given(TARGETS, BODIES, st.sampled_from(["GET", "POST", "PUT"]), CREDENTIALS, st.booleans())
def test_whatever_comes_is_answered_by_a_provider(
    target: str, text: bytes, method: str, credentials: str, checks: bool
) -> None:
    rules = Rules(refused={"*": "UNREGISTERED", "a": "Unregistered"}, checks_authorization=checks)
    path = target.partition("?")[0].rstrip("/")
    name = NAMES.get(path, "device")

    reply = answer(name, sent(target, text, (("authorization", credentials),), method=method, rules=rules))

    assert reply.status in (200, 400, 401, 403, 404, 405)
    if header(reply.headers, "content-type") == JSON[0][1]:
        assert isinstance(json.loads(reply.body), dict)


@pytest.mark.parametrize("head", ["\u00e9", "a"])
def test_what_is_no_token_is_refused_as_one(head: str) -> None:
    """What is no base64, too."""
    reply = said(sent(headers=(("authorization", f"bearer {head}.{head}.x"),), rules=Rules(checks_authorization=True)))

    assert json.loads(reply.body)["reason"] == "InvalidProviderToken"
