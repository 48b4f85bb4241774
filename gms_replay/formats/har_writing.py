"""An entry of an HTTP archive (`har`), for any reader."""

import base64
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl

from mitmproxy.io.har import request_to_flow
from mitmproxy.net.http.cookies import parse_cookie_headers, parse_set_cookie_headers

from gms_replay.formats.foreign import BINARY, TEXT, UNFINISHED, Told
from gms_replay.formats.har_reading import CLIENT, CODING, EPOCH, US_PER_MS, encoded, is_url
from gms_replay.instants import SECOND_US
from gms_replay.model import Direction, Exchange, Headers, Request, Response, header

_LAST_US = (datetime(9999, 12, 31, tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
_PARTS = ("request", "response")
_NO_URL = "http://unknown/"
# As Chrome and mitmproxy tell that none came.
_NO_RESPONSE: dict[str, Any] = {
    "status": 0,
    "statusText": "",
    "httpVersion": "",
    "cookies": [],
    "headers": [],
    "content": {"size": 0, "mimeType": ""},
    "redirectURL": "",
    "headersSize": -1,
    "bodySize": -1,
}


def entry(told: Told) -> dict[str, Any]:
    """The entry of an exchange, in HAR's own fields; what these cannot hold is left out, or as near as can be."""
    request, outcome = told.exchange.request, told.exchange.outcome
    spans = {name: max(span_us, 0) / US_PER_MS for name, span_us in _spans_us(told.exchange)}
    started_us = min(max(request.started_at_us, 0), _LAST_US)
    error = outcome.error if outcome else UNFINISHED
    response = _of_response(outcome.response) if outcome and outcome.response else _NO_RESPONSE
    entry: dict[str, Any] = {
        "startedDateTime": (EPOCH + timedelta(microseconds=started_us)).isoformat(timespec="microseconds"),
        "time": sum(spans.values()),
        "request": _of_request(request),
        "response": response if error is None else response | {"_error": error},
        "cache": {},
        "timings": spans,
    }
    if CLIENT.fullmatch(request.client):
        entry["connection"] = request.client
    if told.socket:
        entry |= {"_resourceType": "websocket", "_webSocketMessages": [_of_frame(*piece) for piece in told.frames]}
    return next(filter(_is_readable, _ever_plainer(entry)), entry)


def _ever_plainer(entry: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """An entry, and the same without what may be too much for a reader."""
    yield entry
    for name in (CODING, "host"):
        parts = {part: entry[part] | {"headers": _without(entry[part]["headers"], name)} for part in _PARTS}
        entry = entry | parts
        yield entry
    yield entry | {"request": entry["request"] | {"url": _NO_URL}}


def _without(headers: list[dict[str, str]], name: str) -> list[dict[str, str]]:
    return [one for one in headers if one["name"].lower() != name]


def _spans_us(exchange: Exchange) -> Iterator[tuple[str, int]]:
    request, response = exchange.request, exchange.response
    yield "send", request.asked_at_us - request.started_at_us
    yield "wait", response.started_at_us - request.asked_at_us if response else 0
    yield "receive", response.ended_at_us - response.started_at_us if response and response.ended_at_us else 0


def _is_readable(entry: dict[str, Any]) -> bool:
    """Whether mitmproxy can read it: it refuses a whole file for one body that it cannot code as the headers say."""
    try:
        request_to_flow(entry)
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return False
    return True


def _of_request(request: Request) -> dict[str, Any]:
    netloc = header(request.headers, "host") or f"{request.host}:{request.port}"
    url = f"{request.scheme}://{netloc}{request.target}"
    told = {
        "method": request.method,
        "url": url if is_url(url) else _NO_URL,
        "httpVersion": request.http_version,
        "cookies": [_named(*one) for one in parse_cookie_headers(_all(request.headers, "cookie"))],  # type: ignore[no-untyped-call]
        "headers": [_named(name, _from_wire(value)) for name, value in request.headers],
        "queryString": [_named(*pair) for pair in parse_qsl(request.target.partition("?")[2], keep_blank_values=True)],
        "headersSize": -1,
        "bodySize": len(request.body.wire),
    }
    if not request.body.wire:
        return told
    kind = header(request.headers, "content-type") or ""
    return told | {"postData": {"mimeType": kind, "params": []} | _of_body(request.body.plain, kind, "_encoding")}


def _of_response(response: Response) -> dict[str, Any]:
    plain, wire = response.body.plain, response.body.wire
    kind = header(response.headers, "content-type") or ""
    content = {"size": len(plain), "compression": len(plain) - len(wire), "mimeType": kind}
    return {
        "status": response.status,
        "statusText": response.reason,
        "httpVersion": response.http_version,
        "cookies": [
            _named(name, value) for name, value, _ in parse_set_cookie_headers(_all(response.headers, "set-cookie"))
        ],
        "headers": [_named(name, _from_wire(value)) for name, value in response.headers],
        "content": content | _of_body(plain, kind, "encoding"),
        "redirectURL": header(response.headers, "location") or "",
        "headersSize": -1,
        "bodySize": len(wire),
    }


def _of_body(plain: bytes, kind: str, coding: str) -> dict[str, str]:
    """Bytes as text, where every reader makes the same bytes of it, else in base64, as the field `coding` says."""
    told = plain.decode("utf-8", "replace")
    # What has no charset and is no JSON, mitmproxy takes for Latin-1 (version 11) or for UTF-8 (12).
    is_plain = told.isascii() or "charset" in kind.lower() or "json" in kind.lower()
    if is_plain and encoded(told, kind) == plain:
        return {"text": told}
    return {"text": base64.b64encode(plain).decode(), coding: "base64"}


def _of_frame(way: Direction, at_us: int, content: bytes) -> dict[str, Any]:
    kind = "send" if way is Direction.TO_SERVER else "receive"
    told: dict[str, Any] = {"type": kind, "time": at_us / SECOND_US}
    try:
        return told | {"opcode": TEXT, "data": content.decode("utf-8")}
    except UnicodeDecodeError:
        return told | {"opcode": BINARY, "data": base64.b64encode(content).decode()}


def _named(name: str, value: str | None) -> dict[str, str]:
    return {"name": name, "value": value or ""}


def _all(headers: Headers, name: str) -> list[str]:
    return [value for key, value in headers if key.lower() == name]


def _from_wire(value: str) -> str:
    """A header's bytes as text."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
