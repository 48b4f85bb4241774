"""A visit with a hundred secrets in it, each in a place of its own, and how they look in bytes.

The list is the test's own: of what the package knows about secrets nothing is asked here.
"""

import base64
import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

SERVICE = "3SQIS3S1693JL9L3R00506T40C000UL4"
CALLBACK = "/genesys/1/service/callback/sales"
DIALOG = f"/genesys/1/service/{SERVICE}"
CHAT = f"{DIALOG}/ixn/chat"
CHAT2 = "/genesys/2/chat/support"
COMET = "/genesys/cometd"
CLIENT = "1a2b3c4d5e6f7g8h9i0j"
CHAT_ID = "000FRa9NYM9A001K"
ALIAS = "117"
USER_ID = "0079556B07E60003"

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_HEX = "0123456789abcdef"
_ALL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_SHORTEST_CORE = 7


def _drawn(what: str, letters: str, count: int) -> str:
    digest = b"".join(blake2b(f"{what}/{piece}".encode()).digest() for piece in range(count // 32 + 1))
    return "".join(letters[int.from_bytes(digest[at * 2 : at * 2 + 2]) % len(letters)] for at in range(count))


@dataclass(frozen=True)
class Secret:
    """Something that is to stand nowhere. `where`: in which place it came, in words."""

    where: str
    value: str
    is_hex: bool = False

    @cached_property
    def forms(self) -> tuple[bytes, ...]:
        """How it may stand in bytes: as it is, escaped, as hex, as any part of something in base64."""
        raw = self.value.encode()
        escaped = quote(self.value, safe="")
        found = {
            raw, escaped.encode(), escaped.lower().encode(), quote_plus(self.value).encode(),
            self.value.encode("utf-16-le"), json.dumps(self.value)[1:-1].encode(),
            raw.hex().encode(), raw.hex().upper().encode(), *_base64(raw),
        }  # fmt: skip
        if self.is_hex:
            # As binary frames have it.
            bare = bytes.fromhex(self.value)
            found |= {bare, self.value.upper().encode(), *_base64(bare)}
        if digits := re.fullmatch(r"\+?[\d ()/-]{8,}", self.value):
            found.add(re.sub(r"\D", "", digits[0])[-9:].encode())
        return tuple(found)

    def stands_in(self, data: bytes) -> bool:
        return any(form in data for form in self.forms)


def _base64(raw: bytes) -> Iterator[bytes]:
    """What of it can be seen where it begins at any place of something in base64."""
    for before in range(3):
        written = base64.b64encode(bytes(before) + raw + bytes(-(before + len(raw)) % 3))
        core = written[(before * 4 + 2) // 3 :][: (len(raw) * 8 - (-before * 8) % 6) // 6]
        if len(core) >= _SHORTEST_CORE:
            yield core
            yield core.translate(bytes.maketrans(b"+/", b"-_"))


@dataclass
class Planter:
    """Draws secrets, no two alike, and remembers them; and apart from them what people type."""

    secrets: list[Secret] = field(default_factory=list)
    typed: list[Secret] = field(default_factory=list)

    def _plant(self, where: str, value: str, *, is_hex: bool = False) -> str:
        self.secrets.append(Secret(where, value, is_hex))
        return value

    def token(self, where: str, length: int = 24) -> str:
        return self._plant(where, _drawn(where, _ALL, length))

    def hex(self, where: str, length: int = 64) -> str:
        return self._plant(where, _drawn(where, _HEX, length), is_hex=True)

    def word(self, where: str) -> str:
        """One that somebody types: private to whoever says so."""
        self.typed.append(Secret(f"typed: {where}", _drawn(where, _LETTERS, 12)))
        return self.typed[-1].value

    def code(self, where: str) -> str:
        """Eight digits."""
        return self._plant(where, _drawn(where, "123456789", 8))

    def name(self, where: str) -> str:
        """A name of one word, one that nobody has."""
        return self._plant(where, _drawn(where, _LETTERS, 8).capitalize())

    def phone(self, where: str, notation: str = "+49151{}") -> str:
        """A mobile number in Germany, of those that may be anybody's."""
        digits = _drawn(where, "123456789", 8)
        return self._plant(where, notation.format(digits, a=digits[:4], b=digits[4:]))

    def email(self, where: str) -> str:
        one, other, home = (_drawn(f"{where} {part}", _LETTERS, 6) for part in range(3))
        return self._plant(where, f"{one}.{other}@{home}.com")

    def card(self, where: str) -> str:
        """A card number that passes Luhn's check."""
        digits = "4" + _drawn(where, "0123456789", 14)
        doubled = sum(sum(map(int, str(int(digit) * (2 - at % 2)))) for at, digit in enumerate(digits))
        return self._plant(where, digits + str(-doubled % 10))

    def jwt(self, where: str) -> str:
        """A token as Apple takes them; its team and its signature are secrets each."""
        team = self._plant(f"{where}: iss", _drawn(f"{where} team", _ALL, 10))
        signature = self._plant(f"{where}: signature", _drawn(where, _ALL, 86))
        parts = ({"alg": "ES256", "kid": "ABC123DEFG"}, {"iss": team, "iat": 1_399_048_050})
        told = (base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts)
        return ".".join((*told, signature))

    def basic(self, where: str) -> str:
        user, password = self.token(f"{where}: user", 12), self.token(f"{where}: password", 16)
        return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@dataclass(frozen=True)
class Shot:
    """One request, and what it is answered with; both whole, as they go over the wire."""

    path: str
    asked: bytes
    answered: bytes


@dataclass(frozen=True)
class Planted:
    """The whole visit. `sockets`: what each side says over a WebSocket, in turn; `frames`: binary ones for Apple.

    `typed`: words in what people type; `push`: path, headers and body of one over HTTP/2.
    """

    secrets: tuple[Secret, ...]
    typed: tuple[Secret, ...]
    shots: tuple[Shot, ...]
    sockets: tuple[tuple[bytes, bytes], ...]
    frames: tuple[tuple[bytes, bytes], ...]
    push: tuple[str, dict[str, str], bytes]


def _asked(method: str, target: str, body: Any = b"", *headers: str) -> bytes:
    raw = _raw(body)
    said = (f"{method} {target} HTTP/1.1", "Host: gms.example", *headers, f"Content-Length: {len(raw)}")
    return "\r\n".join((*said, "Connection: close", "", "")).encode() + raw


def _answered(body: Any = b"", *headers: str, status: str = "200 OK") -> bytes:
    raw = _raw(body)
    return "\r\n".join((f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(raw)}", "", "")).encode() + raw


def _raw(body: Any) -> bytes:
    return body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else json.dumps(body).encode()


def _multipart(fields: dict[str, str]) -> tuple[str, bytes]:
    parts = (f'--b0\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n' for n, v in fields.items())
    return "Content-Type: multipart/form-data; boundary=b0", ("".join(parts) + "--b0--\r\n").encode()


def planted() -> Planted:
    """The visit, the same each time."""
    plant = Planter()
    user = plant.token("header gms_user", 12)
    shots = [*_callback(plant, user), *_dialogs(plant, user), *_chat(plant, user), *_comet(plant, user)]
    shots += [*_chat2(plant, user), *_pushes(plant)]
    sockets = tuple(_socket(plant))
    frames = tuple(_frames(plant))
    alert = f"Mail {plant.email('alert of APNs')}, call {plant.phone('alert of APNs: phone')}"
    push = (
        f"/3/device/{plant.hex('path of APNs')}",
        {"apns-topic": "com.example.app", "authorization": f"bearer {plant.jwt('APNs')}"},
        _raw({"aps": {"alert": alert}, "message": {"_id": SERVICE, "_action": "get-dialog-start-chat"}}),
    )
    return Planted(tuple(plant.secrets), tuple(plant.typed), tuple(shots), sockets, frames, push)


def _callback(plant: Planter, user: str) -> Iterator[Shot]:
    first, last = plant.name("JSON first_name"), plant.name("JSON last_name")
    said = {
        "_customer_number": plant.phone("JSON _customer_number"),
        "_media_type": "chat",
        "_device_notification_id": plant.hex("JSON _device_notification_id"),
        "_device_os": "ios",
        "first_name": first,
        "last_name": last,
        "email": plant.email("JSON email"),
        "mobile": plant.phone("JSON mobile", "0049 151 {a} {b}"),
        "password": plant.token("JSON password"),
        "contact": {
            "phone": plant.phone("JSON contact.phone"),
            "people": [{"lastName": plant.name("JSON in a list: lastName")}],
        },
        "userData": json.dumps({"firstName": plant.name("JSON in a string"), "apikey": plant.token("JSON in it")}),
    }
    headers = (
        f"gms_user: {user}",
        f"Authorization: Bearer {plant.token('header authorization')}",
        f"apikey: {plant.token('header apikey')}",
        f"X-API-Key: {plant.token('header x-api-key')}",
        f"Cookie: JSESSIONID={plant.token('cookie of the app')}; sso={plant.token('second cookie of the app')}",
        f"Referer: https://app.example/start?email={quote(plant.email('referer'))}&apikey={plant.token('its apikey')}",
    )
    told = {"_id": SERVICE, "_text": f"Thank you, {first} {last}"}
    cookies = (
        f"Set-Cookie: BAYEUX_BROWSER={plant.token('cookie of GMS')}; Path=/; HttpOnly",
        f"set-cookie: JSESSIONID={plant.token('second cookie of GMS')}; Path=/genesys",
    )
    yield Shot(CALLBACK, _asked("POST", CALLBACK, said, *headers), _answered(told, *cookies))
    query = urlencode(
        {
            "operand": "AND",
            "_customer_number": plant.phone("query _customer_number"),
            "email": plant.email("query email"),
        }
    )
    record = {
        "_id": SERVICE,
        "_customer_number": plant.phone("answer _customer_number"),
        "_customer_lookup_keys": "first_name",
        "first_name": plant.name("answer first_name"),
    }
    basic = f"Authorization: {plant.basic('header authorization, Basic')}"
    yield Shot(CALLBACK, _asked("GET", f"{CALLBACK}?{query}", b"", basic), _answered([record]))
    wrong = f"No slots for {plant.phone('text of an error')} ({plant.email('text of an error: e-mail')})"
    yield Shot(
        f"{CALLBACK}/availability",
        _asked("GET", f"{CALLBACK}/availability?apikey={plant.token('query apikey')}", b"", f"gms_user: {user}"),
        _answered(
            {
                "exception": "com.genesyslab.gsg.services.callback.CallbackExceptionResource",
                "message": wrong,
            },
            status="400 Bad Request",
        ),
    )


def _dialogs(plant: Planter, user: str) -> Iterator[Shot]:
    def dialog(name: str, said: Any, told: bytes, *headers: str) -> Shot:
        return Shot(f"{DIALOG}/{name}", _asked("POST", f"{DIALOG}/{name}", said, f"gms_user: {user}", *headers), told)

    dial = {
        "_action": "DialNumber",
        "_tel_url": "tel:" + plant.phone("answer _tel_url"),
        "_access_code": plant.code("answer _access_code"),
        "_id": SERVICE,
    }
    form = {
        "_customer_number": plant.phone("form _customer_number"),
        "email": plant.email("form email"),
        "lastName": plant.name("form lastName"),
    }
    yield dialog("connect-inbound", urlencode(form), _answered(dial), "Content-Type: application/x-www-form-urlencoded")
    kind, body = _multipart(
        {
            "firstName": plant.name("multipart firstName"),
            "phone": plant.phone("multipart phone", "+49 151 {a}-{b}"),
            "secureKey": plant.token("multipart secureKey"),
        }
    )
    text = f"Your card {plant.card('text: card')} is charged, questions to {plant.email('text: e-mail')}"
    told = {"_action": "ConfirmationDialog", "_text": text, "_ok_title": "Ok", "_id": SERVICE}
    yield dialog("connect-outbound", body, _answered(told), kind)
    wrong_form = {
        "firstName": plant.name("JSON under a form's type"),
        "email": plant.email("e-mail under a form's type"),
    }
    url = f"https://{plant.token('URL: user')}:{plant.token('URL: password')}@gms.example{DIALOG}/connect"
    leads_to = f"http://gms.example{DIALOG}/snooze?secureKey={plant.token('URL: secureKey')}"
    menu = f'{{"_action": "DisplayMenu",\n "_resource_url": "{url}", "_user_action_url": "{leads_to}",}}'
    kind = "Content-Type: application/x-www-form-urlencoded"
    yield dialog("get-dialog-user-confirmation-provide_code-false", wrong_form, _answered(menu), kind)
    flawed = (
        f'{{"apikey": "{plant.token("JSON with a comma too many")}", "last_name": "{plant.name("a name there")}",}}'
    )
    cut = f'{{"_action": "ConfirmationDialog", "_access_code": "{plant.code("JSON that is cut off")}'
    yield dialog("wait-for-agent", flawed, _answered(cut))
    said = gzip.compress(_raw({"email": plant.email("gzip request"), "apikey": plant.token("gzip request: apikey")}))
    told_zip = {"_access_code": plant.code("gzip answer"), "secureKey": plant.token("gzip answer: secureKey")}
    packed = gzip.compress(_raw(told_zip), mtime=0)
    yield dialog("zipped", said, _answered(packed, "Content-Encoding: gzip"), "Content-Encoding: gzip")
    deflated = zlib.compress(_raw({"_id": SERVICE, "secureKey": plant.token("deflate answer: secureKey")}))
    yield dialog("deflated", b"{}", _answered(deflated, "Content-Encoding: deflate"))
    odd = _raw({"secureKey": plant.token("no gzip, though said so"), "email": plant.email("no gzip: e-mail")})
    yield dialog("mislabelled", b"{}", _answered(odd, "Content-Encoding: gzip"))
    page = f"<html><body>Mail {plant.email('HTML')}<script>var secureKey = '{plant.token('script')}';</script></html>"
    yield dialog("page", b"{}", _answered(page, "Content-Type: text/html"))
    kept = {"password": plant.token("storage password"), "user": plant.email("storage: e-mail of a user")}
    yield Shot(
        "/genesys/1/storage/3600",
        _asked("POST", "/genesys/1/storage/3600", kept, f"gms_user: {user}"),
        _answered({"id": "a1"}),
    )


def _chat(plant: Planter, user: str) -> Iterator[Shot]:
    form = "Content-Type: application/x-www-form-urlencoded"

    def shot(verb: str, said: dict[str, str], told: dict[str, Any]) -> Shot:
        path = f"{CHAT}{verb}"
        return Shot(path, _asked("POST", path, urlencode(said), f"gms_user: {user}", form), _answered(told))

    start = {
        "notify_by": "comet",
        "firstName": plant.name("chat firstName"),
        "lastName": plant.name("chat lastName"),
        "email": plant.email("chat email"),
        "userDisplayName": plant.name("chat userDisplayName"),
        "push_notification_deviceid": plant.hex("chat push_notification_deviceid"),
        "subject": f"Orders {plant.word('chat subject')}",
        "_verbose": "true",
    }
    began = {"chatIxnState": "CONNECTED", "chatSessionId": CHAT_ID, "startedAt": "2014-05-02T16:27:38Z"}
    verbose = {"userId": USER_ID, "secureKey": plant.token("chat secureKey"), "transcriptPosition": "1"}
    yield shot("", start, began | verbose)
    number = plant.phone("typed phone", "+49 151 {a} {b}")
    typed = f"Call {number}, or {plant.email('typed e-mail')}, {plant.word('chat message')}"
    yield shot("/send", {"message": typed}, began | {"transcriptPosition": "2"})
    nickname = plant.name("REST nickname of an agent")
    says = f"Is your card {plant.card('said by an agent: card')}, {plant.word('line of an agent')}?"
    lines = [["Notice.Joined", nickname, "has joined", "3", "AGENT"], ["Message.Text", nickname, says, "5", "AGENT"]]
    yield shot(
        "/refresh",
        {"transcriptPosition": "2"},
        began
        | {"chatIxnState": "TRANSCRIPT", "transcriptPosition": "4", "transcriptToShow": lines}
        | {"chatServiceMessage": f"{nickname} is with you"},
    )


def _frame(lines: list[list[str]], place: str, **more: str) -> dict[str, Any]:
    message = {
        "chatIxnState": "TRANSCRIPT",
        "chatSessionId": CHAT_ID,
        "startedAt": "2014-05-02T16:27:38Z",
        "transcriptPosition": place,
        "transcriptToShow": lines,
    } | more
    tag = f"service.chat.refresh.{SERVICE}"
    return {"channel": "/_genesys", "data": {"message": message, "id": f"{int(place):032x}", "tag": tag}}


def _comet(plant: Planter, user: str) -> Iterator[Shot]:
    def shot(messages: list[dict[str, Any]], told: list[dict[str, Any]], path: str = COMET) -> Shot:
        return Shot(path, _asked("POST", path, messages, f"gms_user: {user}"), _answered(told))

    auth = {"auth": {"token": plant.token("Bayeux ext.auth.token"), "user": plant.token("Bayeux ext.auth.user", 14)}}
    shaken = {"channel": "/meta/handshake", "clientId": CLIENT, "successful": True, "version": "1.0", "id": "1"}
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"], "id": "1"}
    yield shot([shake | {"ext": auth}], [shaken], f"{COMET}/handshake")
    subscribe = {"channel": "/meta/subscribe", "clientId": CLIENT, "subscription": "/_genesys", "id": "2"}
    yield shot([subscribe], [{**subscribe, "successful": True}])
    connect = {"channel": "/meta/connect", "clientId": CLIENT, "connectionType": "long-polling", "id": "3"}
    nickname = plant.name("Comet nickname of an agent")
    lines = [
        ["Notice.Joined", nickname, "has joined", "17", "AGENT"],
        ["Message.Text", nickname, f"I am {nickname}, at {plant.phone('Comet line')}", "19", "AGENT"],
        ["Message.Text", "Guest", f"Mine is {plant.email('Comet line: e-mail')}", "20", "CLIENT"],
        ["Message.Text", "Guest", f"Good {plant.word('Comet line')}", "21", "CLIENT"],
    ]
    frame = _frame(lines, "7", secureKey=plant.token("Comet secureKey"), chatServiceMessage=f"{nickname} writes")
    done = {"channel": "/meta/connect", "successful": True, "id": "3"}
    yield shot([connect], [frame, done], f"{COMET}/connect")
    # In pieces, as a trickled answer.
    second = _frame([["Message.Text", nickname, f"Or {plant.email('chunks')}", "21", "AGENT"]], "8")
    raw = json.dumps([second, {**done, "id": "4"}]).encode()
    pieces = (raw[at : at + 97] for at in range(0, len(raw), 97))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    path = f"{COMET}/connect/pieces"
    yield Shot(path, _asked("POST", path, [{**connect, "id": "4"}], f"gms_user: {user}"), head + chunks)
    polled = {**connect, "connectionType": "callback-polling", "id": "5", "ext": {"auth": plant.token("JSONP auth")}}
    query = urlencode({"jsonp": "cb", "message": json.dumps([polled])})
    bye = ["Message.Text", nickname, f"Bye {plant.word('JSONP line')}", "25", "AGENT"]
    told = _frame([bye], "9", secureKey=plant.token("JSONP secureKey"))
    script = f"cb({json.dumps([told, {**done, 'id': '5'}])})"
    path = f"{COMET}/jsonp"
    yield Shot(path, _asked("GET", f"{path}?{query}", b"", f"gms_user: {user}"), _answered(script))


def _chat2(plant: Planter, user: str) -> Iterator[Shot]:
    one = f"{CHAT2}/{CHAT_ID}2"
    key = plant.token("chat v2 secureKey")
    shown = {"userId": USER_ID, "secureKey": key, "alias": ALIAS}
    began = {"statusCode": 0, "chatId": f"{CHAT_ID}2", "nextPosition": 2, "chatEnded": False} | shown
    said = {
        "nickname": plant.name("chat v2 nickname"),
        "subject": f"Bill {plant.word('chat v2 subject')}",
        "userData[comments]": plant.word("chat v2 userData[comments]"),
        "userData[phone]": plant.phone("chat v2 userData[phone]"),
        "userData[email]": plant.email("chat v2 userData[email]"),
    }
    agent = {"nickname": plant.name("chat v2 from.nickname"), "participantId": 2, "type": "Agent"}
    line = {"from": agent, "index": 1, "type": "Message", "utcTime": 1_399_048_060_000}
    text = f"Write to {plant.email('chat v2 text')}, {plant.word('chat v2 text')}"
    kind = "Content-Type: application/x-www-form-urlencoded"
    yield Shot(
        CHAT2,
        _asked("POST", CHAT2, urlencode(said), f"gms_user: {user}", kind),
        _answered(began | {"messages": [line | {"text": text}]}),
    )
    mine = f"My number: {plant.phone('chat v2 message')}, card {plant.card('chat v2 message: card')}"
    sends = shown | {"message": f"{mine}, {plant.word('chat v2 message')}"}
    yield Shot(
        f"{one}/send",
        _asked("POST", f"{one}/send", urlencode(sends), f"gms_user: {user}", kind),
        _answered(began | {"messages": []}),
    )
    data = shown | {"userData[last_name]": plant.name("chat v2 updateData")}
    refused = {"statusCode": 2, "errors": [{"code": 249, "advice": f"Ask {plant.email('chat v2 error')}"}]}
    yield Shot(
        f"{one}/updateData",
        _asked("POST", f"{one}/updateData", urlencode(data), f"gms_user: {user}", kind),
        _answered(refused),
    )


def _socket(plant: Planter) -> Iterator[tuple[bytes, bytes]]:
    """What the app says, and what it is told."""
    channel = "/service/chatV2/support"
    asks = {
        "operation": "requestChat",
        "nickname": plant.name("WebSocket nickname"),
        "auth": plant.token("WebSocket auth"),
    }
    told = {"secureKey": plant.token("WebSocket secureKey"), "chatId": f"{CHAT_ID}3", "statusCode": 0}
    yield _raw([{"channel": channel, "data": asks, "id": "1"}]), _raw([{"channel": channel, "data": told}])
    said = f"{plant.email('WebSocket message')} {plant.word('WebSocket message')}"
    sends = {"operation": "sendMessage", "message": said, "secureKey": told["secureKey"]}
    line = {"from": {"nickname": plant.name("WebSocket from.nickname")}, "index": 2, "type": "Message"}
    text = {"messages": [line | {"text": plant.word("WebSocket text of an agent")}]}
    yield _raw([{"channel": channel, "data": sends, "id": "2"}]), _raw([{"channel": channel, "data": text}])
    # Neither is Bayeux.
    yield f"apikey={plant.token('WebSocket text')}".encode(), f"see {plant.email('WebSocket text: e-mail')}".encode()


def _pushes(plant: Planter) -> Iterator[Shot]:
    dialog = {"_id": SERVICE, "_action": "get-dialog-start-chat"}
    data = json.dumps(dialog | {"first_name": plant.name("FCM data in a string")})
    fcm = {
        "message": {
            "token": plant.token("FCM token", 140),
            "data": {"message": data},
            "notification": {"title": "Agent", "body": f"Call {plant.phone('FCM notification')}"},
        }
    }
    path = "/v1/projects/example-project/messages:send"
    bearer = f"Authorization: Bearer ya29.{plant.token('FCM authorization', 60)}"
    yield Shot(path, _asked("POST", path, fcm, bearer), _answered({"name": "projects/example-project/messages/1"}))
    legacy = {"to": plant.token("legacy FCM to", 120), "data": {"message": json.dumps(dialog)}}
    key = f"Authorization: key=AAAA{plant.token('legacy FCM authorization', 40)}"
    yield Shot("/fcm/send", _asked("POST", "/fcm/send", legacy, key), _answered({"success": 1}))
    notice = {"deviceId": plant.token("deviceId of a notice", 32), "message": dialog}
    path = "/notices/4711"
    query = f"{path}?token={plant.token('query of a notice')}"
    yield Shot(path, _asked("POST", query, notice, f"X-API-Key: {plant.token('header of a notice')}"), _answered())


def _frames(plant: Planter) -> Iterator[tuple[bytes, bytes]]:
    """Tokens and payloads, for each command of the protocol."""
    for command in range(3):
        alert = f"Call {plant.phone(f'alert of command {command}')}"
        message = {"_id": SERVICE, "_action": "get-dialog-start-chat"}
        yield (
            bytes.fromhex(plant.hex(f"token of command {command}")),
            _raw({"aps": {"alert": alert}, "message": message}),
        )
