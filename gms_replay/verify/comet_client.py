"""A Bayeux client for our app and driver: aiocometd's transports; its HTTP session, time limits and errors are ours.

aiocometd's own `Client` takes no HTTP session, hence neither headers nor the cookies of an IP host; and it leaves its
connection open where opening fails or is cancelled. Its transports, which do the protocol, have none of this.
"""

import asyncio
import copy
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import aiohttp
import httpx
from aiocometd.constants import ConnectionType, TransportState
from aiocometd.exceptions import AiocometdException
from aiocometd.extensions import Extension
from aiocometd.transports.abc import Transport as Wire
from aiocometd.transports.registry import create_transport

from gms_replay import bayeux
from gms_replay.errors import BayeuxError, OptionError
from gms_replay.model import Transport
from gms_replay.verify import aiocometd_shim, cookies

_NOTHING_YET = -1
"""What CometD's own clients acknowledge before anything came."""
_CLOSED = "the Comet client is closed: open it with `async with`"


class CometClient:
    """One Bayeux session, open inside `async with`, and again in the next one.

    `headers` travel on every request, and so do the cookies of `jar`, which gets what answers set: an app's REST client
    may share it. `timeout_s` bounds each request but the held polls, and how long the server may be out of reach.
    `transports` come in order of preference: long polling and WebSocket. `proxy` is the URL of an HTTP proxy, `ca_file`
    a PEM file with whom alone to trust.
    Raises BayeuxError where the server refuses, breaks the grammar or stays away, OptionError for other transports.
    """

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        jar: httpx.Cookies | None = None,
        timeout_s: float = 10.0,
        transports: Iterable[Transport] = (Transport.LONG_POLLING,),
        proxy: str | None = None,
        ca_file: Path | None = None,
    ) -> None:
        aiocometd_shim.install()
        self.url = url
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}
        self._jar = httpx.Cookies() if jar is None else jar
        self._timeout_s = timeout_s
        self._types = _connection_types(transports)
        self._proxy = proxy
        self._ca_file = ca_file
        self.says: dict[str, dict[str, Any]] = {}
        """What its messages say beside what Bayeux asks of them, by channel: an `ext`, as a rule. A handshake that asks
        for acknowledgement gets it: connects then say what came. A `timesync` is told our time."""
        self.shaken: dict[str, Any] = {}
        """The reply to its handshake."""
        # Events; then, once, why there will be no more: a text, or None where we closed it ourselves.
        self._inbox: asyncio.Queue[dict[str, Any] | str | None] = asyncio.Queue()
        self._inbox.put_nowait(None)
        self._wire: Wire | None = None
        self._exit = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._inbox = asyncio.Queue()
        async with AsyncExitStack() as stack:
            heard = cookies.Heard(self._jar)
            session = aiohttp.ClientSession(headers=self._headers, cookie_jar=heard, proxy=self._proxy)
            await stack.enter_async_context(session)
            async with self._asking("open"):
                wire = await self._shake_hands(session)
                stack.push_async_callback(self._leave, wire)
                _check(await wire.connect())
            watch = asyncio.create_task(self._watch(wire))
            stack.push_async_callback(_stop, watch)
            self._wire = wire
            self._exit = stack.pop_all()
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        self._wire = None
        await self._exit.aclose()

    async def subscribe(self, channel: str) -> None:
        """Subscribes to a channel, and returns when the server has confirmed it."""
        async with self._asking(f"subscribe to {channel}"):
            _check(await self._open_wire().subscribe(channel))

    async def unsubscribe(self, channel: str) -> None:
        """Takes the subscription to a channel back, and returns when the server has confirmed it."""
        async with self._asking(f"unsubscribe from {channel}"):
            _check(await self._open_wire().unsubscribe(channel))

    async def publish(self, channel: str, data: dict[str, Any]) -> None:
        """Publishes `data` on a channel, and returns when the server has acknowledged it."""
        async with self._asking(f"publish on {channel}"):
            _check(await self._open_wire().publish(channel, data))

    async def next_message(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The next event: its `channel`, `data` and what else it carries. Without `timeout_s` it waits on."""
        try:
            async with asyncio.timeout(timeout_s):
                message = await self._next()
        except TimeoutError:
            raise BayeuxError(f"{self.url}: no message within {timeout_s:g} s") from None
        if message is None:
            raise BayeuxError(f"{self.url}: {_CLOSED}")
        return message

    async def __aiter__(self) -> AsyncIterator[dict[str, Any]]:
        """The events, until this client is closed; raises BayeuxError where the server ends them."""
        while (message := await self._next()) is not None:
            yield message

    async def _next(self) -> dict[str, Any] | None:
        item = await self._inbox.get()
        if isinstance(item, dict):
            return item
        self._inbox.put_nowait(item)
        if item is not None:
            raise BayeuxError(f"{self.url}: {item}")
        return None

    async def _shake_hands(self, session: aiohttp.ClientSession) -> Wire:
        options: dict[str, Any] = {
            "url": self.url,
            "incoming_queue": self._inbox,
            "extensions": [_Habits(self)],
            "json_loads": _loads,
            "http_session": session,
            "ssl": ssl.create_default_context(cafile=self._ca_file) if self._ca_file else None,
        }
        first = create_transport(ConnectionType.LONG_POLLING, **options)
        reply = await first.handshake(self._types)
        _check(reply)
        self.shaken = reply
        offered = reply.get("supportedConnectionTypes") or []
        chosen = next((wanted for wanted in self._types if wanted.value in offered), None)
        if chosen is None:
            raise BayeuxError(f"the server offers none of the wanted connection types, but {offered}")
        self.transport = Transport(chosen.value)
        if chosen is ConnectionType.LONG_POLLING:
            return first
        return create_transport(chosen, client_id=first.client_id, reconnect_advice=first.reconnect_advice, **options)

    def said_cookies(self) -> str:
        """The header "cookie" as it is said now."""
        return cookies.said(self._jar, self.url, self._headers.get("cookie", ""))

    def _open_wire(self) -> Wire:
        if self._wire is None:
            raise BayeuxError(_CLOSED)
        return self._wire

    async def _leave(self, wire: Wire) -> None:
        with suppress(BayeuxError):
            async with self._asking("disconnect"):
                await wire.disconnect()
        await wire.close()

    async def _watch(self, wire: Wire) -> None:
        end: str | None = None
        try:
            end = await _end(wire, self._timeout_s)
            await wire.disconnect()
        finally:
            self._inbox.put_nowait(end)

    @asynccontextmanager
    async def _asking(self, what: str) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            raise BayeuxError(f"{self.url}: {what}: no answer within {self._timeout_s:g} s") from None
        except (AiocometdException, BayeuxError, UnicodeDecodeError) as error:
            raise BayeuxError(f"{self.url}: {what}: {error}") from error
        except KeyError as error:
            raise BayeuxError(f"{self.url}: {what}: the answer lacks the field {error}") from error


class _Habits(Extension):
    """What CometD's own clients do and aiocometd does not, on the messages as they pass."""

    def __init__(self, client: CometClient) -> None:
        self._client = client
        self._connected = False
        self._acknowledged: int | None = None
        """The last batch that came; None where nobody counts."""

    async def outgoing(self, payload: list[dict[str, Any]], headers: dict[str, str]) -> None:
        if said := self._client.said_cookies():
            headers["cookie"] = said
        for message in payload:
            message.update(copy.deepcopy(self._client.says.get(message["channel"], {})))
            if message["channel"] == bayeux.CONNECT:
                # aiocometd takes itself for connected when a poll is answered: the first must not be held.
                if not self._connected:
                    message["advice"] = {"timeout": 0}
                self._connected = False
                if self._acknowledged is not None:
                    message["ext"] = _part(message, "ext") | {"ack": self._acknowledged}
            if "tc" in (asked := _part(_part(message, "ext"), "timesync")):
                asked["tc"] = time.time_ns() // 1_000_000

    async def incoming(self, payload: list[dict[str, Any]], headers: dict[str, str] | None = None) -> None:
        if not payload:
            raise BayeuxError("an answer without messages")
        for message in payload:
            ext = _part(message, "ext")
            if message["channel"] == bayeux.HANDSHAKE:
                self._acknowledged = _NOTHING_YET if ext.get("ack") else None
            elif message["channel"] == bayeux.CONNECT:
                self._connected = message.get("successful") is True
                if self._acknowledged is not None and isinstance(ext.get("ack"), int):
                    self._acknowledged = ext["ack"]
            advice = message.get("advice")
            if isinstance(advice, dict) and isinstance(advice.get("interval"), int | float):
                # Milliseconds (Bayeux 1.0, section 5.2), which aiocometd takes for seconds.
                advice["interval"] /= 1000


def _part(message: dict[str, Any], name: str) -> dict[str, Any]:
    part = message.get(name)
    return part if isinstance(part, dict) else {}


async def _end(wire: Wire, patience_s: float) -> str:
    """Why the session ended; returns once the server has ended it, or was out of reach for `patience_s`."""
    ended = asyncio.create_task(wire.wait_for_state(TransportState.SERVER_DISCONNECTED))
    lost = asyncio.create_task(_lost(wire, patience_s))
    try:
        await asyncio.wait((ended, lost), return_when=asyncio.FIRST_COMPLETED)
    finally:
        ended.cancel()
        lost.cancel()
    return "the server ended the session" if ended.done() else f"no connection for {patience_s:g} s"


async def _lost(wire: Wire, patience_s: float) -> None:
    with suppress(TimeoutError):
        while True:
            await wire.wait_for_state(TransportState.CONNECTING)
            async with asyncio.timeout(patience_s):
                await wire.wait_for_state(TransportState.CONNECTED)


async def _stop(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait((task,))


def _check(reply: dict[str, Any]) -> None:
    if reply.get("successful") is not True:
        raise BayeuxError(f"refused: {reply.get('error', 'no reason given')}")


def _connection_types(transports: Iterable[Transport]) -> list[ConnectionType]:
    try:
        return [ConnectionType(transport.value) for transport in transports]
    except ValueError as error:
        raise OptionError(f"{error}: the Comet client speaks long-polling and websocket") from None


def _loads(text: str) -> list[dict[str, Any]]:
    # bytes(), because aiocometd relies on a TypeError where a closed WebSocket gives None.
    messages = bayeux.parse(bytes(text, "utf-8"))
    for message in messages:
        if not message.channel:
            raise BayeuxError(f"a message without a channel: {message.raw.decode()[:80]}")
    return [message.fields for message in messages]
