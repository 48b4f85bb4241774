"""Comet answers in pieces, also without end: on disk as they come, each message with its own time, played at it."""

import signal
import socket
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from processes import children

from gms_replay import story
from gms_replay.cassette import reader
from gms_replay.model import Body, Direction

WAIT_S = 40
CLOSE_DELIMITED = b"HTTP/1.1 200 OK\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
ZIPPED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: gzip\r\n\r\n"


def event(number: int) -> bytes:
    return b'{"channel":"/_genesys","data":{"number":%d}}' % number


# One in an array of its own, two in one that ends later.
PLAIN = (b"[" + event(1) + b"]", b"[" + event(2) + b",", event(3) + b"]")


def chunk(content: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(content), content)


def zipped(*contents: bytes) -> Iterator[bytes]:
    coder = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    *first, last = contents
    for content in first:
        yield coder.compress(content) + coder.flush(zlib.Z_SYNC_FLUSH)
    yield coder.compress(last) + coder.flush()


FORMS = {
    "close-delimited": (CLOSE_DELIMITED, list(PLAIN)),
    "chunked": (CHUNKED, [chunk(piece) for piece in PLAIN]),
    "gzip": (ZIPPED, [chunk(piece) for piece in zipped(*PLAIN)]),
}


def now_us() -> int:
    return time.time_ns() // 1000


class Streaming:
    """A poll whose answer the test writes, between an app and a server that it plays both."""

    def __init__(self, mitmdump, path: str, client: socket.socket, server: socket.socket) -> None:
        self.mitmdump, self.path, self.client, self.server = mitmdump, path, client, server

    def passes(self, piece: bytes) -> None:
        """A piece of the answer, from the server to the app."""
        self.server.sendall(piece)
        came = b""
        while len(came) < len(piece):
            came += self.client.recv(65536)
        assert came == piece

    def heard(self, recording):
        ids = [exchange.id for exchange in self.mitmdump.of(recording, self.path)]
        told = [message for message in recording.messages if message.exchange_id in ids]
        return [message for message in told if message.direction is Direction.TO_CLIENT]

    def recorded(self, count: int):
        """The messages of the answer, once there are so many."""
        return self.mitmdump.recorded(lambda recording: found if len(found := self.heard(recording)) >= count else None)


@contextmanager
def streaming(mitmdump, listener: socket.socket, path: str) -> Iterator[Streaming]:
    body = b'[{"channel":"/meta/connect","id":"1"}]'
    with mitmdump.connected() as client:
        client.sendall(f"POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        server, _ = listener.accept()
        with server:
            asked = b""
            while not asked.endswith(body):
                asked += server.recv(65536)
            yield Streaming(mitmdump, path, client, server)


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(WAIT_S)
        yield server


@pytest.fixture
def mitmdump(start, listener):
    return start("--mode", f"reverse:http://127.0.0.1:{listener.getsockname()[1]}@0").ready()


@pytest.mark.parametrize("form", FORMS)
def test_messages_are_on_disk_before_the_end(mitmdump, listener, form):
    path, (head, pieces) = "/genesys/cometd/trickling", FORMS[form]
    passed_us = []
    with streaming(mitmdump, listener, path) as answer:
        answer.passes(head)
        for number, piece in enumerate(pieces, start=1):
            began_us = now_us()
            answer.passes(piece)
            passed_us.append((began_us, now_us()))
            assert len(answer.recorded(number)) == number
        assert mitmdump.of(reader.read(mitmdump.cassette), path)[0].unfinished
        answer.server.sendall(b"0\r\n\r\n" if head != CLOSE_DELIMITED else b"")
        answer.server.shutdown(socket.SHUT_WR)
        exchange = mitmdump.exchange(path)

    assert mitmdump.end() == 0
    found = answer.heard(reader.read(mitmdump.cassette))
    assert [(message.index, message.raw) for message in found] == [(n - 1, event(n)) for n in (1, 2, 3)]
    # The first may have the time of the head, where it followed at once.
    at_us = [message.at_us for message in found]
    assert all(began <= at <= ended for (began, ended), at in zip(passed_us[1:], at_us[1:], strict=True))
    assert exchange.response.started_at_us <= at_us[0] <= passed_us[0][1]
    assert exchange.response.body.plain == b"".join(PLAIN)
    assert exchange.outcome.error is None


def test_killed_in_the_middle_loses_nothing(mitmdump, listener):
    """What writes outlives mitmproxy: it also keeps the bytes that tell no message yet."""
    path = "/genesys/cometd/killed"
    with streaming(mitmdump, listener, path) as answer:
        answer.passes(CLOSE_DELIMITED + PLAIN[0])
        answer.passes(PLAIN[1] + b'{"half')
        assert len(answer.recorded(2)) == 2
        (writer,) = children(mitmdump.process.pid)
        assert mitmdump.end(signal.SIGKILL) == -signal.SIGKILL
        mitmdump.ended(writer)

    recording = reader.read(mitmdump.cassette)
    (exchange,) = mitmdump.of(recording, path)
    assert exchange.outcome.error == "the recorder was ended in the middle of the answer"
    assert (exchange.response.ended_at_us, exchange.response.body) == (None, Body(PLAIN[0] + PLAIN[1] + b'{"half'))
    assert [message.raw for message in answer.heard(recording)] == [event(1), event(2)]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_terminated_in_the_middle_loses_nothing(mitmdump, listener, number):
    path = "/genesys/cometd/terminated"
    with streaming(mitmdump, listener, path) as answer:
        answer.passes(CHUNKED + chunk(PLAIN[1]))
        assert mitmdump.end(number) == 0

    recording = reader.read(mitmdump.cassette)
    (exchange,) = mitmdump.of(recording, path)
    assert (exchange.response.ended_at_us, exchange.response.body) == (None, Body(PLAIN[1]))
    assert [message.raw for message in answer.heard(recording)] == [event(2)]


def test_each_message_is_played_at_its_own_time(mitmdump, listener):
    path = "/genesys/cometd/played"
    with streaming(mitmdump, listener, path) as answer:
        for number, piece in enumerate((CHUNKED + chunk(PLAIN[0]), *map(chunk, PLAIN[1:])), start=1):
            answer.passes(piece)
            answer.recorded(number)
    assert mitmdump.end() == 0
    recording = reader.read(mitmdump.cassette)

    (told,) = story.compile_stories(recording)

    found = answer.heard(recording)
    assert [(one.raw, one.at_us) for one in told.events["/_genesys"]] == [(one.raw, one.at_us) for one in found]
    assert told.events["/_genesys"][1].gap_us > 0
