"""How late well-behaved apps get their messages while others flood the server, or starve it, beside the same without.

A hundred apps go through a visit each and wait for a message; meanwhile another process attacks. All on loopback, with
the server's own limits as they are. Attacks end after some seconds.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

from comet import App
from comet_server import COMET, recording
from websockets.asyncio.client import connect as connect_socket

GAP_S = 3.0
"""From an app's start to its message."""
APPS = 100
PER_SECOND = 50
ATTACK_S = GAP_S + APPS / PER_SECOND + 1.5
HEAD_S = 0.5
"""So long an attack goes on before the first app comes."""


async def loris(port: int) -> None:
    """Five hundred send a byte of a head at a time."""

    async def one() -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST /genesys/cometd HTTP/1.1\r\n")
        for number in count():
            writer.write(b"a: %d\r\n" % number)
            await asyncio.sleep(0.5)

    await asyncio.gather(*(one() for _ in range(500)))


async def idle(port: int) -> None:
    """Two thousand connections say nothing."""
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2000)]
    await asyncio.sleep(ATTACK_S)
    del held


async def batches(port: int) -> None:
    """Eight post batches of a hundred messages, of one more, and of a hundred thousand."""
    frames = [json.dumps([{"channel": "/meta/connect", "clientId": "x"}] * size) for size in (100, 101, 100_000)]

    async def one(frame: str) -> None:
        while True:
            await _posted(port, COMET, frame.encode())

    await asyncio.gather(*(one(frames[number % 3]) for number in range(8)))


async def connects(port: int) -> None:
    """Twenty clients connect in a loop, and never wait."""

    async def one(number: int) -> None:
        app = App(10_000 + number, port)
        await app.open()
        while True:
            await app.comet("connect", advice={"timeout": 0})

    await asyncio.gather(*(one(number) for number in range(20)))


async def handshakes(port: int) -> None:
    """Twenty shake hands for ever, each time as another user, and start a callback."""

    async def one(number: int) -> None:
        for visit in count():
            app = App(100_000 * (number + 1) + visit, port)
            await app.open()
            app.close()

    await asyncio.gather(*(one(number) for number in range(20)))


async def unread(port: int) -> None:
    """Fifty ask, read nothing, and begin anew after a second."""
    ask = b"GET /genesys/1/service/callback/other HTTP/1.1\r\nhost: gms\r\n\r\n"

    async def one() -> None:
        while True:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
                reader._transport.pause_reading()  # type: ignore[attr-defined]
                writer.write(ask * 8)
                await asyncio.sleep(1)
                writer.close()

    await asyncio.gather(*(one() for _ in range(50)))


async def sockets(port: int) -> None:
    """Ten WebSockets say what is no client's as fast as they can, and hear nothing of the answers."""
    frame = json.dumps([{"channel": "/meta/connect", "clientId": "x"}] * 5)

    async def one() -> None:
        while True:
            with suppress(OSError):
                async with connect_socket(f"ws://127.0.0.1:{port}{COMET}", proxy=None) as talk:
                    while True:
                        await talk.send(frame)

    await asyncio.gather(*(one() for _ in range(10)), return_exceptions=True)


async def garbage(port: int) -> None:
    """Ten send header bombs, deep JSON and what is no HTTP, on a connection each."""
    bombs = (
        b"GET / HTTP/1.1\r\n" + b"a: b\r\n" * 100_000,
        b"GET / HTTP/1.1\r\na: " + b"b" * 1_000_000,
        b"POST /genesys/cometd HTTP/1.1\r\ncontent-length: 100000\r\n\r\n" + b"[" * 100_000,
        b"\x00" * 100_000,
    )

    async def one(number: int) -> None:
        for turn in count(number):
            with suppress(OSError):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(bombs[turn % len(bombs)])
                with suppress(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await reader.read()
                writer.close()

    await asyncio.gather(*(one(number) for number in range(10)))


async def _posted(port: int, path: str, body: bytes) -> None:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        head = f"POST {path} HTTP/1.1\r\nhost: gms\r\nconnection: close\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        await reader.read()
        writer.close()


ATTACKS: dict[str, Callable[[int], Awaitable[None]]] = {
    one.__name__: one for one in (loris, idle, batches, connects, handshakes, unread, sockets, garbage)
}


async def attack(name: str, port: int) -> None:
    # Where the server ends before, so does the attack.
    with suppress(TimeoutError, OSError, asyncio.IncompleteReadError):
        async with asyncio.timeout(ATTACK_S):
            await ATTACKS[name](port)


async def late_ms(port: int) -> list[float]:
    """How much later than recorded each app gets its message."""

    async def one(number: int) -> float:
        await asyncio.sleep(HEAD_S + number / PER_SECOND)
        app = App(number, port)
        await app.open()
        told = await app.comet("connect")
        assert told[0]["channel"] == "/_genesys", told
        app.close()
        return (time.time() - app.started_s - GAP_S) * 1000

    return list(await asyncio.gather(*map(one, range(APPS))))


def serve() -> None:
    """Serves on a port that it prints, until its standard input ends."""
    import threading

    from gms_replay.player import Player
    from gms_replay.replay.asgi import ReplayApp
    from gms_replay.replay.aside import Aside
    from gms_replay.replay.server import ReplayServer, spare_collector
    from gms_replay.replay.wall import wall_clock_us
    from gms_replay.story import compile_stories

    spare_collector()
    app = ReplayApp(Player(compile_stories(recording(GAP_S))), clock=wall_clock_us, note=lambda text: None)
    server = ReplayServer(app, Aside(), "127.0.0.1", 0, announce=lambda origin: print(server.port, flush=True))

    def end() -> None:
        sys.stdin.read()
        server.should_exit = True

    threading.Thread(target=end, daemon=True).start()
    server.run_bound()


@contextmanager
def serving() -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield int(process.stdout.readline())
        process.stdin.close()


def found(name: str | None) -> list[float]:
    """How late apps are at a server of their own, while that attack goes on, or none."""
    with serving() as port:
        command = [sys.executable, __file__, "--attack", str(name), "--port", str(port)]
        attacker = subprocess.Popen(command) if name else None
        try:
            return asyncio.run(late_ms(port))
        finally:
            if attacker is not None:
                attacker.terminate()
                attacker.wait()


def main() -> None:
    """Measures, and prints a table of medians over the rounds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=3, help="(default: %(default)s)")
    parser.add_argument("--only", choices=ATTACKS, action="append", help="may be repeated")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--attack", choices=ATTACKS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve()
        return
    if options.attack:
        # Attackers have machines of their own: where they share this one, they take only what the others leave.
        os.nice(10)
        asyncio.run(attack(options.attack, options.port))
        return
    print(f"{APPS} apps, medians of {options.rounds} rounds, of each the median and the 99th percentile\n")
    print("| attack | late without, ms | late with, ms | median ÷ median | p99 ÷ p99 |\n|---|---|---|---|---|")
    for name in options.only or ATTACKS:
        cuts: dict[bool, list[list[float]]] = {False: [], True: []}
        for _ in range(options.rounds):
            for is_attacked in cuts:
                late = found(name if is_attacked else None)
                cuts[is_attacked].append(statistics.quantiles(late, n=100, method="inclusive"))
        quiet, loud = ([statistics.median(cut[at] for cut in cuts[one]) for at in (49, 98)] for one in (False, True))
        print(
            f"| {name} | {quiet[0]:.1f}, {quiet[1]:.1f} | {loud[0]:.1f}, {loud[1]:.1f} | {loud[0] / quiet[0]:.1f} | "
            f"{loud[1] / quiet[1]:.1f} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
