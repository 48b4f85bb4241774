"""What a Bayeux server says to messages, and refuses (Bayeux 1.0, section 2.6; in the words of CometD's, if any)."""

from collections.abc import Iterable
from typing import Any

from gms_replay import bayeux
from gms_replay.bayeux import Parsed

_LATER_MS = 10_000


def reply(message: Parsed, **fields: Any) -> bytes:
    """The reply to a message, as JSON."""
    return bayeux.dump(bayeux.reply(message, **fields))


def unknown(message: Parsed) -> bytes:
    """What is said to a client that the server does not know."""
    # On another reply it may come after the new handshake, and CometD's client fails of it at the next connect.
    advice = {"advice": {"reconnect": "handshake", "interval": 0}} if message.channel == bayeux.CONNECT else {}
    return reply(message, successful=False, error=bayeux.SESSION_UNKNOWN, **advice)


def too_many(message: Parsed, what: str, most: int) -> bytes:
    """What is said to whoever wants one more of something than a server gives: later there may be fewer."""
    advice = (
        {"advice": {"reconnect": "handshake", "interval": _LATER_MS}} if message.channel == bayeux.HANDSHAKE else {}
    )
    return reply(message, successful=False, error=f"429:{most}:too_many_{what}", **advice)


def refuse(messages: Iterable[Parsed], most_sessions: int) -> tuple[bytes, ...]:
    """What is said to messages that are nobody's: of clients that nobody knows, or that no session is left for."""
    return tuple(
        too_many(message, "sessions", most_sessions) if message.channel == bayeux.HANDSHAKE else unknown(message)
        for message in messages
    )
