"""One WebSocket of the server, kept within `Limits`: uvicorn's own takes parts, and answers pings, without end."""

from typing import Any

from websockets.frames import Frame

from gms_replay.replay.breaking import BreakableSocket
from gms_replay.replay.watch import Load, Watched
from gms_replay.replay.wire import UNKNOWN

_MOST_PARTS = 1000
_MOST_FRAMES = 1000
"""In what is read at once, where each is work for itself."""
_SLICE_BYTES = 8 << 10
_BAD_REQUEST = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_NO_TEXT = 1007
_POLICY = 1008
_TOO_BIG = 1009


class SocketConnection(Watched, BreakableSocket):
    """A WebSocket that counts among the sockets of `load`."""

    def __init__(self, *args: Any, load: Load, **options: Any) -> None:
        super().__init__(*args, **options)
        self._load = load
        self._parts = 0
        self._frames = 0

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.client = self.client or UNKNOWN
        self._load.sockets += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._load.sockets -= 1
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._frames = 0
        for start in range(0, len(data), _SLICE_BYTES):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + _SLICE_BYTES])
            if self._frames > _MOST_FRAMES:
                self._fail(_POLICY, f"{_MOST_FRAMES} frames may come at once")
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            # uvicorn passes over it; whoever asked would wait.
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()
        is_whole = not self._parts and not self.conn.reader.buffer
        if is_whole:
            self.began_at, self.received = None, 0
        else:
            self.began_at = self.loop.time() if self.began_at is None else self.began_at
            self.received += len(data)

    def handle_text(self, event: Frame) -> None:
        self._frames += 1
        self._parts = 0 if event.fin else 1
        super().handle_text(event)

    def handle_bytes(self, event: Frame) -> None:
        self._frames += 1
        self._parts = 0 if event.fin else 1
        super().handle_bytes(event)

    def handle_cont(self, event: Frame) -> None:
        self._frames += 1
        self._parts = 0 if event.fin else self._parts + 1
        if self._parts > _MOST_PARTS:
            self._fail(_TOO_BIG, f"a message may have {_MOST_PARTS} parts")
        else:
            super().handle_cont(event)

    def send_receive_event_to_app(self) -> None:
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            # uvicorn would print where in its code it noticed.
            self._fail(_NO_TEXT, "a text is UTF-8")
        else:
            super().send_receive_event_to_app()

    def handle_ping(self) -> None:
        self._frames += 1
        if self.writable.is_set():
            super().handle_ping()
        else:
            # Whoever does not read is told nothing more: the answer that waits here is not sent.
            self.conn.data_to_send()

    def out_of_time(self) -> None:
        self._fail(_POLICY, f"a message is sent within {self._load.limits.request_s} seconds")

    def _fail(self, code: int, why: str) -> None:
        if not self.transport.is_closing():
            self.conn.fail(code, why)
            self.handle_parser_exception()


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
