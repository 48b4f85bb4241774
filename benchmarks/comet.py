"""What a held Comet session costs, and how punctual many are: the player beside an ASGI app that does nothing else.

Both hold the same polls, on the same server with the same settings, for the same apps, one after the other and in
turns. Linux only: memory is read from /proc.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
KINDS = ("bare", "player")
# From an app's start to its message. With so many a second, 1,500 apps hold a poll when the first message is due.
GAP_S = 10.0
# From the last message to the moment at which all polls end.
SETTLE_S = 2.0
PER_SECOND = 150
FOREVER_MS = 600_000


class App:
    """One app on one connection: a callback, a handshake, a subscription, and polls."""

    def __init__(self, number: int, port: int) -> None:
        self._number = number
        self._port = port
        self.client = ""
        self.started_s = 0.0

    async def open(self) -> None:
        """All that comes before the first held poll."""
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        self.started_s = time.time()
        await self.ask("/genesys/1/service/callback/sales", {})
        (shaken,) = await self.comet("handshake")
        self.client = shaken["clientId"]
        await self.comet("connect")
        await self.comet("subscribe", subscription="/_genesys")

    async def comet(self, name: str, **fields: Any) -> Any:
        return await self.ask(
            "/genesys/cometd", [{"channel": f"/meta/{name}", "id": "1", "clientId": self.client} | fields]
        )

    async def ask(self, path: str, value: Any) -> Any:
        body = json.dumps(value).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nhost: gms\r\ngms_user: app{self._number}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].split()[0])
        return json.loads(await self._reader.readexactly(length))

    def close(self) -> None:
        self._writer.close()


async def visits(port: int, apps: int, pid: int) -> dict[str, float]:
    """Apps come one by one and wait for their messages; then all hold a poll, and all polls end at one moment."""
    before_kib = memory_kib(pid)
    # All have their message by then.
    end_s = time.time() + apps / PER_SECOND + GAP_S + SETTLE_S
    late_ms: list[float] = []

    async def one(number: int) -> float:
        await asyncio.sleep(number / PER_SECOND)
        app = App(number, port)
        await app.open()
        told = await app.comet("connect", advice={"timeout": FOREVER_MS})
        late_ms.append((time.time() - app.started_s - GAP_S) * 1000)
        assert told[0]["channel"] == "/_genesys", told
        (reply,) = await app.comet("connect", advice={"timeout": round((end_s - time.time()) * 1000)})
        now_s = time.time()
        assert reply["successful"], reply
        app.close()
        return now_s

    running = [asyncio.ensure_future(one(number)) for number in range(apps)]
    await asyncio.sleep(end_s - time.time() - SETTLE_S / 2)
    each_kib = (memory_kib(pid) - before_kib) / apps
    last_s = max(await asyncio.gather(*running))
    cuts = statistics.quantiles(late_ms, n=100, method="inclusive")
    return {
        "late, median, ms": cuts[49],
        "late, p99, ms": cuts[98],
        "held, KiB each": each_kib,
        "release of all, s": last_s - end_s,
    }


@contextmanager
def serving(kind: str) -> Iterator[tuple[int, int]]:
    """The port and the process of a server."""
    command = [sys.executable, str(HERE / "comet_server.py"), kind, str(GAP_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline()), process.pid
        assert process.stdin is not None
        process.stdin.close()


def memory_kib(pid: int) -> int:
    return int(Path("/proc", str(pid), "status").read_text().partition("VmRSS:")[2].split()[0])


def measure(apps: int, rounds: int) -> dict[str, dict[str, list[float]]]:
    """What was found in each round, by kind of server."""
    found: dict[str, dict[str, list[float]]] = {kind: {} for kind in KINDS}
    for number in range(rounds):
        for kind in KINDS[:: 1 if number % 2 else -1]:
            with serving(kind) as (port, pid):
                figures = asyncio.run(visits(port, apps, pid))
            for name, value in figures.items():
                found[kind].setdefault(name, []).append(value)
    return found


def main() -> None:
    """Measures, and prints a table of medians over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--apps", type=int, default=1000, help="(default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="(default: %(default)s)")
    options = parser.parse_args()
    found = measure(options.apps, options.rounds)
    print(f"{options.apps:,} apps, medians of {options.rounds} rounds\n")
    print("| | bare | player | player ÷ bare |\n|---|---|---|---|")
    for name in found["bare"]:
        bare, player = (statistics.median(found[kind][name]) for kind in KINDS)
        print(f"| {name} | {bare:.3g} | {player:.3g} | {player / bare:.2f} |")


if __name__ == "__main__":
    main()
