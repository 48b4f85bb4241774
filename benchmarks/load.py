"""Apps at full speed: `python load.py PORT PADDING_BYTES`, then a line `exchanges COUNT` or `frames COUNT` on stdin for
each load, answered by a line that says how many seconds it took. All frames come on one WebSocket.
"""

import asyncio
import sys
import time
from collections.abc import Iterator

import visit
from upstream import FRAMES

APPS = 8


class Load:
    """Eight apps, and one more with a WebSocket."""

    def __init__(self, port: int, padding_bytes: int) -> None:
        self._port = port
        self._steps = visit.steps(padding_bytes)
        self._socket: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def exchanges(self, count: int) -> None:
        """Visits one after the other from each app, each visit on a connection of its own, until all are done."""
        left = iter(range(count))
        await asyncio.gather(*(self._app(left) for _ in range(APPS)))

    async def frames(self, count: int) -> None:
        """Events asked for in batches, until at least so many came."""
        reader, writer = self._socket = self._socket or await self._upgraded()
        for _ in range(0, count, FRAMES):
            writer.write(b"\x81\x82\0\0\0\0{}")
            await reader.readexactly(len(visit.event_frame()) * FRAMES)

    async def _app(self, left: Iterator[int]) -> None:
        going_on = True
        while going_on:
            reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
            for step in self._steps:
                if next(left, None) is None:
                    going_on = False
                    break
                writer.write(step.request)
                # mitmproxy passes the answer on as it is, headers included.
                got = await reader.readexactly(len(step.answer))
                assert got == step.answer, got
            writer.close()
            await writer.wait_closed()

    async def _upgraded(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(visit.upgrade(visit.COMET))
        await reader.readuntil(b"\r\n\r\n")
        return reader, writer


def main() -> None:
    load = Load(int(sys.argv[1]), int(sys.argv[2]))
    with asyncio.Runner() as runner:
        for line in sys.stdin:
            kind, count = line.split()
            work = {"exchanges": load.exchanges, "frames": load.frames}[kind]
            started_s = time.perf_counter()
            runner.run(work(int(count)))
            print(time.perf_counter() - started_s, flush=True)


if __name__ == "__main__":
    main()
