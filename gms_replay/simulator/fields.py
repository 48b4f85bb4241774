"""The fields of a request's body, in whichever of the four ways an app writes them."""

import json
from email import message_from_bytes
from email.message import Message
from email.utils import collapse_rfc2231_value
from typing import Any
from urllib.parse import parse_qsl

_FORM = "application/x-www-form-urlencoded"
_JSON_TYPES = ("application/json", "text/json", "text/plain", "")


class UnreadableBodyError(Exception):
    """The body is not what its content type says."""


class UnknownTypeError(Exception):
    """The body is of a type that carries no fields."""


def query_fields(query: str) -> dict[str, str]:
    """The fields of a query string or of a form; of a repeated one the last."""
    return dict(parse_qsl(query, keep_blank_values=True, errors="replace"))


def body_fields(content_type: str, body: bytes) -> dict[str, str]:
    """The fields of a body, each value as text. Raises UnreadableBodyError, UnknownTypeError.

    JSON under a form content type is read as JSON, because some apps send it so.
    """
    kind = content_type.partition(";")[0].strip().lower()
    if not body.strip():
        return {}
    if kind == "multipart/form-data":
        return _multipart(content_type, body)
    if kind in _JSON_TYPES or (kind == _FORM and body.lstrip().startswith(b"{")):
        return _json(body)
    if kind == _FORM:
        return query_fields(body.decode("utf-8", "replace"))
    raise UnknownTypeError(kind)


def text_fields(values: dict[str, Any]) -> dict[str, str]:
    """The members of a JSON object, each value as text: null as "", what is no text as JSON."""
    return {_clean(key): _text(item) for key, item in values.items()}


def _json(body: bytes) -> dict[str, str]:
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableBodyError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise UnreadableBodyError("a JSON object is expected")
    return text_fields(value)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _clean(value if isinstance(value, str) else json.dumps(value))


def _clean(text: str) -> str:
    # JSON can name half of a surrogate pair, which no answer could be encoded with.
    return text.encode("utf-8", "replace").decode("utf-8")


def _multipart(content_type: str, body: bytes) -> dict[str, str]:
    head = f"Content-Type: {content_type}\r\n\r\n".encode("latin-1", "replace")
    whole = message_from_bytes(head + body)
    if not whole.is_multipart():
        raise UnreadableBodyError("not a multipart body with the boundary that its content type names")
    return dict(_part(part) for part in whole.walk() if not part.is_multipart())


def _part(part: Message) -> tuple[str, str]:
    name = collapse_rfc2231_value(part.get_param("name", "", "content-disposition"))
    payload = part.get_payload(decode=True)
    return _clean(name), payload.decode("utf-8", "replace") if isinstance(payload, bytes) else ""
