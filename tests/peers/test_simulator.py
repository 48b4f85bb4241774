"""CometD's client, which acknowledges, with the simulator: every third thing that the server says gets lost."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import pytest
from comet_clients import ACKNOWLEDGING, Client, started
from simulating import simulated

from gms_replay.simulator.settings import Settings

USER = "stan@example.com"
PATIENCE_S = 60


class Line:
    """A way to a server. While it `is_bad`, every third thing that comes back breaks the connection instead."""

    def __init__(self, port: int) -> None:
        self.is_bad = False
        self.broken = 0
        self._port = port
        self._numbers = count(1)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection("127.0.0.1", self._port)
        forth = asyncio.ensure_future(self._carry(reader, to_server, lambda: False))
        back = asyncio.ensure_future(self._carry(from_server, writer, self._breaks))
        await asyncio.wait((forth, back), return_when=asyncio.FIRST_COMPLETED)
        for end in (to_server, writer):
            end.transport.abort()
        await asyncio.gather(forth, back)

    async def _carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, breaks: Callable[[], bool]
    ) -> None:
        with suppress(ConnectionError):
            while (data := await reader.read(1 << 16)) and not breaks():
                writer.write(data)

    def _breaks(self) -> bool:
        is_broken = self.is_bad and next(self._numbers) % 3 == 0
        self.broken += is_broken
        return is_broken


async def hold_chat(http: httpx.AsyncClient, url: str, comet: Client) -> list[dict[str, Any]]:
    """Answers whatever the agent says, until it has said goodbye; all that was told."""
    words = iter(("Hello.", "My order has not arrived.", "Thank you, bye!"))
    told: list[dict[str, Any]] = []
    while not told or told[-1]["chatIxnState"] != "DISCONNECTED":
        told.append((await comet.next_message(PATIENCE_S))["data"]["message"])
        said = [line for line in told[-1]["transcriptToShow"] if (line[0], line[4]) == ("Message.Text", "AGENT")]
        if said and (word := next(words, None)):
            await http.post(f"{url}/send", data={"message": word})
    return told


@pytest.mark.parametrize("name", ACKNOWLEDGING)
def test_bad_line_loses_nothing_and_repeats_nothing(name: str, program: Callable[..., str], installed: object) -> None:
    async def chat(base: str) -> tuple[list[dict[str, Any]], int]:
        line = Line(httpx.URL(base).port or 0)
        server = await asyncio.start_server(line.serve, "127.0.0.1", 0)
        clients = started(name, program)
        async with clients as opened, server, httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False) as http:
            service = (await http.post(f"{base}/1/service/callback/samples")).json()["_id"]
            url = f"{base}/1/service/{service}/ixn/chat"
            await http.post(url, data={"notify_by": "comet"})
            comet_url = str(httpx.URL(f"{base}/cometd").copy_with(port=server.sockets[0].getsockname()[1]))
            async with opened(comet_url, USER) as comet:
                line.is_bad = True
                told = await hold_chat(http, url, comet)
                line.is_bad = False
        return told, line.broken

    with simulated(Settings(quick=True, poll_timeout_s=2)) as base:
        told, broken = asyncio.run(chat(base))

    positions = [int(message["transcriptPosition"]) for message in told]
    assert positions[:-1] == list(range(2, 2 + len(positions) - 1))
    assert broken > 1
