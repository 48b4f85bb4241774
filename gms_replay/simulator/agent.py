"""The agent: joins, greets, answers what is said, and leaves."""

import asyncio

from gms_replay.simulator.cast import Cast
from gms_replay.simulator.chat import Chat, Kind, Party
from gms_replay.simulator.clock import Pace

_REPLIES_AT_MOST = 6
_PATIENCE_S = 300.0


async def attend(chat: Chat, pace: Pace, cast: Cast) -> None:
    """Be an agent of the cast in a chat until it is over.

    It is over when the client leaves, says bye, goes on for longer than an agent has time, or says nothing for minutes.
    """
    agent = _Agent(chat, pace, cast)
    await pace.pause(3.0)
    chat.notice(Kind.JOINED, agent.party)
    await agent.write(cast.greeting)
    replies = 0
    while (text := await _next_heard(chat)) is not None:
        if "bye" in text.lower() or replies == _REPLIES_AT_MOST:
            await agent.write(cast.farewell)
            break
        await agent.write(cast.replies[replies % len(cast.replies)], text)
        replies += 1
    await pace.pause(1.0)
    chat.notice(Kind.LEFT, agent.party)
    await pace.pause(0.5)
    chat.end()


async def _next_heard(chat: Chat) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await chat.next_heard()
    except TimeoutError:
        return None


class _Agent:
    def __init__(self, chat: Chat, pace: Pace, cast: Cast) -> None:
        self.party = Party(cast.agent, "AGENT")
        self._chat = chat
        self._pace = pace

    async def write(self, words: str, text: str = "") -> None:
        """Type some words for as long as a person does, and say them to whoever is still there."""
        await self._pace.pause(1.5)
        # Nobody writes into an empty room.
        if self._chat.client_left:
            return
        self._chat.notice(Kind.TYPING_STARTED, self.party)
        await self._pace.pause(2.5)
        self._chat.notice(Kind.TYPING_STOPPED, self.party)
        await self._pace.pause(0.5)
        if not self._chat.client_left:
            said = words.format(name=self._chat.client.nickname, agent=self.party.nickname, text=text)
            self._chat.write(self.party, said)
