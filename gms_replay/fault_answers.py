"""What a bad GMS says, in the words of a real one as far as they are known; see docs/architecture.md, "Faults"."""

from collections.abc import Iterator
from http import HTTPStatus
from typing import Any

from gms_replay import bayeux, chat2
from gms_replay.bayeux import HANDSHAKE, Parsed
from gms_replay.events import JSON
from gms_replay.faults import Fault
from gms_replay.model import Headers

_EXCEPTION = "com.genesyslab.gsg.GSGException"
_NOT_FOUND = "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionNotFound"
_DENIED = "403::handshake_denied"
"""What CometD's server says of a handshake that its security policy refuses."""
_UNREADABLE = '{["<>\\,: \x7f\xff'

Answer = tuple[int, Headers, bytes]
"""A status, headers and a body."""


def error(fault: Fault) -> Answer:
    """The answer by REST: GMS's error body, or that of chat version 2, whose HTTP status is 200."""
    if fault.status_code is not None:
        return 200, JSON, bayeux.dump(error2(fault.status_code, fault.message))
    phrase = _phrase(fault.status)
    body = {
        "exception": fault.exception or (_NOT_FOUND if fault.status == HTTPStatus.NOT_FOUND else _EXCEPTION),
        "message": phrase if fault.message is None else fault.message,
        "code": fault.status,
        "phrase": phrase,
    }
    return fault.status, JSON, bayeux.dump(body)


def error2(status_code: int, advice: str | None = None) -> dict[str, Any]:
    """What chat version 2 says, by REST and in frames; the numbers in `code` stand in, for the vendor's are not known.

    `status_code` 1: the client may try again. 2: there is no use.
    """
    code, words = (100, "try again") if status_code == 1 else (201, "the chat is not available")
    return {
        "statusCode": status_code,
        "chatEnded": False,
        "errors": [{"code": code, "advice": words if advice is None else advice}],
    }


def refused(messages: tuple[Parsed, ...], advice: str | None) -> bytes:
    """A frame that refuses handshakes, with that advice what to do next, or with none."""
    advised = {} if advice is None else {"advice": {"reconnect": advice}}
    return bayeux.frame(_reply(one, _DENIED, **(advised if one.channel == HANDSHAKE else {})) for one in messages)


def failed2(messages: tuple[Parsed, ...], told: dict[str, Any]) -> bytes:
    """A frame by which chat version 2 refuses what was published: taken by Bayeux, refused by the chat."""
    return bayeux.frame(_failed2(messages, told))


def garbage(drawn: bytes) -> bytes:
    """A body that is no JSON; another for other drawn bytes."""
    text = "".join(_UNREADABLE[number % len(_UNREADABLE)] for number in drawn)
    return f"<{text}".encode()


def _failed2(messages: tuple[Parsed, ...], told: dict[str, Any]) -> Iterator[bytes]:
    for one in messages:
        if chat2.published(one.fields) is None:
            yield _reply(one, "500::server_error")
        else:
            yield bayeux.dump({"channel": one.channel, "data": told})
            yield bayeux.dump(bayeux.reply(one, successful=True))


def _reply(message: Parsed, why: str, **fields: Any) -> bytes:
    return bayeux.dump(bayeux.reply(message, successful=False, error=why, **fields))


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return f"Status {status}"
