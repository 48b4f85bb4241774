import asyncio
import json
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import factories
import httpx
import pytest
from serving import served
from simulating import simulated

from gms_replay.base_url import BaseUrl
from gms_replay.cassette import reader
from gms_replay.errors import OptionError
from gms_replay.events import Asked
from gms_replay.gms import Kind
from gms_replay.model import Redaction
from gms_replay.redact.wishes import Wish
from gms_replay.replay.keeping import Keeper
from gms_replay.replay.passing import Passing, wanted
from gms_replay.replay.wall import wall_clock_us
from gms_replay.sessions import split
from gms_replay.simulator.settings import Settings

NEW = "/genesys/1/service/callback/claims"
"""A callback that `factories.visit` does not tell of."""


@pytest.fixture
def live() -> Iterator[str]:
    with simulated(Settings(quick=True, seed=4)) as url:
        yield url


def passing(url: str, notes: list[str], cassette: Path | None = None) -> Passing:
    keeper = Keeper(cassette, url, Wish(Redaction.OFF), clock=wall_clock_us, note=notes.append) if cassette else None
    return Passing(BaseUrl.parse(url, "--on-miss pass:"), keeper, clock=wall_clock_us, note=notes.append)


def test_miss_is_answered_live(live: str) -> None:
    """What was recorded is played; where the live answer leads leads here, and is passed on as well."""
    notes: list[str] = []
    with (
        served(factories.visit(), passing=passing(live, notes)) as server,
        httpx.Client(base_url=server.origin, headers={"gms_user": "bob"}, trust_env=False) as app,
    ):
        assert app.post(factories.CALLBACK, json=factories.ORDER).json() == {"_id": factories.SERVICE}
        started = app.post(NEW, json=factories.ORDER | {"_media_type": "chat"}, params={"gms_session": "alice"})
        service = started.json()["_id"]
        dialog = app.post(f"/genesys/1/service/{service}/get-dialog-start-chat").json()

    assert dialog["_start_chat_url"] == f"{server.base}/1/service/{service}/ixn/chat"
    assert notes == [
        f"passed: POST {path}: {live.removesuffix('/genesys')} answered 200"
        for path in (NEW, f"/genesys/1/service/{service}/get-dialog-start-chat")
    ]
    # Both were misses, and neither is told as one: it has its answer.
    assert server.notes == []


def test_pages_of_other_sites_may_read_live_answers(live: str) -> None:
    with served(factories.visit(), passing=passing(live, [])) as server:
        answer = httpx.post(f"{server.origin}{NEW}", headers={"origin": "http://a.test"}, trust_env=False)

    assert answer.headers.get_list("access-control-allow-origin") == ["http://a.test"]


def test_what_is_passed_is_recorded_and_played(live: str, tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    asked = {"json": factories.ORDER, "headers": {"gms_user": "bob"}, "trust_env": False}
    with served(factories.visit(), passing=passing(live, [], new)) as server:
        first = httpx.post(f"{server.origin}{NEW}", **asked)

    recording = reader.read(new)
    ((visited,),) = split(recording)
    assert (visited.operation.kind, visited.user) == (Kind.START_CALLBACK, "bob")
    assert recording.runs[0].upstream == live
    with served(recording) as server:
        again = httpx.post(f"{server.origin}{NEW}", **asked)
    assert (again.status_code, again.json()["_id"]) == (200, first.json()["_id"])
    assert server.notes == []


def test_cookies_stay_with_their_app() -> None:
    """What a live GMS sets for one app goes out with no other's request."""
    heard: list[str] = []

    class Live(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            heard.append(self.headers.get("cookie", ""))
            self.send_response(200)
            self.send_header("Set-Cookie", "JSESSIONID=secret")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Live) as live:
        thread = threading.Thread(target=live.serve_forever)
        thread.start()
        try:
            with served(factories.visit(), passing=passing(f"http://127.0.0.1:{live.server_port}", [])) as server:
                answers = [httpx.get(f"{server.origin}/other/{user}", trust_env=False) for user in ("ann", "ben")]
        finally:
            live.shutdown()
            thread.join()

    assert [answer.headers["set-cookie"] for answer in answers] == ["JSESSIONID=secret"] * 2
    assert heard == ["", ""]


@pytest.mark.parametrize("target", ["/a?" + "x" * 70_000, "/\xff"])
def test_what_cannot_be_asked_is_told(target: str) -> None:
    async def asked() -> int:
        asking = passing("http://127.0.0.1:9", [])
        answer = await asking.ask(1, Asked("GET", "http", target, (), b""))
        await asking.close()
        return answer.status

    assert asyncio.run(asked()) == 502


def test_no_live_answer_is_told(tmp_path: Path) -> None:
    """By 502, and in what is recorded."""
    notes: list[str] = []
    # Taken, so that nobody else gets the port, and yet nobody listens there.
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}"
        with served(factories.visit(), passing=passing(url, notes, tmp_path / "new.sqlite")) as server:
            answer = httpx.post(f"{server.origin}{NEW}", trust_env=False)

    assert answer.status_code == 502
    assert answer.text.startswith(f"{url} gave no answer: ")
    assert notes == [f"passed: POST {NEW}: {answer.text}"]
    (exchange,) = reader.read(tmp_path / "new.sqlite").exchanges
    assert exchange.outcome is not None
    assert (exchange.response, exchange.outcome.error) == (None, answer.text)


def test_end_waits_for_nobody_live() -> None:
    """A live GMS that is silent holds up neither the server's end nor the app."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with served(factories.visit(), passing=passing(url, [])) as server:
            host, _, port = server.origin.removeprefix("http://").partition(":")
            with socket.create_connection((host, int(port))) as app:
                app.sendall(b"POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n" % NEW.encode())
                dialled, _ = silent.accept()
                with dialled:
                    dialled.recv(1)
                    server.stop()
                    app.settimeout(20)
                    answer = app.recv(100)

    assert answer.startswith(b"HTTP/1.1 503 ")


def test_sockets_are_not_passed(live: str) -> None:
    with served(factories.visit(), passing=passing(live, [])) as server:
        upgrade = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
        headers = upgrade | {"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA=="}
        answer = httpx.get(f"{server.origin}/genesys/1/nowhere", headers=headers, trust_env=False)

    assert (answer.status_code, json.loads(answer.content)["kind"]) == (404, "unknown route")
    assert server.notes[0].startswith("miss: GET /genesys/1/nowhere: unknown route")


def test_who_answers_is_named() -> None:
    assert wanted("pass:https://gms.example/genesys") == BaseUrl("https", "gms.example", 443, "/genesys")


@pytest.mark.parametrize("on_miss", ["pas:http://a", "http://a", "pass:gms.example", "pass", "pass:"])
def test_odd_upstream_is_refused(on_miss: str) -> None:
    with pytest.raises(OptionError, match=r"^--on-miss "):
        wanted(on_miss)
