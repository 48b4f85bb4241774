"""A server that takes what is posted to it, as whoever stands in for a device does: real HTTP on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue


@dataclass
class Receiver:
    """Where it listens, what came, and how it answers: by these statuses in turn, then by 200."""

    url: str = ""
    came: Queue[tuple[str, dict[str, str], bytes]] = field(default_factory=Queue)
    """Path, headers (names in lower case) and body."""
    statuses: list[int] = field(default_factory=list)
    hangs: threading.Event | None = None
    """Where there is one, nothing is answered before it is set."""

    def next(self) -> tuple[str, dict[str, str], bytes]:
        return self.came.get(timeout=60)


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    """Receives until the end of the block."""
    receiver = Receiver(statuses=list(statuses))

    class Taking(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            receiver.came.put((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            if receiver.hangs:
                receiver.hangs.wait(60)
            self.send_response(receiver.statuses.pop(0) if receiver.statuses else 200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Taking)
    server.daemon_threads = False
    receiver.url = f"http://127.0.0.1:{server.server_port}/push"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        if receiver.hangs:
            receiver.hangs.set()
        server.shutdown()
        thread.join()
        server.server_close()
