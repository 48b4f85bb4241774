"""Every recording, by whichever client, is replayed to every client, and tells it what was told live.

`make peers` prints the matrix.
"""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache
from itertools import product
from typing import Any, Self

import comet_clients
import httpx
import pytest
import relay
from comet_clients import ACKNOWLEDGING, AIOCOMETD, BATCHES, CHROMIUM, COMETD, Client, Program
from serving import served
from simulating import simulated

from gms_replay.cassette import reader
from gms_replay.clocks import Pacing
from gms_replay.diff import Seen, Transcript, compare
from gms_replay.model import Recording
from gms_replay.replay.server import wall_clock_us
from gms_replay.simulator.settings import Settings

USER = "stan@example.com"
PATIENCE_S = 60
PLAYED_TO = (*AIOCOMETD, *COMETD, *ACKNOWLEDGING, *CHROMIUM, *BATCHES)
LONG_POLLING = ("aiocometd long-polling", "cometd long-polling", "chromium long-polling", *BATCHES)
GOES_TO_BACKGROUND = (*COMETD, *ACKNOWLEDGING, *CHROMIUM)
VERSION_2 = (
    "cometd long-polling",
    "cometd callback-polling",
    "aiocometd websocket",
    "cometd websocket --ack",
    "httpx batches",
)
CHANNEL2 = "/service/chatV2/support"
POLL_S = 0.05

FOR_OTHER_SITES = {"browserCookieSameSite": "None", "browserCookieSecure": True, "browserCookiePartitioned": True}
"""How CometD's server sets a cookie that comes back from another site's page: Chromium takes no third party's that is
not partitioned. Without TLS it is taken on loopback only, and by browsers only."""


@dataclass(frozen=True)
class Live:
    """What a client was told when it was recorded, and the recording."""

    told: Transcript
    recording: Recording


class App:
    """One app on one visit, and all that it is told."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._started_at_us = time.time_ns() // 1000
        self._answers: list[Seen] = []
        self._messages: defaultdict[str, list[bytes]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        self._http = httpx.AsyncClient(headers={"gms_user": USER}, trust_env=False, timeout=PATIENCE_S)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self._http.aclose()

    async def ask(self, url: str, **fields: str) -> Any:
        """Posts, and keeps the answer."""
        response = await self._http.post(url, data=fields)
        path = response.url.raw_path.decode()
        headers = tuple(response.headers.items())
        self._answers.append(Seen(f"POST {path}", response.status_code, headers, response.content))
        return response.raise_for_status().json()

    async def start_chat(self) -> tuple[str, str]:
        """The URL of a chat, and that of its Comet."""
        service = (await self.ask(f"{self.url}/1/service/callback/samples", _media_type="chat"))["_id"]
        dialog = await self.ask(f"{self.url}/1/service/{service}/get-dialog-start-chat")
        await self.ask(dialog["_start_chat_url"], notify_by="comet", firstName="Stan")
        return dialog["_start_chat_url"], dialog["_comet_url"]

    async def end_of(self, chat: str) -> None:
        """Looks again and again whether a chat is over; how often depends on the moment, so nothing of it is kept."""
        while (await self._http.post(f"{chat}/refresh")).json()["chatIxnState"] != "DISCONNECTED":
            await asyncio.sleep(POLL_S)

    async def polls2(self, chat: str, told: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The same of a chat of version 2, whose alias may change meanwhile: what is told each time."""
        while not told["chatEnded"]:
            told = (await self._http.post(f"{chat}/refresh", data=shown(told))).json()
            yield told
            await asyncio.sleep(POLL_S)

    async def hear(self, comet: Client) -> dict[str, Any]:
        """The next message, which is kept."""
        message = await comet.next_message(PATIENCE_S)
        self._messages[message["channel"]].append(json.dumps(message, ensure_ascii=False).encode())
        return message

    async def lines(self, comet: Client) -> AsyncIterator[dict[str, Any]]:
        """What the chat tells, to its end."""
        state = ""
        while state != "DISCONNECTED":
            told = (await self.hear(comet))["data"]["message"]
            state = told["chatIxnState"]
            yield told

    async def lines2(self, comet: Client) -> AsyncIterator[dict[str, Any]]:
        """The same of a chat of version 2."""
        told = {"chatEnded": False}
        while not told["chatEnded"]:
            told = (await self.hear(comet))["data"]
            yield told

    @property
    def told(self) -> Transcript:
        channels = {channel: tuple(messages) for channel, messages in self._messages.items()}
        return Transcript(origin(self.url), self._started_at_us, tuple(self._answers), channels)


async def chat(name: str, program: Program, base: str) -> Transcript:
    """A whole chat with the simulator's agent, or with a recording of one."""
    async with comet_clients.started(name, program) as opened, App(base) as app:
        url, comet_url = await app.start_chat()
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with opened(comet_url, USER) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told) and (word := next(words, None)):
                    await app.ask(f"{url}/send", message=word)
        return app.told


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


async def chat2(name: str, program: Program, base: str) -> Transcript:
    """A chat of version 2 over Comet, looked at by REST when it is over."""
    async with comet_clients.started(name, program) as opened, App(base) as app:
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with opened(f"{base}/cometd", USER) as comet:
            await comet.publish(CHANNEL2, {"operation": "requestChat", "nickname": "Stan", "subject": "Order"})
            async for told in app.lines2(comet):
                if is_said_by_agent2(told) and (word := next(words, None)):
                    await comet.publish(CHANNEL2, {"operation": "sendMessage", "message": word, **shown(told)})
            await app.ask(f"{base}/2/chat/support/{told['chatId']}/refresh", **shown(told))
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


def shown(told: dict[str, Any]) -> dict[str, str]:
    """What an app of version 2 shows with what it wants."""
    return {name: told[name] for name in ("userId", "secureKey", "alias")}


def is_said_by_agent2(told: dict[str, Any]) -> bool:
    return any((line["type"], line["from"]["type"]) == ("Message", "Agent") for line in told["messages"])


def is_said_by_agent(told: dict[str, Any]) -> bool:
    return any((line[0], line[4]) == ("Message.Text", "AGENT") for line in told["transcriptToShow"])


Visit = Callable[[str, Program, str], Awaitable[Transcript]]

# CometD's Node server has no WebSocket.
# That an app goes to the background, and what it knows, only CometD's client can be made to say.
RECORDED: tuple[tuple[Visit, str, tuple[str, ...], tuple[str, ...]], ...] = (
    (chat, "simulator", PLAYED_TO, PLAYED_TO),
    (reconnect, "simulator", AIOCOMETD, PLAYED_TO[: -len(BATCHES)]),
    (background, "simulator", GOES_TO_BACKGROUND, GOES_TO_BACKGROUND),
    (chat2, "simulator", VERSION_2[1:], VERSION_2),
    (rest2, "simulator", BATCHES, BATCHES),
    (background2, "simulator", VERSION_2[:1], VERSION_2),
    (echo, "cometd-nodejs-server", (*LONG_POLLING, "cometd long-polling --ack"), PLAYED_TO),
)


def origin(url: str) -> str:
    return str(httpx.URL(url).copy_with(path="/")).rstrip("/")


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
