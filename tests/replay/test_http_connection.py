"""What nobody's app sends, byte by byte: each is refused with a status of HTTP's, and costs no other."""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import factories
import httpx
import pytest
from serving import Served, served

from gms_replay.access import Access
from gms_replay.limits import Limits

LIMITS = Limits(body_bytes=100_000, head_bytes=4000, headers=20, connections=10, sockets=2, reading_bytes=200_000)
COMET = "/genesys/cometd"
CLOCK = "/__gms_replay__/clock"
PUSHES = "/__gms_replay__/pushes"
START = "POST /__gms_replay__/clock HTTP/1.1\r\nHost: localhost\r\n"
MOVE = '{"to": "next"}'
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\n"
WAIT_S = 20


@pytest.fixture(scope="module")
def server() -> Iterator[Served]:
    with served(factories.visit(), limits=LIMITS) as running:
        yield running


@pytest.fixture(autouse=True)
def serves_on(server: Served, capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    """After whatever was sent, an app is answered, and nothing was printed."""
    yield
    assert status(sent(server, f"GET {CLOCK} HTTP/1.1\r\nHost: [::1]\r\nConnection: close\r\n\r\n")) == 200
    assert capfd.readouterr() == ("", "")


def dialled(server: Served) -> socket.socket:
    place = urlsplit(server.origin)
    return socket.create_connection((place.hostname, place.port), timeout=WAIT_S)


def answered(talk: socket.socket) -> bytes:
    """All that comes until the server ends the connection."""
    told = b""
    # Whoever is still sending may be cut off.
    with suppress(ConnectionResetError):
        while piece := talk.recv(65536):
            told += piece
    return told


def sent(server: Served, data: bytes | str) -> bytes:
    """What comes back to that, until the server ends the connection."""
    with dialled(server) as talk:
        talk.sendall(data.encode("latin-1") if isinstance(data, str) else data)
        return answered(talk)


def status(answer: bytes) -> int:
    assert answer.startswith(b"HTTP/1.1 "), answer[:100]
    return int(answer.split()[1])


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x00" * 1000,
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nBad Name: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nA: \x01\x00\r\n\r\n",
        b"CONNECT gms.test:443 HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
    ],
)
def test_garbage_is_a_bad_request(server: Served, garbage: bytes) -> None:
    assert status(sent(server, garbage)) == 400


def test_long_target_is_431(server: Served) -> None:
    assert status(sent(server, f"GET /{'a' * 5000} HTTP/1.1\r\n\r\n")) == 431


def test_head_without_end_is_431(server: Served) -> None:
    """A header that is never whole, which the parser keeps to itself."""
    with dialled(server) as talk:
        talk.sendall(b"GET / HTTP/1.1\r\nA: ")
        while not (told := _glimpse(talk)):
            talk.sendall(b"a" * 1000)

    assert status(told) == 431


def _glimpse(talk: socket.socket) -> bytes:
    talk.settimeout(0.01)
    try:
        return talk.recv(65536)
    except TimeoutError:
        return b""
    finally:
        talk.settimeout(WAIT_S)


LONG = "a" * 5000


@pytest.mark.parametrize("header", ["A: b\r\n" * 21, f"A: {LONG}\r\n", f"{LONG}: b\r\n", "A: \r\n" * 100_000])
def test_header_bomb_is_431(server: Served, header: str) -> None:
    assert status(sent(server, f"GET / HTTP/1.1\r\n{header}\r\n")) == 431


def test_declared_body_is_refused_before_it_comes(server: Served) -> None:
    assert status(sent(server, f"{START}Content-Length: 100001\r\nExpect: 100-continue\r\n\r\n")) == 413


def test_body_that_is_sent_all_the_same_is_told(server: Served) -> None:
    """The answer is not lost because of what comes after it."""
    assert status(sent(server, f"{START}Content-Length: 3000000\r\n\r\n{' ' * 3_000_000}")) == 413


def test_chunked_body_is_413(server: Served) -> None:
    piece = "2710\r\n" + "a" * 10_000 + "\r\n"

    assert status(sent(server, f"{START}Transfer-Encoding: chunked\r\n\r\n{piece * 20}")) == 413


def test_body_in_crumbs_is_413(server: Served) -> None:
    assert status(sent(server, f"{START}Transfer-Encoding: chunked\r\n\r\n" + "1\r\na\r\n" * 10_001)) == 413


def test_body_is_expected_where_asked(server: Served) -> None:
    with dialled(server) as talk:
        talk.sendall(f"{START}Content-Length: 14\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n".encode())
        assert talk.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        talk.sendall(MOVE.encode())

        assert status(answered(talk)) == 200


def test_all_bodies_together_are_limited(server: Served) -> None:
    """Those that are small go on."""
    head = f"{START}Content-Length: 99000\r\n\r\n"
    with dialled(server) as one, dialled(server) as two, dialled(server) as three:
        for talk in (one, two):
            talk.sendall(f"{head}{' ' * 98_000}".encode())
            _read_by_server(server, talk)
        three.sendall(f"{head}{' ' * 98_000}".encode())

        assert status(answered(three)) == 429
        assert status(sent(server, f"{START}Connection: close\r\nContent-Length: 14\r\n\r\n{MOVE}")) == 200


def _read_by_server(server: Served, talk: socket.socket) -> None:
    """Nothing says when the server has read what was sent; but it reads in turn, so not after a later request."""
    for _ in range(3):
        httpx.get(f"{server.origin}/__gms_replay__/clock", trust_env=False)


def test_deep_json_is_413(server: Served) -> None:
    body = '{"a":' * 2000
    answer = sent(server, f"{START}Content-Length: {len(body)}\r\n\r\n{body}")

    assert status(answer) == 413
    assert b"nested 100 levels deep" in answer


@pytest.mark.parametrize("path", [COMET, factories.CALLBACK, "/__gms_replay__/clock"])
@pytest.mark.parametrize("depth", [50, 99, 100, 101, 500, 900, 990, 1000, 1100])
def test_no_depth_is_a_server_error(server: Served, path: str, depth: int) -> None:
    body = '[{"channel":"/a","data":' + "[" * (depth - 2) + "]" * (depth - 2) + "}]"
    answer = httpx.post(f"{server.origin}{path}", content=body, trust_env=False)

    assert (answer.status_code == 413) == (depth > 100)
    assert answer.status_code < 500


@pytest.mark.parametrize("header", ["Origin", "Access-Control-Request-Method", "gms_user", "Cookie", "X-Forwarded-For"])
@pytest.mark.parametrize("value", ["\x80\xff", "a\tb", '"\\', "\xa0" * 500, "%0d%0aX: y", ""])
def test_no_header_is_a_server_error(server: Served, header: str, value: str) -> None:
    for path in (COMET, factories.CALLBACK, "/__gms_replay__/clock"):
        ask = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{header}: {value}\r\nConnection: close\r\n\r\n"
        assert status(sent(server, ask)) < 500


def test_line_ends_after_a_body_begin_nothing(server: Served) -> None:
    with dialled(server) as talk:
        for _ in range(2):
            talk.sendall(f"{START}Content-Length: 14\r\n\r\n{MOVE}\r\n\r\n".encode())
            assert status(talk.recv(65536)) == 200


def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    ask = "GET /__gms_replay__/{} HTTP/1.1\r\nHost: localhost\r\n{}\r\n"
    last = ask.format("misses", "Connection: close\r\n")
    told = sent(server, ask.format("clock", "") + ask.format("nothing", "") + last)

    assert [part.split()[0] for part in told.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_endless_pipeline_ends(server: Served) -> None:
    """At the answers that are due: those that come after them are nobody's."""
    told = sent(server, "GET /__gms_replay__/clock HTTP/1.1\r\nHost: localhost\r\n\r\n" * 5000)

    assert told.count(b"HTTP/1.1 ") < 100


def test_upgrade_behind_a_request_that_waits_is_refused(server: Served) -> None:
    ask = f"{START}Content-Length: 14\r\n\r\n{MOVE}GET {COMET} HTTP/1.1\r\n{UPGRADE}\r\n"

    assert b"101" not in sent(server, ask)


@pytest.mark.parametrize(
    "head",
    [
        f"GET {COMET} HTTP/1.1\r\n",
        f"GET {COMET}\x80 HTTP/1.1\r\n",
        f"GET /{'a' * 3900} HTTP/1.1\r\n",
        f"GET {COMET} HTTP/1.1\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
        f"GET {COMET} HTTP/1.0\r\nSec-WebSocket-Version: 99\r\n",
        f"POST {COMET} HTTP/1.1\r\nContent-Length: 5\r\n",
        f"GET {COMET} HTTP/1.1\r\nCookie: \xff\xfe\r\n",
    ],
)
def test_bad_upgrade_is_refused(server: Served, head: str) -> None:
    assert 400 <= status(sent(server, f"{head}Host: localhost\r\n{UPGRADE}\r\n")) < 500


def test_upgrade_to_anything_else_is_a_request(server: Served) -> None:
    ask = "GET /__gms_replay__/clock HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, close\r\nUpgrade: h2c\r\n\r\n"

    assert status(sent(server, ask)) == 200


def test_one_connection_too_many_takes_the_place_of_an_idle_one(server: Served) -> None:
    idle = [dialled(server) for _ in range(LIMITS.connections + 5)]

    assert httpx.get(f"{server.origin}/__gms_replay__/clock", trust_env=False).status_code == 200
    assert _is_ended(idle[0])
    for talk in idle:
        talk.close()


def _is_ended(talk: socket.socket) -> bool:
    try:
        return talk.recv(1) == b""
    except ConnectionResetError:
        return True


def test_no_place_is_429(server: Served) -> None:
    held = [dialled(server) for _ in range(LIMITS.connections)]
    listen = "GET /__gms_replay__/pushes HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n"
    try:
        for talk in held:
            talk.sendall(listen.encode())
            assert status(talk.recv(65536)) == 200
        with dialled(server) as one:
            one.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert status(answered(one)) == 429
    finally:
        for talk in held:
            talk.close()


def test_slow_sender_is_408() -> None:
    with served(factories.visit(), limits=Limits(request_s=1)) as server:
        for began in ("GET / HT", f"{START}Content-Length: 10\r\n\r\n12345"):
            with dialled(server) as talk:
                talk.sendall(began.encode())
                assert status(answered(talk)) == 408
        with dialled(server) as talk:
            assert answered(talk) == b""


def test_held_poll_is_not_slow() -> None:
    """Whoever has sent all waits as long as it takes."""
    with served(factories.visit(), limits=Limits(request_s=1)) as server:
        told = httpx.get(f"{server.origin}/__gms_replay__/pushes?wait_ms=3000", trust_env=False, timeout=WAIT_S)

    assert json.loads(told.content) == {"pushes": [], "held": 0}


def test_who_is_gone_at_once_is_not_this_process() -> None:
    """Of a connection that was reset before it was seen, what was sent is read, but not from where."""

    def reset(server: Served) -> None:
        rule = '{"on": "any", "do": "reset"}'
        talk = dialled(server)
        talk.sendall(
            f"POST /__gms_replay__/faults HTTP/1.1\r\nHost: gms\r\nContent-Length: {len(rule)}\r\n\r\n{rule}".encode()
        )
        talk.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        talk.close()

    with served(factories.visit(), access=Access("a-long-token"), before=reset) as running:
        listed = httpx.get(f"{running.origin}/__gms_replay__/faults")

    assert listed.json() == {"faults": []}


def test_held_second_of_two_makes_no_room() -> None:
    poll = f"GET {PUSHES}?wait_ms=1000 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    with served(factories.visit(), limits=Limits(connections=2)) as running, dialled(running) as talk:
        talk.sendall(f"GET {CLOCK} HTTP/1.1\r\nHost: localhost\r\n\r\n{poll}".encode())
        told = talk.recv(65536)
        others = [dialled(running) for _ in range(3)]
        told += answered(talk)
        for other in others:
            other.close()

    assert told.count(b"HTTP/1.1 200 ") == 2
