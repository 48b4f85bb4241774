"""https as apps see it: whom the server says that it is, and who has to be trusted for that."""

import json
import socket
import ssl
import stat
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import factories
import httpx
import pytest
from factories import CHAT_DIALOG, Tape
from serving import Served, served
from websockets.sync.client import connect

from gms_replay.errors import OptionError
from gms_replay.model import Recording
from gms_replay.replay.certificates import Certificates

WAIT_S = 20


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shared, for a CA takes a while to be made."""
    return tmp_path_factory.mktemp("mitmproxy") / "made"


@pytest.fixture(scope="module")
def certificates(confdir: Path) -> Certificates:
    return Certificates(confdir)


@pytest.fixture(scope="module")
def trust(certificates: Certificates) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificates.ca_file))


@pytest.fixture(scope="module")
def server(certificates: Certificates) -> Iterator[Served]:
    with served(opening(), certificates=certificates) as running:
        yield running


def opening() -> Recording:
    tape = Tape()
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE}, takes_s=0.01)
    dialog = factories.start_chat(factories.URL, f"{factories.URL}/cometd")
    tape.ask(0.1, "POST", CHAT_DIALOG, b"", dialog, takes_s=0.01)
    tape.open_comet(0.2)
    return tape.recording()


def dialled(server: Served) -> socket.socket:
    place = urlsplit(server.origin)
    return socket.create_connection((place.hostname, place.port), timeout=WAIT_S)


@pytest.mark.parametrize(
    "name",
    [
        "localhost",
        "gms.example",
        "GMS.Example",
        "api.push.apple.com",
        "xn--bcher-kva.example",
        f"{'a' * 63}.{'b' * 63}.example",
        "127.0.0.1",
    ],
)
def test_whoever_is_asked_for_is_there(server: Served, trust: ssl.SSLContext, name: str) -> None:
    """An address is told to no server: it is the one that was reached."""
    with dialled(server) as talk, trust.wrap_socket(talk, server_hostname=name) as safe:
        safe.sendall(b"GET /__gms_replay__/clock HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert safe.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_nobody_is_trusted_but_the_ca(server: Served) -> None:
    with dialled(server) as talk, pytest.raises(ssl.SSLCertVerificationError, match=r"self.signed|local issuer"):
        ssl.create_default_context().wrap_socket(talk, server_hostname="localhost")


def test_urls_in_answers_are_https(server: Served, trust: ssl.SSLContext) -> None:
    with httpx.Client(base_url=server.origin, verify=trust, trust_env=False, timeout=WAIT_S) as app:
        app.post(factories.CALLBACK)
        dialog = app.post(CHAT_DIALOG).json()

    assert server.origin.startswith("https://127.0.0.1:")
    assert dialog["_comet_url"] == f"{server.base}/cometd"


def test_sockets_go_over_tls(server: Served, trust: ssl.SSLContext) -> None:
    url = f"wss{server.base.removeprefix('https')}/cometd"
    with connect(url, ssl=trust, proxy=None) as talk:
        talk.send(json.dumps({"channel": "/meta/handshake", "version": "1.0"}))
        [reply] = json.loads(talk.recv(WAIT_S))

    assert reply["successful"]


def test_other_words_than_tls_end(server: Served, trust: ssl.SSLContext, capfd: pytest.CaptureFixture[str]) -> None:
    for words in (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", b"\x16\x03\x01\xff\xff", b"\x00" * 5000):
        with dialled(server) as talk:
            talk.sendall(words)
            talk.shutdown(socket.SHUT_WR)
            _hears_the_end(talk)
    with httpx.Client(base_url=server.origin, verify=trust, trust_env=False, timeout=WAIT_S) as app:
        assert app.get("/__gms_replay__/clock").status_code == 200
    assert capfd.readouterr() == ("", "")


def _hears_the_end(talk: socket.socket) -> None:
    try:
        while talk.recv(4096):
            pass
    except ConnectionResetError:
        pass


@pytest.mark.parametrize("name", ["", "a..b", "a" * 300, "b\u00fccher.example", "*", "a b", "::1", "fe80::1%eth0"])
def test_no_name_is_a_failure(certificates: Certificates, name: str) -> None:
    assert certificates.context(name) is certificates.context(name)


def test_ca_is_made_once_and_its_key_kept(certificates: Certificates, confdir: Path) -> None:
    again = Certificates(confdir)

    assert again.ca_file.read_bytes() == certificates.ca_file.read_bytes()
    assert stat.S_IMODE((confdir / "mitmproxy-ca.pem").stat().st_mode) == 0o600


def test_folder_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match=r"--tls: mitmproxy's CA in .*file cannot be used: .*--confdir"):
        Certificates(tmp_path / "file")


def test_ca_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "mitmproxy-ca.pem").write_text("no CA")
    with pytest.raises(OptionError, match=r"--tls: mitmproxy's CA in .* cannot be used: "):
        Certificates(tmp_path)
