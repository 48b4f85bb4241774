import logging
import re
from types import SimpleNamespace

import factories
import pytest
from apns_frames import enhanced, refusal
from factories import CALLBACK, CHAT_PATH, QUEUE, SERVICE, Tape
from mitmproxy.connection import Server
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tcp import TCPMessage
from mitmproxy.test.tflow import tclient_conn, terr, tflow, ttcpflow

from gms_replay.model import Direction, Frame
from gms_replay.record.live import Live, Remarks
from gms_replay.record.recorder import Recorder


class Told(list[str]):
    """Lines without their times of day."""

    def __call__(self, line: str) -> None:
        assert line.isprintable()
        self.append(line[10:])


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def live(told: Told) -> Live:
    return Live(told, trust="trust us")


def flow(host: str = "other.example", *, failed: bool = False) -> HTTPFlow:
    made = tflow(resp=not failed, err=terr() if failed else False)
    made.request.host = host
    return made


def unreachable(error: str) -> ServerConnectionHookData:
    return ServerConnectionHookData(Server(address=("gms.example", 8080), error=error), tclient_conn())


def test_acts_name_their_user(live: Live, told: Told) -> None:
    tape = Tape()
    for second in (0, 1):
        live.watch(tape.ask(second, "POST", f"{CHAT_PATH}/send", {"message": f"\x1b[31m{second}"}), ())
    other = Tape("bob@example.com")
    live.watch(other.ask(2, "POST", CALLBACK, b"", {"_id": SERVICE}), ())

    assert told == [
        f"      user {factories.USER}",
        "app   says “\\u001b[31m0”",
        "app   says “\\u001b[31m1”",
        "      user bob@example.com",
        f"app   starts callback sales: service {SERVICE}",
    ]


def test_user_is_named_at_its_act() -> None:
    """Lines come late, and tell when it happened."""
    lines: list[str] = []
    Live(lines.append, trust="").watch(Tape().ask(5, "POST", f"{CHAT_PATH}/send", {"message": "hi"}), ())

    user, act = (line[:8] for line in lines)
    assert user == act


def test_typing_is_not_told(live: Live, told: Told) -> None:
    tape = Tape(user=None)
    live.watch(tape.ask(0, "POST", f"{CHAT_PATH}/startTyping"), ())
    live.watch(tape.ask(1, "POST", f"{CHAT_PATH}/startTyping", status=400), ())

    assert told == ["app   starts typing: refused with 400"]


def test_same_poll_is_told_once(live: Live, told: Told) -> None:
    tape = Tape(user=None)
    for second, place in enumerate((3, 3, 2, 2)):
        live.watch(tape.ask(second, "GET", QUEUE, b"", factories.position(place)), ())

    assert told == ["app   asks for its place in the queue: 3", "app   asks for its place in the queue: 2"]


def test_empty_poll_is_silent(live: Live, told: Told) -> None:
    tape = Tape()
    exchange = tape.poll(0, 30)

    live.watch(exchange, tuple(tape.messages))

    assert told == []


def test_strangers_are_told_once(live: Live, told: Told) -> None:
    live.response(flow())
    live.error(flow(failed=True))
    live.response(flow("mitm.it"))

    assert told == ["      passes unrecorded: other.example:22 (GET /path)"]
    assert live.passed == 2


def connection(*contents: bytes, live: Live) -> None:
    """Passes over a connection of its own, before a recorder and whoever tells of it."""
    made = ttcpflow()
    made.messages = []
    recorded = Recorder(lambda _: None, None, keep_frames=False).connections
    recorded.opened(made)
    for content in contents:
        made.messages.append(TCPMessage(True, content))
        recorded.passed(made)
        live.tcp_message(made)
    recorded.closed(made)
    live.tcp_end(made)


def test_connections_of_strangers_are_told_once_they_are_known(live: Live, told: Told) -> None:
    connection(enhanced(1)[:9], enhanced(1)[9:], b"?", live=live)
    connection(live=live)
    assert not told

    connection(b"hello", b"again", live=live)
    connection(enhanced(1)[:9], live=live)

    assert told == ["      passes unrecorded: address:22 (no HTTP)"]
    assert live.passed == 2


def test_frames_are_told(live: Live, told: Told) -> None:
    for direction, raw in (
        (Direction.TO_SERVER, enhanced(7)),
        (Direction.TO_CLIENT, refusal(8, 7)),
        (Direction.TO_CLIENT, refusal(10, 7)),
        (Direction.TO_CLIENT, enhanced(7)),
        (Direction.TO_SERVER, b"?"),
    ):
        live.watch_frame(Frame(1, 1, direction, 0, raw))

    assert told == [
        "GMS   pushes what names no action by apns, device 00fc13ad…",
        "APNs  refuses push 7 with 8, InvalidToken",
        "APNs  shuts down after push 7",
        "      no APNs frame: 81 bytes, kept",
        "      no APNs frame: 1 byte, kept",
    ]


def test_strangers_of_one_host_are_paths(told: Told) -> None:
    live = Live(told, trust="trust us", one_host=True)
    for path in ("/path?a", "/path?b", "/other"):
        made = flow()
        made.request.path = path
        live.response(made)

    assert told == [
        "      passes unrecorded: other.example:22 (GET /path)",
        "      passes unrecorded: other.example:22 (GET /other)",
    ]


def test_recorded_is_no_stranger(live: Live, told: Told) -> None:
    made = flow(failed=True)
    Recorder(lambda _: None, re.compile("other"), keep_frames=False).asked(made)
    live.error(made)
    # As version 11 does for a dropped answer.
    live.response(made)

    assert not live.passed


def test_unreachable_server_is_told_once(live: Live, told: Told) -> None:
    for _ in range(2):
        live.server_connect_error(unreachable("refused"))
    live.server_connect_error(unreachable("connection cancelled"))
    reached = flow("gms.example")
    reached.request.port = 8080
    live.response(reached)
    live.server_connect_error(unreachable("refused"))

    assert [line for line in told if "passes" not in line] == [
        "      cannot reach gms.example:8080: refused; does it run, and is its address right?"
    ] * 2


def test_proxy_used_as_server_is_explained(live: Live, told: Told) -> None:
    live.server_connect_error(unreachable("Request destination unknown. Unable to figure out"))

    assert told == [
        "      a request leads back to this recorder: --gms names the GMS itself; without it, set this as a proxy"
    ]


def test_broken_tls_names_way_out(live: Live, told: Told) -> None:
    server = Server(address=("gms.example", 443), error="Certificate verify failed: self-signed")
    client = tclient_conn()
    client.error, client.sni = "unknown ca", "gms.example"

    live.tls_failed_server(SimpleNamespace(conn=server, context=SimpleNamespace(server=server)))
    for _ in range(2):
        live.tls_failed_client(SimpleNamespace(conn=client, context=SimpleNamespace(server=server)))

    assert told == [
        "      no TLS with gms.example:443: Certificate verify failed: self-signed; --insecure takes any certificate",
        "      an app broke off TLS for gms.example: unknown ca; trust us",
    ]


def test_memory_stays_bounded(live: Live, told: Told) -> None:
    for number in range(1100):
        live.response(flow(f"host-{number}.example"))

    assert (len(told), live.passed) == (1000, 1100)


def test_errors_become_lines() -> None:
    lines: list[str] = []
    remarks = Remarks(lines.append)
    logger = logging.Logger("mitmproxy.addons")
    logger.addHandler(remarks)

    try:
        raise ValueError("two\nlines")
    except ValueError:
        logger.exception("Addon error")
    logger.warning("not told")

    assert lines == ["mitmproxy.addons: Addon error (ValueError: two lines)"]
