"""What GMS told a device: what a push says, whatever carries it, and what became of it.

Strategy: its carrier's fields tell for whom a push is and how long it counts, its `message` what it means. That is
looked for in the payload and in JSON inside its strings, for FCM's data knows only strings, and read with its flaws,
for the vendor's own has trailing commas. Names are those of Apple's "Sending notification requests to APNs" and of
Google's "FCM REST reference". (GMS's own notices by HTTP are read by `httpcb`.)

Where the phone's side was recorded, no push was on the wire. Each is derived there from the request for a dialog that
nothing before had told the app of. Where GMS's own traffic was recorded, none is.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from gms_replay import gms, httpcb, refusals, sessions
from gms_replay.apns import Sent
from gms_replay.gms import Path, Wish
from gms_replay.instants import SECOND_US
from gms_replay.model import Exchange, Facts, Frame, Headers, Push, Recording, Response, header
from gms_replay.refusals import Fate
from gms_replay.sessions import Session, Told
from gms_replay.spans import leaves, spans

_Texts = Mapping[Path, str]


@dataclass(frozen=True, slots=True)
class Result:
    """What the provider said. `name`: what it calls the push; `reason`: why it refused it, None where it took it.

    `status` is HTTP's, or, in Apple's binary protocol, its own; None where it did not look at the push.
    """

    status: int | None
    name: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Notification:
    """A push that was seen. `push_id`: the fact that it is, None before it is one; `exchange_id`: what carried it.

    In Apple's binary protocol it has neither: there `frame_id` is the fact.

    `device`: its token, the first of several; `service_id`, `action`: what the app is to ask for; `alert`: what people
    read; `expires_at_us`: till when the provider tries, 0 for once, None where nobody says; `result`: None where no
    answer came; `headers`: what APNs is told beside the payload, in its own headers (`apns-…`).
    """

    push_id: int | None
    exchange_id: int | None
    at_us: int
    provider: str
    device: str | None
    service_id: str | None
    action: str | None
    alert: str | None
    expires_at_us: int | None
    result: Result | None
    payload: bytes
    headers: Headers = ()
    frame_id: int | None = None

    @property
    def has_failed(self) -> bool:
        """Whether it was refused, or not answered, so that its sender may have tried again."""
        if self.result is not None:
            return self.result.reason is not None
        # What is taken in Apple's binary protocol gets no answer.
        return self.frame_id is None


@dataclass(frozen=True, slots=True)
class Derived:
    """A push that nobody saw, but that the app presumably had by then: it asks for a dialog it was told nowhere.

    `exchange_id`: that request.
    """

    exchange_id: int
    at_us: int
    service_id: str | None
    action: str


@dataclass(frozen=True, slots=True)
class Pushes:
    """The pushes of a recording: those of each visit, the earliest first, and those that name no service of any."""

    of_visits: tuple[tuple[Notification | Derived, ...], ...]
    others: tuple[Notification, ...]


def find(recording: Recording, visits: tuple[Session, ...]) -> Pushes:
    """The pushes of a recording, which has these visits."""
    homes = {service_id: number for number, visit in enumerate(visits) for service_id in _services(visit)}
    found: dict[int | None, list[Notification]] = {}
    for one in _read_all(recording):
        found.setdefault(homes.get(one.service_id or ""), []).append(one)
    may_derive = may_be_derived(recording.providers())
    return Pushes(
        tuple(
            tuple(found.get(number, ())) or (tuple(derive(visit)) if may_derive else ())
            for number, visit in enumerate(visits)
        ),
        tuple(found.get(None, ())),
    )


def may_be_derived(providers: frozenset[str]) -> bool:
    """Whether pushes may have been sent that were not seen. `providers`: whom those were told to that were.

    Where GMS's traffic to Apple or Google was recorded, what was not seen was not sent. Notices by HTTP go anywhere.
    """
    return providers <= {httpcb.PROVIDER}


def seen(facts: Facts, visit: Session) -> tuple[Notification, ...]:
    """The pushes of one visit that were on the wire, the earliest first: those that name a service of it."""
    services = frozenset(_services(visit))
    part = facts.pushed_with([service.encode() for service in services])
    return tuple(one for one in _read_all(part) if one.service_id in services)


def _read_all(recording: Recording) -> list[Notification]:
    """The pushes that were on the wire, the earliest first."""
    exchanges = {exchange.id: exchange for exchange in recording.exchanges}
    of_exchanges = [read(push, exchanges.get(push.exchange_id or 0)) for push in recording.pushes]
    of_frames = [read_frame(*pushed) for pushed in refusals.understand(recording.frames).pushes]
    return sorted([*of_exchanges, *of_frames], key=lambda one: one.at_us)


def settled(sent: Sequence[Notification]) -> list[Notification]:
    """Those that were not sent again: of several tries of one push, the earliest first, only the last."""
    kept: list[Notification] = []
    again_us: dict[tuple[str | None, bytes], int] = {}
    for one in reversed(sent):
        key = one.device, one.payload
        is_repeated = key in again_us and again_us[key] - one.at_us <= _RETRIED_WITHIN_US
        if not (one.has_failed and is_repeated):
            kept.append(one)
        again_us[key] = one.at_us
    return kept[::-1]


def arrived(sent: Sequence[Notification]) -> list[Notification]:
    """Those of them that reached their device, as far as anybody knows."""
    return [one for one in settled(sent) if not (one.result and one.result.reason)]


def read(push: Push, exchange: Exchange | None) -> Notification:
    """What a push says. `exchange`: what carried it, None where that is not known."""
    return _read(push.provider, push.payload, push.at_us, exchange, push.id)


def read_exchange(provider: str, exchange: Exchange) -> Notification:
    """What an exchange says that carries a push, of which there is no fact yet."""
    request = exchange.request
    return _read(provider, request.body.plain, request.asked_at_us, exchange, None)


def read_frame(frame: Frame, sent: Sent, fate: Fate | None = None) -> Notification:
    """What a frame of Apple's binary protocol says. `fate`: what became of it, None where that is not known."""
    said = _said(sent.payload)
    wish = _wish(said)
    return Notification(
        push_id=None,
        exchange_id=None,
        at_us=frame.at_us,
        provider="apns",
        device=sent.token.hex() or None,
        service_id=wish.service_id,
        action=wish.action,
        alert=_first(said, *_ALERTS),
        expires_at_us=None if sent.expires_at_s is None else sent.expires_at_s * SECOND_US,
        result=Result(fate.status, None, fate.reason) if fate else None,
        payload=sent.payload,
        frame_id=frame.id,
    )


def _read(provider: str, payload: bytes, at_us: int, exchange: Exchange | None, push_id: int | None) -> Notification:
    if provider == httpcb.PROVIDER:
        return _read_notice(payload, at_us, exchange, push_id)
    said = _said(payload)
    wish = _wish(said)
    is_apns = provider == "apns"
    result = _apns_result if is_apns else _fcm_result
    return Notification(
        push_id=push_id,
        exchange_id=exchange.id if exchange else None,
        at_us=at_us,
        provider=provider,
        device=_apns_device(exchange) if is_apns else _first(said, *_FCM_DEVICES),
        service_id=wish.service_id,
        action=wish.action,
        alert=_first(said, *_ALERTS),
        expires_at_us=_apns_expires_us(exchange) if is_apns else _fcm_expires_us(said, at_us),
        result=result(exchange.response) if exchange and exchange.response else None,
        payload=payload,
        headers=_apns_headers(exchange) if is_apns and exchange else (),
    )


def derive(visit: Session) -> Iterator[Derived]:
    """The pushes that an app presumably had in its visit, where none was seen."""
    dialogs = [(one, wish) for one in visit if (wish := one.operation.wish)]
    asked = {one.exchange.id: wish for one, wish in dialogs}
    first_us: dict[Wish, int] = {}
    for text in sessions.told(visit):
        for wish in _named(text):
            # A dialog names itself, too (`_resource_url`), which leads nobody to it.
            if wish != asked.get(text.exchange_id):
                first_us[wish] = min(text.at_us, first_us.get(wish, text.at_us))
    before: Wish | None = None
    for one, wish in dialogs:
        if (response := one.exchange.response) and response.is_refusal:
            continue
        # To ask the same once more takes no further push; to ask it after something else does, as after a snooze.
        if wish != before and first_us.get(wish, one.at_us + 1) > one.at_us:
            yield Derived(one.exchange.id, one.at_us, one.operation.service_id, one.operation.name)
        before = wish


def _services(visit: Session) -> Iterator[str]:
    for one in visit:
        if one.operation.service_id:
            yield one.operation.service_id
        elif one.exchange.response and one.operation.kind in gms.OPENINGS:
            told = _said(one.exchange.response.body.plain).items()
            yield from (value for path, value in told if path[-1:] == ("_id",) and value)


def _named(text: Told) -> Iterator[Wish]:
    """The dialogs that GMS names: by service and action, or by URL."""
    said = dict(leaves(text.raw, text.values))
    yield _wish(said)
    yield from filter(None, map(_led_to, said.values()))


def _led_to(text: str) -> Wish | None:
    """The dialog that a URL names; the vendor's own are broken over lines."""
    try:
        path = urlsplit("".join(text.split())).path
    except ValueError:
        return None
    steps = unquote(path).rstrip("/").rsplit("/", 2)
    return Wish(steps[1], steps[2]) if len(steps) == 3 else None


_ALERTS: tuple[Path, ...] = (
    ("aps", "alert", "body"),
    ("aps", "alert", "title"),
    ("aps", "alert"),
    ("message", "notification", "body"),
    ("message", "notification", "title"),
    ("message", "apns", "payload", "aps", "alert", "body"),
    ("message", "apns", "payload", "aps", "alert"),
    ("notification", "body"),
    ("notification", "title"),
)
_FCM_DEVICES: tuple[Path, ...] = (("message", "token"), ("message", "topic"), ("to",), ("registration_ids", 0))
_FCM_LIVES: tuple[Path, ...] = (("message", "android", "ttl"), ("time_to_live",))
_FCM_EXPIRES: Path = ("message", "apns", "headers", "apns-expiration")
# The code tells more than the status of Google's APIs does ("UNREGISTERED", "NOT_FOUND").
_FCM_REASONS: tuple[Path, ...] = (("error", "details", 0, "errorCode"), ("error", "status"))
_RETRIED_WITHIN_US = 120 * SECOND_US
"""No public source says how GMS tries again; what comes later is another push, about the same."""
_SECONDS = re.compile(r"(?P<whole>\d{1,10})(?P<part>\.\d{1,9})?s?", re.ASCII)
_NOTHING = ("null", "")


def _apns_device(exchange: Exchange | None) -> str | None:
    path = exchange.request.target.partition("?")[0] if exchange else ""
    return path.rstrip("/").rpartition("/")[2] or None


def _apns_headers(exchange: Exchange) -> Headers:
    return tuple((name, value) for name, value in exchange.request.headers if name.lower().startswith("apns-"))


def _apns_expires_us(exchange: Exchange | None) -> int | None:
    return _seconds_us(header(exchange.request.headers, "apns-expiration")) if exchange else None


def _fcm_expires_us(said: _Texts, at_us: int) -> int | None:
    if (expires_us := _seconds_us(said.get(_FCM_EXPIRES))) is not None:
        return expires_us
    lives_us = _seconds_us(_first(said, *_FCM_LIVES))
    return at_us + lives_us if lives_us else lives_us


def _apns_result(response: Response) -> Result:
    reason = None if response.status == 200 else _first(_said(response.body.plain), ("reason",))
    return _result(response, header(response.headers, "apns-id"), reason)


def _fcm_result(response: Response) -> Result:
    said = _said(response.body.plain)
    name = _first(said, ("name",), ("results", 0, "message_id"), ("message_id",))
    # The older way answers 200, and says of each device what became of it.
    of_device = _first(said, ("results", 0, "error"))
    return _result(response, name, of_device if response.status == 200 else _first(said, *_FCM_REASONS))


def _result(response: Response, name: str | None, reason: str | None) -> Result:
    if reason is None and response.status != 200:
        reason = response.reason or f"status {response.status}"
    return Result(response.status, name, reason)


def _read_notice(payload: bytes, at_us: int, exchange: Exchange | None, push_id: int | None) -> Notification:
    """A notice: it has no alert and no expiry. Where it names no device, the URL that it was posted to is one."""
    told = httpcb.read(payload)
    response = exchange.response if exchange else None
    return Notification(
        push_id=push_id,
        exchange_id=exchange.id if exchange else None,
        at_us=at_us,
        provider=httpcb.PROVIDER,
        device=told.device if told and told.device else _posted_to(exchange),
        service_id=told.service_id if told else None,
        action=told.action if told else None,
        alert=None,
        expires_at_us=None,
        result=_notice_result(response) if response else None,
        payload=payload,
    )


def _posted_to(exchange: Exchange | None) -> str | None:
    if exchange is None:
        return None
    request = exchange.request
    host = f"[{request.host}]" if ":" in request.host else request.host
    return f"{request.scheme}://{host}:{request.port}{request.target}"


def _notice_result(response: Response) -> Result:
    return Result(response.status, None, None if response.status == 200 else f"status {response.status}")


def _seconds_us(text: str | None) -> int | None:
    """Microseconds for seconds as APNs and FCM write them: "1399048050", "3600s", "1.5s"; None for anything else."""
    found = _SECONDS.fullmatch(text or "")
    return round(float(found["whole"] + (found["part"] or "")) * SECOND_US) if found else None


def _said(body: bytes) -> _Texts:
    text = httpcb.plain(body)
    return dict(leaves(text, spans(text)))


def _first(said: _Texts, *paths: Path) -> str | None:
    return next((said[path] for path in paths if said.get(path, "") not in _NOTHING), None)


def _wish(said: _Texts) -> Wish:
    """What the least deep object names that has both, service and action; else the least deep of each."""
    places = [path[:-1] for path in said if path[-1:] == ("_id",) and (*path[:-1], "_action") in said]
    if places:
        place = min(places, key=len)
        return Wish(said[*place, "_id"], said[*place, "_action"])
    return Wish(_shallowest(said, "_id"), _shallowest(said, "_action"))


def _shallowest(said: _Texts, name: str) -> str | None:
    places = [path for path in said if path[-1:] == (name,)]
    return said[min(places, key=len)] if places else None
