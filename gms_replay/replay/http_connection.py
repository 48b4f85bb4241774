"""One HTTP connection of the server, kept within `Limits`: uvicorn's own takes heads, bodies and time without end.

Strategy: the parser calls us for each piece, so what is too much is seen while it comes, and ends the connection: one
answer that says why, as far as no other is under way, and then what still comes is read and dropped for a moment. Were
it closed at once, the kernel would take the answer back from whoever is still sending (RFC 9112, section 9.6).
"""

from http import HTTPStatus
from typing import Any

from gms_replay.replay.breaking import BreakableHttp
from gms_replay.replay.watch import Load, Watched
from gms_replay.replay.wire import UNKNOWN

_SMALL_BYTES = 64 << 10
"""Bodies of that size are read however much is being read elsewhere."""
_LINGER_S = 2
_MOST_LINGERING = 100
_MOST_PIPELINED = 8
_MOST_PIECES = 10_000
"""Whoever sends a body in so many pieces, each as much work as a value, sends more than some bytes in each."""
_LEAST_IN_A_PIECE = 16
_LONGEST_LINE = 8000
"""Of the request that asks for a WebSocket, which `websockets` reads once more, and no longer ones."""


class _RefusedError(Exception):
    """Ends the parser's work."""


class HttpConnection(Watched, BreakableHttp):
    """A connection that is refused what is too much. What of it is idle or under way, `load` knows."""

    def __init__(self, *args: Any, load: Load, **options: Any) -> None:
        super().__init__(*args, **options)
        self._load = load
        self._limits = load.limits
        self._refusal: tuple[int, str] | None = None
        self._most_headers = self._limits.headers
        self._is_over = False
        self._is_in_head = False
        self._head = 0
        self._unparsed = 0
        self._pieces = 0
        self._weighs = 0

    # What asyncio calls.

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = self.client or UNKNOWN
        self.began_at = self.loop.time()
        load = self._load
        while len(self.connections) > self._limits.connections and load.idle:
            oldest = next(iter(load.idle))
            del load.idle[oldest]
            oldest.transport.abort()
            self.connections.discard(oldest)
        if len(self.connections) > self._limits.connections + _MOST_LINGERING:
            transport.abort()
        elif len(self.connections) > self._limits.connections:
            self._refuse(429, f"this server has {self._limits.connections} connections, and no more")
        else:
            load.idle[self] = None

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._load.idle.pop(self, None)
        self._weigh(-self._weighs)
        self.began_at = None

    def data_received(self, data: bytes) -> None:
        if self._is_over:
            return
        if self.began_at is None and not self._is_in_head and not data.strip(b"\r\n"):
            # Some send a line end after a body (RFC 9112, section 2.2); it begins nothing.
            return
        was_in_head = self._is_in_head
        super().data_received(data)
        if self._is_in_head and was_in_head and not self._is_over:
            # The parser keeps what is no whole header yet to itself.
            self._unparsed += len(data)
            if self._unparsed > self._limits.head_bytes:
                self._refuse(431, self._too_long)

    def shutdown(self) -> None:
        if self._is_over:
            self.transport.abort()
        else:
            super().shutdown()

    # What the parser calls.

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._is_in_head = True
        self._head = self._unparsed = self._pieces = self.received = 0
        if self.began_at is None:
            self.began_at = self.loop.time()

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head += len(name) + len(value)
        if len(self.headers) >= self._most_headers:
            self._stop(431, f"a request may have {self._most_headers} headers")
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._is_in_head = False
        if self._head + len(self.url) > self._limits.head_bytes:
            self._stop(431, self._too_long)
        for name, value in self.headers:
            if name == b"content-length" and int(value[:20]) > self._limits.body_bytes:
                self._stop(413, self._too_large)
        if len(self.pipeline) >= _MOST_PIPELINED:
            self._stop(429, f"a connection may have {_MOST_PIPELINED} requests that wait")
        self._load.idle.pop(self, None)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self.received += len(body)
        self._pieces += 1
        if self.received > self._limits.body_bytes:
            self._stop(413, self._too_large)
        if self._pieces > _MOST_PIECES and self.received < self._pieces * _LEAST_IN_A_PIECE:
            self._stop(413, "a body may come in pieces, but not of some bytes each")
        self._weigh(len(body))
        if self._weighs > _SMALL_BYTES and self._load.reading > self._limits.reading_bytes:
            self._stop(429, "too much is being sent at once; try again later")
        super().on_body(body)

    def on_message_complete(self) -> None:
        self.began_at = None
        super().on_message_complete()

    # What uvicorn calls.

    def on_response_complete(self) -> None:
        if self._weighs:
            self._weigh(-self._weighs)
        super().on_response_complete()
        # The next of several that were sent at once is no longer in the pipeline, but under way.
        if not self.pipeline and not self._is_answering and not self.transport.is_closing():
            self._load.idle[self] = None

    def send_400_response(self, msg: str) -> None:
        self._refuse(*self._refusal or (400, msg))

    def handle_websocket_upgrade(self) -> None:
        if self.cycle is not None and not self.cycle.response_complete:
            self._refuse(400, "a WebSocket is asked for when all else is answered")
        elif self._load.sockets >= self._limits.sockets:
            self._refuse(429, f"this server has {self._limits.sockets} WebSockets, and no more")
        elif max((len(name) + len(value) for name, value in self.headers), default=0) + len(self.url) > _LONGEST_LINE:
            self._refuse(431, f"a line of a request for a WebSocket may have {_LONGEST_LINE} bytes")
        elif not self.url.isascii():
            self._refuse(400, "the target of a request is written in ASCII")
        else:
            self._load.idle.pop(self, None)
            super().handle_websocket_upgrade()

    # What `watch` calls.

    def out_of_time(self) -> None:
        if self._is_over or not (self._is_in_head or self.received or self._is_answering):
            # Over, or never begun: there is nobody to be told.
            self.transport.abort()
        elif self.flow.read_paused:
            # It is not the sender who takes his time: an earlier request of his is being answered.
            self.began_at = self.loop.time()
        else:
            self._refuse(408, f"a request is sent within {self._limits.request_s} seconds")

    @property
    def _too_large(self) -> str:
        return f"a body may have {self._limits.body_bytes} bytes"

    @property
    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _too_long(self) -> str:
        return f"a request's head may have {self._limits.head_bytes} bytes"

    def _weigh(self, size: int) -> None:
        self._weighs += size
        self._load.reading += size

    def _stop(self, status: int, why: str) -> None:
        self._refusal = status, why
        raise _RefusedError

    def _refuse(self, status: int, why: str) -> None:
        """Ends the connection with an answer, unless another is under way or waits before it."""
        is_first = not self.pipeline and (self.cycle is None or self.cycle.response_complete)
        is_own = not self.pipeline and not self._is_in_head and self._is_answering and not self.cycle.response_started
        self._is_over = True
        self._load.idle.pop(self, None)
        self._weigh(-self._weighs)
        if self._is_answering:
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.pipeline.clear()
        self._unset_keepalive_if_required()
        if not (is_first or is_own):
            self.transport.close()
            return
        text = f"{why}\n".encode()
        self.transport.write(
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nContent-Type: text/plain; charset=utf-8\r\n"
            f"Content-Length: {len(text)}\r\nConnection: close\r\n\r\n".encode()
            + text
        )
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(_LINGER_S, self.transport.abort)
