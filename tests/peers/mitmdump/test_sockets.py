import signal
import struct

import pytest

from gms_replay.cassette import reader
from gms_replay.model import Direction, Transport

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"


def upgrade(path: str) -> bytes:
    head = (
        f"GET {path} HTTP/1.1", "Host: h", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    return "\r\n".join(head).encode()


def frame(payload: bytes, opcode: int = 1, final: bool = True, mask: bytes = b"") -> bytes:
    """A short frame (RFC 6455, section 5.2); from a client it needs a mask, and one of zeros changes nothing."""
    return bytes([0x80 * final | opcode, 0x80 * bool(mask) | len(payload)]) + mask + payload


def from_client(payload: bytes, opcode: int = 1, final: bool = True) -> bytes:
    return frame(payload, opcode, final, mask=bytes(4))


def read_until(client, end: bytes) -> None:
    came = b""
    while not came.endswith(end):
        came += client.recv(65536)


def test_frames_told_as_messages(stage):
    path = "/genesys/cometd/socket"
    last = frame(b'{"channel":"/b"}')
    stage.upstream.plays(
        path, UPGRADED, frame(b'[{"channel":"/a"},{"channel":"/meta/connect"}]') + frame(b"no Bayeux"), last, ...
    )

    with stage.mitmdump.connected() as client:
        client.sendall(upgrade(path))
        read_until(client, last)
        client.sendall(from_client(b"\x00\xff", opcode=2))
        client.sendall(from_client(b'[{"channel":', final=False) + from_client(b'"/c"}]', opcode=0))
        client.sendall(from_client(struct.pack("!H", 1000) + b"bye", opcode=8))
        (socket,) = stage.mitmdump.recorded(closed_sockets(stage, path))

    recording = reader.read(stage.mitmdump.cassette)
    (exchange,) = stage.mitmdump.of(recording, path)
    assert exchange.response.status == 101
    messages = [message for message in recording.messages if message.exchange_id == exchange.id]
    assert [(m.direction, m.transport, m.index, m.channel, m.raw) for m in messages] == [
        (Direction.TO_CLIENT, Transport.WEBSOCKET, 0, "/a", b'{"channel":"/a"}'),
        (Direction.TO_CLIENT, Transport.WEBSOCKET, 1, "/meta/connect", b'{"channel":"/meta/connect"}'),
        (Direction.TO_CLIENT, Transport.WEBSOCKET, 0, "", b"no Bayeux"),
        (Direction.TO_CLIENT, Transport.WEBSOCKET, 0, "/b", b'{"channel":"/b"}'),
        (Direction.TO_SERVER, Transport.WEBSOCKET, 0, "", b"\x00\xff"),
        (Direction.TO_SERVER, Transport.WEBSOCKET, 0, "/c", b'{"channel":"/c"}'),
    ]
    assert (socket.close_code, socket.close_reason, socket.closed_by) == (1000, "bye", Direction.TO_SERVER)
    times = [exchange.response.started_at_us, socket.opened_at_us, *(m.at_us for m in messages), socket.closed_at_us]
    assert times == sorted(times)


def closed_sockets(stage, path: str):
    def find(recording):
        ids = [exchange.id for exchange in stage.mitmdump.of(recording, path)]
        return [socket for socket in recording.sockets if socket.exchange_id in ids and socket.closed_at_us]

    return find


@pytest.mark.parametrize("path", ["/elsewhere/socket"])
def test_other_sockets_unrecorded(stage, path):
    known = "/genesys/cometd/known-socket"
    last = frame(b'{"channel":"/b"}')
    for each in (path, known):
        stage.upstream.plays(each, UPGRADED, last, ..., None)
        with stage.mitmdump.connected() as client:
            client.sendall(upgrade(each))
            read_until(client, last)
            stage.upstream.release(each)
            stage.mitmdump.rest(client)

    (socket,) = stage.mitmdump.recorded(closed_sockets(stage, known))
    recording = reader.read(stage.mitmdump.cassette)
    assert socket.close_code == 1006
    assert stage.mitmdump.of(recording, path) == []


def test_close_by_server_tells_code_and_reason(stage):
    path = "/genesys/cometd/ended-socket"
    stage.upstream.plays(path, UPGRADED, frame(struct.pack("!H", 1011) + b"not Bayeux", opcode=8), ...)

    with stage.mitmdump.connected() as client:
        client.sendall(upgrade(path))
        (socket,) = stage.mitmdump.recorded(closed_sockets(stage, path))

    assert (socket.close_code, socket.close_reason, socket.closed_by) == (1011, "not Bayeux", Direction.TO_CLIENT)


def test_terminated_socket_is_closed(upstream, start):
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    path = "/genesys/cometd/terminated-socket"
    last = frame(b'{"channel":"/b"}')
    upstream.plays(path, UPGRADED, last, ...)

    with mitmdump.connected() as client:
        client.sendall(upgrade(path))
        read_until(client, last)
        assert mitmdump.end(signal.SIGTERM) == 0

    recording = reader.read(mitmdump.cassette)
    (socket,) = recording.sockets
    assert (socket.close_code, [message.channel for message in recording.messages]) == (1006, ["/b"])
