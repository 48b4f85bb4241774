import gzip
import json
import time
import zlib
from pathlib import Path

import brotli
import pytest

from gms_replay.model import Body, Direction, Message, Recording, Transport, header

MALFORMED = Path(__file__).with_name("provide_code_false.txt").read_bytes()


def post(path: str, body: bytes = b"{}", *headers: str) -> bytes:
    """A request that asks for the connection to be closed, so that its answer can be read to the end."""
    head = (f"POST {path} HTTP/1.1", "Host: gms.example", *headers, f"Content-Length: {len(body)}", "Connection: close")
    return "\r\n".join((*head, "", "")).encode() + body


def answer(body: bytes, *headers: str) -> bytes:
    return "\r\n".join(("HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}", "", "")).encode() + body


def now_us() -> int:
    return time.time_ns() // 1000


def test_exchange_kept_whole(stage):
    path = "/genesys/1/service/whole/get-dialog-start-chat"
    raw = post(path + "?a=%C3%A9&b", b'{"x": 1}', "gms_user: Jane", "X-Two: b", "x-two: a", "Content-Type: text/json")
    stage.upstream.plays(path, answer(b'{"_id":"1"}', "Set-Cookie: a=1; Path=/", "X-Odd: \xe9", "set-cookie: b=2"))
    started_at_us = now_us()

    with stage.mitmdump.connected() as client:
        client.sendall(raw)
        stage.mitmdump.rest(client)
        address = "{}:{}".format(*client.getsockname())

    exchange = stage.mitmdump.exchange(path + "?a=%C3%A9&b")
    request, response = exchange.request, exchange.response
    assert (request.method, request.scheme, request.host, request.port, request.http_version, request.client) == (
        "POST", "http", "127.0.0.1", stage.upstream.port, "HTTP/1.1", address
    )  # fmt: skip
    assert request.headers == (
        ("Host", "gms.example"),
        ("gms_user", "Jane"),
        ("X-Two", "b"),
        ("x-two", "a"),
        ("Content-Type", "text/json"),
        ("Content-Length", "8"),
        ("Connection", "close"),
    )
    assert request.body == Body(b'{"x": 1}')
    assert (response.status, response.reason, response.http_version) == (200, "OK", "HTTP/1.1")
    assert response.headers == (
        ("Set-Cookie", "a=1; Path=/"),
        ("X-Odd", "\xc3\xa9"),
        ("set-cookie", "b=2"),
        ("Content-Length", "11"),
    )
    assert response.body == Body(b'{"_id":"1"}')
    assert exchange.outcome.error is None
    times = (started_at_us, request.started_at_us, request.ended_at_us, response.started_at_us, response.ended_at_us)
    assert list(times) == sorted(times)
    assert exchange.outcome.at_us == response.ended_at_us <= now_us()


def test_recorded_traffic_untouched(stage):
    path = "/genesys/1/service/untouched/get-dialog-start-chat"
    asked, answered = post(path, b'{"a" : 1}', "x-Odd: two  blanks", "Cookie: a; b"), answer(b"{}", "aLT: 1", "Alt: 2")
    stage.upstream.plays(path, answered)

    assert stage.mitmdump.send(asked) == answered
    assert stage.upstream.asked(path) == asked


@pytest.mark.parametrize("path", ["/elsewhere", "/genesys/other/cometd.js"])
def test_other_traffic_passes_unrecorded(stage, path):
    asked, answered = post(path, b'[{"channel": "/meta"}]'), answer(b'{"_id": 1}', "Content-Encoding: gzip")
    stage.upstream.plays(path, answered)

    assert stage.mitmdump.send(asked) == answered
    assert stage.upstream.asked(path) == asked
    assert stage.mitmdump.of(later(stage), path) == []


def later(stage) -> Recording:
    """The recording with all in it that had passed by now: it is written in order, so one exchange more tells."""
    path = f"/genesys/1/service/{now_us()}/later"
    stage.upstream.plays(path, answer(b"{}"))
    stage.mitmdump.send(post(path))
    return stage.mitmdump.recorded(lambda recording: recording if stage.mitmdump.of(recording, path) else None)


CODINGS = {
    "gzip": gzip.compress,
    "x-gzip": lambda plain: gzip.compress(plain[:5]) + gzip.compress(plain[5:]),
    "deflate": zlib.compress,
    "br": brotli.compress,
    "deflate, gzip": lambda plain: gzip.compress(zlib.compress(plain)),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_coded_body_kept_twice(stage, coding):
    path = f"/genesys/1/service/{coding.replace(', ', '-')}/get-dialog-start-chat"
    wire = CODINGS[coding](b'{"_id": "1"}')
    stage.upstream.plays(path, answer(wire, f"Content-Encoding: {coding}"))

    stage.mitmdump.send(post(path))

    assert stage.mitmdump.exchange(path).response.body == Body(wire, b'{"_id": "1"}')


@pytest.mark.parametrize(
    ("name", "coding", "wire"),
    [("no", "gzip", b"no gzip"), ("cut", "gzip", gzip.compress(b"x" * 99, mtime=0)[:-9]), ("new", "snappy", b"s")],
)
def test_undecodable_body_kept(stage, name, coding, wire):
    path = f"/genesys/1/service/{name}/get-dialog-start-chat"
    stage.upstream.plays(path, answer(wire, f"Content-Encoding: {coding}"))

    stage.mitmdump.send(post(path))

    assert stage.mitmdump.exchange(path).response.body == Body(wire, None)


def test_chunks_are_joined(stage):
    path = "/genesys/1/service/chunked/get-dialog-start-chat"
    stage.upstream.plays(
        path, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2\r\n{}\r\n", b"1\r\n \r\n0\r\n\r\n"
    )

    stage.mitmdump.send(
        f"POST {path} HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n".encode()
        + b"3\r\n{}x\r\n1\r\ny\r\n0\r\n\r\n"
    )

    exchange = stage.mitmdump.exchange(path)
    assert (exchange.request.body, exchange.response.body) == (Body(b"{}xy"), Body(b"{} "))
    assert header(exchange.response.headers, "transfer-encoding") == "chunked"


def test_malformed_dialog_byte_for_byte(stage):
    path = "/genesys/1/service/malformed/get-dialog-user-confirmation-provide_code-false"
    with pytest.raises(ValueError, match=r"double quotes|trailing comma"):
        json.loads(MALFORMED, strict=False)
    stage.upstream.plays(path, answer(MALFORMED))

    assert stage.mitmdump.send(post(path, b'{"a":1,}')).endswith(MALFORMED)

    exchange = stage.mitmdump.exchange(path)
    assert (exchange.request.body, exchange.response.body) == (Body(b'{"a":1,}'), Body(MALFORMED))


def test_held_poll_tells_its_hold(stage):
    path = "/genesys/cometd/held"
    asked, answered = (
        b'[{"id":"1","channel":"/meta/connect"} , {"channel":7},\n{"channel":"/x"}]',
        b'{"channel":"/_genesys"}',
    )
    stage.upstream.plays(path, ..., answer(answered))

    with stage.mitmdump.connected() as client:
        client.sendall(post(path, asked))
        stage.upstream.asked(path)
        held_at_us = now_us()
        stage.upstream.release(path)
        stage.mitmdump.rest(client)

    exchange = stage.mitmdump.exchange(path)
    sent_at_us, come_at_us = exchange.request.ended_at_us, exchange.response.started_at_us
    assert sent_at_us <= held_at_us <= come_at_us
    assert messages(stage, exchange.id, 3) == [
        (
            Direction.TO_SERVER,
            Transport.LONG_POLLING,
            sent_at_us,
            0,
            "/meta/connect",
            b'{"id":"1","channel":"/meta/connect"}',
        ),
        (Direction.TO_SERVER, Transport.LONG_POLLING, sent_at_us, 2, "/x", b'{"channel":"/x"}'),
        (Direction.TO_CLIENT, Transport.LONG_POLLING, come_at_us, 0, "/_genesys", answered),
    ]


def messages(stage, exchange_id: int, count: int) -> list[tuple[object, ...]]:
    def find(recording) -> list[Message] | None:
        found = [message for message in recording.messages if message.exchange_id == exchange_id]
        return found if len(found) >= count else None

    found = stage.mitmdump.recorded(find)
    return [(m.direction, m.transport, m.at_us, m.index, m.channel, m.raw) for m in found]


@pytest.mark.parametrize("path", ["/genesys/cometd/trickled", "/renamed/anywhere"])
def test_comet_answer_passes_at_once(stage, path):
    frame = b'[{"channel":"/meta/connect"}]'
    wire = gzip.compress(frame)
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    first, second = (b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (wire[:9], wire[9:]))
    stage.upstream.plays(path, head, first, ..., second, b"0\r\n\r\n")

    with stage.mitmdump.connected() as client:
        client.sendall(post(path, frame))
        before = b""
        while not before.endswith(first):
            before += client.recv(65536)
        stage.upstream.release(path)
        assert before + stage.mitmdump.rest(client) == head + first + second + b"0\r\n\r\n"

    exchange = stage.mitmdump.exchange(path)
    assert exchange.response.body == Body(wire, frame)
    assert [message[0] for message in messages(stage, exchange.id, 2)] == [Direction.TO_SERVER, Direction.TO_CLIENT]


@pytest.mark.parametrize("frame", [b"[{]", b'[{"channel":"\\ud800"}]', b'{"channel":""}', b"\xff", b""])
def test_broken_bayeux_gives_no_messages(stage, frame):
    path = f"/genesys/cometd/broken-{frame.hex()}"
    stage.upstream.plays(path, answer(frame))

    stage.mitmdump.send(post(path, frame))

    exchange = stage.mitmdump.exchange(path)
    assert (exchange.request.body, exchange.response.body) == (Body(frame), Body(frame))
    assert exchange.id not in [message.exchange_id for message in later(stage).messages]


@pytest.mark.parametrize(
    ("path", "provider"),
    [("/3/device/abc", "apns"), ("/v1/projects/p/messages:send", "fcm"), ("/fcm/send", "fcm")],
)
def test_push_told_beside_exchange(stage, path, provider):
    stage.upstream.plays(path, answer(b""))

    stage.mitmdump.send(post(path, b'{"message":{"_id":"1",}}'))

    exchange = stage.mitmdump.exchange(path)
    (push,) = stage.mitmdump.recorded(lambda recording: [p for p in recording.pushes if p.exchange_id == exchange.id])
    assert (push.provider, push.at_us, push.payload) == (
        provider, exchange.request.ended_at_us, b'{"message":{"_id":"1",}}'
    )  # fmt: skip


def test_run_tells_its_circumstances(stage):
    (run,) = stage.mitmdump.recorded(lambda recording: recording.runs)

    assert (run.mode, run.upstream) == ("reverse", f"http://127.0.0.1:{stage.upstream.port}")
    assert [name for name, _ in run.versions] == ["gms_replay", "mitmproxy", "python"]
    assert "secrets and personal data as they are" in stage.mitmdump.out


@pytest.mark.parametrize(
    ("said", "status"),
    [((), b"204"), (("Host: evil.example",), b"403"), (("Origin: http://evil.example",), b"403")],
)
def test_what_is_recorded_no_page_of_another_site_asks(stage, said, status):
    host = () if any(line.startswith("Host") for line in said) else ("Host: localhost",)
    head = ("GET /__gms_replay__/recorded HTTP/1.1", *host, *said, "Connection: close")

    assert stage.mitmdump.send("\r\n".join((*head, "", "")).encode()).split()[1] == status
