"""The server's side of Bayeux for one session: handshake, connect, subscribe, queue, timeouts.

It plays the protocol itself, as a CometD server does (Bayeux 1.0, sections 4 and 5); what is on the channels comes
from the story. It knows no clock: whoever calls it says what time it is, and asks `next_wakeup_us`.

A client is where its last message came from. Over polls events travel on the answer to a held connect, over long
polling also on any other; over a WebSocket they go out at once, and a connect is held for its own sake. A client that
acknowledges gets them with connects only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from gms_replay import bayeux, chat2, extensions, replies
from gms_replay.bayeux import Parsed
from gms_replay.carriers import Carrier
from gms_replay.deliveries import Deliveries, Position
from gms_replay.extensions import Batches
from gms_replay.limits import DEFAULT
from gms_replay.model import Transport

CONNECTION_TYPES = (Transport.WEBSOCKET, Transport.CALLBACK_POLLING, Transport.LONG_POLLING)

_TIMEOUT_MS = 30_000
_MAX_INTERVAL_MS = 10_000
# What CometD's server has a client wait for whose browser already polls (its option multiSessionInterval).
_MULTIPLE_CLIENTS = {"multiple-clients": True, "reconnect": "retry", "interval": 2000}


@dataclass(frozen=True, slots=True)
class Frame:
    """Messages in order, each JSON: the answer to a request, or a frame for a WebSocket."""

    carrier: Carrier
    messages: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Held:
    carrier: Carrier
    message: Parsed
    until_us: int
    is_one_too_many: bool


@dataclass(slots=True)
class Client:
    """One Bayeux client. `carrier` is what its last message came by; None where that was a WebSocket that has ended.

    `interval_ms`: how long it stays away after a connect. `asked_in_vain`: its last connect was not held, and brought
    nothing; nothing has come since.
    """

    client_id: str
    expires_at_us: int
    carrier: Carrier | None
    batches: Batches | None
    interval_ms: int
    held: _Held | None = None
    has_connected: bool = False
    asked_in_vain: bool = False

    @property
    def socket(self) -> Carrier | None:
        """The WebSocket over which events go out at once; None where they wait for a connect."""
        is_open = self.carrier is not None and self.carrier.is_socket and self.batches is None
        return self.carrier if is_open else None


class Comet:
    """The Bayeux clients of one session.

    `mint` gives a new client id. `advice` is the recorded server's; what it leaves out is CometD's default
    (`timeout` 30 s), or what the vendor documents (`maxInterval` 10 s). `told_us` gives what the app is told for the
    caller's time. `timestamp` writes an instant as the recorded server did in its replies, where it did.
    """

    def __init__(
        self,
        mint: Callable[[], str],
        advice: dict[str, Any],
        *,
        told_us: Callable[[int], int],
        timestamp: Callable[[int], str] | None = None,
    ) -> None:
        self.has_been_used = False
        """Whether the app has, or had, a client here."""
        self.limits = DEFAULT
        """Of clients, and of the subscriptions of each."""
        self._mint = mint
        self._timeout_ms = bayeux.milliseconds(advice.get("timeout"), _TIMEOUT_MS)
        self._interval_ms = bayeux.milliseconds(advice.get("interval"), 0)
        self._max_interval_ms = bayeux.milliseconds(advice.get("maxInterval"), _MAX_INTERVAL_MS)
        self._advice = {"reconnect": "retry"} | advice | {"interval": self._interval_ms, "timeout": self._timeout_ms}
        self._told_us = told_us
        self._timestamp = timestamp
        self._clients: dict[str, Client] = {}
        self._deliveries = Deliveries()

    @property
    def is_alive(self) -> bool:
        """Whether the app has a client here."""
        return bool(self._clients)

    @property
    def has_waiting(self) -> bool:
        """Whether there is something that nobody was told."""
        return self._deliveries.is_waiting

    @property
    def told_count(self) -> int:
        """How many messages somebody was told."""
        return self._deliveries.told_count

    @property
    def is_polled(self) -> bool:
        """Whether the app waits at this moment."""
        return bool(self._clients) and any(client.held for client in self._clients.values())

    @property
    def was_asked_in_vain(self) -> bool:
        """Whether the app asked in passing, and got nothing."""
        return any(client.asked_in_vain for client in self._clients.values())

    @property
    def is_awaited(self) -> bool:
        """Whether the app wants what it subscribed to: it waits, or asked in vain."""
        waiting = (client for client in self._clients.values() if client.held or client.asked_in_vain)
        return any(self._deliveries.is_subscribed(client.client_id) for client in waiting)

    def knows(self, client_id: object) -> bool:
        return isinstance(client_id, str) and client_id in self._clients

    def receive(self, carrier: Carrier, messages: tuple[Parsed, ...], now_us: int) -> Iterator[Frame]:
        """The answers to the messages of one request, or of one frame of a WebSocket.

        A connect with nothing to tell is held; over long polling only where it is alone. Events go before the replies,
        and with any of them: but not past an answer that is on its way with earlier ones.
        """
        said: list[bytes] = []
        told: list[bytes] = []
        for message in messages:
            client = self._client(message)
            if client is not None:
                self._keep(client, now_us)
                client.carrier = carrier
            if message.channel == bayeux.HANDSHAKE:
                said.append(self._handshake(message, carrier, now_us))
            elif client is None:
                said.append(replies.unknown(message))
            elif message.channel == bayeux.CONNECT:
                yield from self._answer_held(client, now_us)
                self._acknowledge(client, message)
                self._hold(client, carrier, message, now_us, is_alone=len(messages) == 1)
                if self._is_ready(client, now_us):
                    is_first = not client.has_connected
                    *events, reply = self._connected(client, now_us)
                    told += events
                    said.append(reply)
                    client.asked_in_vain = not (events or is_first)
            elif message.channel == bayeux.DISCONNECT:
                yield from self._answer_held(client, now_us, advice={"reconnect": "none"})
                self._leave(client, extensions.transcript_position(message))
                said.append(self._reply(message, now_us, successful=True))
            else:
                # Before it is looked at: what this very message brings, as a subscription does, comes after its reply.
                asks_again = chat2.resumed_from(message.fields) is not None
                if carrier.transport is Transport.LONG_POLLING and self._may_tell(client) and not asks_again:
                    told += self._deliveries.take(client.client_id, carrier.id)
                said.append(self._plain(client, message, now_us))
        if said or not messages:
            yield Frame(carrier, (*told, *said))

    def deliver(self, channel: str, raw: bytes, position: Position | None = None, is_lost: bool = False) -> None:
        """Queues a message for every subscriber, or, where it is lost, for none; `position`: in a chat, if in one."""
        for client in self._clients.values():
            client.asked_in_vain = client.asked_in_vain and is_lost
        self._deliveries.publish(channel, raw, position, is_lost=is_lost)

    def forget(self, messages: tuple[Parsed, ...]) -> Iterator[Frame]:
        """Forgets the clients that sent these: what they have not, or have not acknowledged, the next one gets."""
        for message in messages:
            if (client := self._client(message)) is not None:
                if client.held is not None:
                    yield Frame(client.held.carrier, (replies.unknown(client.held.message),))
                self._acknowledge(client, message)
                if client.batches is not None:
                    self._deliveries.repeat(client.client_id, client.batches.outstanding)
                self._drop(client)

    def flush(self, now_us: int) -> Iterator[Frame]:
        """Drops silent clients, tells what waits for sockets, answers polls that are ready."""
        for client in list(self._clients.values()):
            if client.held is None and client.expires_at_us <= now_us:
                self._drop(client)
        for client in self._clients.values():
            if client.socket is not None and (told := self._deliveries.take(client.client_id, None)):
                yield Frame(client.socket, told)
            if self._is_ready(client, now_us):
                yield from self._answer_held(client, now_us)

    def make_room(self) -> None:
        """Drops clients that do not wait: where none expires by itself, so that they do not stay for ever."""
        for client in list(self._clients.values()):
            if client.has_connected and client.held is None:
                self._drop(client)

    def release(self, client_id: str, now_us: int) -> tuple[Client, tuple[Frame, ...]]:
        """Lets a client go to another session of its app's; what it holds is answered first."""
        client = self._clients[client_id]
        frames = tuple(self._answer_held(client, now_us))
        self._drop(client)
        return client, frames

    def adopt(self, client: Client, now_us: int) -> None:
        """Takes in a client of another session; it has heard nothing here."""
        if client.batches is not None:
            client.batches.unacknowledged.clear()
        self._admit(client, now_us)

    def gone(self, carrier_id: int, now_us: int) -> None:
        """The app hung up on a poll, or a socket: what the answer carried, or would have, comes with the next.

        What went out over a socket is lost, unless the client would have acknowledged it.
        """
        for client in self._clients.values():
            if client.carrier is not None and client.carrier.is_socket and client.carrier.id == carrier_id:
                client.carrier = None
                if client.batches is not None:
                    self._deliveries.repeat(client.client_id, client.batches.outstanding)
            if client.held is not None and client.held.carrier.id == carrier_id:
                client.held = None
                self._keep(client, now_us)
        self._deliveries.lost(carrier_id)

    def sent(self, request_id: int) -> None:
        """The app has what the answer to a request carried."""
        self._deliveries.arrived(request_id)

    def end(self) -> Iterator[Frame]:
        """Forgets all clients; those that wait are told so."""
        for client in self._clients.values():
            if client.held is not None:
                yield Frame(client.held.carrier, (replies.unknown(client.held.message),))
        self._clients.clear()

    def next_wakeup_us(self) -> int | None:
        if not self._clients:
            return None
        times_us = [client.held.until_us if client.held else client.expires_at_us for client in self._clients.values()]
        return min(times_us)

    def _client(self, message: Parsed) -> Client | None:
        return self._clients.get(message.client_id)

    def _handshake(self, message: Parsed, carrier: Carrier, now_us: int) -> bytes:
        """Takes whoever comes: which of our transports it can speak, the client judges (CometD's BayeuxServerImpl)."""
        if len(self._clients) >= self.limits.clients:
            return replies.too_many(message, "clients", self.limits.clients)
        batches = Batches() if extensions.asks_for_acknowledgement(message) else None
        for one in self._clients.values():
            if one.carrier == carrier and carrier.is_socket:
                # A WebSocket is its last client's: what waits for another would be told twice, or to nobody.
                one.carrier = None
                if one.held is not None and one.held.carrier == carrier:
                    one.held = None
        client = Client(self._mint(), now_us, carrier, batches, self._interval_ms)
        self._admit(client, now_us)
        return self._reply(
            message,
            now_us,
            ext={} if batches is None else {"ack": True},
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=list(CONNECTION_TYPES),
            clientId=client.client_id,
            successful=True,
            advice=self._advice,
        )

    def _admit(self, client: Client, now_us: int) -> None:
        self.has_been_used = True
        self._keep(client, now_us)
        self._clients[client.client_id] = client
        self._deliveries.add(client.client_id)

    def _hold(self, client: Client, carrier: Carrier, message: Parsed, now_us: int, *, is_alone: bool) -> None:
        """Holds a connect: not at all the first time (WIRE: aiocometd), nor where others share its answer."""
        asked = message.part("advice")
        client.interval_ms = bayeux.milliseconds(asked.get("interval"), self._interval_ms)
        until_us = now_us
        if client.has_connected and (is_alone or carrier.is_socket):
            until_us += bayeux.milliseconds(asked.get("timeout"), self._timeout_ms) * 1000
        polling = {one.held.carrier.browser for one in self._clients.values() if one.held}
        may_wait = is_alone and not carrier.is_socket and not self._deliveries.queued(client.client_id)
        is_one_too_many = may_wait and carrier.browser is not None and carrier.browser in polling
        client.held = _Held(carrier, message, now_us if is_one_too_many else until_us, is_one_too_many)

    def _answer_held(self, client: Client, now_us: int, **fields: Any) -> Iterator[Frame]:
        if client.held is not None:
            carrier = client.held.carrier
            yield Frame(carrier, tuple(self._connected(client, now_us, **fields)))

    def _connected(self, client: Client, now_us: int, **fields: Any) -> list[bytes]:
        """Events first, then the connect's reply, as CometD orders them."""
        held = client.held
        assert held is not None, "only a held connect is answered"
        client.held = None
        numbers = self._deliveries.queued(client.client_id)
        events = self._deliveries.take(client.client_id, None if held.carrier.is_socket else held.carrier.id)
        self._keep(client, now_us)
        ext = {} if client.batches is None else {"ack": client.batches.close(numbers)}
        if held.is_one_too_many:
            fields = {"advice": self._advice | _MULTIPLE_CLIENTS} | fields
        elif not client.has_connected or "advice" in held.message.fields:
            # Whoever tells us its own may have forgotten ours (CometD's BayeuxServerImpl).
            fields = {"advice": self._advice | {"interval": client.interval_ms}} | fields
        client.has_connected = True
        return [
            *events,
            self._reply(held.message, now_us, ext=ext, clientId=client.client_id, successful=True, **fields),
        ]

    def _may_tell(self, client: Client) -> bool:
        """Whether events may go out with another answer than a connect's: nobody says which of two arrives first."""
        is_free = client.batches is None and client.held is None
        return is_free and not self._deliveries.is_under_way(client.client_id)

    def _acknowledge(self, client: Client, message: Parsed) -> None:
        """Forgets what the client says that it has, and tells the rest once more."""
        last = extensions.acknowledged(message)
        if client.batches is None or last is None:
            return
        self._deliveries.acknowledge(client.client_id, *client.batches.acknowledge(last))

    def _plain(self, client: Client, message: Parsed, now_us: int) -> bytes:
        if message.channel in (bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE):
            return self._subscription(client, message, now_us)
        why = bayeux.why_unpublishable(message.channel)
        if bayeux.is_service(message.channel) and not why:
            # Whoever asks there listens there: CometD's clients need no subscription for it.
            if exceeded := self._deliveries.exceeded(client.client_id, [message.channel], self.limits):
                return replies.too_many(message, *exceeded)
            self._deliveries.subscribe(client.client_id, [message.channel])
            if (position := chat2.resumed_from(message.fields)) is not None:
                self._deliveries.read_to(client.client_id, position)
        error: dict[str, Any] = {"error": why} if why else {}
        return self._reply(message, now_us, successful=not error, **error)

    def _subscription(self, client: Client, message: Parsed, now_us: int) -> bytes:
        asked = message.fields.get("subscription")
        listed = asked if isinstance(asked, list) else [asked]
        names = [name for name in listed if isinstance(name, str) and bayeux.may_be_subscribed_to(name)]
        if not names or len(names) < len(listed):
            error = "403::subscription_missing" if asked is None else "403::subscription_invalid"
            return self._reply(message, now_us, successful=False, error=error)
        if message.channel == bayeux.UNSUBSCRIBE:
            self._deliveries.unsubscribe(client.client_id, names)
        elif exceeded := self._deliveries.exceeded(client.client_id, names, self.limits):
            return replies.too_many(message, *exceeded)
        else:
            self._deliveries.subscribe(client.client_id, names)
        return self._reply(message, now_us, successful=True)

    def _reply(self, message: Parsed, now_us: int, *, ext: dict[str, Any] | None = None, **fields: Any) -> bytes:
        """A reply, with what the extensions add: the time that the client asks for, and the recorded server's."""
        now_us = self._told_us(now_us)
        ext = dict(ext or {})
        if timesync := extensions.timesync(message, now_us // 1000):
            ext["timesync"] = timesync
        if self._timestamp is not None:
            fields["timestamp"] = self._timestamp(now_us)
        return replies.reply(message, **fields, **({"ext": ext} if ext else {}))

    def _leave(self, client: Client, position: int | None) -> None:
        """An app that says how much of the chat it has gets the rest when it comes back, whatever it was told."""
        if position is not None:
            self._deliveries.read_to(client.client_id, position)
        self._drop(client)

    def _keep(self, client: Client, now_us: int) -> None:
        """Puts off a client's end: from its last sign of life it has the interval that it was told, and some more."""
        client.expires_at_us = now_us + (client.interval_ms + self._max_interval_ms) * 1000

    def _drop(self, client: Client) -> None:
        del self._clients[client.client_id]
        self._deliveries.drop(client.client_id)

    def _is_ready(self, client: Client, now_us: int) -> bool:
        """Whether there is a held connect to be answered now."""
        if client.held is None:
            return False
        is_told = client.socket is None and bool(self._deliveries.queued(client.client_id))
        return is_told or client.held.until_us <= now_us
