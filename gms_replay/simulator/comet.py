"""Comet: Bayeux sessions over polls and WebSockets, as CometD's Java server keeps them.

What is published for a user waits in the user's mailbox until a poll of a subscribed session takes it, or goes out
over its WebSocket. So nothing depends on sessions: what comes before the subscription, what a dropped poll would have
carried, and what came while the app was away is there for the next one. A session that acknowledges what it gets is
told with the replies to its connects only, over a WebSocket too.

On service channels nobody subscribes: whoever publishes there is heard by the server, and what the server has to say to
that is for the session alone, subscribed or not, and lost with it.
"""

import asyncio
import re
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.simulator import acknowledgement
from gms_replay.simulator.call import Caller
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.mailbox import Letter, Mailbox
from gms_replay.simulator.sessions import Client, Sessions, Socket
from gms_replay.simulator.tasks import Tasks

_HOLD_AT_MOST_MS = 600_000
_REHANDSHAKE = {"interval": 0, "reconnect": "handshake"}
_NO_MORE = {"interval": 0, "reconnect": "none"}

Gone = Callable[[], Coroutine[Any, Any, None]]
"""Returns when the peer of a poll has gone away."""

Tell = Callable[[dict[str, Any]], None]
"""Tells one session the data of a frame."""

Hear = Callable[[str, Any, Tell], None]
"""Takes what a session has published on a service channel: the channel, the data, and what tells that session."""


class Comet:
    """All Bayeux sessions. Times are seconds; `max_interval_s` is a session's life after its last poll."""

    def __init__(self, ids: Ids, tasks: Tasks, hear: Hear, *, timeout_s: float, max_interval_s: float) -> None:
        self._ids = ids
        self._tasks = tasks
        self._hear = hear
        self._timeout_s = timeout_s
        self._max_interval_s = max_interval_s
        self._sessions = Sessions()
        self._mail: defaultdict[str | None, Mailbox] = defaultdict(Mailbox)
        self._closed = False

    async def answer(self, messages: Sequence[Parsed], caller: Caller, gone: Gone) -> list[bytes] | None:
        """The messages that answer a frame, events first; None where the peer has gone, and nothing was taken.

        Only a connect that comes alone is held: whoever sends it with others wants those answered.
        """
        for speaker in filter(None, map(self._sessions.find, messages)):
            speaker.socket = None
        if len(messages) == 1 and (client := self._polling(messages[0])):
            return await self._poll(client, messages[0], gone)
        replies = [bayeux.dump(self._reply(message, caller)) for message in messages]
        self._listen(messages)
        events: list[bytes] = []
        for message in messages:
            if client := self._polling(message):
                events += self._take(client)
        self._serve(messages)
        return events + replies

    def hear(self, messages: Sequence[Parsed], caller: Caller, socket: Socket) -> None:
        """Take a frame of a WebSocket. Replies go out over it, each connect's when its hold is over."""
        replies: list[bytes] = []
        for message in messages:
            if client := self._sessions.find(message):
                client.socket = socket
            if client and message.channel == bayeux.CONNECT:
                self._tasks.begin(self._linger(client, message, socket))
            else:
                replies.append(bayeux.dump(self._reply(message, caller)))
        if replies:
            socket.send(replies)
        self._listen(messages)
        self._serve(messages)

    def left(self, socket: Socket) -> None:
        """A WebSocket is closed: its sessions live on for as long as they may without a poll."""
        socket.closed.set()
        for client in self._sessions:
            if client.socket is socket:
                client.socket = None
                self._rest(client)

    def publish(self, user: str, channel: str, data: dict[str, Any], position: int | None = None) -> None:
        """Put an event into a user's mailbox, and wake the newest poll that may take it."""
        event = bayeux.dump({"data": data, "channel": channel})
        self._mail[user].post(Letter(channel, event, data.get("tag", ""), position))
        self._offer(user)

    def forget_mail(self, user: str) -> None:
        """Empty a user's mailbox."""
        self._mail.pop(user, None)

    def chat_begins(self, caller: Caller) -> None:
        """A chat has been started of which this caller's Comet session will be told."""
        self._sessions.chat_begins(caller)

    def close(self) -> None:
        """Answer every held poll, and hold none from now on."""
        self._closed = True
        for client in self._sessions:
            client.wake()

    def _polling(self, message: Parsed) -> Client | None:
        return self._sessions.find(message) if message.channel == bayeux.CONNECT else None

    async def _poll(self, client: Client, message: Parsed, gone: Gone) -> list[bytes] | None:
        if not await self._hold(client, message, gone):
            return None
        reply = bayeux.dump(self._connected(message, client))
        return [*self._take(client), reply]

    async def _linger(self, client: Client, message: Parsed, socket: Socket) -> None:
        """Hold a connect that came over a WebSocket, and answer it there."""
        if await self._hold(client, message, socket.gone):
            reply = bayeux.dump(self._connected(message, client))
            if mail := self._take(client):
                socket.send(mail)
            socket.send([reply])

    async def _hold(self, client: Client, message: Parsed, gone: Gone) -> bool:
        """Hold a connect for as long as there is nothing to tell; False where the peer has gone."""
        _heard(client, message)
        hold_s = self._hold_s(client, message)
        if not hold_s or self._has_mail(client) or (client.batches and client.batches.outstanding):
            return True
        is_there = await self._wait(client, hold_s, gone)
        if not is_there:
            self._rest(client)
        return is_there

    async def _wait(self, client: Client, hold_s: float, gone: Gone) -> bool:
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
        timeout_ms = message.part("advice").get("timeout")
        if isinstance(timeout_ms, int | float) and timeout_ms >= 0:
            return min(timeout_ms, _HOLD_AT_MOST_MS) / 1000
        return self._timeout_s

    def _rest(self, client: Client) -> None:
        """From now on the session lives as long as it may without a poll."""
        if client.expiry:
            client.expiry.cancel()
        if client.held is None and client in self._sessions:
            loop = asyncio.get_running_loop()
            client.expiry = loop.call_later(self._max_interval_s, self._expire, client)

    def _expire(self, client: Client) -> None:
        self._sessions.end(client)
        if client.batches:
            self._mail[client.user].put_back(client.batches.outstanding)
            self._offer(client.user)

    def _offer(self, user: str | None) -> None:
        """Let the newest session that may take a user's mail have it."""
        for client in self._sessions.of(user):
            if self._hand_over(client):
                return

    def _serve(self, messages: Sequence[Parsed]) -> None:
        """Let whoever spoke have what waits for it, for example since it has subscribed."""
        for client in filter(None, map(self._sessions.find, messages)):
            self._hand_over(client)

    def _listen(self, messages: Sequence[Parsed]) -> None:
        for message in messages:
            client = self._sessions.find(message)
            if client and bayeux.is_service(message.channel) and "data" in message.fields:
                self._hear(message.channel, message.fields["data"], partial(self._tell, client, message.channel))

    def _tell(self, client: Client, channel: str, data: dict[str, Any]) -> None:
        """Tell a session what is for nobody else."""
        client.letters.append(Letter(channel, bayeux.dump({"data": data, "channel": channel}), "", None))
        self._hand_over(client)

    def _hand_over(self, client: Client) -> bool:
        return self._has_mail(client) and (self._push(client) or client.wake())

    def _has_mail(self, client: Client) -> bool:
        return bool(client.letters) or self._mail[client.user].waits_for(client.takes)

    def _push(self, client: Client) -> bool:
        """Send a session's mail over its WebSocket; False where that is not the way it goes."""
        if client.socket is None or client.batches:
            return False
        if mail := self._take(client):
            client.socket.send(mail)
        return True

    def _take(self, client: Client) -> list[bytes]:
        if client not in self._sessions:
            return []
        letters = [*client.letters, *self._mail[client.user].take(client.takes)]
        client.letters.clear()
        if client.batches:
            letters = client.batches.fill(letters)
        return [letter.event for letter in letters]

    def _reply(self, message: Parsed, caller: Caller) -> dict[str, Any]:
        if not message.channel:
            return _failure(message, "400::channel_missing")
        if message.channel == bayeux.HANDSHAKE:
            return self._handshaken(message, caller)
        client = self._sessions.find(message)
        if client is None:
            advised = {"advice": _REHANDSHAKE} if message.channel == bayeux.CONNECT else {}
            return _failure(message, bayeux.SESSION_UNKNOWN, **advised)
        if message.channel == bayeux.CONNECT:
            _heard(client, message)
            return self._connected(message, client)
        if message.channel in (bayeux.SUBSCRIBE, bayeux.UNSUBSCRIBE):
            return _subscribed(message, client)
        if message.channel == bayeux.DISCONNECT:
            return self._disconnected(message, client)
        if bayeux.is_meta(message.channel):
            return _failure(message, "404::unknown_meta_channel")
        return bayeux.reply(message, successful=True)

    def _handshaken(self, message: Parsed, caller: Caller) -> dict[str, Any]:
        client = self._sessions.open(self._ids.comet_client(), caller)
        self._rest(client)
        extended = {}
        if acknowledgement.asked_for(message):
            client.batches = acknowledgement.Batches()
            extended = {"ext": {"ack": True}}
        return bayeux.reply(
            message,
            successful=True,
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["websocket", "long-polling", "callback-polling"],
            clientId=client.id,
            advice=self._advice(),
            **extended,
        )

    def _connected(self, message: Parsed, client: Client) -> dict[str, Any]:
        if client not in self._sessions:
            return bayeux.reply(message, successful=True, advice=_NO_MORE)
        asked = not client.connected or "advice" in message.fields
        client.connected = True
        self._rest(client)
        advised = {"advice": self._advice()} if asked else {}
        numbered = {"ext": {"ack": client.batches.begin()}} if client.batches else {}
        return bayeux.reply(message, successful=True, **advised, **numbered)

    def _disconnected(self, message: Parsed, client: Client) -> dict[str, Any]:
        self._sessions.end(client)
        if (position := _position(message)) is not None:
            self._mail[client.user].rewind(position)
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


def _heard(client: Client, connect: Parsed) -> None:
    """The connect that is held goes home, and what this one acknowledges is forgotten."""
    client.wake()
    if client.batches:
        client.batches.acknowledge(connect)


def _position(message: Parsed) -> int | None:
    position = message.part("ext").get("transcriptPosition")
    found = re.fullmatch("[0-9]{1,9}", str(position))
    return int(found[0]) if found else None


def _subscribed(message: Parsed, client: Client) -> dict[str, Any]:
    asked = message.fields.get("subscription")
    named = asked if isinstance(asked, list) else [asked]
    channels = [channel for channel in named if isinstance(channel, str) and bayeux.may_be_subscribed_to(channel)]
    if not channels or len(channels) < len(named):
        return _failure(message, f"403::subscription_{'missing' if asked is None else 'invalid'}")
    if message.channel == bayeux.SUBSCRIBE:
        client.subscriptions.update(channels)
    else:
        client.subscriptions.difference_update(channels)
    return bayeux.reply(message, successful=True)


def _failure(message: Parsed, error: str, **fields: Any) -> dict[str, Any]:
    return bayeux.reply(message, successful=False, error=error, **fields)
