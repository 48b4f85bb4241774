"""An app that chats with the simulator's agent, or with a recording of one, and keeps all that it is told."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from typing import Any, Self

import comet_clients
import httpx
from comet_clients import Listener, Program

from gms_replay.diff import Seen, Transcript

USER = "stan@example.com"
CHANNEL2 = "/service/chatV2/support"
PATIENCE_S = 60
_POLL_S = 0.05


class App:
    """One app on one visit, through a proxy if there is one."""

    def __init__(self, url: str, proxy: str | None = None, *, user: str = USER) -> None:
        self.url = url
        self.user = user
        self._proxy = proxy
        self._started_at_us = time.time_ns() // 1000
        self._answers: list[Seen] = []
        self._messages: defaultdict[str, list[bytes]] = defaultdict(list)

    async def __aenter__(self) -> Self:
        user = {"gms_user": self.user}
        self.http = httpx.AsyncClient(headers=user, trust_env=False, timeout=PATIENCE_S, proxy=self._proxy)
        return self

    async def __aexit__(self, *exc_info: object) -> None:
        await self.http.aclose()

    async def ask(self, url: str, **fields: str) -> Any:
        """Posts, and keeps the answer."""
        response = await self.http.post(url, data=fields)
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
        while (await self.http.post(f"{chat}/refresh")).json()["chatIxnState"] != "DISCONNECTED":
            await asyncio.sleep(_POLL_S)

    async def polls2(self, chat: str, told: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        """The same of a chat of version 2, whose alias may change meanwhile: what is told each time."""
        while not told["chatEnded"]:
            told = (await self.http.post(f"{chat}/refresh", data=shown(told))).json()
            yield told
            await asyncio.sleep(_POLL_S)

    async def hear(self, comet: Listener) -> dict[str, Any]:
        """The next message, which is kept."""
        message = await comet.next_message(PATIENCE_S)
        self._messages[message["channel"]].append(json.dumps(message, ensure_ascii=False).encode())
        return message

    async def lines(self, comet: Listener) -> AsyncIterator[dict[str, Any]]:
        """What the chat tells, to its end."""
        state = ""
        while state != "DISCONNECTED":
            told = (await self.hear(comet))["data"]["message"]
            state = told["chatIxnState"]
            yield told

    async def lines2(self, comet: Listener) -> AsyncIterator[dict[str, Any]]:
        """The same of a chat of version 2."""
        told = {"chatEnded": False}
        while not told["chatEnded"]:
            told = (await self.hear(comet))["data"]
            yield told

    @property
    def told(self) -> Transcript:
        origin = str(httpx.URL(self.url).copy_with(path="/")).rstrip("/")
        channels = {channel: tuple(messages) for channel, messages in self._messages.items()}
        return Transcript(origin, self._started_at_us, tuple(self._answers), channels)


def is_said_by_agent(told: dict[str, Any]) -> bool:
    return any((line[0], line[4]) == ("Message.Text", "AGENT") for line in told["transcriptToShow"])


def shown(told: dict[str, Any]) -> dict[str, str]:
    """What an app of version 2 shows with what it wants."""
    return {name: told[name] for name in ("userId", "secureKey", "alias")}


def is_said_by_agent2(told: dict[str, Any]) -> bool:
    return any((line["type"], line["from"]["type"]) == ("Message", "Agent") for line in told["messages"])


async def chat(name: str, program: Program, base: str, user: str = USER) -> Transcript:
    """A whole chat with the simulator's agent, or with a recording of one."""
    async with comet_clients.started(name, program) as opened, App(base, user=user) as app:
        url, comet_url = await app.start_chat()
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with opened(comet_url, user) as comet:
            async for told in app.lines(comet):
                if is_said_by_agent(told) and (word := next(words, None)):
                    await app.ask(f"{url}/send", message=word)
        return app.told


async def chat2(name: str, program: Program, base: str, user: str = USER) -> Transcript:
    """A chat of version 2 over Comet, looked at by REST when it is over."""
    async with comet_clients.started(name, program) as opened, App(base, user=user) as app:
        words = iter(("Hello, my order has not arrived.", "Thank you, bye!"))
        async with opened(f"{base}/cometd", user) as comet:
            await comet.publish(CHANNEL2, {"operation": "requestChat", "nickname": "Stan", "subject": "Order"})
            async for told in app.lines2(comet):
                if is_said_by_agent2(told) and (word := next(words, None)):
                    await comet.publish(CHANNEL2, {"operation": "sendMessage", "message": word, **shown(told)})
            await app.ask(f"{base}/2/chat/support/{told['chatId']}/refresh", **shown(told))
        return app.told
