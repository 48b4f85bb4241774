"""Comet over a WebSocket, as ASGI carries it."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gms_replay import bayeux
from gms_replay.errors import BayeuxError
from gms_replay.simulator.call import Caller
from gms_replay.simulator.comet import Comet
from gms_replay.simulator.sessions import Socket

Event = MutableMapping[str, Any]

_UNEXPECTED = 1011


async def converse(
    comet: Comet, caller: Caller, receive: Callable[[], Awaitable[Event]], send: Callable[[Event], Awaitable[None]]
) -> None:
    """Accept a WebSocket and carry its frames until the app closes it, or sends what is no Bayeux."""
    await receive()
    await send({"type": "websocket.accept"})
    outbox: asyncio.Queue[list[bytes]] = asyncio.Queue()
    socket = Socket(outbox.put_nowait)
    sending = asyncio.ensure_future(_send_all(outbox, send))
    try:
        while (event := await receive())["type"] == "websocket.receive":
            try:
                text = event.get("text")
                messages = bayeux.parse(event["bytes"] if text is None else text.encode())
            except BayeuxError as error:
                await send({"type": "websocket.close", "code": _UNEXPECTED, "reason": str(error)[:80]})
                return
            comet.hear(messages, caller, socket)
    finally:
        comet.left(socket)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)


async def _send_all(outbox: asyncio.Queue[list[bytes]], send: Callable[[Event], Awaitable[None]]) -> None:
    while True:
        await send({"type": "websocket.send", "text": bayeux.frame(await outbox.get()).decode()})
