"""Every recording, by whichever client, is replayed to every client that can take the visit, and tells it what was told
live.

`make peers` prints the matrix.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any

import comet_clients
import httpx
import pytest
import relay
from chatting import CHANNEL2, USER, App, chat, chat2, is_said_by_agent, is_said_by_agent2, shown
from comet_clients import ACKNOWLEDGING, AIOCOMETD, BATCHES, CHROMIUM, COMETD, Program
from serving import served
from simulating import simulated

from gms_replay.cassette import reader
from gms_replay.clocks import Pacing
from gms_replay.diff import Transcript, compare
from gms_replay.model import Recording
from gms_replay.replay.wall import wall_clock_us
from gms_replay.simulator.settings import Settings

PLAYED_TO = (*AIOCOMETD, *COMETD, *ACKNOWLEDGING, *CHROMIUM, *BATCHES)
LONG_POLLING = ("aiocometd long-polling", "cometd long-polling", "chromium long-polling", *BATCHES)
TRIES_AGAIN = tuple(name for name in PLAYED_TO if name not in BATCHES)
GOES_TO_BACKGROUND = (*COMETD, *ACKNOWLEDGING, *CHROMIUM)
VERSION_2 = (
    "cometd long-polling",
    "cometd callback-polling",
    "aiocometd websocket",
    "cometd websocket --ack",
    "httpx batches",
)

FOR_OTHER_SITES = {"browserCookieSameSite": "None", "browserCookieSecure": True, "browserCookiePartitioned": True}
"""How CometD's server sets a cookie that comes back from another site's page: Chromium takes no third party's that is
not partitioned. Without TLS it is taken on loopback only, and by browsers only."""


@dataclass(frozen=True)
class Live:
    """What a client was told when it was recorded, and the recording."""

    told: Transcript
    recording: Recording


async def reconnect(name: str, program: Program, base: str) -> Transcript:
    """A chat whose app loses its connection in the middle, and goes on."""
    async with comet_clients.started(name, program) as opened, App(base) as app:
        url, comet_url = await app.start_chat()
        words = iter(("Thank you, bye!",))
        async with relay.laid(comet_url) as wire, opened(wire.url, USER) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told) and (word := next(words, None)):
                    await wire.cut()
                    await app.ask(f"{url}/send", message=word)
        return app.told


async def background(name: str, program: Program, base: str) -> Transcript:
    """A chat whose app goes to the background, knowing less than it was told, and comes back when all is over."""
    started = comet_clients.started
    async with started(name, program) as opened, started(name, program) as opened_again, App(base) as app:
        url, comet_url = await app.start_chat()
        async with opened(comet_url, USER) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told):
                    await comet.leave(int(told["transcriptPosition"]) - 2)
                    break
        await app.ask(f"{url}/send", message="Thank you, bye!")
        await app.end_of(url)
        async with opened_again(comet_url, USER) as comet:
            async for _ in app.lines(comet):
                pass
        return app.told


async def echo(name: str, program: Program, base: str) -> Transcript:
    """A client without any GMS: what it publishes comes back."""
    async with comet_clients.started(name, program) as opened, App(base) as app:
        async with opened(f"{base}/cometd", USER) as comet:
            for text in ("one", "two", "three"):
                await comet.say(text)
                await app.hear(comet)
        return app.told


async def background2(name: str, program: Program, base: str) -> Transcript:
    """A chat of version 2 whose app goes away, says goodbye by REST, and comes back when all is over."""
    started = comet_clients.started
    async with started(name, program) as opened, started(name, program) as opened_again, App(base) as app:
        async with opened(f"{base}/cometd", USER) as comet:
            await comet.publish(CHANNEL2, {"operation": "requestChat", "nickname": "Stan"})
            async for told in app.lines2(comet):
                if is_said_by_agent2(told):
                    break
        url = f"{base}/2/chat/support/{told['chatId']}"
        await app.ask(f"{url}/send", message="Thank you, bye!", **shown(told))
        async for _ in app.polls2(url, told):
            pass
        async with opened_again(f"{base}/cometd", USER) as comet:
            place = {"transcriptPosition": told["nextPosition"], "secureKey": told["secureKey"]}
            await comet.publish(CHANNEL2, {"operation": "requestNotifications", **place})
            async for _ in app.lines2(comet):
                pass
        return app.told


async def rest2(name: str, program: Program, base: str) -> Transcript:
    """A chat of version 2 by REST alone, whose app asks again and again for the whole of it."""
    async with App(base) as app:
        begun = await app.ask(f"{base}/2/chat/support", nickname="Stan")
        url = f"{base}/2/chat/support/{begun['chatId']}"
        words = ["Hello, my order has not arrived.", "Thank you, bye!"]
        async for told in app.polls2(url, begun):
            said = [line["from"]["type"] for line in told["messages"] if line["type"] == "Message"]
            if said.count("Agent") + len(words) == 3 and words:
                await app.ask(f"{url}/send", message=words.pop(0), **shown(told))
        await app.ask(f"{url}/refresh", **shown(told))
        return app.told


Visit = Callable[[str, Program, str], Awaitable[Transcript]]

# Losing a connection takes long, and what is recorded with CometD's client replays alike: aiocometd does it for both.
# The client that batches does not try again after a connection that broke.
# CometD's Node server speaks long polling only.
# That an app goes to the background, and what it knows, only CometD's client can be made to say.
RECORDED: tuple[tuple[Visit, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (chat, "simulator", PLAYED_TO, PLAYED_TO),
    (reconnect, "simulator", AIOCOMETD, TRIES_AGAIN),
    (background, "simulator", GOES_TO_BACKGROUND, GOES_TO_BACKGROUND),
    (chat2, "simulator", VERSION_2[1:], VERSION_2),
    (rest2, "simulator", BATCHES, BATCHES),
    (background2, "simulator", VERSION_2[:1], VERSION_2),
    (echo, "cometd-nodejs-server", (*LONG_POLLING, "cometd long-polling --ack"), PLAYED_TO),
)


@pytest.fixture(scope="module")
def record(start, program, installed, cometd_servers) -> Callable[[Visit, str, str], Live]:
    """`record(visit, source, name)`: one recording for all who are to hear it."""

    # A fixture with parameters would record for each cell anew: an argument beside it that is none ends it.
    @cache
    def live(visit: Visit, source: str, name: str) -> Live:
        with ExitStack() as stack:
            if source == "simulator":
                url = stack.enter_context(simulated(Settings(quick=True, seed=4)))
            else:
                server = cometd_servers()
                server.start(**(FOR_OTHER_SITES if name in CHROMIUM else {}))
                url = server.url.removesuffix("/cometd")
            upstream = httpx.URL(url)
            mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
            told = asyncio.run(visit(name, program, str(upstream.copy_with(port=mitmdump.ports[0]))))
            assert mitmdump.end() == 0
        return Live(told, reader.read(mitmdump.cassette))

    return live


def cells() -> Iterator[Any]:
    for visit, source, names, played_to in RECORDED:
        for name, player in product(names, played_to):
            yield pytest.param(visit, source, name, player, id=f"{visit.__name__}, {name}, {player}")


@pytest.mark.parametrize(("visit", "source", "recorded_by", "played_to"), list(cells()))
def test_replay_equals_live_run(visit, source, recorded_by, played_to, record, program, record_property) -> None:
    """Told from a given instant on: a client that is slower to start, or to come back, has no other instants then."""
    record_property("cell", (f"{visit.__name__}, {recorded_by}", played_to))
    live = record(visit, source, recorded_by)
    now_us = wall_clock_us()
    with served(live.recording, Pacing(now_us=now_us)) as server:
        base = server.base if source == "simulator" else server.origin
        told = replace(asyncio.run(visit(played_to, program, base)), started_at_us=now_us)

    assert compare(live.told, told).differences == []
    assert server.notes == []
