"""How many answers the player gives, beside an ASGI app that does nothing else, on the same server.

Both answer as many bytes, in turns; the answers have three slots that the player fills anew. Some connections ask at
once, each for one answer after the other, as apps do; they share the machine's cores with the server.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from answer_server import QUERY

HERE = Path(__file__).parent
KINDS = ("bare", "player")
CONNECTIONS = 8


class Asking:
    """One server, and connections to it."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        head = f"GET {QUERY} HTTP/1.1\r\nhost: play.example:8080\r\ngms_user: bob@example.com\r\n"
        self._request = f"{head}accept: */*\r\nuser-agent: app/1.0\r\n\r\n".encode()
        self._sockets[0].sendall(self._request)
        with self._sockets[0].makefile("rb") as answer:
            head = b"".join(iter(answer.readline, b"\r\n"))
            body = answer.read(int(head.lower().partition(b"content-length:")[2].split()[0]))
        self._answer_bytes = len(head) + len(b"\r\n") + len(body)

    def ask_s(self, count: int) -> float:
        """How long so many answers take."""
        began_s = time.perf_counter()
        for _ in range(count // CONNECTIONS):
            for each in self._sockets:
                each.sendall(self._request)
            for each in self._sockets:
                left = self._answer_bytes
                while left:
                    left -= len(each.recv(left))
        return time.perf_counter() - began_s


@contextmanager
def serving(kind: str) -> Iterator[Asking]:
    """A server of that kind."""
    command = [sys.executable, str(HERE / "answer_server.py"), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield Asking(int(process.stdout.readline()))
        assert process.stdin is not None
        process.stdin.close()


def measure(rounds: int, count: int) -> dict[str, list[float]]:
    """Seconds of each round, by kind of server."""
    found: dict[str, list[float]] = {kind: [] for kind in KINDS}
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(serving(kind)) for kind in KINDS}
        for kind in KINDS:
            servers[kind].ask_s(count)
        for number in range(rounds):
            for kind in KINDS[:: 1 if number % 2 else -1]:
                found[kind].append(servers[kind].ask_s(count))
    return found


def main() -> None:
    """Measures, and prints what of the bare app's throughput the player has: medians and quartiles over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--answers", type=int, default=5000, help="in each round (default: %(default)s)")
    options = parser.parse_args()
    found = measure(options.rounds, options.answers)
    shares = [bare / player for bare, player in zip(found["bare"], found["player"], strict=True)]
    low, middle, high = statistics.quantiles(shares, n=4)
    print("| | lower quartile | median | upper quartile |\n|---|---|---|---|")
    print(f"| player ÷ bare | {low:.3f} | {middle:.3f} | {high:.3f} |")


if __name__ == "__main__":
    main()
