"""How chat version 2 tells a chat: the vendor's API pages, chat version 2, "Chat V2 Response Format"."""

from typing import Any

from gms_replay.simulator.chat import Chat, Kind, Line, Party

_TYPES = {
    Kind.WROTE: "Message",
    Kind.TYPING_STARTED: "TypingStarted",
    Kind.TYPING_STOPPED: "TypingStopped",
    Kind.JOINED: "ParticipantJoined",
    Kind.LEFT: "ParticipantLeft",
    Kind.PUSHED_URL: "PushUrl",
    Kind.SENT_NOTICE: "CustomNotice",
    Kind.RENAMED: "NicknameUpdated",
}

# One of each is in a chat, the client first.
_PARTICIPANTS = {"CLIENT": (1, "Client"), "AGENT": (2, "Agent")}


def told(chat: Chat, start: int) -> dict[str, Any]:
    """The messages from a position on, the first being 1; which position to ask for next; whether it is over.

    For a client that has left it is over, whatever the agent still does.
    """
    start = max(1, start)
    return {
        "nextPosition": chat.position + 1,
        "chatEnded": is_over(chat),
        "messages": [_message(index, line) for index, line in enumerate(chat.lines[start - 1 :], start)],
    }


def is_over(chat: Chat) -> bool:
    """Whether the client can do nothing more in it."""
    return chat.ended or chat.client_left


def _message(index: int, line: Line) -> dict[str, Any]:
    said = {"text": line.text} if line.text or line.kind is Kind.WROTE else {}
    return {
        "from": _participant(line.party),
        "index": index,
        **said,
        "type": _TYPES[line.kind],
        "utcTime": line.at_us // 1000,
    }


def _participant(party: Party) -> dict[str, Any]:
    number, kind = _PARTICIPANTS[party.role]
    return {"nickname": party.nickname, "participantId": number, "type": kind}
