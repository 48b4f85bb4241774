"""The replay server as a proxy: apps keep the real host's name, and that host is never dialled."""

import asyncio
import json
import re
import socket
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import factories
import httpx
import pytest
import visitor
from factories import CALLBACK, CHAT_DIALOG, ORDER, SERVICE, Tape
from never import Never
from push_providers import Providers, push_providers
from websockets.sync.client import connect as connect_socket

from gms_replay.cassette.copy import write

WAIT_S = 40
ROOT = Path(__file__).parents[3]
ADDON = ROOT / "addons" / "gms_serve.py"
GMS = "localhost"
"""A name that leads to the real host, here a listener that must see nobody."""
UNKNOWN = "gms.example.invalid"
"""A name that leads nowhere (RFC 6761)."""


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    tape = Tape(host=f"{GMS}:8080")
    url = f"http://{GMS}:8080/genesys"
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.ask(1, "POST", CHAT_DIALOG, b"", factories.start_chat(url, f"{url}/cometd"), takes_s=0)
    path = tmp_path_factory.mktemp("cassette") / "visit.sqlite"
    write(path, tape.recording())
    return path


@pytest.fixture(scope="module")
def real() -> Iterator[Never]:
    server = Never()
    yield server
    server.close()


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Any], cassette: Path) -> Any:
    said = ("--set", f"gms_cassette={cassette}", "--mode", "regular@0", "--mode", "socks5@127.0.0.2:0")
    mitmdump = run(tmp_path_factory.mktemp("run"), *said, addon=ADDON)
    mitmdump.says(f"gms_serve: apps of this proxy are played {GMS}; others are blocked")
    return mitmdump


@pytest.fixture(scope="module")
def passing(tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Any], real: Never) -> Any:
    """Plays a sample to hosts that it does not know, and lets all others pass."""
    hosts = rf"^({re.escape(UNKNOWN)}:|{GMS}:{real.port}$)"
    said = {"gms_cassette": ROOT / "cassettes" / "chat-now.sqlite", "gms_speed": 50, "gms_hosts": hosts}
    options = [part for name, value in said.items() for part in ("--set", f"{name}={value}")]
    mitmdump = run(
        tmp_path_factory.mktemp("run"), *options, "--set", "gms_others=pass", "--mode", "regular@0", addon=ADDON
    )
    mitmdump.says("gms_serve: apps of this proxy are played any host whose")
    mitmdump.says("others pass")
    return mitmdump


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Providers]:
    """A server that has nothing to do with the GMS, with TLS and a certificate of its own."""
    with push_providers(tmp_path_factory.mktemp("stranger")) as server:
        yield server


@pytest.fixture(scope="module")
def trust(confdir: Path, proxy: Any) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=confdir / "mitmproxy-ca-cert.pem")


def app_of(proxy: Any, trust: ssl.SSLContext | bool = True, **options: Any) -> httpx.Client:
    url = f"http://127.0.0.1:{proxy.ports[0]}"
    return httpx.Client(proxy=url, verify=trust, trust_env=False, timeout=WAIT_S, **options)


@pytest.mark.parametrize(("scheme", "http2"), [("http", False), ("https", False), ("https", True)])
def test_app_keeps_the_real_name(proxy: Any, trust: ssl.SSLContext, real: Never, scheme: str, http2: bool) -> None:
    base = f"{scheme}://{GMS}:{real.port}"
    with app_of(proxy, trust, http2=http2, headers={"gms_user": f"{scheme}{http2}"}) as app:
        ordered = app.post(base + CALLBACK, json=ORDER)
        service = ordered.json()["_id"]
        dialog = app.post(base + CHAT_DIALOG.replace(SERVICE, service)).json()

    assert ordered.http_version == ("HTTP/2" if http2 else "HTTP/1.1")
    assert dialog["_start_chat_url"] == f"{base}/genesys/1/service/{service}/ixn/chat"
    assert dialog["_comet_url"].startswith(base)
    assert not real.was_dialled()
    proxy.says(f"POST http://{GMS}:{real.port}{CALLBACK}")


def test_proxy_tells_testers_at_its_own_address(proxy: Any, passing: Any, trust: ssl.SSLContext) -> None:
    """Others than the GMS's hosts are blocked by the one, and pass through the other."""
    for one in (proxy, passing):
        for through in (None, f"http://127.0.0.1:{one.ports[0]}"):
            with httpx.Client(proxy=through, trust_env=False, timeout=WAIT_S) as tester:
                told = tester.get(f"http://localhost:{one.ports[0]}/__gms_replay__/misses")

            assert (told.status_code, "misses" in told.json()) == (200, True)


def test_secure_socket_goes_through_connect(proxy: Any, trust: ssl.SSLContext, real: Never) -> None:
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["websocket"]}
    with app_of(proxy, trust) as app:
        app.post(f"https://{GMS}:{real.port}{CALLBACK}", json=ORDER)
    url = f"wss://{GMS}:{real.port}/genesys/cometd"
    through = f"http://127.0.0.1:{proxy.ports[0]}"
    with connect_socket(url, ssl=trust, proxy=through, open_timeout=WAIT_S) as connection:
        connection.send(json.dumps([shake]))
        (reply,) = json.loads(connection.recv(WAIT_S))

    assert (reply["channel"], reply["successful"]) == ("/meta/handshake", True)
    assert not real.was_dialled()


def test_other_host_is_blocked_and_told_once(proxy: Any, trust: ssl.SSLContext, real: Never) -> None:
    with app_of(proxy, trust) as app:
        answers = [app.get(f"http://127.0.0.1:{real.port}/") for _ in range(2)]
        with pytest.raises(httpx.ProxyError, match="403"):
            app.get(f"https://127.0.0.1:{real.port}/")

    assert [answer.status_code for answer in answers] == [403, 403]
    assert f"127.0.0.1:{real.port} is no host of the cassette's" in answers[0].text
    assert "gms_others=pass" in answers[0].text
    assert not real.was_dialled()
    assert proxy.out.count("is no host of the cassette's") == 1


@pytest.mark.parametrize("host", [GMS, "127.0.0.1"])
def test_what_is_no_http_dials_nobody(proxy: Any, real: Never, host: str) -> None:
    """By SOCKS, which asks nobody whether a host is served: neither host sees what is sent."""
    name = host.encode()
    with socket.create_connection(("127.0.0.2", proxy.ports[1]), WAIT_S) as app:
        app.sendall(b"\x05\x01\x00")
        assert app.recv(2) == b"\x05\x00"
        app.sendall(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + real.port.to_bytes(2, "big"))
        assert app.recv(10)[:2] == b"\x05\x00"
        app.sendall(b"\x00\x01\x02\x03 no HTTP")
        assert app.recv(10) == b""

    assert not real.was_dialled()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_whole_visit_at_a_name_that_leads_nowhere(passing: Any, trust: ssl.SSLContext, scheme: str) -> None:
    """So no name is looked up; polls are held, a chat goes on."""
    through = f"http://127.0.0.1:{passing.ports[0]}"
    lines = asyncio.run(
        visitor.visit(f"{scheme}://{UNKNOWN}/genesys", "chat-now", pause_s=0, proxy=through, verify=trust)
    ).happened

    assert lines[-1].endswith("has left the session")


def test_gms_is_played_where_others_pass(passing: Any, trust: ssl.SSLContext, real: Never) -> None:
    with app_of(passing, trust) as app:
        answers = [app.get(f"{scheme}://{GMS}:{real.port}/") for scheme in ("http", "https")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert not real.was_dialled()


def test_plain_stranger_passes(passing: Any, upstream: Any) -> None:
    upstream.plays("/stranger", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
    with app_of(passing) as app:
        answer = app.get(f"http://{GMS}:{upstream.port}/stranger")

    asked = upstream.asked("/stranger")
    assert answer.text == "hi"
    assert f"Host: {GMS}:{upstream.port}".encode() in asked
    assert b"gms" not in asked.lower()


@pytest.mark.parametrize("http2", [False, True])
def test_tls_of_a_stranger_is_untouched(passing: Any, stranger: Providers, http2: bool) -> None:
    """Its own certificate reaches the app, which trusts no other."""
    own = ssl.create_default_context(cafile=stranger.ca)
    with app_of(passing, own, http2=http2) as app:
        answer = app.get(f"{stranger.url}/anything")

    assert answer.status_code == 200
    assert stranger.next().http_version == ("2" if http2 else "1.1")
