"""The demo's stand-in for a device: GMS, or whoever replays it, pushes to it, and the app on it takes the pushes.

It runs as a process: `python -m gms_replay.demo.device`. It prints its URL. POST there is a push; GET is answered with
the oldest that nobody took, as soon as there is one, or with 204 after a while.
"""

import queue
import signal
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PATIENCE_S = 20.0


class _Pushes(BaseHTTPRequestHandler):
    server: "_Device"

    def do_POST(self) -> None:
        self.server.pushes.put(self.rfile.read(int(self.headers.get("content-length") or 0)))
        self._answer(200)

    def do_GET(self) -> None:
        try:
            self._answer(200, self.server.pushes.get(timeout=PATIENCE_S))
        except queue.Empty:
            self._answer(204)

    def log_message(self, format: str, *args: object) -> None:
        pass

    def _answer(self, status: int, body: bytes = b"") -> None:
        self.send_response(status)
        if status != 204:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Device(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Pushes)
        self.pushes: queue.SimpleQueue[bytes] = queue.SimpleQueue()


def main() -> None:
    """Takes pushes until SIGTERM or SIGINT."""
    device = _Device()
    for name in (signal.SIGTERM, signal.SIGINT):
        # Not from here: it waits for the loop that the signal has interrupted.
        signal.signal(name, lambda *_: Thread(target=device.shutdown).start())
    print(f"device at http://127.0.0.1:{device.server_port}/push", flush=True)
    device.serve_forever()
    sys.exit(0)


if __name__ == "__main__":
    main()
