"""How chat version 1 tells a chat: its lines as lists of five, which count seconds since `startedAt`."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gms_replay.simulator.chat import Chat, Kind, Line
from gms_replay.simulator.clock import SECOND_US, iso_seconds

_TEXT = "Message.Text"
_NOTICES = {
    Kind.TYPING_STARTED: ("Notice.TypingStarted", "is typing"),
    Kind.TYPING_STOPPED: ("Notice.TypingStopped", "has stopped typing"),
    Kind.JOINED: ("Notice.Joined", "has joined the session"),
    Kind.LEFT: ("Notice.Left", "has left the session"),
}


class State(StrEnum):
    """The states of a chat, as `chatIxnState` tells them."""

    CONNECTED = "CONNECTED"
    TRANSCRIPT = "TRANSCRIPT"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, slots=True)
class Transcript1:
    """A chat as version 1 tells it. `beside` is told beside the usual fields."""

    chat: Chat
    session_id: str
    beside: Mapping[str, Any]

    @property
    def state(self) -> State:
        """The state between the start and the end of it, or after its end."""
        return State.DISCONNECTED if self.chat.ended else State.TRANSCRIPT

    def told(self, state: State, after: int) -> dict[str, Any]:
        """The state with the lines after a position, as REST answers and Comet frames tell them."""
        # `startedAt` is told in whole seconds, and the lines' seconds count from what is told.
        started_s = self.chat.lines[0].at_us // SECOND_US
        return {
            "startedAt": iso_seconds(started_s * SECOND_US),
            "chatIxnState": state.value,
            "chatSessionId": self.session_id,
            "transcriptToShow": [_told(line, started_s) for line in self.chat.lines[max(0, after) :]],
            "transcriptPosition": str(self.chat.position),
            "chatServiceMessage": "Chat service is available",
            **self.beside,
        }


def _told(line: Line, started_s: int) -> list[str]:
    kind, text = _NOTICES.get(line.kind, (_TEXT, line.text))
    # A clock that was set back tells no time before the start.
    seconds = max(0, line.at_us // SECOND_US - started_s)
    return [kind, line.party.nickname, text, str(seconds), line.party.role]
