"""What a fault does to a real connection, seen from the app's end of the socket."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest
from factories import CALLBACK, SERVICE, Tape
from faulty import rule
from serving import Served, served
from websockets.exceptions import ConnectionClosed, ConnectionClosedError
from websockets.sync.client import connect as connect_socket

from gms_replay.replay import wire

COMET = "/genesys/cometd"
HANDSHAKE = json.dumps([{"channel": "/meta/handshake", "version": "1.0", "id": "1"}])


@contextmanager
def bad(*rules: dict[str, Any]) -> Iterator[Served]:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE}, takes_s=0.01)
    tape.open_comet(0.1)
    with served(tape.recording(), faults=rules) as running:
        yield running


def exchange(server: Served, target: str = CALLBACK) -> bytes:
    """All that is read after a POST, until the connection ends."""
    host, _, port = server.origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=20) as talk:
        talk.sendall(f"POST {target} HTTP/1.1\r\nHost: {host}\r\nContent-Length: 0\r\n\r\n".encode())
        read = b""
        while piece := talk.recv(4096):
            read += piece
    return read


def test_reset_is_one_of_tcp() -> None:
    with bad(rule("start callback", "reset", 1)) as server:
        with pytest.raises(ConnectionResetError):
            exchange(server)

        assert httpx.post(f"{server.origin}{CALLBACK}", trust_env=False).status_code == 200
        assert len(server.player.sessions) == 1
        assert server.player.missed == 0


def test_cut_answer_ends_in_the_middle() -> None:
    with bad(rule("start callback", "cut", 1, after_bytes=4)) as server:
        head, _, body = exchange(server).partition(b"\r\n\r\n")
        whole = httpx.post(f"{server.origin}{CALLBACK}", trust_env=False)

        assert b"content-length: %d" % len(whole.content) in head
        assert body == whole.content[:4]
        assert json.loads(whole.content)["_id"]


def test_client_sees_what_it_would_see() -> None:
    rules = (rule("start callback", "reset", 1), rule("start callback", "cut", 2), rule("comet", "hang", 1))
    with bad(*rules) as server, httpx.Client(base_url=server.origin, trust_env=False, timeout=0.3) as app:
        with pytest.raises(httpx.ReadError):
            app.post(CALLBACK)
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
            app.post(CALLBACK)
        assert app.post(CALLBACK).status_code == 200
        with pytest.raises(httpx.ReadTimeout):
            app.post(COMET, content=HANDSHAKE)


@pytest.mark.parametrize("do", ["reset", "cut"])
def test_socket_ends_without_a_close_frame(do: str) -> None:
    with bad(rule("/meta/handshake", do, 1)) as server:
        httpx.post(f"{server.origin}{CALLBACK}", trust_env=False)
        url = f"{server.origin.replace('http', 'ws')}{COMET}"
        with connect_socket(url, proxy=None) as talk:
            talk.send(HANDSHAKE)
            with pytest.raises(ConnectionClosed) as closed:
                talk.recv(20)

        assert closed.value.rcvd is None
        with connect_socket(url, proxy=None) as again:
            again.send(HANDSHAKE)
            assert json.loads(again.recv(20))[0]["successful"]


def test_error_closes_a_socket_with_as_much_reason_as_fits() -> None:
    with (
        bad(rule("/meta/handshake", "error", message="ä" * 200)) as server,
        connect_socket(f"{server.origin.replace('http', 'ws')}{COMET}", proxy=None) as talk,
    ):
        talk.send(HANDSHAKE)
        with pytest.raises(ConnectionClosedError) as closed:
            talk.recv(20)

        assert closed.value.rcvd is not None
        assert (closed.value.rcvd.code, closed.value.rcvd.reason) == (1011, "ä" * 61)


def test_page_elsewhere_may_read_what_is_refused() -> None:
    with bad(rule("any", "error")) as server:
        answer = httpx.post(f"{server.origin}{CALLBACK}", headers={"origin": "http://page.example"}, trust_env=False)

        assert answer.status_code == 503
        assert answer.headers["access-control-allow-origin"] == "http://page.example"


def test_strikes_are_logged_and_told() -> None:
    with bad(rule("start callback", "error", 1), rule("queue position", "reset")) as server:
        httpx.post(f"{server.origin}{CALLBACK}", trust_env=False)
        told = httpx.get(f"{server.origin}/__gms_replay__/faults", trust_env=False).json()["faults"]

        assert [(one["struck"], one["sessions"]) for one in told] == [(1, {"s1": 1}), (0, {})]
        assert "fault 2 (reset on queue position) struck nobody" in server.player.unused


def test_server_that_cannot_says_so() -> None:
    with pytest.raises(ConnectionError, match="a fault ends this connection"):
        wire.break_off({"type": "http"}, resets=True)
