"""A TLS server that stands in Apple's place for its binary protocol, and both ends of a connection to it."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import Queue
from typing import Any

WAIT_S = 40


class Provider:
    """A TLS server whose certificate is mitmproxy's own: a test takes each connection, and plays Apple's part."""

    def __init__(self, certificate: Path) -> None:
        self._context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._context.load_cert_chain(certificate)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        self._taken: Queue[ssl.SSLSocket] = Queue()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def take(self) -> ssl.SSLSocket:
        """The next connection, once it is there."""
        return self._taken.get(timeout=WAIT_S)

    def close(self) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._server.close()

    def _serve(self) -> None:
        while True:
            try:
                plain, _ = self._server.accept()
            except OSError:
                return
            plain.settimeout(WAIT_S)
            self._taken.put(self._context.wrap_socket(plain, server_side=True))


@contextmanager
def connected(mitmdump: Any, provider: Provider, *at: Any) -> Iterator[tuple[ssl.SSLSocket, ssl.SSLSocket]]:
    """Both ends of a connection through a recorder. `at`: the port there, and the host; unless told its first."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with mitmdump.connected(*at) as plain, context.wrap_socket(plain) as gms, provider.take() as apple:
        yield gms, apple


def received(end: ssl.SSLSocket, length: int) -> bytes:
    """So many bytes, once they are there."""
    told = b""
    while len(told) < length:
        piece = end.recv(length - len(told))
        assert piece, f"closed after {told!r}"
        told += piece
    return told


def passes(sender: ssl.SSLSocket, receiver: ssl.SSLSocket, *pieces: bytes) -> None:
    """Each piece arrives before the next is sent."""
    for piece in pieces:
        sender.sendall(piece)
        assert received(receiver, len(piece)) == piece
