"""Chat version 2, as GMS speaks it by REST and over Comet (GMS.md, section 3).

Over Comet it has one channel for both ways, `/service/chatV2/{service}`: an app publishes what it wants, under names
that are not those of REST, and the frames that come hold what REST would answer.
"""

import re
from collections.abc import Mapping
from typing import Any

from gms_replay import gms
from gms_replay.gms import PUBLISHED, Kind, Operation
from gms_replay.model import Response

_CHANNELS = "/service/chatV2/"
_OPERATIONS = {
    "requestChat": Kind.REQUEST_CHAT,
    "requestNotifications": Kind.REFRESH,
    "sendMessage": Kind.SEND,
    "startTyping": Kind.TYPING,
    "stopTyping": Kind.TYPING,
    "disconnect": Kind.DISCONNECT_CHAT,
}
_FAILED = re.compile(rb'"statusCode"\s*:\s*"?[1-9]')


def published(message: Mapping[str, Any]) -> Operation | None:
    """The operation that an app asks for by a Comet message; None where it asks for none of chat version 2."""
    data = message.get("data")
    wanted = data.get("operation") if isinstance(data, dict) else None
    if not is_told(message) or not isinstance(wanted, str):
        return None
    kind = _OPERATIONS.get(wanted, Kind.CHAT)
    name = message["channel"].removeprefix(_CHANNELS) if kind is Kind.REQUEST_CHAT else wanted
    return Operation(kind, "", name, version="2", method=PUBLISHED)


def is_told(message: Mapping[str, Any]) -> bool:
    """Whether a Comet message, of either side, belongs to a chat of version 2."""
    channel = message.get("channel")
    return isinstance(channel, str) and channel.startswith(_CHANNELS) and isinstance(message.get("data"), dict)


def refuses(operation: Operation, response: Response) -> bool:
    """Whether GMS says no: by the HTTP status, or by a `statusCode` that is not 0 under HTTP's 200."""
    return response.is_refusal or (operation.version == "2" and _FAILED.search(response.body.plain) is not None)


def transcript_position(message: Mapping[str, Any]) -> tuple[str, int] | None:
    """A chat, and how many lines of it an app has after this Comet message; None where it tells none.

    The chat is "" where it has no name. That it has ended counts as one more: it may be told in a frame of its own.
    """
    data = message["data"] if is_told(message) else {}
    lines, has_ended = data.get("messages"), data.get("chatEnded") is True
    if not (lines or has_ended):
        return None
    following = gms.position(data.get("nextPosition"))
    if following is None:
        last = gms.position(lines[-1].get("index")) if isinstance(lines, list) and isinstance(lines[-1], dict) else None
        following = None if last is None else last + 1
    chat = data.get("chatId") or data.get("secureKey") or ""
    return None if following is None else (str(chat), following - 1 + has_ended)


def resumed_from(message: Mapping[str, Any]) -> int | None:
    """How many lines an app has that asks over Comet for the rest of its chat; None for any other message.

    The position that it names is that of the first line which it has not; it may name none.
    """
    operation = published(message)
    if operation is None or operation.kind is not Kind.REFRESH:
        return None
    return max(0, (gms.position(message["data"].get("transcriptPosition")) or 1) - 1)
