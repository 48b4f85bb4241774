"""What an entry of an HTTP archive tells (`har`), whoever wrote it."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from string import punctuation
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from mitmproxy.net.http.headers import parse_content_type

from gms_replay.base_url import DEFAULT_PORTS
from gms_replay.formats.fields import Fields, expected, from_base64, from_utf8, integer, number, text
from gms_replay.formats.foreign import BINARY, TEXT, Piece, Told
from gms_replay.instants import SECOND_US
from gms_replay.mitmdump import codings
from gms_replay.model import Body, Direction, Exchange, Headers, Outcome, Request, Response, Socket, header

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
US_PER_MS = 1000

CODING = "content-encoding"
CLIENT = re.compile(r".+:[0-9]+")
"""An app's end, where `connection` names one; others number their connections there."""

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# As mitmproxy calls them, and so the recorder.
_VERSIONS = {"h2": "HTTP/2.0", "http/2": "HTTP/2.0", "http/2.0": "HTTP/2.0", "h3": "HTTP/3", "http/3.0": "HTTP/3"}
# `ssl` is within `connect`.
_BEFORE_IT_IS_SENT = ("blocked", "dns", "connect")
# In seconds a time of the year 5138, in milliseconds one of 1973.
_LATEST_S = 100_000_000_000
_WAYS = {"send": Direction.TO_SERVER, "receive": Direction.TO_CLIENT}
_BASE64 = "base64"
_NO_ANSWER = "no answer"


def is_http(entry: object) -> bool:
    """False where its URL is plainly another's business, like data: or blob:, or an extension's of the browser."""
    request = entry.get("request") if isinstance(entry, dict) else None
    url = request.get("url") if isinstance(request, dict) else None
    found = _SCHEME.match(url) if isinstance(url, str) else None
    return found is None or found[1].lower() in _SCHEMES


def lacks_body(entry: dict[str, Any]) -> bool:
    """Whether a body is known to have been and is not there: browsers let go of what is large or old.

    `entry` is one that `exchange` has read.
    """
    response = entry.get("response") or {}
    content = response.get("content") or {"size": response.get("bodySize")}
    posted = entry["request"].get("postData") or {}
    is_form = "urlencoded" in (posted.get("mimeType") or "")
    has_lost_post = bool(posted.get("params")) and not posted.get("text") and not is_form
    size = content.get("size")
    return has_lost_post or (content.get("text") is None and isinstance(size, int | float) and size > 0)


def exchange(entry: Fields) -> Told:
    """What an entry's own fields tell, with ids of nobody's. Raises FormatError."""
    started_us = entry.take("startedDateTime", _instant_us)
    spans_us = (
        entry.nested("timings", _spans_us) if entry.has("timings") else (0, 0, entry.take_or("time", _span_us, 0), 0)
    )
    _, begun_us, asked_us, answering_us, ended_us = accumulate(spans_us, initial=started_us)
    client = entry.take_or("connection", text, "")
    request = entry.nested("request", lambda fields: _request(fields, begun_us, asked_us))
    request = replace(request, client=client if CLIENT.fullmatch(client) else "")
    outcome = Outcome(ended_us, None, _NO_ANSWER)
    if entry.has("response"):
        outcome = entry.nested("response", lambda fields: _outcome(fields, answering_us, ended_us))
    if not entry.has("_webSocketMessages") or outcome.response is None:
        return Told(Exchange(0, 0, request, outcome))
    frames = tuple(one for one in entry.each("_webSocketMessages", _frame) if one)
    return _upgraded(Exchange(0, 0, request, outcome), outcome.response, frames)


def _upgraded(exchange: Exchange, response: Response, frames: tuple[Piece, ...]) -> Told:
    """In Chrome's archives a WebSocket's answer lasts until it is closed, in others until it is open."""
    ended_us = response.ended_at_us or response.started_at_us
    if not any(response.started_at_us < at_us <= ended_us for _, at_us, _ in frames):
        return Told(exchange, Socket(0, ended_us), frames)
    response = replace(response, ended_at_us=response.started_at_us)
    opened = replace(exchange, outcome=Outcome(response.started_at_us, response))
    return Told(opened, Socket(0, response.started_at_us, ended_us), frames)


def _spans_us(timings: Fields) -> tuple[int, int, int, int]:
    """What passed before it was sent, while it was sent, while the server was waited for, and while it answered."""
    before_us = sum(timings.take_or(name, _span_us, 0) for name in _BEFORE_IT_IS_SENT)
    return (
        before_us,
        timings.take_or("send", _span_us, 0),
        timings.take_or("wait", _span_us, 0),
        timings.take_or("receive", _span_us, 0),
    )


def _request(fields: Fields, started_us: int, ended_us: int) -> Request:
    scheme, netloc, target = fields.take("url", _url)
    told = _headers(fields)
    named = _without_pseudo(told)
    if header(named, "host") is None:
        named = (("host", header(told, ":authority") or netloc), *named)
    host, port = _address(netloc, scheme)
    plain = fields.nested("postData", _posted) if fields.has("postData") else b""
    body, named = _body(plain, named)
    version = fields.take_or("httpVersion", _version, "HTTP/1.1")
    method = fields.take("method", text)
    return Request(method, scheme, host, port, target, version, named, body, started_us, ended_us)


def _posted(fields: Fields) -> bytes:
    kind = fields.take_or("mimeType", text, "")
    if fields.take_or("_encoding", text, "") == _BASE64:
        return fields.take("text", from_base64)
    told = fields.take_or("text", text, "")
    if not told and fields.has("params"):
        params = fields.each("params", lambda one: (one.take("name", text), one.take_or("value", text, "")))
        if len(params) == 1 and not params[0][1] and params[0][0].lstrip().startswith("{"):
            # JSON that was sent as a form, as Charles tells it.
            return encoded(params[0][0], kind)
        return urlencode(params).encode() if "urlencoded" in kind else b""
    return encoded(told, kind)


def _outcome(fields: Fields, started_us: int, ended_us: int) -> Outcome:
    error = fields.take_or("_error", text, None)
    status = fields.take_or("status", integer, 0)
    if not status:
        return Outcome(ended_us, None, error or _NO_ANSWER)
    content = fields.nested("content", _content) if fields.has("content") else b""
    body, named = _body(content, _without_pseudo(_headers(fields)))
    reason = fields.take_or("statusText", text, "")
    version = fields.take_or("httpVersion", _version, "HTTP/1.1")
    return Outcome(ended_us, Response(status, reason, version, named, body, started_us, ended_us), error)


def _content(fields: Fields) -> bytes:
    if fields.take_or("encoding", text, "") == _BASE64:
        return fields.take_or("text", from_base64, b"")
    return encoded(fields.take_or("text", text, ""), fields.take_or("mimeType", text, ""))


def encoded(told: str, kind: str) -> bytes:
    """Text as the bytes that it was, in the charset that its media type names, else in UTF-8."""
    found = parse_content_type(kind)
    try:
        return told.encode(found[2].get("charset", "utf-8") if found else "utf-8")
    except (LookupError, ValueError):
        return told.encode("utf-8", "replace")


def _body(plain: bytes, named: Headers) -> tuple[Body, Headers]:
    """The body, and the headers that are true of it: an archive has bodies without their coding, mostly."""
    decoded = codings.decoded(plain, named)
    if plain and decoded is None:
        named = tuple((name, value) for name, value in named if name.lower() != CODING)
    return Body(plain, decoded), named


def _headers(fields: Fields) -> Headers:
    def pairs(one: Fields) -> Headers:
        name, value = one.take("name", _wire), one.take_or("value", _wire, "")
        # Chrome tells headers of one name as one, in lines.
        return tuple((name, line) for line in value.split("\n"))

    return tuple(chain.from_iterable(fields.each("headers", pairs))) if fields.has("headers") else ()


def _without_pseudo(named: Headers) -> Headers:
    """Without what HTTP/2 says of a message in names that begin with a colon (RFC 9113, section 8.3)."""
    return tuple((name, value) for name, value in named if not name.startswith(":"))


def _frame(fields: Fields) -> Piece | None:
    # Chrome lists errors among them, of other types.
    way = _WAYS.get(fields.take("type", text))
    at_us = fields.take("time", _epoch_us)
    opcode = fields.take("opcode", number)
    if way is None:
        return None
    if opcode == BINARY:
        return way, at_us, fields.take("data", from_base64)
    return (way, at_us, fields.take("data", from_utf8)) if opcode == TEXT else None


def _url(value: object) -> tuple[str, str, str]:
    """Scheme, host and port as they stand, and target."""
    try:
        parts = urlsplit(text(value))
        scheme = _SCHEMES[parts.scheme]
        _address(parts.netloc, scheme)
    except (LookupError, ValueError):
        raise ValueError(expected("a URL like https://host/path", value)) from None
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return scheme, parts.netloc.rpartition("@")[2], quote(target, safe=punctuation)


def is_url(told: str) -> bool:
    """Whether it is one that an entry may have."""
    try:
        _url(told)
    except ValueError:
        return False
    return True


def _address(netloc: str, scheme: str) -> tuple[str, int]:
    parts = urlsplit(f"//{netloc}")
    if not parts.hostname:
        raise ValueError
    return parts.hostname, parts.port or DEFAULT_PORTS[scheme]


def _instant_us(value: object) -> int:
    try:
        told = datetime.fromisoformat(text(value))
    except ValueError:
        told = None
    if told is None or told.tzinfo is None:
        raise ValueError(expected("an instant with its zone, like 2014-05-02T16:27:30.123Z", value))
    return (told - EPOCH) // timedelta(microseconds=1)


def _epoch_us(value: object) -> int:
    """Seconds, as Chrome and mitmproxy tell them, or milliseconds, as Playwright does."""
    told = number(value)
    return round(told * (US_PER_MS if told >= _LATEST_S else SECOND_US))


def _span_us(value: object) -> int:
    # -1 means that it does not apply.
    return max(0, round(number(value) * US_PER_MS))


def _version(value: object) -> str:
    return _VERSIONS.get(text(value).lower(), text(value).upper())


def _wire(value: object) -> str:
    """Text as the model has headers: one character per byte."""
    return text(value).encode("utf-8", "surrogateescape").decode("latin-1")
