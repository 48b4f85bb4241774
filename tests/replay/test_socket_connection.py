"""WebSockets of the replay server as a client that nobody here wrote sees them: extensions, pings, ends."""

import json
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import factories
import pytest
from serving import Served, served
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from gms_replay.limits import DEFAULT, Limits

WAIT_S = 20


def opened(server: Served, **options: Any) -> ClientConnection:
    return connect(f"ws{server.origin.removeprefix('http')}/genesys/cometd", proxy=None, **options)


def shakes_hands(talk: ClientConnection) -> bool:
    talk.send(json.dumps({"channel": "/meta/handshake", "version": "1.0"}))
    [reply] = json.loads(talk.recv(WAIT_S))
    return bool(reply["successful"])


@pytest.fixture
def server() -> Iterator[Served]:
    with served(factories.visit()) as one:
        yield one


@pytest.mark.parametrize("is_asked", [True, False])
@pytest.mark.parametrize("is_offered", [True, False])
def test_compressed_where_asked_and_offered(is_asked: bool, is_offered: bool) -> None:
    offer = "deflate" if is_offered else None
    with served(factories.visit(), compress_sockets=is_asked) as server, opened(server, compression=offer) as talk:
        names = [extension.name for extension in talk.protocol.extensions]
        assert shakes_hands(talk)

    assert names == ["permessage-deflate"] * (is_asked and is_offered)


@pytest.mark.parametrize("asked", [None, ["bayeux", "other"]])
def test_first_subprotocol_asked_for_is_spoken(server: Served, asked: list[str] | None) -> None:
    """Browsers end a WebSocket that speaks none of those they asked for."""
    with opened(server, subprotocols=asked) as talk:
        assert shakes_hands(talk)

    assert talk.subprotocol == (asked[0] if asked else None)


def test_ping_is_answered(server: Served) -> None:
    with opened(server) as talk:
        assert talk.ping(b"there?").wait(WAIT_S)
        assert shakes_hands(talk)


def test_close_of_the_app_is_answered(server: Served) -> None:
    with opened(server) as talk:
        talk.close(4001, "bye")
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(WAIT_S)

    assert (closed.value.rcvd, closed.value.rcvd_then_sent) == (closed.value.sent, False)


def test_too_large_a_frame_closes(server: Served) -> None:
    """By its head: whoever is still sending might not hear why the connection is gone."""
    with opened(server) as talk:
        talk.socket.sendall(struct.pack("!BBQI", 0x82, 0xFF, DEFAULT.text_bytes + 1, 0))
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(WAIT_S)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


def frame(opcode: int, data: bytes = b"", *, fin: bool = True) -> bytes:
    """A frame of a client, masked with nothing (RFC 6455, section 5.2)."""
    length = bytes([0x80 | len(data)]) if len(data) < 126 else struct.pack("!BH", 0xFE, len(data))
    return bytes([fin << 7 | opcode]) + length + bytes(4) + data


TEXT, CONT, PING = 1, 0, 9
HANDSHAKE = b'[{"channel":"/meta/handshake"}]'


def closed_after(server: Served, data: bytes) -> int | None:
    """With which code the server ends a WebSocket over which that comes; None where it just hangs up."""
    with opened(server) as talk:
        with suppress(OSError):
            talk.socket.sendall(data)
        closed = _end(talk)
    return closed.rcvd.code if closed.rcvd else None


def _end(talk: ClientConnection) -> ConnectionClosed:
    """How it ends, after all that may come before."""
    while True:
        try:
            talk.recv(WAIT_S)
        except ConnectionClosed as closed:
            return closed


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (frame(TEXT, b"[", fin=False) + frame(CONT, b" ", fin=False) * 100_000, 1009),
        (frame(TEXT, b"", fin=False) + frame(CONT, b"", fin=False) * 1001, 1009),
        (frame(PING) * 5000, 1008),
        (frame(CONT), 1002),
        (b"\x81\x02[]", 1002),  # not masked
        (b"\xff" * 100, 1002),
        (frame(3), 1002),
        (frame(TEXT, b"\xff"), 1007),
        (frame(TEXT, b"[" * 20_000), 1009),
        (frame(TEXT, b'[{"channel":"/a","data":' + b"[" * 101 + b"]" * 101 + b"}]"), 1009),
        (frame(TEXT, b"\x00"), 1011),
        (frame(TEXT), 1011),
        (frame(TEXT, HANDSHAKE) * 20_000, 1008),
    ],
)
def test_flood_over_a_socket_closes_it(
    server: Served, data: bytes, code: int, capfd: pytest.CaptureFixture[str]
) -> None:
    assert closed_after(server, data) in (code, None)
    # Another app: who shakes hands for ever has no further client in his session.
    with opened(server, additional_headers={"gms_user": "ann"}) as talk:
        assert shakes_hands(talk)
    assert capfd.readouterr() == ("", "")


def test_slow_message_closes() -> None:
    with served(factories.visit(), limits=Limits(request_s=1)) as server:
        for began in (frame(TEXT, HANDSHAKE)[:10], frame(TEXT, HANDSHAKE, fin=False)):
            assert closed_after(server, began) == 1008


def test_who_does_not_read_is_not_heard_and_cut_off() -> None:
    ask = frame(TEXT, b'[{"channel":"/meta/x","id":"%s"}]' % (b"x" * 60_000))
    with served(factories.visit(), limits=Limits(answer_s=1)) as server, opened(server) as talk:
        talk.socket.settimeout(WAIT_S)
        with pytest.raises(ConnectionError):
            _say_for_ever(talk, ask)


def _say_for_ever(talk: ClientConnection, ask: bytes) -> None:
    # The client itself would read; what it reads is bounded, so the server soon has nowhere to write to.
    while True:
        talk.socket.sendall(ask)


def test_one_socket_too_many_is_429() -> None:
    with served(factories.visit(), limits=Limits(sockets=1)) as server:
        with opened(server) as talk:
            with pytest.raises(InvalidStatus) as refused:
                opened(server)
            assert shakes_hands(talk)
        with opened(server) as talk:
            assert shakes_hands(talk)

    assert refused.value.response.status_code == 429


def test_who_does_not_read_does_not_keep_the_server(server: Served, capfd: pytest.CaptureFixture[str]) -> None:
    ask = frame(TEXT, b'[{"channel":"/meta/x","id":"%s"}]' % (b"x" * 60_000))
    with opened(server) as talk:
        talk.socket.settimeout(0.2)
        with suppress(TimeoutError):
            _say_for_ever(talk, ask)
        server.stop()
        server.thread.join(WAIT_S)

        assert not server.thread.is_alive()
    assert capfd.readouterr() == ("", "")
