"""Bayeux sessions: how far each is, and whose.

An app names its user in the header `gms_user` of every request. A browser lets no page do so where it loads a script
(callback polling) or opens a WebSocket. A session without a name belongs to the user who last started a chat that is
told over Comet, from the same address; a user without a session goes before one that has one already. Where there is no
such user yet, it belongs to the next that starts such a chat there.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.simulator.acknowledgement import Batches
from gms_replay.simulator.call import Caller
from gms_replay.simulator.mailbox import Letter


@dataclass(eq=False, slots=True)
class Socket:
    """A WebSocket. `send` puts messages on their way, as one frame."""

    send: Callable[[list[bytes]], None]
    closed: asyncio.Event = field(default_factory=asyncio.Event)

    async def gone(self) -> None:
        """Return when it is closed."""
        await self.closed.wait()


@dataclass(eq=False, slots=True)
class Client:
    """One Bayeux session. `held` is the poll that waits, `expiry` what ends a session without one.

    `user` is None as long as nobody knows whose it is, `address` where it came from. `socket` is what it came by last;
    None where that was a request. `batches`: of one that acknowledges. `letters`: what waits for this session alone.
    """

    id: str
    user: str | None
    address: str
    socket: Socket | None = None
    subscriptions: set[str] = field(default_factory=set)
    connected: bool = False
    held: asyncio.Future[None] | None = None
    expiry: asyncio.TimerHandle | None = None
    batches: Batches | None = None
    letters: list[Letter] = field(default_factory=list)

    def takes(self, channel: str) -> bool:
        return any(bayeux.matches(subscription, channel) for subscription in self.subscriptions)

    def wake(self) -> bool:
        """Let the held poll go home; False where there is none."""
        if self.held is None or self.held.done():
            return False
        self.held.set_result(None)
        return True


class Sessions:
    """All sessions that have not ended."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}
        # By address, who started last at the end.
        self._chatting: defaultdict[str, list[str]] = defaultdict(list)

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients.values()))

    def __contains__(self, client: Client) -> bool:
        return client.id in self._clients

    def open(self, client_id: str, caller: Caller) -> Client:
        user = caller.user or self._likely_user(caller.address)
        client = self._clients[client_id] = Client(client_id, user, caller.address)
        return client

    def end(self, client: Client) -> None:
        """End a session; once more does no harm."""
        self._clients.pop(client.id, None)

    def find(self, message: Parsed) -> Client | None:
        """The session that a message names."""
        return self._clients.get(message.client_id)

    def chat_begins(self, caller: Caller) -> None:
        """A chat has been started that is to be told over Comet."""
        nameless = [client for client in self.of(None) if client.address == caller.address]
        if nameless and not self.of(caller.user):
            nameless[0].user = caller.user
        users = self._chatting[caller.address]
        users[:] = [*(user for user in users if user != caller.user), caller.user]

    def of(self, user: str | None) -> list[Client]:
        """A user's sessions, the newest first."""
        return [client for client in reversed(self._clients.values()) if client.user == user]

    def _likely_user(self, address: str) -> str | None:
        users = self._chatting[address][::-1]
        return next((user for user in users if not self.of(user)), users[0] if users else None)
