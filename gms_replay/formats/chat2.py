"""Chat version 2 told as a person would: what apps publish, and what GMS tells, alike by REST and over Comet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from gms_replay import chat2
from gms_replay.gms import Kind, Operation, Path
from gms_replay.model import Response
from gms_replay.spans import texts

Texts = Mapping[Path, str]
"""What stands at each path of a body."""

Told = tuple[str, int]
"""A chat, and a line of it, which may be told more than once."""

_NOTICES = {
    "ParticipantJoined": "joins",
    "ParticipantLeft": "leaves",
    "TypingStarted": "starts typing",
    "TypingStopped": "stops typing",
    "NicknameUpdated": "has another name now",
}
_SAYINGS = {"Message": "says", "PushUrl": "shows", "CustomNotice": "notes"}
_TYPING = ("TypingStarted", "TypingStopped")
_OVER = -1


@dataclass(frozen=True, slots=True)
class Saying:
    """One line of a chat, or its end. `told` is None where the chat has no name."""

    text: str
    told: Told | None
    is_typing: bool = False


def published(operation: Operation, said: Texts) -> str:
    """What an app does by publishing these data."""
    match operation.kind:
        case Kind.REQUEST_CHAT:
            return f"requests a chat with {operation.name}"
        case Kind.REFRESH:
            return f"asks for the chat from line {said.get(('transcriptPosition',), '1')}"
        case Kind.SEND:
            return f"says “{said.get(('message',), '')}”"
        case Kind.TYPING:
            return "starts typing" if operation.name == "startTyping" else "stops typing"
        case Kind.DISCONNECT_CHAT:
            return "leaves the chat"
    return f"asks for {operation.name}"


def sayings(body: bytes) -> Iterator[Saying]:
    """The lines that an answer, or the data of a frame, tells."""
    told = texts(body)
    chat = told.get(("chatId",)) or told.get(("secureKey",))
    for number in sorted({path[1] for path in told if path[:1] == ("messages",) and isinstance(path[1], int)}):
        line = {path[2:]: text for path, text in told.items() if path[:2] == ("messages", number)}
        kind, text, place = (line.get((field,), "") for field in ("type", "text", "index"))
        did = _NOTICES.get(kind) or f"{_SAYINGS.get(kind, kind)} “{text}”"
        who = f"{line.get(('from', 'nickname'), '?')} ({line.get(('from', 'type'), '?')})"
        yield Saying(f"{who} {did}", (chat, int(place)) if chat and place.isdecimal() else None, kind in _TYPING)
    if told.get(("chatEnded",)) == "true":
        yield Saying("the chat is over (chatEnded)", (chat, _OVER) if chat else None)


def refusal(body: bytes) -> str:
    """Why GMS refuses; "" where it does not."""
    told = texts(body)
    status, advice = told.get(("statusCode",), "0"), told.get(("errors", 0, "advice"))
    return "" if status == "0" else f"refused with statusCode {status}" + (f", {advice}" if advice else "")


def refused(operation: Operation, response: Response) -> str:
    """The same of an answer by REST."""
    is_refusal = chat2.refuses(operation, response) and not response.is_refusal
    return refusal(response.body.plain) if is_refusal else ""
