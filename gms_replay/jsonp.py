"""Callback polling (Bayeux 1.0, section 6.2): frames in a query, and answered as a call of a script's function.

A page of old, or one that may not ask another origin otherwise, adds a script whose URL is the request: JSONP.
Parameters and the names that a callback may have are those of CometD's JSONPTransport.
"""

import re
from typing import NamedTuple
from urllib.parse import parse_qs

from gms_replay.model import Headers

_SCRIPT = "text/javascript;charset=UTF-8"
_NAME = re.compile(r"[a-zA-Z0-9._\-]{1,64}")
_HEAD = re.compile(rb"(?:/\*[^*]*\*/\s*)?[\w.$\-]+\s*\(")
# In JSON these two are letters like any other, in scripts before ES2019 they end the line.
_LINE_ENDS = {"\u2028".encode(): rb"\u2028", "\u2029".encode(): rb"\u2029"}


class Asked(NamedTuple):
    """What a query asks: the function to be called, and the frames that it brings."""

    callback: str
    frames: tuple[bytes, ...]


def asked(target: str) -> Asked | None:
    """What the query of a request's target asks; None where it is no callback polling."""
    query = target.partition("?")[2]
    if "jsonp=" not in query:
        return None
    fields = parse_qs(query, keep_blank_values=True)
    callback = fields.get("jsonp", [""])[0]
    if not _NAME.fullmatch(callback):
        return None
    return Asked(callback, tuple(frame.encode("utf-8", "surrogatepass") for frame in fields.get("message", ())))


def script(callback: str, frame: bytes) -> bytes:
    """A frame as the call of that function."""
    for letter, escaped in _LINE_ENDS.items():
        frame = frame.replace(letter, escaped)
    return b"%s(%s)" % (callback.encode(), frame)


def scripted(headers: Headers) -> Headers:
    """The headers of a frame, where it is such a call."""
    return tuple((name, _SCRIPT if name == "content-type" else value) for name, value in headers)


def frame(script: bytes) -> bytes:
    """The frame inside a call; what is no call as it is."""
    text = script.strip()
    text = text.removesuffix(b";").rstrip()
    head = _HEAD.match(text)
    return text[head.end() : -1] if head and text.endswith(b")") else script
