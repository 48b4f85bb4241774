"""What Comet messages of chat version 1 tell (GMS.md, section 3)."""

import re
from collections.abc import Mapping
from typing import Any

from gms_replay import gms

_TAG = re.compile(r"service\.chat\.refresh\.(?P<id>.+)")


def transcript_position(message: Mapping[str, Any]) -> tuple[str, int] | None:
    """A chat, and how many lines of it an app has after this Comet message; None where it tells none."""
    told = _chat_told(message)
    place = gms.position(told.get("transcriptPosition")) if told.get("transcriptToShow") else None
    return None if place is None else (str(told.get("chatSessionId")), place)


def message_id(message: Mapping[str, Any]) -> str | None:
    """The id that GMS gave to what a Comet message tells of a chat; None where it tells of none."""
    data = message.get("data")
    own = data.get("id") if isinstance(data, dict) and _chat_told(message) else None
    return own if isinstance(own, str) else None


def _chat_told(message: Mapping[str, Any]) -> Mapping[str, Any]:
    data = message.get("data")
    told = data.get("message") if isinstance(data, dict) else None
    return told if isinstance(told, dict) else {}


def service_of_tag(tag: str) -> str | None:
    """The service that a Comet frame's `tag` names ("service.chat.refresh.{service ID}")."""
    found = _TAG.fullmatch(tag)
    return found["id"] if found else None
