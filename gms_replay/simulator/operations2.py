"""What a client does in its chat of version 2, by the names that REST has for it (the vendor's API pages)."""

from collections.abc import Callable, Mapping

from gms_replay.simulator.chat import Chat, Kind
from gms_replay.simulator.refusals2 import ChatError, Code
from gms_replay.simulator.transcript2 import is_over

Fields = Mapping[str, str]
"""The parameters of a request or the data of a frame; one that is empty is not there."""


def perform(chat: Chat, operation: str, fields: Fields) -> int:
    """Do one of OPERATIONS, and tell the position from which on it is to be answered. Raises ChatError.

    That is `transcriptPosition`; where it is not given, a refresh is answered with all there is, and anything else with
    what the client has just done.
    """
    start = _position(fields, 1 if operation == "refresh" else chat.position + 1)
    if is_over(chat) and operation not in ("refresh", "disconnect"):
        raise ChatError(Code.CHAT_ENDED, "The chat has ended: start another")
    OPERATIONS[operation](chat, fields)
    return start


def needed(fields: Fields, name: str) -> str:
    """A parameter that must be there. Raises ChatError."""
    if not fields.get(name):
        raise ChatError(Code.PARAMETER, f"Parameter {name} is missing")
    return fields[name]


def _position(fields: Fields, default: int) -> int:
    text = fields.get("transcriptPosition")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ChatError(Code.PARAMETER, f"transcriptPosition is no number: {text}")
    return int(text)


def _send(chat: Chat, fields: Fields) -> None:
    chat.client_writes(needed(fields, "message"))


def _push_url(chat: Chat, fields: Fields) -> None:
    chat.client_shows(Kind.PUSHED_URL, needed(fields, "pushUrl"))


def _send_notice(chat: Chat, fields: Fields) -> None:
    chat.client_shows(Kind.SENT_NOTICE, needed(fields, "message"))


def _rename(chat: Chat, fields: Fields) -> None:
    chat.client_renames(needed(fields, "nickname"))


def _leave(chat: Chat, fields: Fields) -> None:
    chat.client_leaves()


def _show_nobody(chat: Chat, fields: Fields) -> None:
    """What no line tells: typing, which only the agent sees, and data for the agent's desktop."""


OPERATIONS: dict[str, Callable[[Chat, Fields], None]] = {
    "send": _send,
    "refresh": _show_nobody,
    "disconnect": _leave,
    "startTyping": _show_nobody,
    "stopTyping": _show_nobody,
    "pushUrl": _push_url,
    "updateNickname": _rename,
    "customNotice": _send_notice,
    "updateData": _show_nobody,
}
