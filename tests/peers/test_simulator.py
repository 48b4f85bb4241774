"""CometD's client, which acknowledges, with the simulator: every third thing that the server says gets lost."""

import asyncio
from collections.abc import Callable
from itertools import count
from typing import Any

import httpx
import pytest
import relay
from chatting import PATIENCE_S, USER, is_said_by_agent
from comet_clients import ACKNOWLEDGING, Client, started
from simulating import simulated

from gms_replay.simulator.settings import Settings


class Line:
    """While it `is_bad`, every third thing that comes back breaks the connection instead."""

    def __init__(self) -> None:
        self.is_bad = False
        self.broken = 0
        self._numbers = count(1)

    def breaks(self) -> bool:
        is_broken = self.is_bad and next(self._numbers) % 3 == 0
        self.broken += is_broken
        return is_broken


async def hold_chat(http: httpx.AsyncClient, url: str, comet: Client) -> list[dict[str, Any]]:
    """Answers whatever the agent says, until it has said goodbye; all that was told."""
    words = iter(("Hello.", "My order has not arrived.", "Thank you, bye!"))
    told: list[dict[str, Any]] = []
    while not told or told[-1]["chatIxnState"] != "DISCONNECTED":
        told.append((await comet.next_message(PATIENCE_S))["data"]["message"])
        if is_said_by_agent(told[-1]) and (word := next(words, None)):
            await http.post(f"{url}/send", data={"message": word})
    return told


@pytest.mark.parametrize("name", ACKNOWLEDGING)
def test_bad_line_loses_nothing_and_repeats_nothing(name: str, program: Callable[..., str], installed: object) -> None:
    async def chat(base: str) -> tuple[list[dict[str, Any]], int]:
        line = Line()
        async with (
            started(name, program) as opened,
            httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False) as http,
        ):
            service = (await http.post(f"{base}/1/service/callback/samples")).json()["_id"]
            url = f"{base}/1/service/{service}/ixn/chat"
            await http.post(url, data={"notify_by": "comet"})
            async with relay.laid(f"{base}/cometd", line.breaks) as wire, opened(wire.url, USER) as comet:
                line.is_bad = True
                told = await hold_chat(http, url, comet)
                line.is_bad = False
        return told, line.broken

    with simulated(Settings(quick=True, poll_timeout_s=2)) as base:
        told, broken = asyncio.run(chat(base))

    positions = [int(message["transcriptPosition"]) for message in told]
    assert positions[:-1] == list(range(2, 2 + len(positions) - 1))
    assert broken > 1
