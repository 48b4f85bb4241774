import asyncio
import math
import threading
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import factories
import httpx
import pytest

from gms_replay.cassette.copy import write
from gms_replay.errors import GmsReplayError, OptionError
from gms_replay.testing.live import Live, LiveClock, LiveTransport


class Gms(BaseHTTPRequestHandler):
    """Gives a cookie, and tells host and cookie of who asks."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        told = f"{self.headers['host']} {self.headers['cookie']} {body.decode()}".encode()
        self.send_response(200)
        self.send_header("Set-Cookie", "BAYEUX_BROWSER=7")
        self.send_header("Content-Length", str(len(told)))
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Gms) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


FIRST, SECOND = "gms.test None 1", "gms.test BAYEUX_BROWSER=7 2"


def test_cookies_come_back(url: str) -> None:
    with httpx.Client(transport=LiveTransport(url)) as app:
        answers = [app.post("https://gms.test/genesys", content=body) for body in ("1", "2")]

    assert [answer.text for answer in answers] == [FIRST, SECOND]
    assert str(answers[0].url) == "https://gms.test/genesys"


def test_cookies_come_back_to_tasks(url: str) -> None:
    async def ask() -> list[str]:
        async with httpx.AsyncClient(transport=LiveTransport(url)) as app:
            return [(await app.post("https://gms.test/genesys", content=body)).text for body in ("1", "2")]

    assert asyncio.run(ask()) == [FIRST, SECOND]


def test_time_passes_by_itself() -> None:
    LiveClock().advance(0)
    LiveClock().to_next()
    for wrong in (math.nan, math.inf, -1, "5", None, timedelta(days=-1)):
        with pytest.raises(OptionError, match=r"advance: .* is no number of seconds"):
            LiveClock().advance(wrong)  # type: ignore[arg-type]


def test_who_is_asked_too_late_says_so(tmp_path: Path) -> None:
    write(tmp_path / "visit.sqlite", factories.visit())
    # Nobody listens there.
    live = Live("http://127.0.0.1:9", "/genesys", tmp_path / "visit.sqlite")
    with pytest.raises(GmsReplayError, match=r"visit\.sqlite: is not recorded any more"):
        live.transcript()
