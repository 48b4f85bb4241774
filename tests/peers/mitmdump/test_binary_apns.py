"""Pushes in Apple's binary protocol, through a real mitmdump to a TLS server that stands in for Apple's."""

import signal
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from apns_frames import PAYLOAD, TOKEN, enhanced, item, items, refusal, simple
from apns_provider import Provider, connected, passes, received

from gms_replay import apns, pushes
from gms_replay.cassette import reader
from gms_replay.model import Direction, Recording

WAIT_S = 40
UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT


@pytest.fixture(scope="module")
def provider(confdir: Path) -> Iterator[Provider]:
    server = Provider(confdir / "mitmproxy-ca.pem")
    yield server
    server.close()


@pytest.fixture(scope="module")
def begin(start: Callable, provider: Provider) -> Callable:
    """A recorder before the provider."""

    def begin(*arguments: str):
        mode = f"reverse:tls://127.0.0.1:{provider.port}@0"
        return start("--mode", mode, "--set", "ssl_insecure=true", *arguments).ready()

    return begin


def frames(mitmdump, count: int) -> list[tuple[Direction, bytes]]:
    """All frames, once there are so many."""
    recording: Recording = mitmdump.recorded(lambda found: found if len(found.frames) >= count else None)
    return [(frame.direction, frame.raw) for frame in recording.frames]


def test_frames_of_all_commands_are_recorded(begin, provider):
    mitmdump = begin()
    listed = items(item(1, TOKEN), item(2, PAYLOAD), item(3, b"\0\0\0\x09"), item(4, bytes(4)), item(5, b"\x0a"))

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, simple()[:9], simple()[9:] + enhanced(7, 1_399_048_858)[:3], enhanced(7, 1_399_048_858)[3:])
        passes(gms, apple, listed + enhanced(10))
        apple.sendall(refusal(8, 9))
        apple.close()
        assert received(gms, 6) == refusal(8, 9)
        assert gms.recv(1) == b""
        peer = gms.getsockname()
    told = frames(mitmdump, 5)

    sent = (simple(), enhanced(7, 1_399_048_858), listed, enhanced(10))
    assert told == [*((UP, raw) for raw in sent), (DOWN, refusal(8, 9))]
    recording = reader.read(mitmdump.cassette)
    (connection,) = recording.connections
    assert (connection.host, connection.port) == ("127.0.0.1", provider.port)
    assert connection.client == f"{peer[0]}:{peer[1]}"
    assert connection.opened_at_us <= recording.frames[0].at_us <= recording.frames[-1].at_us
    reasons = [one.result.reason for one in pushes.find(recording, ()).others]
    assert reasons == [None, None, "InvalidToken", "not delivered: after a refused one"]


def test_recording_goes_on_after_broken_framing(begin, provider):
    mitmdump = begin()

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(1) + b"\x07bro", b"ken", enhanced(2))
    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(3), b"\x02" + (apns.LARGEST_FRAME + 1).to_bytes(4, "big"), b"too long")
    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(4))

    assert frames(mitmdump, 8) == [
        (UP, raw)
        for raw in (
            enhanced(1),
            b"\x07bro",
            b"ken",
            enhanced(2),
            enhanced(3),
            b"\x02\0\x01\0\x01",
            b"too long",
            enhanced(4),
        )
    ]
    assert len(reader.read(mitmdump.cassette).connections) == 3


def test_half_frames_and_other_payloads_are_kept(begin, provider):
    """Of a connection that is ours by its first frame."""
    mitmdump = begin()
    odd = enhanced(2, payload=b"no JSON")
    wrong = items(item(1, TOKEN[1:]), item(2, b"\xff"), item(4, bytes(400)))

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(1), odd, wrong, enhanced(3)[:20])
        passes(apple, gms, refusal(1, 2)[:3])

    assert frames(mitmdump, 5) == [
        (UP, enhanced(1)), (UP, odd), (UP, wrong), (UP, enhanced(3)[:20]), (DOWN, refusal(1, 2)[:3])
    ]  # fmt: skip


def test_strangers_pass_unrecorded(begin, provider):
    mitmdump = begin()
    long = bytes(100_000)

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, b"SSH-2.0-hello\r\n", long)
        passes(apple, gms, long)
    with connected(mitmdump, provider) as (gms, apple):
        passes(apple, gms, b"220 smtp\r\n")
        passes(gms, apple, enhanced(1))
    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(2))

    assert frames(mitmdump, 1) == [(UP, enhanced(2))]


def test_named_host_is_recorded_from_its_first_byte(begin, provider):
    mitmdump = begin("--set", f"gms_hosts=127.0.0.1:{provider.port}")

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(1, token=b"short", payload=b"?"))
    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, b"\x16hello")

    assert frames(mitmdump, 2) == [(UP, enhanced(1, token=b"short", payload=b"?")), (UP, b"\x16hello")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_end_in_the_middle_loses_nothing(begin, provider, number):
    mitmdump = begin()

    with connected(mitmdump, provider) as (gms, apple):
        passes(gms, apple, enhanced(1), enhanced(2)[:30])
        frames(mitmdump, 1)
        mitmdump.end(number)

    # Only the kill may come before the half one was handed over.
    kept = frames(mitmdump, 2 if number == signal.SIGTERM else 1)
    assert kept == [(UP, enhanced(1)), (UP, enhanced(2)[:30])][: len(kept)]


def test_forward_proxy_records(start, provider):
    mitmdump = start("--mode", "regular@0", "--set", "ssl_insecure=true").ready()
    place = f"localhost:{provider.port}"

    with mitmdump.connected() as plain:
        plain.sendall(f"CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n".encode())
        told = b""
        while b"\r\n\r\n" not in told:
            told += plain.recv(65536)
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        with context.wrap_socket(plain) as gms:
            gms.sendall(enhanced(1))
            with provider.take() as apple:
                assert received(apple, len(enhanced(1))) == enhanced(1)

    assert frames(mitmdump, 1) == [(UP, enhanced(1))]
    (connection,) = reader.read(mitmdump.cassette).connections
    assert (connection.host, connection.port) == ("localhost", provider.port)
