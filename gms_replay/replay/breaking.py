"""Connections that a fault ends: what ASGI has no word for, the server offers our app as an extension.

Where the app runs under another server, which offers nothing, a fault of that kind is an error that its caller sees.
"""

import socket
import struct
from collections.abc import MutableMapping
from functools import partial
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.http11 import Request

from gms_replay.replay.wire import BREAK

_AT_ONCE = struct.pack("ii", 1, 0)


class BreakableHttp(HttpToolsProtocol):
    """A connection that answers over HTTP, and may be broken off."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        _offer(self.scope, self.transport)


class BreakableSocket(WebSocketsSansIOProtocol):
    """A WebSocket that may be broken off."""

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if not self.close_sent:
            _offer(self.scope, self.transport)


def _offer(scope: Any, transport: Any) -> None:
    extensions: MutableMapping[str, Any] = scope.setdefault("extensions", {})
    extensions[BREAK] = partial(_end, transport)


def _end(transport: Any, resets: bool) -> None:
    """Ends a connection: when all is out that was written, or, where it resets, at once, by TCP's RST."""
    if not resets:
        transport.close()
        return
    known: socket.socket = transport.get_extra_info("socket")
    # uvloop's stand-in for a socket sets no options.
    with socket.fromfd(known.fileno(), known.family, known.type) as own:
        own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
