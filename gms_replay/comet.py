"""The server's side of Bayeux for one session: handshake, connect, subscribe, queue, timeouts.

It plays the protocol itself, as a CometD server does (Bayeux 1.0, sections 4 and 5); what is on the channels comes
from the story. It knows no clock: whoever calls it says what time it is, and asks `next_wakeup_us`.

A client is where its last message came from. Over long polling events travel on the answer to a held connect; over a
WebSocket they go out at once, and a connect is held for its own sake.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from gms_replay import bayeux
from gms_replay.bayeux import Parsed

CONNECTION_TYPES = ("websocket", "long-polling")

_TIMEOUT_MS = 30_000
_MAX_INTERVAL_MS = 10_000


@dataclass(frozen=True, slots=True)
class Frame:
    """Messages in order, each JSON: the answer to a request, or a frame for the WebSocket of that id."""

    request_id: int
    messages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    request_id: int
    message: Parsed
    until_us: int


@dataclass(slots=True)
class Client:
    """One Bayeux client. `queue` holds the numbers of the events that it has to be told.

    `sent` is what the last answer carried, and to which request: given back if the answer never arrived. `socket` is
    the WebSocket that it speaks over, None over long polling.
    """

    client_id: str
    expires_at_us: int
    socket: int | None = None
    subscriptions: list[str] = field(default_factory=list)
    queue: set[int] = field(default_factory=set)
    sent: tuple[int, frozenset[int]] = (0, frozenset())
    held: _Held | None = None
    has_connected: bool = False


class Comet:
    """The Bayeux clients of one session, and what waits for a subscriber: all that none of them was told.

    `mint` gives a new client id. `advice` is the recorded server's; what it leaves out is CometD's default
    (`timeout` 30 s), or what the vendor documents (`maxInterval` 10 s).
    """

    def __init__(self, mint: Callable[[], str], advice: dict[str, Any]) -> None:
        self._mint = mint
        self._timeout_ms = _milliseconds(advice.get("timeout"), _TIMEOUT_MS)
        self._max_interval_ms = _milliseconds(advice.get("maxInterval"), _MAX_INTERVAL_MS)
        self._advice = {"interval": 0, "reconnect": "retry"} | advice | {"timeout": self._timeout_ms}
        self._clients: dict[str, Client] = {}
        self._events: list[tuple[str, bytes]] = []
        self._told: set[int] = set()
        self._parted: dict[int, frozenset[int]] = {}

    @property
    def is_alive(self) -> bool:
        """Whether the app has a client here."""
        return bool(self._clients)

    @property
    def is_polled(self) -> bool:
        """Whether the app waits at this moment."""
        return any(client.held for client in self._clients.values())

    def knows(self, client_id: object) -> bool:
        return isinstance(client_id, str) and client_id in self._clients

    def receive(
        self, request_id: int, messages: tuple[Parsed, ...], now_us: int, *, over_socket: bool = False
    ) -> Iterator[Frame]:
        """The answers to the messages of one request, or of one frame of the WebSocket that has this id.

        A connect with nothing to tell is held; over long polling only where it is alone.
        """
        replies: list[bytes] = []
        for message in messages:
            client = self._client(message)
            if client is not None:
                client.expires_at_us = now_us + self._max_interval_ms * 1000
                client.socket = request_id if over_socket else None
            if message.channel == bayeux.HANDSHAKE:
                replies.append(self._handshake(message, now_us))
            elif client is None:
                replies.append(_unknown(message))
            elif message.channel == bayeux.CONNECT:
                yield from self._answer_held(client, now_us)
                shared = len(messages) > 1 and not over_socket
                client.held = _Held(request_id, message, self._until_us(client, message, shared, now_us))
                if _is_ready(client, now_us):
                    replies += self._connected(client, now_us)
            elif message.channel == bayeux.DISCONNECT:
                yield from self._answer_held(client, now_us)
                self._drop(client)
                replies.append(_reply(message, successful=True))
            else:
                replies.append(self._plain(client, message))
        if replies or not messages:
            yield Frame(request_id, tuple(replies))

    def deliver(self, channel: str, raw: bytes) -> None:
        """Queues a message for every subscriber; without one it waits for the first."""
        self._events.append((channel, raw))
        self._offer({len(self._events) - 1})

    def flush(self, now_us: int) -> Iterator[Frame]:
        """Drops silent clients, tells what waits for sockets, answers polls that are ready."""
        for client in list(self._clients.values()):
            if client.held is None and client.expires_at_us <= now_us:
                self._drop(client)
        for client in self._clients.values():
            if client.socket is not None and client.queue:
                yield Frame(client.socket, self._taken_out(client))
            if _is_ready(client, now_us):
                yield from self._answer_held(client, now_us)

    def gone(self, request_id: int, now_us: int) -> None:
        """The app hung up on a poll, or a socket: what the answer carried, or would have, comes with the next."""
        for client in self._clients.values():
            if client.socket == request_id:
                client.socket = None
            if client.held is not None and client.held.request_id == request_id:
                client.held = None
                client.expires_at_us = now_us + self._max_interval_ms * 1000
            if client.sent[0] == request_id:
                self._told -= client.sent[1]
                client.queue |= client.sent[1]
                client.sent = (0, frozenset())
        if lost := self._parted.pop(request_id, None):
            self._told -= lost
            self._offer(lost)

    def sent(self, request_id: int) -> None:
        """The app has what the answer to a poll carried."""
        for client in self._clients.values():
            if client.sent[0] == request_id:
                client.sent = (0, frozenset())
        self._parted.pop(request_id, None)

    def next_wakeup_us(self) -> int | None:
        return min(
            (client.held.until_us if client.held else client.expires_at_us for client in self._clients.values()),
            default=None,
        )

    def _client(self, message: Parsed) -> Client | None:
        client_id = message.fields.get("clientId")
        return self._clients.get(client_id) if isinstance(client_id, str) else None

    def _handshake(self, message: Parsed, now_us: int) -> bytes:
        offered = message.fields.get("supportedConnectionTypes", ["long-polling"])
        if not isinstance(offered, list) or not any(name in offered for name in CONNECTION_TYPES):
            refusal = {"reconnect": "none"}
            return _reply(message, successful=False, error="412:connection_types:none in common", advice=refusal)
        client = Client(self._mint(), now_us + self._max_interval_ms * 1000)
        self._clients[client.client_id] = client
        return _reply(
            message,
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=list(CONNECTION_TYPES),
            clientId=client.client_id,
            successful=True,
            advice=self._advice,
        )

    def _until_us(self, client: Client, message: Parsed, shared: bool, now_us: int) -> int:
        """How long a connect may be held: not at all the first time (WIRE: aiocometd), nor where others share it."""
        if not client.has_connected or shared:
            return now_us
        advice = message.fields.get("advice")
        asked = advice.get("timeout") if isinstance(advice, dict) else None
        return now_us + _milliseconds(asked, self._timeout_ms) * 1000

    def _answer_held(self, client: Client, now_us: int) -> Iterator[Frame]:
        if client.held is not None:
            request_id = client.held.request_id
            yield Frame(request_id, tuple(self._connected(client, now_us)))

    def _connected(self, client: Client, now_us: int) -> list[bytes]:
        """Events first, then the connect's reply, as CometD orders them."""
        held = client.held
        assert held is not None, "only a held connect is answered"
        numbers, client.held = frozenset(client.queue), None
        events = self._taken_out(client)
        if client.socket is None:
            client.sent = (held.request_id, numbers)
        client.expires_at_us = now_us + self._max_interval_ms * 1000
        fields: dict[str, Any] = {"clientId": client.client_id, "successful": True}
        if not client.has_connected:
            fields["advice"] = self._advice
        client.has_connected = True
        return [*events, _reply(held.message, **fields)]

    def _taken_out(self, client: Client) -> tuple[bytes, ...]:
        """All that waits for a client, in order; from now on it counts as told."""
        told, client.queue = sorted(client.queue), set()
        self._told.update(told)
        return tuple(self._events[number][1] for number in told)

    def _plain(self, client: Client, message: Parsed) -> bytes:
        if message.channel in (bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE):
            return self._subscription(client, message)
        error: dict[str, str] = {} if message.channel else {"error": "400::channel_missing"}
        if bayeux.is_meta(message.channel):
            error = {"error": f"404:{message.channel}:channel_unknown"}
        return _reply(message, successful=not error, **error)

    def _subscription(self, client: Client, message: Parsed) -> bytes:
        asked = message.fields.get("subscription")
        listed = asked if isinstance(asked, list) else [asked]
        names = [name for name in listed if isinstance(name, str) and name.startswith("/")]
        if not names or len(names) < len(listed):
            return _reply(message, successful=False, error="403::subscription_invalid")
        if message.channel == bayeux.UNSUBSCRIBE:
            client.subscriptions = [name for name in client.subscriptions if name not in names]
        else:
            client.subscriptions += names
            client.queue |= self._taken(client, range(len(self._events)))
        return _reply(message, successful=True, subscription=asked)

    def _offer(self, numbers: Iterable[int]) -> None:
        for client in self._clients.values():
            client.queue |= self._taken(client, numbers)

    def _taken(self, client: Client, numbers: Iterable[int]) -> set[int]:
        """Of these events those that a client subscribed to; none that has been told already."""
        return {n for n in numbers if n not in self._told and _takes(client, self._events[n][0])}

    def _drop(self, client: Client) -> None:
        """What the client was not told goes to the app's next one, which may be there already."""
        del self._clients[client.client_id]
        if client.sent[1]:
            self._parted[client.sent[0]] = client.sent[1]
        self._offer(client.queue)


def refuse(messages: Iterable[Parsed]) -> tuple[bytes, ...]:
    """What a CometD server says to messages of a client that it does not know."""
    return tuple(_unknown(message) for message in messages)


def _is_ready(client: Client, now_us: int) -> bool:
    """Whether there is a held connect to be answered now."""
    if client.held is None:
        return False
    return client.held.until_us <= now_us or (client.socket is None and bool(client.queue))


def _unknown(message: Parsed) -> bytes:
    advice = {"reconnect": "handshake", "interval": 0}
    return _reply(message, successful=False, error=bayeux.SESSION_UNKNOWN, advice=advice)


def _reply(message: Parsed, **fields: Any) -> bytes:
    try:
        return bayeux.dump(bayeux.reply(message, **fields))
    except RecursionError:  # An id nested so deep that it could just be read: here more of the stack is in use.
        return bayeux.dump({"channel": message.channel} | fields)


def _takes(client: Client, channel: str) -> bool:
    return any(bayeux.matches(subscription, channel) for subscription in client.subscriptions)


def _milliseconds(value: object, otherwise: int) -> int:
    """A duration that a peer sent; anything but a sane number counts as not sent."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400_000:
        return int(value)
    return otherwise
