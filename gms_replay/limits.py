"""How much one app, or all of them, may ask of the replay server; whoever asks more costs no other his time.

Strategy: Python does one thing at a time, so what is refused has to be refused before it costs anything: a head while
it comes, a body by its size and by how many values it may hold, which is counted without reading it.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from urllib.parse import unquote_to_bytes

from gms_replay import bayeux, leaves, spans
from gms_replay.errors import OptionError

_MARKS = (b",", b":", b"[", b"{", b"&")
"""One of these stands beside each value of JSON, and of a form."""
_BLANKS = b"\r\n"
"""What may stand before a form's first boundary."""
_NUMBER = re.compile(r"\d{1,12}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Limits:
    """What is more than one of these is refused, as its line says; `answer_s` and `unsent_bytes` end the connection."""

    body_bytes: int = 16 << 20
    """Of a request: 413. More than any app sends to GMS, files included."""
    text_bytes: int = 128 << 10
    """Of a body without the files in it, and of a WebSocket's message, all its parts: 413, or 1009."""
    head_bytes: int = 32 << 10
    """Of a request, its line and headers: 431."""
    headers: int = 100
    """Of a request: 431."""
    values: int = 5000
    """In a body of JSON or a form, or in a frame: 413, or 1009. In a query: 414."""
    depth: int = 100
    """Of JSON: 413, or 1009."""
    messages: int = 100
    """Bayeux messages in one frame: the first is answered with an error, none is taken."""
    subscriptions: int = 1000
    """Of a Bayeux client: an error."""
    subscribed_characters: int = 32 << 10
    """Of all subscriptions of a Bayeux client: an error."""
    clients: int = 100
    """Bayeux clients of a session: a handshake gets an error."""
    sessions: int = 10_000
    """429, or an error to the handshake. Before that, sessions make room that nobody asked for ten minutes."""
    connections: int = 20_000
    """429. Before that, the one makes room that has asked nothing for the longest time."""
    sockets: int = 10_000
    """WebSockets among them: 429."""
    reading_bytes: int = 256 << 20
    """Of all bodies that are being read or answered, where this one is no small one: 429."""
    unsent_bytes: int = 256 << 20
    """Of all answers that wait for who reads them: the connection with most of it is cut off."""
    request_s: int = 30
    """To send a head, and a body, which has a second more for each 10,000 bytes: 408, or 1008."""
    answer_s: int = 60
    """Without taking any of an answer: the connection is cut off."""


DEFAULT = Limits()
_NAMES = tuple(field.name for field in fields(Limits))


def parse(said: Iterable[str], where: str = "--limit") -> Limits:
    """The limits as a user sets them, each `NAME=NUMBER`; the others are as they are. Raises OptionError."""
    limits = DEFAULT
    for one in said:
        name, _, number = one.partition("=")
        if name not in _NAMES:
            raise OptionError(f"{where} {one}: there is no limit {name!r}; there are {', '.join(_NAMES)}")
        if not _NUMBER.fullmatch(number) or not int(number):
            raise OptionError(f"{where} {one}: {number!r} is no number from 1; write it like {where} {name}=50")
        limits = replace(limits, **{name: int(number)})
    return limits


def listed() -> str:
    """All limits with their defaults, for people."""
    return ", ".join(f"{name}={getattr(DEFAULT, name)}" for name in _NAMES)


def why_query_too_much(target: str, limits: Limits) -> str | None:
    """Why the query of a request is too much to be read; None where it is not."""
    query = target.partition("?")[2]
    if len(query) > limits.values and _marks(unquote_to_bytes(query)) >= limits.values:
        return f"a query may hold {limits.values} values"
    return None


def why_too_much(body: bytes, limits: Limits, content_type: str = "") -> str | None:
    """Why a body or frame is too much to be read; None where it is not. `content_type`: where files may be in it."""
    if len(body) <= limits.depth:
        return None
    line = leaves.delimiter(content_type)
    # Whatever its type says, a body that begins otherwise is read as what it looks like.
    if line is not None and body[: len(line) + len(_BLANKS)].lstrip().startswith(line):
        return _why_parts_too_much(body, line, limits)
    if len(body) > limits.text_bytes:
        return f"a body may have {limits.text_bytes} bytes beside files in it"
    said = body if body.lstrip()[:1] in (b"{", b"[") else unquote_to_bytes(body)
    # Values of what is not well-formed need no marks; well-formed JSON has at most as many other tokens, and one.
    if _marks(said) > limits.values or spans.is_longer(said, 2 * limits.values + 1):
        return f"a body may hold {limits.values} values"
    if bayeux.is_deeper(said.decode("latin-1"), limits.depth):
        return f"JSON may be nested {limits.depth} levels deep"
    return None


def _why_parts_too_much(body: bytes, line: bytes, limits: Limits) -> str | None:
    if body.count(b"\n" + line) > limits.values:
        return f"a form may have {limits.values} parts"
    files_bytes = sum(part.end - part.start for part in leaves.parts(body, line) if part.is_file)
    if len(body) - files_bytes > limits.text_bytes:
        return f"a body may have {limits.text_bytes} bytes beside files in it"
    return None


def _marks(text: bytes) -> int:
    return sum(map(text.count, _MARKS))
