"""A Bayeux client over long polling, on httpx, that sends in batches, as faye does: several messages in one request.

It has one request under way at a time, and one URL for all. A handshake travels alone, the first connect together with
the subscription, the disconnect with the unsubscription, and what is published with the connect that is held next.
"""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import httpx

GENESYS = "/_genesys"
_PATIENCE_S = 60.0
Message = dict[str, Any]


class Batches:
    """The client's side of one session; `opened` makes it."""

    def __init__(self, http: httpx.AsyncClient, url: str) -> None:
        self._http, self._url = http, url
        self._numbers = count(1)
        self._common: Message = {}
        self._unsent: list[Message] = []
        self._heard: deque[Message] = deque()

    async def next_message(self, timeout_s: float | None = None) -> Message:
        while not self._heard:
            batch, self._unsent = [*self._unsent, self._connect()], []
            await self._send(*batch, timeout_s=timeout_s)
        return self._heard.popleft()

    async def say(self, text: str) -> None:
        await self.publish("/service/echo", {"text": text})

    async def publish(self, channel: str, data: Message) -> None:
        self._unsent.append({"channel": channel, "data": data})

    async def open(self) -> None:
        types = ["long-polling"]
        shaken = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": types}
        [reply] = await self._send(shaken)
        self._common = {"clientId": reply["clientId"]}
        await self._send(self._connect(advice={"timeout": 0}), {"channel": "/meta/subscribe", "subscription": GENESYS})

    async def close(self) -> None:
        """Disconnects; nothing may come any more that nobody waited for."""
        await self._send({"channel": "/meta/unsubscribe", "subscription": GENESYS}, {"channel": "/meta/disconnect"})
        assert not self._heard, self._heard

    @staticmethod
    def _connect(**fields: Any) -> Message:
        return {"channel": "/meta/connect", "connectionType": "long-polling", **fields}

    async def _send(self, *messages: Message, timeout_s: float | None = _PATIENCE_S) -> list[Message]:
        """The replies, one to each, in whatever order; keeps the events beside them."""
        batch = [{"id": str(next(self._numbers)), **self._common, **message} for message in messages]
        answer = await self._http.post(self._url, json=batch, timeout=timeout_s)
        told = answer.raise_for_status().json()
        replies = [message for message in told if "data" not in message]
        self._heard += (message for message in told if "data" in message)
        assert {reply["id"]: reply["channel"] for reply in replies} == {one["id"]: one["channel"] for one in batch}, (
            told
        )
        assert all(reply["successful"] for reply in replies), told
        return replies


@asynccontextmanager
async def opened(url: str, user: str) -> AsyncIterator[Batches]:
    """A client that is subscribed to /_genesys, until it has disconnected."""
    async with httpx.AsyncClient(headers={"gms_user": user}, trust_env=False) as http:
        client = Batches(http, url)
        await client.open()
        yield client
        await client.close()
