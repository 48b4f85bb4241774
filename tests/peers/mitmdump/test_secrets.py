"""A visit with a hundred secrets through a real mitmdump, while somebody looks at every byte on disk."""

import gzip
import json
import signal
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from apns_frames import enhanced, item, items, refusal, simple
from apns_provider import Provider, connected, passes, received
from looking import Looker
from planted import COMET, Planted, planted
from push_providers import Providers, push_providers
from serving import served

from gms_replay import grading, pushdiff
from gms_replay.cassette import reader
from gms_replay.clocks import Clock, Pacing
from gms_replay.grades import Grade
from gms_replay.leniency import Leniency
from gms_replay.model import Recording, Request, header
from gms_replay.rules import Rules
from gms_replay.scan import files

UPGRADED = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
SOCKET = f"{COMET}/socket"
PLANTED = planted()
WHERE = {secret.where for secret in PLANTED.secrets}
TYPED = {secret.where for secret in PLANTED.typed}
REDACTED = pytest.mark.parametrize("redact", ["on", "typed"])


@dataclass(frozen=True)
class Kept:
    """What is left of the visit: its cassette, what was seen on disk at any moment, and in which files."""

    file: Path
    recording: Recording
    found: frozenset[str]
    at_the_end: frozenset[str]
    files: frozenset[str]
    looks: int


@pytest.fixture(scope="module")
def record(
    upstream: Any, run: Callable[..., Any], confdir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Kept]]:
    """`record(redact)`: the visit as it is kept then; it is made once."""
    kept: dict[str, Kept] = {}
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("providers")
        providers = stack.enter_context(push_providers(folder, confdir / "mitmproxy-ca.pem"))
        apple = Provider(confdir / "mitmproxy-ca.pem")
        stack.callback(apple.close)

        def once(redact: str) -> Kept:
            if redact not in kept:
                folder = tmp_path_factory.mktemp(redact)
                kept[redact] = recorded(Peers(upstream, providers, apple), run, folder, redact)
            return kept[redact]

        yield once


@dataclass(frozen=True)
class Peers:
    """Who stands behind the recorder: GMS, the providers of pushes, and Apple's older one."""

    upstream: Any
    providers: Providers
    apple: Provider


def recorded(peers: Peers, run: Callable[..., Any], folder: Path, redact: str) -> Kept:
    temporary = folder / "tmp"
    temporary.mkdir()
    modes = [
        f"reverse:http://127.0.0.1:{peers.upstream.port}@0",
        f"reverse:tls://127.0.0.1:{peers.apple.port}@127.0.0.2:0",
    ]
    with Looker(folder, (*PLANTED.secrets, *PLANTED.typed)) as looker, pytest.MonkeyPatch.context() as patch:
        # Whatever anybody keeps for a moment is seen, too.
        patch.setenv("TMPDIR", str(temporary))
        mitmdump = run(
            folder,
            *("--set", f"gms_cassette={folder / 'visit.sqlite'}", "--set", f"gms_redact={redact}"),
            *(word for mode in (*modes, "regular@127.0.0.3:0") for word in ("--mode", mode)),
            # mitmproxy itself logs the URLs that it sees, unless told not to.
            *("--set", "ssl_insecure=true", "--set", "flow_detail=0"),
        ).ready()
        visit(peers, mitmdump, PLANTED)
        assert mitmdump.end(signal.SIGTERM) == 0
    last = Looker(folder, (*PLANTED.secrets, *PLANTED.typed))
    last.look()
    found, at_the_end = (frozenset(where for where, _ in one.found) for one in (looker, last))
    cassette = mitmdump.cassette
    return Kept(cassette, reader.read(cassette), found, at_the_end, frozenset(looker.seen), looker.looks)


def visit(peers: Peers, mitmdump: Any, planted: Planted) -> None:
    """All of it, through a recorder, one after the other."""
    for shot in planted.shots:
        peers.upstream.plays(shot.path, shot.answered)
        assert mitmdump.send(shot.asked) == shot.answered, shot.path
    talk(peers, mitmdump, planted)
    target, headers, body = planted.push
    proxy = f"http://127.0.0.3:{mitmdump.ports[2]}"
    with httpx.Client(http2=True, verify=False, trust_env=False, proxy=proxy) as client:
        answer = client.post(f"{peers.providers.url}{target}", content=body, headers=headers)
    assert (answer.http_version, peers.providers.next().path) == ("HTTP/2", target)
    first, second, third = planted.frames
    with connected(mitmdump, peers.apple, mitmdump.ports[1], "127.0.0.2") as (gms, apple):
        passes(gms, apple, simple(*first), enhanced(7, int(time.time()) + 3600, *second))
        passes(gms, apple, items(item(1, third[0]), item(2, third[1]), item(3, struct.pack(">I", 9))))
        apple.sendall(refusal(8, 9))
        assert received(gms, 6) == refusal(8, 9)


def talk(peers: Peers, mitmdump: Any, planted: Planted) -> None:
    """Over a WebSocket; what is told comes at once, and is read before anything is said."""
    told = [frame(answer) for _, answer in planted.sockets]
    peers.upstream.plays(SOCKET, UPGRADED, *told, ...)
    head = (
        f"GET {SOCKET} HTTP/1.1", "Host: gms.example", "Upgrade: websocket", "Connection: Upgrade",
        "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", "", "",
    )  # fmt: skip
    with mitmdump.connected() as client:
        client.sendall("\r\n".join(head).encode())
        came = b""
        while not came.endswith(told[-1]):
            came += client.recv(65536)
        for said, _ in planted.sockets:
            client.sendall(frame(said, is_masked=True))
        client.sendall(frame(struct.pack(">H", 1000), 8, is_masked=True))
        mitmdump.recorded(lambda found: [one for one in found.sockets if one.closed_at_us])


def frame(payload: bytes, opcode: int = 1, *, is_masked: bool = False) -> bytes:
    """One of a WebSocket's (RFC 6455, section 5.2); a mask of zeros changes nothing."""
    length = bytes([len(payload)]) if len(payload) < 126 else struct.pack(">BH", 126, len(payload))
    first = bytes([length[0] | 0x80 * is_masked]) + length[1:]
    return bytes([0x80 | opcode]) + first + bytes(4 * is_masked) + payload


def say(app: httpx.Client, origin: str, request: Request) -> None:
    """What the recorded app asked; without a coding, for the player takes none."""
    kept = [(name, value) for name, value in request.headers if name.lower() not in ("host", "connection")]
    body = request.body.wire
    if header(request.headers, "content-encoding"):
        kept = [(name, value) for name, value in kept if name.lower() not in ("content-encoding", "content-length")]
        body = gzip.decompress(body)
    # Not decoded: one answer says that it is packed, and is not.
    with app.stream(request.method, origin + request.target, headers=kept, content=body) as answer:
        b"".join(answer.iter_raw())


def hear(app: httpx.Client, url: str, headers: dict[str, Any]) -> list[Any]:
    """What an app is told over Comet: the lines of each message, as many as were recorded."""

    def ask(channel: str, **more: Any) -> Any:
        return app.post(url, json=[{"channel": channel, **more}], headers=headers).json()

    client = ask("/meta/handshake", version="1.0", supportedConnectionTypes=["long-polling"])[0]["clientId"]
    ask("/meta/subscribe", clientId=client, subscription="/_genesys")
    heard: list[Any] = []
    while len(heard) < 3:
        told = ask("/meta/connect", clientId=client, connectionType="long-polling")
        heard += [lines(message) for message in told if message["channel"] == "/_genesys"]
    return heard


def lines(message: Any) -> Any:
    return message["data"]["message"]["transcriptToShow"]


def test_a_hundred_secrets_are_each_one_of_a_kind():
    values = [secret.value for secret in (*PLANTED.secrets, *PLANTED.typed)]

    assert len(PLANTED.secrets) >= 100
    assert len({*values}) == len(values) == len(WHERE | TYPED)
    assert [one for one in values if sum(one in other for other in values) > 1] == []


def test_unredacted_every_secret_is_found(record):
    kept = record("off")

    assert (WHERE | TYPED) - kept.at_the_end == set()
    assert (WHERE | TYPED) - kept.found == set()


@pytest.mark.parametrize(("redact", "stays"), [("on", TYPED), ("typed", set())])
def test_redacted_no_secret_is_on_disk_at_any_moment(record, redact, stays):
    kept = record(redact)

    assert kept.found == stays
    assert kept.at_the_end == stays
    assert "visit.sqlite-wal" in kept.files
    assert kept.looks > 10


@REDACTED
def test_redacted_it_is_the_same_visit(record, redact):
    old, new = record("off").recording, record(redact).recording

    found = grading.compare(old, new, Leniency())
    assert [str(one) for one in found.differences if one.grade is not Grade.VOLATILE] == []
    assert found.compared["answers"] >= 15
    assert [pair.differences for pair in pushdiff.compare(old, new).pairs if pair.differences] == []


@REDACTED
def test_what_was_redacted_is_no_secret_to_the_scan(record, redact):
    assert [(one.value, one.places) for one in files.scan(record(redact).file, Rules()).found] == []


def test_unredacted_the_scan_finds_all_of_them(record):
    found = [one.value.encode() for one in files.scan(record("off").file, Rules()).found]

    # Whole, or inside a token or Basic credentials.
    assert {secret.where for secret in PLANTED.secrets if not any(map(secret.stands_in, found))} == set()


@REDACTED
def test_redacted_it_is_played_to_an_app_that_says_the_secrets(record, redact):
    # Comet is heard below, and notices lead elsewhere.
    recorded = (one.request for one in record("off").recording.exchanges)
    asked = [one for one in recorded if not any(part in one.target for part in (COMET, "/notices/"))]
    kept = record(redact).recording
    with served(kept, Pacing(clock=Clock.VIRTUAL)) as running, httpx.Client(trust_env=False) as app:
        for request in asked:
            say(app, running.origin, request)
        heard = hear(app, f"{running.origin}{COMET}", {"gms_user": header(asked[0].headers, "gms_user")})
        told = app.get(f"{running.origin}/__gms_replay__/misses").json()
    assert told["misses"] == []
    assert len(asked) == 21
    assert heard == [lines(json.loads(message.raw)) for message in kept.messages if message.channel == "/_genesys"]
