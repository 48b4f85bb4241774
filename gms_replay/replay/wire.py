"""What ASGI brings, as our nouns, and our answers as ASGI takes them."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gms_replay import recall
from gms_replay.events import NOBODY, Asked, Respond
from gms_replay.model import Headers, header

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BREAK = "gms_replay.break"
"""The extension of ASGI by which our server ends a connection: a function that is told whether to reset it."""

UNKNOWN = (NOBODY, 0)
"""The address of who is gone before he was seen."""

_SCHEMES = {"ws": "http", "wss": "https"}
_KEPT = 1024
"""So many heads of requests, and of answers, are known again."""


def asked(scope: Scope) -> tuple[Asked, Headers]:
    """A request without its body, and the headers of the answer for a page that asks."""
    path: bytes = scope.get("raw_path") or scope["path"].encode()
    client = scope.get("client")
    peer, headers = client[0] if client else "", tuple(scope["headers"])
    version = f"HTTP/{scope.get('http_version', '1.1')}"
    query: bytes = scope["query_string"]
    return _asked(scope.get("method", "GET"), scope["scheme"], path, query, headers, peer, version)


def _size(method: str, _: str, path: bytes, query: bytes, raw: tuple[tuple[bytes, bytes], ...], *_others: str) -> int:
    return len(method) + len(path) + len(query) + recall.of_headers(raw)


@recall.short(_KEPT, _size)
def _asked(
    method: str, scheme: str, path: bytes, query: bytes, raw: tuple[tuple[bytes, bytes], ...], peer: str, version: str
) -> tuple[Asked, Headers]:
    """Apps ask the same again and again."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in raw)
    prefix = (header(headers, "x-forwarded-prefix") or "").rstrip("/")
    target = (path + b"?" + query if query else path).decode("latin-1")
    return Asked(method, _SCHEMES.get(scheme, scheme), target, headers, b"", peer, prefix, version), _cors(headers)


def _cors(headers: Headers) -> Headers:
    """What a page on another origin needs: recorded answers were for the recorded origin, so these are ours."""
    origin = header(headers, "origin")
    if origin is None:
        return ()
    method = header(headers, "access-control-request-method")
    wanted = header(headers, "access-control-request-headers")
    return (
        ("access-control-allow-origin", origin),
        ("access-control-allow-credentials", "true"),
        ("vary", "Origin"),
        *((("access-control-allow-methods", method),) if method else ()),
        *((("access-control-allow-headers", wanted),) if wanted else ()),
    )


async def body(receive: Receive, most_bytes: int) -> bytes | None:
    """A request's whole body, or more of it than may be; None where the app hung up inside it."""
    parts: list[bytes] = []
    size = 0
    while (message := await receive())["type"] != "http.disconnect":
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if not message.get("more_body") or size > most_bytes:
            return b"".join(parts)
    return None


async def respond(send: Send, answer: Respond, cors: Headers, of: str = "http.response") -> None:
    """Sends an answer to its end. `cors`: what a page gets beside; `of`: what is answered, as ASGI calls it."""
    headers = [*coded(answer.headers + cors)]
    # 204 has no length to tell (RFC 9110, section 8.6).
    if answer.status != 204:
        headers.append((b"content-length", b"%d" % len(answer.body)))
    await send({"type": f"{of}.start", "status": answer.status, "headers": headers})
    is_whole = answer.cut_at is None
    await send({"type": f"{of}.body", "body": answer.body[: answer.cut_at], "more_body": not is_whole})


def break_off(scope: Scope, *, resets: bool) -> None:
    """Ends a request's connection, or a WebSocket's. Raises ConnectionError where the server cannot, for its client."""
    end = scope.get("extensions", {}).get(BREAK)
    if end is None:
        raise ConnectionError("a fault ends this connection, as its rule says")
    end(resets)


@recall.short(_KEPT, recall.of_headers)
def coded(headers: Headers) -> tuple[tuple[bytes, bytes], ...]:
    """Headers as ASGI takes them: what is polled is answered again and again with the same."""
    return tuple((name.encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers)
