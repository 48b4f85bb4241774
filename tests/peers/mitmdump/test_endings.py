import os
import signal
import socket
import struct
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from processes import children, limit_files

from gms_replay.cassette import reader
from gms_replay.model import Body

HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
PIECE = b"3\r\n[{}\r\n"


def poll(path: str, length: int = 2) -> bytes:
    return f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n{{}}".encode()


def reset(client: socket.socket) -> None:
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()


CLOSINGS = {
    "fin": socket.socket.close,
    "rst": reset,
    "half": lambda client: client.shutdown(socket.SHUT_WR),
}


@pytest.mark.parametrize("closing", CLOSINGS)
def test_client_drops_held_poll(stage, closing):
    path = f"/genesys/cometd/dropped-{closing}"
    stage.upstream.plays(path, ...)

    with stage.mitmdump.connected() as client:
        client.sendall(poll(path))
        stage.upstream.asked(path)
        CLOSINGS[closing](client)
        exchange = stage.mitmdump.exchange(path)

    assert (exchange.response, exchange.outcome.error) == (None, "Client disconnected.")
    assert exchange.request.ended_at_us <= exchange.outcome.at_us


@pytest.mark.parametrize("head", [HEAD, b"HTTP/1.1 200 OK\r\n\r\n"], ids=["chunked", "close-delimited"])
def test_client_drops_inside_answer(stage, head):
    """Version 11 tells a dropped close-delimited answer twice: as an error, then as if it were whole."""
    path = f"/genesys/cometd/inside-{len(head)}"
    piece = PIECE if head == HEAD else b"[{}"
    stage.upstream.plays(path, head + piece, ..., None)

    with stage.mitmdump.connected() as client:
        client.sendall(poll(path))
        before = b""
        while not before.endswith(piece):
            before += client.recv(65536)
    exchange = stage.mitmdump.exchange(path)
    stage.upstream.release(path)

    assert exchange.outcome.error == "Client disconnected."
    assert (exchange.response.ended_at_us, exchange.response.body) == (None, Body(b"[{}"))


def test_client_drops_inside_request(stage):
    path = "/genesys/1/service/half/get-dialog-start-chat"

    with stage.mitmdump.connected() as client:
        client.sendall(poll(path, length=99))
        client.shutdown(socket.SHUT_WR)
        exchange = stage.mitmdump.exchange(path)

    assert (exchange.request.ended_at_us, exchange.response) == (None, None)
    assert exchange.outcome.error


def test_server_dies_under_poll(stage):
    path = "/genesys/cometd/dies"
    stage.upstream.plays(path, None)

    assert stage.mitmdump.send(poll(path)).startswith(b"HTTP/1.1 502 ")

    exchange = stage.mitmdump.exchange(path)
    assert (exchange.response, exchange.outcome.error) == (None, "server closed connection")


@pytest.mark.parametrize("path", ["/genesys/cometd/torn", "/genesys/1/service/torn/get-dialog-start-chat"])
def test_server_dies_inside_answer(stage, path):
    stage.upstream.plays(path, HEAD + PIECE, None)

    stage.mitmdump.send(poll(path))

    exchange = stage.mitmdump.exchange(path)
    assert (exchange.response.status, exchange.response.ended_at_us) == (200, None)
    assert "incomplete chunked" in exchange.outcome.error


@pytest.fixture(scope="module")
def nobody() -> Iterator[int]:
    """A port that nobody listens on, and nobody else can take."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_server_down_behind_forward_proxy(start, nobody):
    mitmdump = start("--mode", "regular@0").ready()
    target = "/genesys/cometd/down"

    assert mitmdump.send(poll(f"http://127.0.0.1:{nobody}{target}")).startswith(b"HTTP/1.1 502 ")

    exchange = mitmdump.exchange(target)
    assert (exchange.request.port, exchange.response) == (nobody, None)
    assert "Connect call failed" in exchange.outcome.error


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_server_down_behind_reverse_proxy(start, nobody, scheme):
    mitmdump = start("--mode", f"reverse:{scheme}://127.0.0.1:{nobody}@0").ready()
    target = "/genesys/cometd/down"

    for _ in range(2):
        assert mitmdump.send(poll(target)).startswith(b"HTTP/1.1 502 ")

    assert mitmdump.end() == 0
    first, second = mitmdump.of(reader.read(mitmdump.cassette), target)
    assert (first.request.scheme, first.request.port, first.response) == (scheme, nobody, None)
    assert "Connect call failed" in first.outcome.error
    assert first.outcome.error == second.outcome.error
    assert "Addon error" not in mitmdump.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_terminated_under_poll_loses_nothing(upstream, start, number):
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    held, answered = f"/genesys/cometd/term-{number}", f"/genesys/cometd/just-{number}"
    upstream.plays(held, ...)
    upstream.plays(answered, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    with mitmdump.connected() as waiting, mitmdump.connected() as client:
        waiting.sendall(poll(held))
        upstream.asked(held)
        client.sendall(poll(answered))
        while not client.recv(65536).endswith(b"[]"):
            pass
        assert mitmdump.end(number) == 0

    recording = reader.read(mitmdump.cassette)
    (dropped,), (done,) = mitmdump.of(recording, held), mitmdump.of(recording, answered)
    # mitmproxy closes both sides; which one it names is chance.
    assert dropped.response is None
    assert dropped.outcome.error in ("Client disconnected.", "server closed connection")
    assert done.response.body == Body(b"[]")
    assert sorted(file.name for file in mitmdump.cassette.parent.iterdir()) == ["err.txt", "out.txt", "visit.sqlite"]
    # asyncio of 3.11 may print a traceback of its own for connections that are open at the end.
    assert "gms_record" not in mitmdump.err
    assert "Addon error" not in mitmdump.out


def test_killed_keeps_what_was_complete(upstream, start):
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    held, answered = "/genesys/cometd/kill", "/genesys/cometd/before"
    upstream.plays(held, ...)
    upstream.plays(answered, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    with mitmdump.connected() as waiting, mitmdump.connected() as client:
        client.sendall(poll(answered))
        waiting.sendall(poll(held))
        mitmdump.exchange(answered)
        mitmdump.recorded(lambda recording: mitmdump.of(recording, held))
        (writer,) = children(mitmdump.process.pid)
        assert mitmdump.end(signal.SIGKILL) == -signal.SIGKILL
        # What writes the cassette outlives it, to make one plain file of it.
        mitmdump.ended(writer)

    assert sorted(file.name for file in mitmdump.cassette.parent.iterdir()) == ["err.txt", "out.txt", "visit.sqlite"]
    recording = reader.read(mitmdump.cassette)
    (dropped,), (done,) = mitmdump.of(recording, held), mitmdump.of(recording, answered)
    assert dropped.unfinished
    assert dropped.request.body == Body(b"{}")
    assert done.response.body == Body(b"[]")


def test_full_disk_ends_mitmdump(upstream, start):
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    path = "/genesys/1/service/full/get-dialog-start-chat"
    size = 3_000_000
    upstream.plays(path, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    limit_files(mitmdump.process.pid, 1_000_000)

    with mitmdump.connected() as client, suppress(ConnectionError):
        client.sendall(poll(path))
        mitmdump.rest(client)
    assert mitmdump.process.wait(20) == 1

    (line,) = [line for line in mitmdump.err.splitlines() if line.startswith("gms_record: ")]
    assert f"{mitmdump.cassette}: cannot be written: " in line


def test_writer_killed_ends_mitmdump(upstream, start):
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    path = "/genesys/cometd/kept"
    upstream.plays(path, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")
    with mitmdump.connected() as client:
        client.sendall(poll(path))
        mitmdump.exchange(path)
    (writer,) = children(mitmdump.process.pid)

    os.kill(writer, signal.SIGKILL)

    assert mitmdump.process.wait(20) == 1
    (line,) = [line for line in mitmdump.err.splitlines() if line.startswith("gms_record: ")]
    assert "visit.sqlite: the process that writes it was ended by SIGKILL" in line
    assert mitmdump.exchange(path).response.body == Body(b"[]")


def test_stopped_writer_holds_up_traffic(upstream, start):
    """So memory stays bounded; and nothing is dropped."""
    mitmdump = start("--mode", f"reverse:http://127.0.0.1:{upstream.port}@0").ready()
    path, size, count = "/genesys/1/service/slow/get-dialog-start-chat", 1 << 20, 8
    upstream.plays(path, b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size + b"x" * size)
    (writer,) = children(mitmdump.process.pid)
    asked = poll(path).replace(b"Host: h", b"Host: h\r\nConnection: close")

    with ThreadPoolExecutor() as threads:
        os.kill(writer, signal.SIGSTOP)
        try:
            passing = [threads.submit(mitmdump.send, asked) for _ in range(count)]
            mitmdump.blocked()
        finally:
            os.kill(writer, signal.SIGCONT)
        assert all(each.result(60).endswith(b"xx") for each in passing)

    assert mitmdump.end() == 0
    assert [len(exchange.response.body.wire) for exchange in reader.read(mitmdump.cassette).exchanges] == [size] * count
