"""Makes aiocometd 0.4.5 work on the Pythons and the aiohttp of today.

Its last release is of 2019. What has changed under it since:

- `loop` is no argument of asyncio's functions any more (Python 3.10). All of its failures come from this.
- CancelledError is no Exception any more (3.8), so each close would log one.
- aiohttp's WebSockets deprecate `ssl=None` and `receive_timeout`, and closing its session waits for its sockets.

And it polls on after it has left, where a poll is answered in the same moment.

aiocometd's own modules are patched, never asyncio or aiohttp.
"""

import asyncio
from collections.abc import Callable
from functools import wraps
from types import ModuleType
from typing import Any

import aiohttp
from aiocometd import client, utils
from aiocometd.constants import TransportState
from aiocometd.transports import base, long_polling, websocket

_MODULES: tuple[ModuleType, ...] = (client, utils, base, long_polling, websocket)
_TAKES_NO_LOOP = ("Semaphore", "sleep", "wait", "wait_for")


def install() -> None:
    """Patches aiocometd, once; further calls do nothing."""
    if isinstance(vars(client)["asyncio"], _Asyncio):
        return
    stand_in = _Asyncio()
    for module in _MODULES:
        module.__dict__["asyncio"] = stand_in
    base.TransportBase._HTTP_SESSION_CLOSE_TIMEOUT = 0
    _patch(base.TransportBase, "_connect_done", _unless_cancelled)
    _patch(base.TransportBase, "_connect_done", _unless_left)
    _patch(websocket.WebSocketTransport, "_receive_done", _unless_cancelled)
    _patch(websocket.WebSocketTransport, "_get_socket", _with_current_arguments)


class _Asyncio:
    """asyncio as aiocometd knows it: `loop` may be given where it no longer may, and is ignored."""

    def __init__(self) -> None:
        for name in _TAKES_NO_LOOP:
            setattr(self, name, _without_loop(getattr(asyncio, name)))

    def __getattr__(self, name: str) -> Any:
        return getattr(asyncio, name)


def _without_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, loop: asyncio.AbstractEventLoop | None = None, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


def _patch(owner: type, name: str, change: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    setattr(owner, name, change(getattr(owner, name)))


def _unless_cancelled(task_done: Callable[..., None]) -> Callable[..., None]:
    # Only closing cancels these tasks. Their callbacks would let the CancelledError out into the loop's error log.
    @wraps(task_done)
    def call(transport: base.TransportBase, task: "asyncio.Future[Any]") -> None:
        if not task.cancelled():
            task_done(transport, task)

    return call


def _unless_left(connect_done: Callable[..., None]) -> Callable[..., None]:
    # A poll that is answered as its client leaves would count as connected, and the next one would follow.
    @wraps(connect_done)
    def call(transport: base.TransportBase, task: "asyncio.Future[Any]") -> None:
        if transport.state not in (TransportState.DISCONNECTING, TransportState.DISCONNECTED):
            connect_done(transport, task)

    return call


def _with_current_arguments(get_socket: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(get_socket)
    async def call(transport: Any, headers: dict[str, str]) -> Any:
        return await transport._socket_factory(
            transport.endpoint,
            ssl=True if transport.ssl is None else transport.ssl,
            headers=headers,
            timeout=aiohttp.ClientWSTimeout(ws_receive=transport.request_timeout),
            autoping=True,
        )

    return call
