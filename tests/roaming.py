"""A Bayeux client that changes its transport as it likes, drops and loses polls, and breaks its WebSockets."""

import json
from typing import Any, Literal
from urllib.parse import quote

from driver import App, Driver

Via = Literal["long-polling", "callback-polling", "websocket"]
VIA: tuple[Via, ...] = ("long-polling", "callback-polling", "websocket")


class Roamer(App):
    """Hears events in the order in which they come. `acks`: it acknowledges. `confirms`: we know what arrived."""

    def __init__(self, driver: Driver, user: str, *, acks: bool = False, confirms: bool = True) -> None:
        super().__init__(driver, user)
        self.events: list[tuple[str, bytes]] = []
        self.socket: int | None = None
        self.acks = acks
        self._confirms = confirms
        self._batch = 0
        self._mine: set[int] = set()
        self._unread: set[int] = set()
        self._read = 0
        self._polls = 0
        self._poll_by: int | None = None
        self._polled_at = 0

    def shake(self, via: Via) -> None:
        """Becomes a new client: connects once, and subscribes to all."""
        ext = {"ext": {"ack": True}} if self.acks else {}
        types = {"version": "1.0", "supportedConnectionTypes": list(VIA)}
        (shaken,) = self.exchange(via, {"channel": "/meta/handshake", "id": "1"} | types | ext)
        self.client_id, self._batch = shaken["clientId"], 0
        self.poll(via, advice={"timeout": 0})
        self.exchange(via, self.meta("subscribe", subscription=["/_genesys", "/*"]))

    def live(self, via: Via) -> None:
        """Goes on with its client, or with a new one if the server dropped it."""
        told = self.exchange(via, self._connect(advice={"timeout": 0}))
        if any(message.get("error") == "402::session_unknown" for message in told):
            self.shake(via)

    def poll(self, via: Via, **fields: Any) -> int:
        """Sends a connect, and tells by what."""
        self._poll_by = self._send(via, self._connect(**fields))
        return self._poll_by

    def exchange(self, via: Via, *messages: dict[str, Any]) -> list[dict[str, Any]]:
        """Sends messages that are answered at once, and gives what that brought, but for events."""
        before = len(self.driver.told)
        carrier = self._send(via, *messages)
        self.driver.wait(60, lambda: len(self.driver.told) > before)
        replies: list[dict[str, Any]] = []
        for carried_by, body in self.driver.told[before:]:
            if carried_by == carrier:
                replies += [message for message in self._messages(body) if "data" not in message]
        self.collect()
        return replies

    def lose(self, request_id: int) -> None:
        """Hangs up on a poll, whether it was answered or not, and never reads the answer."""
        if request_id != self.socket:
            self._unread.add(request_id)
            self.driver.hang_up(request_id)

    def drop(self, request_id: int) -> None:
        """Hangs up on a poll that was not answered."""
        self.collect()
        if request_id != self.socket and request_id not in self.driver.answers:
            self.driver.hang_up(request_id)

    def end_socket(self) -> None:
        self.collect()
        if self.socket is not None:
            self.driver.hang_up(self.socket)
            self.socket = None

    def listen_by(self, via: Via, seconds: float) -> None:
        """Polls again and again for so long."""
        end_us = self.driver.now_us + round(seconds * 1_000_000)
        while (left_us := end_us - self.driver.now_us) > 0:
            poll = self.socket if via == "websocket" and self._polls_over_socket() else self.poll(via)
            self.driver.wait(left_us / 1_000_000, self._is_answered)
            self.drop(poll)

    def collect(self) -> None:
        """Reads what has come."""
        told, self._read = self.driver.told[self._read :], len(self.driver.told)
        for carrier, body in told:
            if carrier not in self._mine or carrier in self._unread:
                continue
            if self._confirms and carrier != self.socket:
                self.driver.confirm(carrier)
            for message in self._messages(body):
                if "data" in message:
                    self.events.append((message["channel"], json.dumps(message).encode()))
                elif message["channel"] == "/meta/connect" and "ack" in message.get("ext", {}):
                    self._batch = message["ext"]["ack"]

    def events_on(self, channel: str) -> list[bytes]:
        """The events of a channel, in order."""
        return [event for name, event in self.events if name == channel]

    def _is_answered(self) -> bool:
        """Whether the reply to the last connect has come."""
        name = f'"id":"c{self._polls}"'.encode()
        return any(name in body for carrier, body in self.driver.told[self._polled_at :] if carrier in self._mine)

    def _polls_over_socket(self) -> bool:
        return self._poll_by is not None and self._poll_by == self.socket and not self._is_answered()

    def _connect(self, **fields: Any) -> dict[str, Any]:
        # What it acknowledges it has read.
        self.collect()
        ext = {"ext": {"ack": self._batch}} if self.acks else {}
        self._polls += 1
        self._polled_at = len(self.driver.told)
        return self.meta("connect", **ext, **fields) | {"id": f"c{self._polls}"}

    def _send(self, via: Via, *messages: dict[str, Any]) -> int:
        self.collect()
        frame = json.dumps(messages)
        if via == "websocket":
            if self.socket is None:
                self.socket = self.driver.open_socket(self.asked("GET", self.comet_path))
                self._mine.add(self.socket)
            self.driver.say(self.socket, frame.encode())
            return self.socket
        script = f"{self.comet_path}?jsonp=cb&message={quote(frame)}"
        asked = ("GET", script, "") if via == "callback-polling" else ("POST", self.comet_path, frame)
        request_id = self.ask(*asked)
        self._mine.add(request_id)
        return request_id

    @staticmethod
    def _messages(body: bytes) -> list[dict[str, Any]]:
        told: list[dict[str, Any]] = json.loads(body.removeprefix(b"cb(").removesuffix(b")"))
        return told
