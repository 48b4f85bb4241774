"""Bayeux over long polling on httpx, as CometD's JavaScript client does it (Bayeux 1.0).

One URL per kind of message (`/handshake`, `/connect`, `/disconnect`, `/` for the rest), cookies kept, a first connect
that is not held, then one that always is. The server's advice decides whether and when to poll again, to shake hands
anew, or to give up.
"""

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx

Fields = dict[str, Any]
EventTaken = Callable[[str, bytes, Fields], None]

_HELD_AT_MOST_S = 60.0
_SLACK_S = 10.0
_PATIENCE_S = 20.0
_BACKOFF_S = 0.2
_RETRIES = 5


class CometError(Exception):
    """The server broke the protocol; one line."""


class LongPoll:
    """A Comet client. `on_event` gets channel, the message's own bytes and its fields, in the order of the wire."""

    def __init__(self, http: httpx.AsyncClient, url: str, on_event: EventTaken) -> None:
        self._http, self._url, self._on_event = http, url.rstrip("/"), on_event
        self._client_id = ""
        self._advice: Fields = {}
        self._channels: list[str] = []
        self._last_id = 0
        self._polling: asyncio.Task[None] | None = None

    async def open(self, *channels: str) -> None:
        """Shakes hands, connects, subscribes, and then polls on in a task."""
        self._channels = list(channels)
        await self._begin()
        self._polling = asyncio.create_task(self._poll())

    def failed(self) -> BaseException | None:
        """Why it polls no more, if it failed."""
        if self._polling is None or not self._polling.done() or self._polling.cancelled():
            return None
        return self._polling.exception()

    async def close(self) -> None:
        """`/meta/disconnect`; the held connect is answered by it, or dropped."""
        polling, self._polling = self._polling, None
        try:
            reply = await self._ask("/meta/disconnect", "/disconnect")
            _succeeded(reply)
            if polling:
                await asyncio.wait([polling], timeout=_PATIENCE_S)
        finally:
            if polling and not polling.done():
                polling.cancel()
            if polling:
                with contextlib.suppress(asyncio.CancelledError):
                    await polling

    async def abandon(self) -> None:
        """Drops everything, as an app that is killed."""
        if self._polling:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)

    async def _begin(self) -> None:
        await self._handshake()
        reply = await self._ask("/meta/connect", "/connect", connectionType="long-polling", advice={"timeout": 0})
        _succeeded(reply)
        await self._subscribe()

    async def _handshake(self) -> None:
        self._client_id = ""
        reply = await self._ask(
            "/meta/handshake",
            "/handshake",
            version="1.0",
            minimumVersion="1.0",
            supportedConnectionTypes=["long-polling"],
            advice={"timeout": 60000, "interval": 0},
        )
        _succeeded(reply)
        if "long-polling" not in reply.get("supportedConnectionTypes", []):
            raise CometError(f"the handshake offers no long-polling: {reply}")
        if not isinstance(reply.get("clientId"), str) or not reply["clientId"]:
            raise CometError(f"the handshake gives no clientId: {reply}")
        self._client_id = reply["clientId"]

    async def _subscribe(self) -> None:
        for channel in self._channels:
            reply = await self._ask("/meta/subscribe", "/", subscription=channel)
            _succeeded(reply)
            if reply.get("subscription") != channel:
                raise CometError(f"subscribed to {channel}, confirmed is {reply.get('subscription')}")

    async def _poll(self) -> None:
        """Holds a connect, again and again; ends when `close` has begun."""
        failures = 0
        while self._polling is not None:
            try:
                reply = await self._ask("/meta/connect", "/connect", connectionType="long-polling")
            except httpx.TransportError as error:
                failures += 1
                if failures > _RETRIES:
                    raise CometError(f"/meta/connect failed {failures} times: {error!r}") from error
                await asyncio.sleep(_BACKOFF_S * failures)
                continue
            failures = 0
            await self._follow(reply)

    async def _follow(self, reply: Fields) -> None:
        """What the advice says after a connect: again, from the handshake, or no more."""
        if self._polling is None:
            return
        advised = self._advice.get("reconnect", "retry")
        if reply.get("successful") is not True:
            advised = "handshake" if str(reply.get("error", "")).startswith("402") else advised
            if advised == "retry":
                raise CometError(f"/meta/connect was refused, and is to be retried: {reply}")
        if advised == "none":
            raise CometError(f"the server wants no more connects: {reply}")
        await asyncio.sleep(float(self._advice.get("interval", 0)) / 1000)
        if advised == "handshake":
            self._advice = {}
            await self._begin()

    async def _ask(self, channel: str, suffix: str, **fields: Any) -> Fields:
        """Sends one message and gives its reply; events in the same answer are taken first, in their order."""
        self._last_id += 1
        message = {"id": str(self._last_id), "channel": channel} | fields
        if self._client_id:
            message["clientId"] = self._client_id
        held_s = float(self._advice.get("timeout", _HELD_AT_MOST_S * 1000)) / 1000 if channel == "/meta/connect" else 0
        answer = await self._http.post(
            self._url + suffix,
            content=json.dumps([message]),
            headers={"content-type": "application/json;charset=UTF-8"},
            timeout=_PATIENCE_S if not held_s else held_s + _SLACK_S,
        )
        return self._taken(answer, message)

    def _taken(self, answer: httpx.Response, message: Fields) -> Fields:
        channel = message["channel"]
        if answer.status_code != 200:
            raise CometError(f"{channel} was answered with HTTP {answer.status_code}: {answer.text[:200]!r}")
        found: Fields | None = None
        for raw, fields in _messages(answer.content):
            if isinstance(fields.get("advice"), dict):
                self._advice |= fields["advice"]
            if fields.get("channel") == channel and fields.get("id") == message["id"]:
                if found is not None:
                    raise CometError(f"{channel} was answered twice: {answer.text[:200]!r}")
                found = fields
            elif str(fields.get("channel", "")).startswith("/meta/"):
                raise CometError(f"a reply to nothing that was asked, to {channel} {message['id']}: {fields}")
            elif "data" in fields:
                self._on_event(fields["channel"], raw, fields)
        if found is None:
            raise CometError(f"no reply to {channel} {message['id']} in {answer.text[:200]!r}")
        return found


def _succeeded(reply: Fields) -> None:
    if reply.get("successful") is not True:
        raise CometError(f"{reply.get('channel')} was refused: {reply.get('error', reply)}")


def _messages(body: bytes) -> list[tuple[bytes, Fields]]:
    """The messages of a frame, each with its own bytes."""
    decoder = json.JSONDecoder()
    try:
        text = body.decode("utf-8")
        whole = json.loads(text)
    except ValueError as error:
        raise CometError(f"a frame that is no JSON ({error}): {body[:200]!r}") from None
    if not isinstance(whole, list) or not all(isinstance(message, dict) for message in whole):
        raise CometError(f"a frame is an array of messages, not {text[:200]!r}")
    found: list[tuple[bytes, Fields]] = []
    at = text.index("[") + 1
    for _ in whole:
        at = text.index("{", at)
        fields, end = decoder.raw_decode(text, at)
        found.append((text[at:end].encode(), fields))
        at = end
    return found
