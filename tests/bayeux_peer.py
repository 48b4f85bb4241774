"""Bayeux clients that talk to a server's side, for tests of `comet`: by which carrier, and when."""

import json
from collections.abc import Iterable
from typing import Any

from gms_replay import bayeux
from gms_replay.carriers import Carrier
from gms_replay.comet import Comet, Frame
from gms_replay.model import Transport

SECOND_US = 1_000_000
ADVICE = {"interval": 0, "reconnect": "retry", "timeout": 30_000}
CONNECT = {"channel": "/meta/connect", "clientId": "a", "id": "c"}


class Peer:
    """A server's side, and the clients that talk to it; times are in seconds."""

    def __init__(self, transport: Transport = Transport.LONG_POLLING, **advice: Any) -> None:
        names = iter("abcdefgh")
        self.comet = Comet(lambda: next(names), advice, told_us=lambda at_us: at_us)
        self.transport = transport
        self.asked = 0

    def send(self, at_s: float, *messages: dict[str, Any], browser: str | None = None) -> list[Frame]:
        self.asked += 1
        return self._receive(Carrier(self.asked, self.transport, browser), at_s, messages)

    def say(self, at_s: float, *messages: dict[str, Any], socket: int = 100) -> list[Frame]:
        """The same over a WebSocket."""
        return self._receive(Carrier(socket, Transport.WEBSOCKET), at_s, messages)

    def handshake(self, at_s: float = 0, **fields: Any) -> dict[str, Any]:
        (reply,) = replies(self.send(at_s, {"channel": "/meta/handshake", "id": "1"} | fields))
        return reply

    def connect(self, at_s: float, client: str = "a", **fields: Any) -> list[Frame]:
        return self.send(at_s, {"channel": "/meta/connect", "clientId": client, "id": "c"} | fields)

    def subscribe(self, at_s: float, subscription: Any = "/_genesys", client: str = "a") -> dict[str, Any]:
        asked = {"channel": "/meta/subscribe", "clientId": client, "id": "s", "subscription": subscription}
        (reply,) = replies(self.send(at_s, asked))
        return reply

    def join(self, at_s: float, client: str = "a") -> None:
        """Another client shakes hands, connects once, and subscribes; the first is "a", the next "b"."""
        self.handshake(at_s)
        self.connect(at_s, client=client)
        self.subscribe(at_s, client=client)

    def _receive(self, carrier: Carrier, at_s: float, messages: tuple[dict[str, Any], ...]) -> list[Frame]:
        parsed = bayeux.parse(json.dumps(messages).encode())
        return list(self.comet.receive(carrier, parsed, round(at_s * SECOND_US)))

    def flush(self, at_s: float) -> list[Frame]:
        return list(self.comet.flush(round(at_s * SECOND_US)))

    def tell(self, text: str, channel: str = "/_genesys") -> None:
        self.comet.deliver(channel, event(text, channel))

    def gone(self, request_id: int, at_s: float) -> None:
        self.comet.gone(request_id, round(at_s * SECOND_US))

    @property
    def wakeup_s(self) -> float | None:
        at_us = self.comet.next_wakeup_us()
        return None if at_us is None else at_us / SECOND_US


def event(text: str, channel: str = "/_genesys") -> bytes:
    return bayeux.dump({"channel": channel, "data": text})


def replies(frames: Iterable[Frame]) -> list[dict[str, Any]]:
    (frame,) = frames
    return [json.loads(message) for message in frame.messages]


def texts(frames: Iterable[Frame]) -> list[str]:
    return [message["data"] for message in replies(frames) if "data" in message]


def publish(client: str = "a") -> dict[str, Any]:
    return {"channel": "/service/chat", "clientId": client, "id": "p", "data": {}}


def listening(**advice: Any) -> Peer:
    """A client "a" that shook hands, connected once, and subscribed."""
    peer = Peer(**advice)
    peer.join(0)
    return peer


def over_socket() -> Peer:
    """A client "a" that shook hands, connected and subscribed over a WebSocket."""
    peer = Peer()
    peer.say(0, {"channel": "/meta/handshake"})
    peer.say(0, CONNECT)
    peer.say(0, {"channel": "/meta/subscribe", "clientId": "a", "subscription": "/_genesys"})
    return peer


def acknowledging(transport: Transport = Transport.LONG_POLLING) -> Peer:
    """A client "a" that says what it has, subscribed and connected once."""
    peer = Peer(transport)
    assert peer.handshake(ext={"ack": True})["ext"] == {"ack": True}
    assert replies(peer.connect(0, ext={"ack": 0}))[0]["ext"] == {"ack": 1}
    peer.subscribe(0)
    return peer
