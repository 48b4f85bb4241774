"""WebSockets of the replay server as a client that nobody here wrote sees them: extensions, pings, ends."""

import json
import struct
from collections.abc import Iterator
from typing import Any

import factories
import pytest
from serving import Served, served
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from gms_replay.replay.wire import LARGEST_BODY

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
        talk.socket.sendall(struct.pack("!BBQI", 0x82, 0xFF, LARGEST_BODY + 1, 0))
        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(WAIT_S)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
