"""The agent: joins, greets, answers what is said, and leaves."""

import asyncio

from gms_replay.simulator.chat import Chat, Line, Party
from gms_replay.simulator.clock import Pace

AGENT = Party("Kristi Sippola", "AGENT")

GREETING = "Hello {name}, this is Kristi. How can I help you?"
REPLIES = (
    'You write "{text}". Let me look into that.',
    'Thank you, {name}. I have noted "{text}".',
    'I see: "{text}". Give me a moment, please.',
)
FAREWELL = "Thank you for chatting with us, {name}. Goodbye!"

_REPLIES_AT_MOST = 6
_PATIENCE_S = 300.0


async def attend(chat: Chat, pace: Pace) -> None:
    """Be the agent of a chat until it is over.

    It is over when the client leaves, says bye, goes on for longer than an agent has time, or says nothing for minutes.
    """
    await pace.pause(3.0)
    chat.notice(Line.JOINED, AGENT)
    await _write(chat, pace, GREETING)
    replies = 0
    while (text := await _next_heard(chat)) is not None:
        if "bye" in text.lower() or replies == _REPLIES_AT_MOST:
            await _write(chat, pace, FAREWELL)
            break
        await _write(chat, pace, REPLIES[replies % len(REPLIES)], text)
        replies += 1
    await pace.pause(1.0)
    chat.notice(Line.LEFT, AGENT)
    await pace.pause(0.5)
    chat.end()


async def _next_heard(chat: Chat) -> str | None:
    try:
        async with asyncio.timeout(_PATIENCE_S):
            return await chat.next_heard()
    except TimeoutError:
        return None


async def _write(chat: Chat, pace: Pace, words: str, text: str = "") -> None:
    await pace.pause(1.5)
    # Nobody writes into an empty room.
    if chat.client_left:
        return
    chat.notice(Line.TYPING_STARTED, AGENT)
    await pace.pause(2.5)
    chat.notice(Line.TYPING_STOPPED, AGENT)
    await pace.pause(0.5)
    if not chat.client_left:
        chat.write(AGENT, words.format(name=chat.client.nickname, text=text))
