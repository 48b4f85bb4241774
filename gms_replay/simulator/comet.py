"""Comet: Bayeux sessions over long polling, callback polling and WebSocket, as CometD's Java server keeps them.

What is published for a user waits in the user's mailbox until a poll of a subscribed session takes it, or goes out
over its WebSocket. So nothing depends on sessions: what comes before the subscription, what a dropped poll would have
carried, and what came while the app was away is there for the next one. A session that acknowledges gets letters with
connects only, and those that a connect does not acknowledge once more.
"""

import asyncio
import re
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.mailbox import Letter, Mailbox
from gms_replay.simulator.tasks import Tasks

_HOLD_AT_MOST_MS = 600_000
_REHANDSHAKE = {"interval": 0, "reconnect": "handshake"}
_NO_MORE = {"interval": 0, "reconnect": "none"}

Gone = Callable[[], Coroutine[Any, Any, None]]
"""Returns when the peer of a poll has gone away."""


@dataclass(eq=False, slots=True)
class Socket:
    """A WebSocket. `send` puts messages on their way, as one frame."""

    send: Callable[[list[bytes]], None]
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def gone(self) -> None:
        """Return when it is closed."""
        await self.closed.wait()


@dataclass(slots=True)
class Client:
    """One Bayeux session. `held` is the poll that waits, `expiry` what ends a session without one.

    `socket` is what it came by last; None where that was a request. `sent` are the letters that it did not acknowledge
    yet, by the number of their batch; None where it acknowledges nothing.
    """

    id: str
    user: str
    socket: Socket | None = None
    subscriptions: set[str] = field(default_factory=set)
    connected: bool = False
    sent: dict[int, list[Letter]] | None = None
    batch: int = 0
    held: asyncio.Future[None] | None = None
    expiry: asyncio.TimerHandle | None = None

    def takes(self, channel: str) -> bool:
        return any(bayeux.matches(subscription, channel) for subscription in self.subscriptions)

    def wake(self) -> bool:
        """Let the held poll go home; False where there is none."""
        if self.held is None or self.held.done():
            return False
        self.held.set_result(None)
        return True


class Comet:
    """All Bayeux sessions. Times are seconds; `max_interval_s` is a session's life after its last poll."""

    def __init__(self, ids: Ids, tasks: Tasks, *, timeout_s: float, max_interval_s: float) -> None:
        self._ids = ids
        self._tasks = tasks
        self._timeout_s = timeout_s
        self._max_interval_s = max_interval_s
        self._clients: dict[str, Client] = {}
        self._boxes: dict[str, Mailbox] = {}
        self._callers: dict[str, list[str]] = {}
        self._closed = False

    def expect(self, user: str, peer: str) -> None:
        """A user, at that address, wants to hear over Comet."""
        callers = self._callers.setdefault(peer, [])
        callers[:] = [*(caller for caller in callers if caller != user), user]

    def user_at(self, peer: str) -> str:
        """Who speaks at an address without a name: scripts and WebSockets of a page cannot carry it.

        Of those who want to hear the last who has no session yet, else the last.
        """
        callers = self._callers.get(peer, [])
        listening = {client.user for client in self._clients.values()}
        silent = [caller for caller in callers if caller not in listening]
        return next(reversed(silent or callers), "")

    async def answer(self, messages: Sequence[Parsed], user: str, gone: Gone) -> list[bytes] | None:
        """The messages that answer a frame, events first; None where the peer has gone, and nothing was taken.

        Only a connect that comes alone is held: whoever sends it with others wants those answered.
        """
        for speaker in filter(None, map(self._client, messages)):
            speaker.socket = None
        if len(messages) == 1 and (client := self._polling(messages[0])):
            return await self._poll(client, messages[0], gone)
        told: dict[int, tuple[list[bytes], dict[str, Any]]] = {}
        # Connects come last: they bring what a subscription beside them is for.
        for place, message in sorted(enumerate(messages), key=lambda one: one[1].channel == bayeux.CONNECT):
            told[place] = self._answered(message, user)
        answers = [told[place] for place in range(len(messages))]
        return [event for events, _ in answers for event in events] + [bayeux.dump(reply) for _, reply in answers]

    def hear(self, messages: Sequence[Parsed], user: str, socket: Socket) -> None:
        """Take a frame of a WebSocket. Replies go out over it, each connect's when its hold is over."""
        replies: list[bytes] = []
        for message in messages:
            if client := self._client(message):
                client.socket = socket
            if client and message.channel == bayeux.CONNECT:
                self._tasks.begin(self._linger(client, message, socket))
            else:
                replies.append(bayeux.dump(self._reply(message, user)))
        if replies:
            socket.send(replies)
        for client in filter(None, map(self._client, messages)):
            self._push(client)

    def left(self, socket: Socket) -> None:
        """A WebSocket is closed: its sessions live on for as long as they may without a poll."""
        socket.closed.set()
        for client in self._clients.values():
            if client.socket is socket:
                client.socket = None
                self._rest(client)

    def publish(self, user: str, channel: str, data: dict[str, Any], position: int | None = None) -> None:
        """Put an event into a user's mailbox, and wake the newest poll that may take it."""
        event = bayeux.dump({"data": data, "channel": channel})
        self._box(user).post(channel, event, data.get("tag", ""), position)
        for client in reversed(self._clients.values()):
            if client.user == user and client.takes(channel) and (self._push(client) or client.wake()):
                return

    def forget_mail(self, user: str) -> None:
        """Empty a user's mailbox."""
        self._boxes.pop(user, None)

    def close(self) -> None:
        """Answer every held poll, and hold none from now on."""
        self._closed = True
        for client in self._clients.values():
            client.wake()

    def _box(self, user: str) -> Mailbox:
        return self._boxes.setdefault(user, Mailbox())

    def _polling(self, message: Parsed) -> Client | None:
        return self._client(message) if message.channel == bayeux.CONNECT else None

    def _client(self, message: Parsed) -> Client | None:
        client_id = message.fields.get("clientId")
        return self._clients.get(client_id) if isinstance(client_id, str) else None

    async def _poll(self, client: Client, message: Parsed, gone: Gone) -> list[bytes] | None:
        # A second connect while one is held: the first goes home with what is there.
        client.wake()
        self._acknowledge(client, message)
        hold_s = self._hold_s(client, message)
        if hold_s and not self._box(client.user).has(client.takes) and not await self._hold(client, hold_s, gone):
            self._rest(client)
            return None
        events, reply = self._connected(message, client)
        return [*events, bayeux.dump(reply)]

    async def _linger(self, client: Client, message: Parsed, socket: Socket) -> None:
        """Hold a connect that came over a WebSocket: it waits for nothing but acknowledged letters."""
        client.wake()
        self._acknowledge(client, message)
        hold_s = self._hold_s(client, message)
        has_mail = client.sent is not None and self._box(client.user).has(client.takes)
        if hold_s and not has_mail and not await self._hold(client, hold_s, socket.gone):
            self._rest(client)
        else:
            events, reply = self._connected(message, client)
            socket.send([*events, bayeux.dump(reply)])

    async def _hold(self, client: Client, hold_s: float, gone: Gone) -> bool:
        """Wait for a reason to answer; False where the peer has gone."""
        if client.expiry:
            client.expiry.cancel()
        held = client.held = asyncio.get_running_loop().create_future()
        leaving = asyncio.ensure_future(gone())
        try:
            done, _ = await asyncio.wait({held, leaving}, timeout=hold_s, return_when=asyncio.FIRST_COMPLETED)
            return leaving not in done
        finally:
            leaving.cancel()
            if client.held is held:
                client.held = None

    def _hold_s(self, client: Client, message: Parsed) -> float:
        """The first connect is answered at once, so that the client can go on; a client may name its own timeout."""
        if self._closed or not client.connected:
            return 0.0
        advice = message.fields.get("advice")
        timeout_ms = advice.get("timeout") if isinstance(advice, dict) else None
        if isinstance(timeout_ms, int | float) and timeout_ms >= 0:
            return min(timeout_ms, _HOLD_AT_MOST_MS) / 1000
        return self._timeout_s

    def _rest(self, client: Client) -> None:
        """From now on the session lives as long as it may without a poll."""
        if client.expiry:
            client.expiry.cancel()
        if client.held is None and client.id in self._clients:
            loop = asyncio.get_running_loop()
            client.expiry = loop.call_later(self._max_interval_s, self._clients.pop, client.id, None)

    def _push(self, client: Client) -> bool:
        """Send a session's mail over its WebSocket; False where it waits for a connect."""
        if client.socket is None or client.sent is not None or client.id not in self._clients:
            return False
        if letters := self._box(client.user).take(client.takes):
            client.socket.send([letter.event for letter in letters])
        return True

    def _acknowledge(self, client: Client, message: Parsed) -> None:
        """Forget the letters that a connect says have come, and have the rest told once more."""
        last = _ext(message).get("ack")
        if client.sent is None or not isinstance(last, int) or isinstance(last, bool):
            return
        for batch, letters in client.sent.items():
            if batch > last:
                self._box(client.user).put_back(letters)
        client.sent = {}

    def _answered(self, message: Parsed, user: str) -> tuple[list[bytes], dict[str, Any]]:
        """The events and the reply to a message that is not held."""
        client = self._polling(message)
        if client is None:
            return [], self._reply(message, user)
        client.wake()
        self._acknowledge(client, message)
        return self._connected(message, client)

    def _reply(self, message: Parsed, user: str) -> dict[str, Any]:
        if not message.channel:
            return _failure(message, "400::channel_missing")
        if message.channel == bayeux.HANDSHAKE:
            return self._handshaken(message, user)
        client = self._client(message)
        if client is None:
            return _failure(message, bayeux.SESSION_UNKNOWN, advice=_REHANDSHAKE)
        if message.channel in (bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE):
            return _subscribed(message, client)
        if message.channel == bayeux.DISCONNECT:
            return self._disconnected(message, client)
        if bayeux.is_meta(message.channel):
            return _failure(message, "404::unknown_meta_channel")
        return bayeux.reply(message, successful=True)

    def _handshaken(self, message: Parsed, user: str) -> dict[str, Any]:
        acknowledges = _ext(message).get("ack") is True
        client = Client(self._ids.comet_client(), user, sent={} if acknowledges else None)
        self._clients[client.id] = client
        self._rest(client)
        return bayeux.reply(
            message,
            successful=True,
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["websocket", "callback-polling", "long-polling"],
            clientId=client.id,
            advice=self._advice(),
            **({"ext": {"ack": True}} if acknowledges else {}),
        )

    def _connected(self, message: Parsed, client: Client) -> tuple[list[bytes], dict[str, Any]]:
        """The events for a connect, and its reply."""
        if client.id not in self._clients:
            return [], bayeux.reply(message, successful=True, advice=_NO_MORE)
        letters = [] if client.socket and client.sent is None else self._box(client.user).take(client.takes)
        more: dict[str, Any] = {}
        if client.sent is not None:
            client.batch += 1
            client.sent[client.batch] = letters
            more["ext"] = {"ack": client.batch}
        if not client.connected or "advice" in message.fields:
            more["advice"] = self._advice()
        client.connected = True
        self._rest(client)
        return [letter.event for letter in letters], bayeux.reply(message, successful=True, **more)

    def _disconnected(self, message: Parsed, client: Client) -> dict[str, Any]:
        del self._clients[client.id]
        if (position := _position(message)) is not None:
            self._box(client.user).read_to(position)
        self._rest(client)
        client.wake()
        return bayeux.reply(message, successful=True)

    def _advice(self) -> dict[str, Any]:
        return {
            "interval": 0,
            "timeout": round(self._timeout_s * 1000),
            "maxInterval": round(self._max_interval_s * 1000),
            "reconnect": "retry",
        }


def _ext(message: Parsed) -> dict[str, Any]:
    ext = message.fields.get("ext")
    return ext if isinstance(ext, dict) else {}


def _position(message: Parsed) -> int | None:
    found = re.fullmatch("[0-9]{1,9}", str(_ext(message).get("transcriptPosition")))
    return int(found[0]) if found else None


def _subscribed(message: Parsed, client: Client) -> dict[str, Any]:
    asked = message.fields.get("subscription")
    named = asked if isinstance(asked, list) else [asked]
    channels = [channel for channel in named if isinstance(channel, str) and channel.startswith("/")]
    if not channels or len(channels) < len(named):
        return _failure(message, "403::subscription_missing")
    if message.channel == bayeux.SUBSCRIBE:
        client.subscriptions.update(channels)
    else:
        client.subscriptions.difference_update(channels)
    return bayeux.reply(message, successful=True, subscription=asked)


def _failure(message: Parsed, error: str, **fields: Any) -> dict[str, Any]:
    return bayeux.reply(message, successful=False, error=error, **fields)
