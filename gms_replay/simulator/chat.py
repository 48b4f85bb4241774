"""One chat, version 1: its transcript, its state, and the shape in which both are told."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gms_replay.simulator.clock import SECOND_US, iso_seconds


class Line(StrEnum):
    """The types of a transcript's lines."""

    TEXT = "Message.Text"
    TYPING_STARTED = "Notice.TypingStarted"
    TYPING_STOPPED = "Notice.TypingStopped"
    JOINED = "Notice.Joined"
    LEFT = "Notice.Left"


NOTICE_TEXTS = {
    Line.TYPING_STARTED: "is typing",
    Line.TYPING_STOPPED: "has stopped typing",
    Line.JOINED: "has joined the session",
    Line.LEFT: "has left the session",
}


class State(StrEnum):
    """The states of a chat, as `chatIxnState` tells them."""

    CONNECTED = "CONNECTED"
    TRANSCRIPT = "TRANSCRIPT"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in the chat: the name others see, and AGENT or CLIENT."""

    nickname: str
    role: str


class Chat:
    """A transcript that grows line by line; each line is told once, by `tell`, as a message of its own.

    `beside` is told beside the usual fields.
    """

    def __init__(
        self,
        session_id: str,
        client: Party,
        now_us: Callable[[], int],
        tell: Callable[[dict[str, Any]], None],
        beside: Mapping[str, Any],
    ) -> None:
        self.client = client
        self.ended = False
        self.client_left = False
        self._session_id = session_id
        self._now_us = now_us
        # `startedAt` is told in whole seconds, and the lines' seconds count from what is told.
        self._started_at_us = now_us() // SECOND_US * SECOND_US
        self._tell = tell
        self._beside = beside
        self._lines: list[list[str]] = []
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()
        # The client's own arrival is told in the answer that starts the chat.
        self._append(Line.JOINED, client, NOTICE_TEXTS[Line.JOINED])

    @property
    def position(self) -> int:
        """How many lines there are."""
        return len(self._lines)

    def notice(self, kind: Line, party: Party) -> None:
        """Add what somebody does."""
        self._add(kind, party, NOTICE_TEXTS[kind])

    def write(self, party: Party, text: str) -> None:
        """Add what somebody says."""
        self._add(Line.TEXT, party, text)

    def client_writes(self, text: str) -> None:
        """Add what the client says, for the agent to read."""
        self.write(self.client, text)
        self._heard.put_nowait(text)

    def client_leaves(self) -> None:
        """The client goes; the agent will notice."""
        if not self.client_left:
            self.client_left = True
            self.notice(Line.LEFT, self.client)
            self._heard.put_nowait(None)

    async def next_heard(self) -> str | None:
        """What the client says next; None when it has left."""
        return await self._heard.get()

    def end(self) -> None:
        """Close the chat and tell so."""
        self.ended = True
        self._tell(self.told(State.DISCONNECTED, self.position))

    def told(self, state: State, after: int) -> dict[str, Any]:
        """The state with the lines after a position, as REST answers and Comet frames tell them."""
        return {
            "startedAt": iso_seconds(self._started_at_us),
            "chatIxnState": state.value,
            "chatSessionId": self._session_id,
            "transcriptToShow": self._lines[max(0, after) :],
            "transcriptPosition": str(self.position),
            "chatServiceMessage": "Chat service is available",
            **self._beside,
        }

    def _add(self, kind: Line, party: Party, text: str) -> None:
        self._append(kind, party, text)
        self._tell(self.told(State.TRANSCRIPT, self.position - 1))

    def _append(self, kind: Line, party: Party, text: str) -> None:
        seconds = (self._now_us() - self._started_at_us) // SECOND_US
        self._lines.append([kind.value, party.nickname, text, str(max(0, seconds)), party.role])
