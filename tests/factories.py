"""Model values with fixed times: exchanges, messages, and whole recordings made of them.

A `Tape` numbers what it is given, in order. Times are seconds after START_US, 2014-05-02T16:27:30Z.
`visit` is the seed article's visit: callback, dialogs, and a chat that is told over Comet.
"""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Headers,
    Message,
    Outcome,
    Push,
    Recording,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

START_US = 1_399_048_050_000_000
HOST = "gms.example:8080"
URL = f"http://{HOST}/genesys"
USER = "alice@example.com"
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
CHAT = "000FRa9NYM9A001K"
CLIENT = "4z1kz6bu5k1ewpj0h6dv1xkaa"
CHAT_PATH = f"/genesys/1/service/{SERVICE}/ixn/chat"
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
PROVIDERS = {
    "apns": f"/3/device/{TOKEN}",
    "fcm": "/v1/projects/contact-center/messages:send",
    "httpcb": "/device",
}
JSON_HEADERS: Headers = (("Content-Type", "application/json;charset=UTF-8"),)


def at(seconds: float) -> int:
    """The instant so many seconds after START_US."""
    return START_US + round(seconds * 1_000_000)


def body(text: bytes | str | dict[str, Any], decoded: bytes | None = None) -> Body:
    """A body; a dict becomes JSON."""
    if isinstance(text, dict):
        text = json.dumps(text)
    return Body(text.encode() if isinstance(text, str) else text, decoded)


class Tape:
    """Collects the facts of one run, for one app at a time."""

    def __init__(self, user: str | None = USER, host: str = HOST) -> None:
        self.user = user
        self.host = host
        self.exchanges: list[Exchange] = []
        self.messages: list[Message] = []
        self.pushes: list[Push] = []

    def request(
        self, at_s: float, method: str, target: str, text: bytes | str | dict[str, Any] = b"", headers: Headers = ()
    ) -> Request:
        name, _, port = self.host.partition(":")
        user: Headers = (("gms_user", self.user),) if self.user else ()
        return Request(
            method=method,
            scheme="http",
            host=name,
            port=int(port or 80),
            target=target,
            http_version="HTTP/1.1",
            headers=(("Host", self.host), *user, *headers),
            body=body(text),
            started_at_us=at(at_s) - 1000,
            ended_at_us=at(at_s),
            client="192.0.2.7:50000",
        )

    def ask(
        self,
        at_s: float,
        method: str,
        target: str,
        text: bytes | str | dict[str, Any] = b"",
        answer: bytes | str | dict[str, Any] = b"{}",
        *,
        status: int = 200,
        headers: Headers = JSON_HEADERS,
        decoded: bytes | None = None,
        sent: Headers = (),
        takes_s: float = 0.1,
    ) -> Exchange:
        """A request that was had whole at `at_s`, and answered `takes_s` later."""
        answered_us = at(at_s + takes_s)
        response = Response(status, "", "HTTP/1.1", headers, body(answer, decoded), answered_us, answered_us)
        return self._keep(self.request(at_s, method, target, text, sent), Outcome(answered_us, response))

    def ask_in_vain(
        self, at_s: float, method: str, target: str, text: bytes | str | dict[str, Any] = b"", error: str | None = None
    ) -> Exchange:
        """A request that got no answer: by an error, or because the recording stopped."""
        outcome = Outcome(at(at_s + 1), None, error) if error else None
        return self._keep(self.request(at_s, method, target, text), outcome)

    def comet(
        self,
        at_s: float,
        sent: Sequence[dict[str, Any]],
        told: Sequence[bytes | dict[str, Any]],
        *,
        takes_s: float = 0.1,
        headers: Headers = JSON_HEADERS,
        target: str = "/genesys/cometd",
    ) -> Exchange:
        """One Bayeux request with its answer, and the messages that both carried."""
        asked = [json.dumps(message).encode() for message in sent]
        answered = [message if isinstance(message, bytes) else json.dumps(message).encode() for message in told]
        frames = [b"[" + b",".join(raws) + b"]" for raws in (asked, answered)]
        exchange = self.ask(at_s, "POST", target, frames[0], frames[1], takes_s=takes_s, headers=headers)
        for direction, raws, at_us in (
            (Direction.TO_SERVER, asked, at(at_s)),
            (Direction.TO_CLIENT, answered, at(at_s + takes_s)),
        ):
            for index, raw in enumerate(raws):
                self.messages.append(
                    Message(
                        id=len(self.messages) + 1,
                        exchange_id=exchange.id,
                        direction=direction,
                        transport=Transport.LONG_POLLING,
                        at_us=at_us,
                        index=index,
                        channel=json.loads(raw, strict=False)["channel"],
                        raw=raw,
                    )
                )
        return exchange

    def poll(self, at_s: float, takes_s: float, *events: bytes, client: str = CLIENT) -> Exchange:
        """A `/meta/connect` that was held for `takes_s` and brought these events."""
        asked = {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling", "id": "9"}
        replied = {"channel": "/meta/connect", "id": "9", "successful": True}
        return self.comet(at_s, [asked], [*events, replied], takes_s=takes_s)

    def push(
        self,
        at_s: float,
        action: str,
        *,
        provider: str = "apns",
        payload: bytes | dict[str, Any] | None = None,
        answer: bytes | str | dict[str, Any] = b"",
        status: int = 200,
        headers: Headers = JSON_HEADERS,
        sent: Headers = (),
    ) -> Exchange:
        """What GMS sends to a device of that provider's; without a `payload` as the seed has it for APNs."""
        wish = {"_id": SERVICE, "_action": action}
        told = {"aps": {"alert": "An agent is free"}, "message": wish} if payload is None else payload
        raw = told if isinstance(told, bytes) else json.dumps(told).encode()
        exchange = self.ask(at_s, "POST", PROVIDERS[provider], raw, answer, status=status, headers=headers, sent=sent)
        self.pushes.append(Push(len(self.pushes) + 1, 1, exchange.id, provider, at(at_s), raw))
        return exchange

    def open_comet(self, at_s: float, *, client: str = CLIENT, headers: Headers = JSON_HEADERS) -> None:
        """Handshake, first connect and the subscription to `/_genesys`, a tenth of a second apart."""
        advice = {"interval": 0, "timeout": 30000, "reconnect": "retry"}
        shaken = {"channel": "/meta/handshake", "id": "1", "version": "1.0", "clientId": client, "successful": True}
        ours = {"channel": "/meta/handshake", "id": "1", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
        self.comet(at_s, [ours], [shaken | {"advice": advice}], takes_s=0.05, headers=headers)
        first = {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling", "id": "2"}
        connected = {"channel": "/meta/connect", "id": "2", "successful": True, "advice": advice}
        self.comet(at_s + 0.1, [first], [connected], takes_s=0.05)
        asked = {"channel": "/meta/subscribe", "clientId": client, "subscription": "/_genesys", "id": "3"}
        subscribed = {"channel": "/meta/subscribe", "id": "3", "subscription": "/_genesys", "successful": True}
        self.comet(at_s + 0.2, [asked], [subscribed], takes_s=0.05)

    def recording(self) -> Recording:
        """All that was kept so far."""
        run = Run(1, START_US, "reverse", f"http://{self.host}", (("gms_replay", "0.1"),))
        return Recording((run,), tuple(self.exchanges), tuple(self.messages), tuple(self.pushes))

    def _keep(self, request: Request, outcome: Outcome | None) -> Exchange:
        exchange = Exchange(len(self.exchanges) + 1, 1, request, outcome)
        self.exchanges.append(exchange)
        return exchange


def frame(number: int, line: str, *, started: str = "2014-05-02T16:27:45Z", state: str = "TRANSCRIPT") -> bytes:
    """A message on `/_genesys` in the seed's shape; `line` is a transcript line's JSON, `number` its position."""
    chat = (
        f'"startedAt":"{started}","chatIxnState":"{state}","chatSessionId":"{CHAT}","transcriptToShow":[{line}],'
        f'"transcriptPosition":"{number}","chatServiceMessage":"Chat service is available"'
    )
    ids = f'"id":"b2e607a0d21611e30000109329380{number:03}","tag":"service.chat.refresh.{SERVICE}"'
    return f'{{"data":{{"message":{{{chat}}},{ids}}},"channel":"/_genesys"}}'.encode()


def page(*lines: str, after: int, state: str = "TRANSCRIPT") -> str:
    """An answer that tells a chat by REST: lines in JSON, and how many there were before."""
    return (
        f'{{"chatIxnState":"{state}","chatSessionId":"{CHAT}","transcriptToShow":[{",".join(lines)}],'
        f'"transcriptPosition":{after + len(lines)}}}'
    )


def slots(*instants: str) -> bytes:
    """An availability answer: time slots as keys."""
    return ("{" + ",".join(f'"{instant}":5' for instant in instants) + "}").encode()


def position(place: int) -> bytes:
    """A queue position."""
    return b'{"_position":"%d","_eta":"%d","_total_waiting":"9"}' % (place, place * 30)


def menu(url: str, expires: str) -> bytes:
    """The seed's `…provide_code-false` dialog, which does not parse: a trailing comma, and texts broken over lines."""
    return f"""{{
   "_dialog_id":"0",
   "_label":"Agent is available
 right now",
   "_user_action_url":
   "{url}/1/service/{SERVICE}/not-used",
   "_method":"POST",
   "_action":"DisplayMenu",
   "_expires": "{expires}",
   "_content":[{{"_group_content":[{{
      "_label":"Yes, I'm ready to talk",
      "_user_action_url":"{url}/1/service/{SERVICE}/connect",
      "_id_to_jump_before":"exit://",
   }}]}}]
}}""".encode()


def start_chat(url: str, comet_url: str, user: str = USER, service: str = SERVICE) -> bytes:
    """The `StartChat` dialog, its URLs with escaped slashes as some serializers write them."""
    chat_url = f"{url}/1/service/{service}/ixn/chat".replace("/", "\\/")
    return (
        f'{{"_dialog_id": "1","_action":"StartChat","_start_chat_url":"{chat_url}","_comet_url":"{comet_url}",'
        f'"_user_header":"{user}","_chat_parameters":{{"subject":"None"}},"_id":"{service}"}}'
    ).encode()


def connected(started: str) -> bytes:
    """The answer to a chat's start."""
    return (
        f'{{"chatIxnState":"CONNECTED","chatSessionId":"{CHAT}","transcriptPosition":0,"startedAt":"{started}"}}'
    ).encode()


AVAILABILITY = "/genesys/1/service/callback/sales/availability"
CALLBACK = "/genesys/1/service/callback/sales"
QUEUE = f"/genesys/1/service/{SERVICE}/check-queue-position"
MENU = f"/genesys/1/service/{SERVICE}/get-dialog-user-confirmation-provide_code-false"
CHAT_DIALOG = f"/genesys/1/service/{SERVICE}/get-dialog-start-chat"
REFRESH = f"{CHAT_PATH}/refresh"
SEND = f"{CHAT_PATH}/send"
ORDER = {"_customer_number": "5551234", "_media_type": "chat"}
JOINED = '["Notice.Joined","Kristi","has joined the session","3","AGENT"]'
HELLO = '["Message.Text","Stan","Hello.","8","CLIENT"]'
WRITES = '["Notice.TypingStarted","Kristi","is typing","9","AGENT"]'
REPLY = '["Message.Text","Kristi","How may I help?","12","AGENT"]'
THANKS = '["Message.Text","Stan","Thanks.","18","CLIENT"]'
LEFT = '["Notice.Left","Kristi","has left the session","21","AGENT"]'


def visit() -> Recording:
    """One whole visit of 40 seconds. The chat starts at 15 s; `n` counts from there."""
    tape = Tape()
    record_visit(tape)
    return tape.recording()


def record_visit(tape: Tape, after_s: float = 0) -> None:
    """Puts the visit onto a tape, that many seconds later."""
    record_opening(tape, after_s)
    tape.open_comet(after_s + 16)
    tape.poll(after_s + 16.5, 1.5, frame(1, JOINED))
    tape.ask(after_s + 20, "POST", f"{CHAT_PATH}/startTyping")
    tape.ask(after_s + 23, "POST", f"{CHAT_PATH}/send", "message=Hello.", b'{"chatIxnState":"TRANSCRIPT"}')
    tape.poll(after_s + 18.1, 5.1, frame(2, HELLO))
    tape.poll(after_s + 23.3, 0.9, frame(3, WRITES))
    tape.poll(after_s + 24.3, 2.9, frame(4, REPLY))
    tape.ask(after_s + 33, "POST", f"{CHAT_PATH}/send", "message=Thanks.", b'{"chatIxnState":"TRANSCRIPT"}')
    tape.poll(after_s + 27.3, 6, frame(5, THANKS))
    tape.ask(after_s + 36, "POST", f"{CHAT_PATH}/disconnect", b"", b'{"chatIxnState":"DISCONNECTED"}')
    tape.poll(after_s + 33.4, 3, frame(6, LEFT, state="DISCONNECTED"))
    leaving = {"channel": "/meta/disconnect", "clientId": CLIENT, "id": "12"}
    left = {"channel": "/meta/disconnect", "id": "12", "successful": True}
    tape.comet(after_s + 40, [leaving], [left])


def record_opening(tape: Tape, after_s: float = 0) -> None:
    """Puts onto a tape what comes before Comet: slots, callback, queue, dialogs, the chat's start."""
    tape.ask(after_s, "GET", AVAILABILITY, b"", slots("2014-05-02T16:30:00.000Z", "2014-05-02T16:45:00.000Z"))
    tape.ask(after_s + 1, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(after_s + 2, "GET", QUEUE, b"", position(2))
    tape.ask(after_s + 6, "GET", QUEUE, b"", position(1))
    tape.ask(after_s + 10, "POST", MENU, b"", menu(URL, "2014-05-02T16:57:40Z"))
    tape.ask(after_s + 13, "POST", CHAT_DIALOG, b"", start_chat(URL, f"{URL}/cometd"))
    tape.ask(
        after_s + 15,
        "POST",
        CHAT_PATH,
        "notify_by=comet&firstName=Stan&_verbose=true",
        connected("2014-05-02T16:27:45Z"),
    )


def chat_recording(*events: tuple[float, bytes], sends: tuple[float, ...] = (), takes_s: float = 0) -> Recording:
    """A chat started at 0 s, with sends and events at given seconds."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0)
    for at_s in sends:
        tape.ask(at_s, "POST", SEND, f"message={at_s}", takes_s=takes_s)
    tape.open_comet(0.1)
    for at_s, event in events:
        tape.poll(at_s - 0.01, 0.01, event)
    return tape.recording()


def over_socket(recording: Recording) -> Recording:
    """The same, as if its Comet had been one WebSocket from its beginning to its end."""
    polls = [exchange for exchange in recording.exchanges if exchange.request.target == "/genesys/cometd"]
    first, last = polls[0], polls[-1]
    assert last.outcome is not None
    opened_us = first.request.started_at_us
    upgraded = Outcome(opened_us, Response(101, "", "HTTP/1.1", (), Body(), opened_us, opened_us))
    upgrade = Exchange(first.id, 1, replace(first.request, method="GET", body=Body()), upgraded)
    others = (exchange for exchange in recording.exchanges if exchange not in polls)
    return replace(
        recording,
        exchanges=tuple(sorted((upgrade, *others), key=lambda exchange: exchange.id)),
        messages=tuple(
            replace(message, exchange_id=upgrade.id, transport=Transport.WEBSOCKET) for message in recording.messages
        ),
        sockets=(Socket(upgrade.id, opened_us, last.outcome.at_us, 1000, "", Direction.TO_SERVER),),
    )


def without_ids(recording: Recording) -> list[list[str]]:
    """The facts of each kind as texts, in any order and whatever their ids."""
    names = ("id", "run_id", "exchange_id", "connection_id")

    def bare(fact: Any) -> str:
        return repr(replace(fact, **{name: 0 for name in names if getattr(fact, name, None) is not None}))

    return [sorted(map(bare, getattr(recording, kind))) for kind in recording.__dataclass_fields__]
