"""Bayeux sessions: how far each is, and where it is to be found."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from gms_replay import bayeux
from gms_replay.bayeux import Parsed


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

    `socket` is what it came by last; None where that was a request.
    """

    id: str
    user: str
    socket: Socket | None = None
    subscriptions: set[str] = field(default_factory=set)
    connected: bool = False
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


class Sessions:
    """All sessions that have not ended."""

    def __init__(self) -> None:
        self._clients: dict[str, Client] = {}

    def __iter__(self) -> Iterator[Client]:
        return iter(list(self._clients.values()))

    def __contains__(self, client: Client) -> bool:
        return client.id in self._clients

    def open(self, client_id: str, user: str) -> Client:
        client = self._clients[client_id] = Client(client_id, user)
        return client

    def end(self, client: Client) -> None:
        """End a session; once more does no harm."""
        self._clients.pop(client.id, None)

    def find(self, message: Parsed) -> Client | None:
        """The session that a message names."""
        client_id = message.fields.get("clientId")
        return self._clients.get(client_id) if isinstance(client_id, str) else None

    def of(self, user: str) -> list[Client]:
        """A user's sessions, the newest first."""
        return [client for client in reversed(self._clients.values()) if client.user == user]
