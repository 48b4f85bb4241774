import asyncio
from typing import Any

import pytest

from gms_replay.events import Respond
from gms_replay.model import Headers
from gms_replay.replay import wire

MOST = 1000


def scope(**others: Any) -> wire.Scope:
    return {
        "type": "http",
        "method": "POST",
        "scheme": "https",
        "path": "/genesys/1/\u00fc",
        "raw_path": b"/genesys/1/%C3%BC",
        "query_string": b"a=1",
        "headers": [(b"host", b"gms.test"), (b"x-forwarded-prefix", b"/lab/")],
        "client": ("10.0.0.7", 4711),
    } | others


def sent(answer: Respond, cors: Headers = ()) -> list[dict[str, Any]]:
    messages: list[Any] = []

    async def take(message: Any) -> None:
        messages.append(message)

    asyncio.run(wire.respond(take, answer, cors))
    return messages


def read(*messages: dict[str, Any]) -> bytes | None:
    coming = iter(messages)

    async def receive() -> Any:
        return next(coming)

    return asyncio.run(wire.body(receive, MOST))


def part(body: bytes, *, more: bool) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


def test_request_is_read() -> None:
    asked, cors = wire.asked(scope())

    assert asked.target == "/genesys/1/%C3%BC?a=1"
    assert (asked.peer, asked.forwarded_prefix, asked.http_version) == ("10.0.0.7", "/lab", "HTTP/1.1")
    assert cors == ()


@pytest.mark.parametrize(("length", "is_kept"), [(1000, True), (3000, False)])
def test_short_heads_are_read_once(length: int, is_kept: bool) -> None:
    one, again = (wire.asked(scope(query_string=b"a=" + b"x" * length))[0] for _ in range(2))

    assert (one is again) is is_kept


@pytest.mark.parametrize(("scheme", "as_http"), [("ws", "http"), ("wss", "https"), ("https", "https")])
def test_sockets_scheme_is_https(scheme: str, as_http: str) -> None:
    assert wire.asked(scope(scheme=scheme))[0].scheme == as_http


def test_page_is_answered_by_its_origin() -> None:
    _, cors = wire.asked(scope(headers=[(b"origin", b"http://page.test")]))

    assert dict(cors)["access-control-allow-origin"] == "http://page.test"


def test_pieces_are_one_body() -> None:
    assert read(part(b"a", more=True), part(b"b", more=False)) == b"ab"


def test_no_body_of_who_hung_up() -> None:
    assert read(part(b"a", more=True), {"type": "http.disconnect"}) is None


def test_too_large_a_body_is_read_no_further() -> None:
    assert len(read(part(b" " * (MOST + 1), more=True)) or b"") > MOST


@pytest.mark.parametrize(("status", "length"), [(200, b"2"), (204, None)])
def test_length_is_told_where_there_is_one(status: int, length: bytes | None) -> None:
    start, body = sent(Respond(1, status, (("a", "b"),), b"ok"), (("vary", "Origin"),))

    assert dict(start["headers"]).get(b"content-length") == length
    assert start["headers"][:2] == [(b"a", b"b"), (b"vary", b"Origin")]
    assert body["body"] == b"ok"
