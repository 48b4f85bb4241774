"""How many answers the player gives, beside an ASGI app that does nothing else, on the same server.

Both answer as many bytes, in turns; the answers have three slots of the player's. An app starts a callback, and then
asks for its record again and again, over some connections at once, over each for one answer after the other. It shares
the machine's cores with the server.
"""

import argparse
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from answer_server import CALLBACK, QUERY

HERE = Path(__file__).parent
KINDS = ("bare", "player")
CONNECTIONS = 8


class Asking:
    """One server, and connections to it."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
        self.last_words = ""
        """What the server printed at its end."""
        self._request = _request("GET", QUERY)
        self._answered(_request("POST", CALLBACK))
        self._answer_bytes = self._answered(self._request)

    def _answered(self, request: bytes) -> int:
        """How many bytes the answer to a request has."""
        self._sockets[0].sendall(request)
        with self._sockets[0].makefile("rb") as answer:
            head = b"".join(iter(answer.readline, b"\r\n"))
            body = answer.read(int(head.lower().partition(b"content-length:")[2].split()[0]))
        return len(head) + len(b"\r\n") + len(body)

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


def _request(method: str, target: str) -> bytes:
    named = "host: play.example:8080\r\ngms_user: bob@example.com\r\naccept: */*\r\nuser-agent: app/1.0"
    return f"{method} {target} HTTP/1.1\r\n{named}\r\n\r\n".encode()


@contextmanager
def serving(kind: str) -> Iterator[Asking]:
    """A server of that kind."""
    command = [sys.executable, str(HERE / "answer_server.py"), kind]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        asking = Asking(int(process.stdout.readline()))
        yield asking
        assert process.stdin is not None
        process.stdin.close()
        asking.last_words = process.stdout.read()


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


def profile(count: int) -> str:
    """In which modules the player's process is while it gives so many answers, as a table."""
    with serving("profiled") as asking:
        asking.ask_s(count)
    shares: Counter[str] = Counter()
    for share, module in map(str.split, asking.last_words.splitlines()):
        shares[module if module.startswith("gms_replay.") else "uvicorn and all else"] += float(share)
    return "\n".join(
        ["| share | module |", "|---|---|", *(f"| {n:.3f} | {name} |" for name, n in shares.most_common(15))]
    )


def main() -> None:
    """Measures, and prints what of the bare app's throughput the player has: medians and quartiles over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20, help="(default: %(default)s)")
    parser.add_argument("--answers", type=int, default=5000, help="in each round (default: %(default)s)")
    parser.add_argument("--profile", action="store_true", help="tell instead where the player's time goes")
    options = parser.parse_args()
    if options.profile:
        print(profile(options.rounds * options.answers))
        return
    found = measure(options.rounds, options.answers)
    shares = [bare / player for bare, player in zip(found["bare"], found["player"], strict=True)]
    low, middle, high = statistics.quantiles(shares, n=4, method="inclusive")
    print("| | lower quartile | median | upper quartile |\n|---|---|---|---|")
    print(f"| player ÷ bare | {low:.3f} | {middle:.3f} | {high:.3f} |")


if __name__ == "__main__":
    main()
