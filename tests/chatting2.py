"""Apps that hold chats of version 2 with the simulator's agent, or a recording of one, and keep what they are told."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import comet_clients
from chatting import USER, App
from comet_clients import Client, Program

from gms_replay.diff import Transcript

CHANNEL2 = "/service/chatV2/support"
_POLL_S = 0.05


async def chat2(name: str, program: Program, base: str) -> Transcript:
    """A chat of version 2 over Comet, looked at by REST when it is over."""
    async with comet_clients.started(name, program) as opened, App(base) as app:
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with opened(f"{base}/cometd", USER) as comet:
            await comet.publish(CHANNEL2, {"operation": "requestChat", "nickname": "Stan", "subject": "Order"})
            async for told in lines2(app, comet):
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
            async for told in lines2(app, comet):
                if is_said_by_agent2(told):
                    break
        url = f"{base}/2/chat/support/{told['chatId']}"
        await app.ask(f"{url}/send", message="Thank you, bye!", **shown(told))
        async for _ in polls2(app, url, told):
            pass
        async with opened_again(f"{base}/cometd", USER) as comet:
            place = {"transcriptPosition": told["nextPosition"], "secureKey": told["secureKey"]}
            await comet.publish(CHANNEL2, {"operation": "requestNotifications", **place})
            async for _ in lines2(app, comet):
                pass
        return app.told


async def rest2(name: str, program: Program, base: str) -> Transcript:
    """A chat of version 2 by REST alone, whose app asks again and again for the whole of it."""
    async with App(base) as app:
        begun = await app.ask(f"{base}/2/chat/support", nickname="Stan")
        url = f"{base}/2/chat/support/{begun['chatId']}"
        words = ["Hello, my order has not arrived.", "Thank you, bye!"]
        async for told in polls2(app, url, begun):
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


async def lines2(app: App, comet: Client) -> AsyncIterator[dict[str, Any]]:
    """What a chat tells over Comet, to its end."""
    told = {"chatEnded": False}
    while not told["chatEnded"]:
        told = (await app.hear(comet))["data"]
        yield told


async def polls2(app: App, chat: str, told: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """What it tells by REST each time, to its end; how often depends on the moment, so nothing of it is kept."""
    while not told["chatEnded"]:
        told = (await app.http.post(f"{chat}/refresh", data=shown(told))).json()
        yield told
        await asyncio.sleep(_POLL_S)
