"""The provider's end: what APNs or FCM says to whoever sends a push.

A push is looked at in this order, and the first objection is the answer: the method; the device's token; whether there
is a payload; its size; for FCM, whether it is JSON with a message for somebody in it; the credentials, where the rules
want them looked at; the rules' own refusals; what the cassette has, where the provider refused this push. Else it is
taken. FCM's token stands in its payload, so there payload, JSON and size come before it.

APNs: Apple, "Sending notification requests to APNs" and "Handling notification responses from APNs". Apple says of a
token that it is hexadecimal and may vary in length: fewer than 64 digits were never seen. It documents no reason for a
payload that is no JSON, so that is taken as it is. Of a provider token the form is looked at, its claims and age (an
hour, "Establishing a token-based connection to APNs"), not the signature, for that needs the sender's key.

FCM: Google, "FCM REST reference", `projects.messages.send` and ErrorCode; of the older `/fcm/send`, "HTTP protocol",
which answers 200, and says of each device what became of it. What counts for the size is there: keys and values.
Neither says what another method than POST gets: 405, as with APNs.
"""

import json
import re
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NamedTuple

from gms_replay import instants, reasons
from gms_replay.events import JSON, TEXT, Asked
from gms_replay.identities import stand_in
from gms_replay.instants import SECOND_US
from gms_replay.model import Body, Headers, Response, for_any_page, header
from gms_replay.rules import Rules
from gms_replay.spans import Sort, spans

_APNS_TOKEN = re.compile(r"(?:[0-9A-Fa-f]{2}){32,}", re.ASCII)
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", re.ASCII)
_PROJECT = re.compile(r"/v1/projects/(?P<name>[^/]+)/messages:send")
_BEARER = re.compile(r"bearer +(?P<token>\S+)", re.IGNORECASE)
_SERVER_KEY = re.compile(r"(?:key *= *|bearer +)\S+", re.IGNORECASE)
_MOST_BYTES = 4096
_MOST_VOIP_BYTES = 5120
_PROVIDER_TOKEN_LIVES_US = 3600 * SECOND_US
_TARGETS = ("token", "topic", "condition")
_NOT_COUNTED = frozenset({*_TARGETS, "to", "registration_ids"})
_FCM_ERROR = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
_NOT_TOLD_AGAIN = frozenset({"apns-id", "content-encoding", "date"})


class Verdict(StrEnum):
    """What became of a push, and whose doing that is: the sender's who made a mistake, or not."""

    TAKEN = "taken"
    FAULTY = "faulty"
    RULED_OUT = "refused by rule"
    RECORDED = "refused as recorded"


class Reply(NamedTuple):
    """What a sender is answered."""

    status: int
    headers: Headers
    body: bytes
    verdict: Verdict


class Precedent(NamedTuple):
    """What the provider said to this push when it was recorded.

    `name`: what it called it, None where that was told already, or is not known; `refusal`: its answer, if it refused
    it; `later_us`: how much later it is now.
    """

    name: str | None
    refusal: Response | None
    later_us: int


@dataclass(frozen=True, slots=True)
class Sent:
    """A push to be answered, now. `key`: what is drawn for it is drawn from that."""

    asked: Asked
    rules: Rules
    now_us: int
    key: str
    precedent: Precedent | None = None

    @property
    def path(self) -> str:
        return self.asked.target.partition("?")[0]

    @property
    def recorded_name(self) -> str | None:
        return self.precedent.name if self.precedent else None


def answer(name: str, sent: Sent) -> Reply:
    """The answer to a push that was sent by the operation of that name (`gms.PUSH_PROVIDERS`)."""
    reply = _ENDS[name](sent)
    if reply.verdict is Verdict.TAKEN and sent.precedent and sent.precedent.refusal:
        return _as_recorded(sent.precedent.refusal, sent.precedent.later_us, reply.headers)
    return reply


def _apns(sent: Sent) -> Reply:
    own = header(sent.asked.headers, "apns-id")
    fault = _apns_fault(sent, own)
    name = own if own is not None and fault != "BadMessageId" else sent.recorded_name or _uuid(sent.key)
    reason = fault or sent.rules.refusal(_apns_device(sent), reasons.APNS)
    if reason is None:
        return Reply(200, (("apns-id", name),), b"", Verdict.TAKEN)
    status = reasons.APNS[reason]
    told: dict[str, Any] = {"reason": reason}
    if status == 410:
        told["timestamp"] = sent.now_us // 1000
    verdict = Verdict.FAULTY if fault else Verdict.RULED_OUT
    return Reply(status, (("apns-id", name), *JSON), _written(told), verdict)


def _apns_device(sent: Sent) -> str:
    """The token; "" where there is none."""
    return sent.path.rstrip("/").rpartition("/3/device")[2].strip("/")


def _apns_fault(sent: Sent, own_id: str | None) -> str | None:
    asked, device = sent.asked, _apns_device(sent)
    is_voip = header(asked.headers, "apns-push-type") == "voip"
    if asked.method != "POST":
        return "MethodNotAllowed"
    if not device:
        return "MissingDeviceToken"
    if not _APNS_TOKEN.fullmatch(device):
        return "BadDeviceToken"
    if own_id is not None and not _UUID.fullmatch(own_id):
        return "BadMessageId"
    if not asked.body:
        return "PayloadEmpty"
    if len(asked.body) > (_MOST_VOIP_BYTES if is_voip else _MOST_BYTES):
        return "PayloadTooLarge"
    return _provider_token_fault(sent) if sent.rules.checks_authorization else None


def _provider_token_fault(sent: Sent) -> str | None:
    """What is wrong with the JSON Web Token (RFC 7519) by which a sender shows who it is."""
    bearer = _BEARER.fullmatch(header(sent.asked.headers, "authorization") or "")
    if bearer is None:
        return "MissingProviderToken"
    head, _, rest = bearer["token"].partition(".")
    claims, _, signature = rest.partition(".")
    stated, claimed = _unpacked(head), _unpacked(claims)
    issued_s = claimed.get("iat")
    is_whole = stated.get("alg") == "ES256" and all(
        isinstance(one, str) for one in (stated.get("kid"), claimed.get("iss"))
    )
    if not (is_whole and signature and isinstance(issued_s, int | float)):
        return "InvalidProviderToken"
    is_old = sent.now_us - issued_s * SECOND_US > _PROVIDER_TOKEN_LIVES_US
    return "ExpiredProviderToken" if is_old else None


def _unpacked(part: str) -> Mapping[str, Any]:
    """A part of a JSON Web Token; nothing where it is none."""
    try:
        return _parsed(urlsafe_b64decode(part + "=" * (-len(part) % 4))) or {}
    except ValueError:
        return {}


def _fcm(sent: Sent) -> Reply:
    if sent.asked.method != "POST":
        return _fcm_error(405, None, "Only POST is answered here.")
    message = (_parsed(sent.asked.body) or {}).get("message")
    if not isinstance(message, dict):
        return _fcm_fault("Invalid JSON payload received: it is no object with a message in it.")
    if fault := _message_fault(message):
        return _fcm_fault(fault)
    if sent.rules.checks_authorization and not _BEARER.fullmatch(header(sent.asked.headers, "authorization") or ""):
        return _fcm_error(401, "UNAUTHENTICATED", "Request is missing required authentication credential.")
    if code := sent.rules.refusal(message.get("token"), reasons.FCM):
        error = reasons.FCM[code]
        return _fcm_error(error.status, error.name, error.text, code=code, verdict=Verdict.RULED_OUT)
    found = _PROJECT.search(sent.path)
    assert found is not None, "so it was recognised"
    number = (sent.recorded_name or "").rpartition("/messages/")[2] or _message_id(sent.key)
    return Reply(200, JSON, _written({"name": f"projects/{found['name']}/messages/{number}"}), Verdict.TAKEN)


def _message_fault(message: dict[str, Any]) -> str | None:
    """What is wrong with a message, in words for people."""
    if not any(message.get(target) for target in _TARGETS):
        return "Recipient of the message is not set."
    token = message.get("token")
    if token is not None and not _is_token(token):
        return "The registration token is not a valid FCM registration token"
    data = message.get("data", {})
    if not isinstance(data, dict):
        return "Invalid value at 'message.data': it is no object."
    wrong = next((key for key, value in data.items() if not isinstance(value, str)), None)
    if wrong is not None:
        return f"Invalid value at 'message.data[{wrong}]' (TYPE_STRING)"
    if _size_bytes(message) > _MOST_BYTES:
        return f"The message is too big: its keys and values have more than {_MOST_BYTES} bytes."
    return None


def _fcm_fault(text: str) -> Reply:
    return _fcm_error(400, "INVALID_ARGUMENT", text, code="INVALID_ARGUMENT")


def _fcm_error(
    status: int, name: str | None, text: str, *, code: str | None = None, verdict: Verdict = Verdict.FAULTY
) -> Reply:
    error: dict[str, Any] = {"code": status, "message": text}
    if name:
        error["status"] = name
    if code:
        error["details"] = [{"@type": _FCM_ERROR, "errorCode": code}]
    return Reply(status, JSON, _written({"error": error}), verdict)


def _older_fcm(sent: Sent) -> Reply:
    said = _parsed(sent.asked.body)
    if fault := _older_request_fault(sent, said):
        return Reply(*fault, Verdict.FAULTY)
    assert said is not None, "else it is a fault"
    number = int(stand_in("5040875427158763413", sent.key))
    is_too_big = _size_bytes(said) > _MOST_BYTES
    if said.get("condition") or str(said.get("to")).startswith("/topics/"):
        # A topic's devices are nobody's business.
        one = {"error": "MessageTooBig"} if is_too_big else {"message_id": number}
        return Reply(200, JSON, _written(one), Verdict.FAULTY if is_too_big else Verdict.TAKEN)
    devices = said.get("registration_ids") or [said.get("to")]
    faults = ["MessageTooBig" if is_too_big else _older_fault(device) for device in devices]
    refusals = [sent.rules.refusal(str(device), reasons.FCM) for device in devices]
    words = [fault or (code and reasons.FCM[code].older) for fault, code in zip(faults, refusals, strict=True)]
    results = [{"error": word} if word else {"message_id": _older_name(sent, at)} for at, word in enumerate(words)]
    failed = sum(map(bool, words))
    counts = {"success": len(words) - failed, "failure": failed, "canonical_ids": 0}
    verdict = Verdict.FAULTY if any(faults) else Verdict.RULED_OUT if failed else Verdict.TAKEN
    return Reply(200, JSON, _written({"multicast_id": number, **counts, "results": results}), verdict)


def _older_request_fault(sent: Sent, said: dict[str, Any] | None) -> tuple[int, Headers, bytes] | None:
    """What is wrong with all of a request, and its status."""
    if sent.asked.method != "POST":
        return 405, TEXT, b"Only POST is answered here."
    if said is None:
        return 400, TEXT, b"JSON_PARSING_ERROR: the body is no JSON object."
    if not isinstance(said.get("registration_ids", []), list):
        return 400, TEXT, b'Field "registration_ids" must be a JSON array.'
    credentials = header(sent.asked.headers, "authorization") or ""
    if sent.rules.checks_authorization and not _SERVER_KEY.fullmatch(credentials):
        return 401, TEXT, b"The header authorization: key=... is missing."
    return None


def _older_name(sent: Sent, place: int) -> str:
    recorded = sent.recorded_name if place == 0 else None
    return recorded or _message_id(f"{sent.key} {place}")


def _older_fault(device: Any) -> str | None:
    if not device:
        return "MissingRegistration"
    return None if _is_token(device) else "InvalidRegistration"


_ENDS: Mapping[str, Callable[[Sent], Reply]] = {"device": _apns, "messages:send": _fcm, "fcm/send": _older_fcm}


def _as_recorded(refusal: Response, later_us: int, named: Headers) -> Reply:
    """A recorded refusal, its instant told as that of now. `named`: what we call the push, for APNs."""
    kept = tuple(pair for pair in for_any_page(refusal.headers) if pair[0] not in _NOT_TOLD_AGAIN)
    own = tuple(pair for pair in named if pair[0] == "apns-id")
    return Reply(refusal.status, own + kept, _told_later(refusal.body, later_us), Verdict.RECORDED)


def _told_later(body: Body, by_us: int) -> bytes:
    """A body with its `timestamp` so much later, by whole seconds, in its own notation."""
    text = body.plain
    told = (span for span in spans(text) if span.sort is not Sort.KEY)
    span = next((span for span in told if span.path == ("timestamp",)), None)
    found = instants.parse(text[span.start : span.end].decode("latin-1")) if span else None
    if span is None or found is None:
        return text
    at_us = found[0] + round(by_us / SECOND_US) * SECOND_US
    return text[: span.start] + instants.render(at_us, found[1]).encode() + text[span.end :]


def _is_token(value: Any) -> bool:
    """Whether it may be a token of FCM's, of which only that is known: a text without blanks."""
    return isinstance(value, str) and bool(value) and not re.search(r"\s", value)


def _size_bytes(message: Mapping[str, Any]) -> int:
    """The bytes of keys and values; whom it is for does not count."""
    size = 0
    left: list[Any] = [{key: value for key, value in message.items() if key not in _NOT_COUNTED}]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            size += sum(len(key.encode("utf-8", "replace")) for key in one)
            left += one.values()
        elif isinstance(one, list):
            left += one
        else:
            size += len((one if isinstance(one, str) else json.dumps(one)).encode("utf-8", "replace"))
    return size


def _parsed(body: bytes) -> dict[str, Any] | None:
    """An object of JSON; None where the body is none."""
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _written(said: Any) -> bytes:
    return json.dumps(said, separators=(",", ":")).encode()


def _uuid(key: str) -> str:
    """A UUID of version 4 (RFC 9562), in capitals as Apple writes them."""
    drawn = stand_in("0A" * 16, key)
    variant = "89AB"[int(drawn[16], 16) % 4]
    return f"{drawn[:8]}-{drawn[8:12]}-4{drawn[13:16]}-{variant}{drawn[17:20]}-{drawn[20:]}"


def _message_id(key: str) -> str:
    """What FCM calls a message: microseconds, and a number in hex."""
    return f"0:{stand_in('9' * 16, key)}%{stand_in('0a' * 8, key)}"
