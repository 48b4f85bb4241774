"""The replay server inside a real mitmdump, in front of a server that is named, and must never be dialled."""

import json
import signal
import socket
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import factories
import h2.config
import h2.connection
import h2.events
import httpx
import pytest
from factories import CALLBACK, CHAT_DIALOG, MENU, ORDER, SERVICE, START_US, TOKEN, Tape
from never import Never
from receiving import receiving
from websockets.sync.client import connect as connect_socket

from gms_replay.cassette import reader
from gms_replay.cassette.copy import write
from gms_replay.model import header

WAIT_S = 40
ADDON = Path(__file__).parents[3] / "addons" / "gms_serve.py"
APNS = f"/3/device/{TOKEN}"
MENU_ACTION = MENU.rpartition("/")[2]
CHAT_ACTION = CHAT_DIALOG.rpartition("/")[2]
BUSY = "ab" * 32
OWN_ID = "123e4567-e89b-12d3-a456-4266554400a0"


@dataclass
class Serving:
    """mitmdump with the player in it, and who comes to it."""

    mitmdump: Any
    upstream: Never
    ca: Path

    @property
    def origin(self) -> str:
        return f"https://localhost:{self.mitmdump.ports[0]}"

    def client(self, **options: Any) -> httpx.Client:
        trust = ssl.create_default_context(cafile=self.ca)
        return httpx.Client(base_url=self.origin, verify=trust, trust_env=False, timeout=WAIT_S, **options)

    @contextmanager
    def connected(self, *protocols: str) -> Iterator[ssl.SSLSocket]:
        """A connection of one's own, over which these are spoken."""
        trust = ssl.create_default_context(cafile=self.ca)
        trust.set_alpn_protocols(protocols)
        with (
            socket.create_connection(("127.0.0.1", self.mitmdump.ports[0]), WAIT_S) as plain,
            trust.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            yield connection


@pytest.fixture(scope="module")
def upstream() -> Iterator[Never]:
    server = Never()
    yield server
    server.close()


@pytest.fixture(scope="module")
def cassette(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A callback, three pushes of which the second was refused for good, and what their dialogs lead to."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.push(1, MENU_ACTION)
    tape.ask(2, "POST", MENU, b"", factories.menu(factories.URL, "2014-05-02T16:57:40Z"), takes_s=0)
    tape.push(3, CHAT_ACTION, status=410, answer={"reason": "Unregistered", "timestamp": START_US // 1000})
    tape.push(4, CHAT_ACTION)
    dialog = factories.start_chat(factories.URL, f"{factories.URL}/cometd")
    tape.ask(5, "POST", CHAT_DIALOG, b"", dialog, takes_s=0)
    path = tmp_path_factory.mktemp("cassette") / "visit.sqlite"
    write(path, tape.recording())
    return path


@pytest.fixture(scope="module")
def play(
    tmp_path_factory: pytest.TempPathFactory, run: Callable[..., Any], confdir: Path, cassette: Path, upstream: Never
) -> Callable[..., Any]:
    """`with play("gms_seed=7"): …` plays the cassette in front of the server that must not be dialled."""

    @contextmanager
    def begin(*options: str, scheme: str = "https") -> Iterator[Serving]:
        folder = tmp_path_factory.mktemp("run")
        said = [word for option in (f"gms_cassette={cassette}", *options) for word in ("--set", option)]
        mode = f"reverse:{scheme}://127.0.0.1:{upstream.port}@0"
        mitmdump = run(folder, "--mode", mode, *said, addon=ADDON)
        mitmdump.says("gms_serve: playing")
        yield Serving(mitmdump, upstream, confdir / "mitmproxy-ca-cert.pem")
        mitmdump.end()

    return begin


@pytest.fixture(scope="module")
def serving(play: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    rules = tmp_path_factory.mktemp("rules") / "rules.toml"
    rules.write_text(f'[pushes]\nrefuse = {{ "{BUSY}" = "TooManyRequests" }}\n')
    with play(f"gms_rules={rules}") as running:
        yield running


def pushed(service: str, action: str = MENU_ACTION) -> dict[str, Any]:
    return {"aps": {"alert": "An agent is free"}, "message": {"_id": service, "_action": action}}


def test_apns_answers_over_http2(serving: Serving) -> None:
    with serving.client(http2=True) as sender:
        answers = [
            sender.post(APNS, json=pushed("A1")),
            sender.post(APNS, json=pushed("A1", CHAT_ACTION)),
            sender.post(APNS, json=pushed("A1", CHAT_ACTION), headers={"apns-id": OWN_ID}),
            sender.post(APNS, content=b"x" * 4097),
            sender.post("/3/device/abc", json=pushed("A1")),
            sender.post(f"/3/device/{BUSY}", json=pushed("A1")),
        ]

    told = [(one.http_version, one.status_code, one.json()["reason"] if one.content else "") for one in answers]
    assert told == [
        ("HTTP/2", 200, ""),
        ("HTTP/2", 410, "Unregistered"),
        ("HTTP/2", 200, ""),
        ("HTTP/2", 413, "PayloadTooLarge"),
        ("HTTP/2", 400, "BadDeviceToken"),
        ("HTTP/2", 429, "TooManyRequests"),
    ]
    assert answers[1].json()["timestamp"] > START_US // 1000 + 10 * 365 * 24 * 3_600_000
    assert answers[2].headers["apns-id"] == OWN_ID
    assert not serving.upstream.was_dialled()


def test_what_came_in_is_listed_for_this_machine(serving: Serving) -> None:
    with serving.client() as tester:
        tester.post(APNS, json=pushed("L1"))
        listed = tester.get("/__gms_replay__/provider").json()["arrived"][-1]

    assert (listed["_id"], listed["visit"], listed["expected"]["place"], listed["differences"]) == ("L1", 1, 1, [])


def test_streams_are_answered_each_with_its_own(serving: Serving) -> None:
    """All of one connection, sent before any answer is read; none says how long it is, as none has to."""
    ids = [f"{number:08}-0000-0000-0000-000000000000" for number in range(40)]
    with serving.connected("h2") as connection:
        http = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        http.initiate_connection()
        asked = {}
        for apns_id in ids:
            stream = http.get_next_available_stream_id()
            asked[stream] = apns_id
            head = ((":method", "POST"), (":scheme", "https"), (":authority", "localhost"), (":path", APNS))
            http.send_headers(stream, (*head, ("apns-id", apns_id)))
            http.send_data(stream, json.dumps(pushed(f"M{apns_id[:8]}")).encode(), end_stream=True)
        connection.sendall(http.data_to_send())
        answered: dict[int, dict[str, str]] = {}
        ended: set[int] = set()
        while ended != asked.keys():
            data = connection.recv(65536)
            assert data, "the connection was closed"
            for event in http.receive_data(data):
                if isinstance(event, h2.events.ResponseReceived):
                    answered[event.stream_id] = dict(event.headers)
                elif isinstance(event, h2.events.StreamEnded):
                    ended.add(event.stream_id)
            connection.sendall(http.data_to_send())

    assert {stream: head["apns-id"] for stream, head in answered.items()} == asked
    assert {head[":status"] for head in answered.values()} == {"200"}


def test_sender_of_http_1_is_answered_too(serving: Serving) -> None:
    with serving.client() as sender:
        answer = sender.post("/v1/projects/demo/messages:send", json={"message": {"token": "a", "data": {}}})

    assert (answer.http_version, answer.status_code) == ("HTTP/1.1", 200)
    assert answer.json()["name"].startswith("projects/demo/messages/0:")


@pytest.mark.parametrize("http2", [False, True])
def test_app_is_led_back_to_where_it_asked(serving: Serving, http2: bool) -> None:
    with serving.client(http2=http2, headers={"gms_user": f"bob{http2}"}) as app:
        service = app.post(CALLBACK, json=ORDER).json()["_id"]
        menu = app.post(MENU.replace(SERVICE, service)).text
        dialog = app.post(CHAT_DIALOG.replace(SERVICE, service)).json()

    base = f"{serving.origin}/genesys"
    assert f'"{base}/1/service/{service}/connect"' in menu
    assert dialog["_start_chat_url"] == f"{base}/1/service/{service}/ixn/chat"
    assert dialog["_comet_url"].startswith(serving.origin)
    assert not serving.upstream.was_dialled()


def test_comet_goes_over_secure_sockets_too(serving: Serving) -> None:
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["websocket"]}
    trust = ssl.create_default_context(cafile=serving.ca)
    url = f"wss://localhost:{serving.mitmdump.ports[0]}/genesys/cometd"
    with serving.client() as app:
        app.post(CALLBACK, json=ORDER)
    with connect_socket(url, ssl=trust, proxy=None, open_timeout=WAIT_S) as connection:
        connection.send(json.dumps([shake]))
        (reply,) = json.loads(connection.recv(WAIT_S))

    assert (reply["channel"], reply["successful"]) == ("/meta/handshake", True)


@pytest.mark.parametrize("http2", [False, True])
def test_faults_end_the_connection_of_the_app(serving: Serving, http2: bool) -> None:
    """And not only ours, of which mitmproxy would tell it by a 502."""
    name = f"bad{http2:d}"
    with serving.client(http2=http2, params={"gms_session": name}) as app:
        for number, do in enumerate(("reset", "cut", "error"), 1):
            fault = {"on": "start callback", "session": name, "do": do, "times": number}
            assert app.post("/__gms_replay__/faults", json=fault).status_code == 200
        for _ in range(2):
            with pytest.raises(httpx.RemoteProtocolError):
                app.post(CALLBACK, json=ORDER)
        assert app.post(CALLBACK, json=ORDER).status_code == 503
        assert "_id" in app.post(CALLBACK, json=ORDER).json()
        told = app.get("/__gms_replay__/faults").json()["faults"]
    assert [one["sessions"] for one in told if one["session"] == name] == [{name: 1}] * 3


def test_plain_http_is_played_as_such(play: Callable[..., Any]) -> None:
    with play(scheme="http") as serving:
        port = serving.mitmdump.ports[0]
        with httpx.Client(base_url=f"http://localhost:{port}", trust_env=False) as app:
            app.post(CALLBACK, json=ORDER)
            dialog = app.post(CHAT_DIALOG).json()
        assert not serving.upstream.was_dialled()

    assert dialog["_start_chat_url"] == f"http://localhost:{port}/genesys/1/service/{SERVICE}/ixn/chat"


def test_nobody_comes_in_another_ones_name(serving: Serving) -> None:
    note = {"x-gms-replay-door": "0 https HTTP/1.1 127.0.0.1 evil.example", "gms_user": "mallory"}
    with serving.client(headers=note) as app:
        service = app.post(CALLBACK, json=ORDER).json()["_id"]
        dialog = app.post(CHAT_DIALOG.replace(SERVICE, service)).json()

    assert dialog["_start_chat_url"].startswith(serving.origin)


def test_body_that_is_cut_off_harms_nobody(serving: Serving) -> None:
    with serving.connected() as connection:
        connection.sendall(f"POST {APNS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99\r\n\r\n{{".encode())
    with serving.client(http2=True) as sender:
        before = sender.get("/__gms_replay__/provider").json()["count"]
        assert sender.post(APNS, json=pushed("C1")).status_code == 200
        assert sender.get("/__gms_replay__/provider").json()["count"] == before + 1


def test_what_comes_in_is_recorded_as_it_came(play: Callable[..., Any], tmp_path: Path) -> None:
    new = tmp_path / "new.sqlite"
    with play(f"gms_record_new={new}") as serving:
        with serving.client(http2=True) as sender:
            sender.post(APNS, json=pushed("R1"), headers={"apns-topic": "com.example"})
        assert serving.mitmdump.end() == 0

    (exchange,), (push,) = reader.read(new).exchanges, reader.read(new).pushes
    request = exchange.request
    place = (request.http_version, request.scheme, request.host, request.port)
    assert place == ("HTTP/2.0", "https", "localhost", serving.mitmdump.ports[0])
    told = [header(request.headers, name) for name in ("apns-topic", "x-gms-replay-door")]
    assert told == ["com.example", None]
    assert (push.provider, json.loads(push.payload)) == ("apns", pushed("R1"))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_end_answers_held_polls(play: Callable[..., Any], number: int) -> None:
    shake = {"channel": "/meta/handshake", "version": "1.0", "supportedConnectionTypes": ["long-polling"]}
    with play() as serving, serving.client(headers={"gms_user": "ann"}) as app, ThreadPoolExecutor() as threads:
        app.post(CALLBACK, json=ORDER)
        client_id = app.post("/genesys/cometd", json=[shake]).json()[0]["clientId"]
        connect = {"channel": "/meta/connect", "clientId": client_id, "connectionType": "long-polling"}
        app.post("/genesys/cometd", json=[connect])

        def seen_at() -> str:
            seen: str = app.get("/__gms_replay__/sessions").json()["sessions"][0]["seen_at"]
            return seen

        before = seen_at()
        held = threads.submit(app.post, "/genesys/cometd", json=[connect])
        while seen_at() == before:
            assert not held.done()
        status = serving.mitmdump.end(number)

    assert (status, held.result(WAIT_S).status_code) == (0, 503)
    assert "Addon error" not in serving.mitmdump.out


@pytest.mark.parametrize(("service", "status"), [(SERVICE, 1), (None, 0)])
def test_strict_tells_of_what_was_unlike(play: Callable[..., Any], service: str | None, status: int) -> None:
    """All as expected, and then one more."""
    with play("gms_strict=on") as serving, serving.client(http2=True) as sender:
        for action in (MENU_ACTION, CHAT_ACTION, CHAT_ACTION):
            sender.post(APNS, json=pushed("S1", action))
        if service:
            sender.post(APNS, json=pushed("S1", "wait-for-agent"))
        assert serving.mitmdump.end() == status

    assert ("gms_serve: strict: 1 push unlike the cassette's" in serving.mitmdump.err) is bool(service)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ((), "gms_cassette is missing: name the file to play"),
        (("gms_cassette={}", "gms_sped=3"), "gms_sped is no option: did you mean gms_speed?"),
        (("gms_cassette={}", "gms_clock=sun"), "gms_clock is one of real, virtual, not 'sun'"),
        (("gms_cassette={}.none",), "visit.sqlite.none: no such file"),
        (
            ("gms_cassette={}", "mode=upstream:http://127.0.0.1:9@0"),
            "only regular, socks5, transparent, reverse:http://",
        ),
        (("gms_cassette={}", "mode=reverse:tls://127.0.0.1:9@0"), "only regular, socks5, transparent, reverse:http://"),
    ],
)
def test_wrong_use_ends_mitmdump_with_one_line(
    run: Callable[..., Any], cassette: Path, tmp_path: Path, options: tuple[str, ...], complaint: str
) -> None:
    given = [option.format(cassette) for option in options]
    if not any(option.startswith("mode=") for option in given):
        given.append("mode=reverse:http://127.0.0.1:9@0")
    mitmdump = run(tmp_path, *(word for option in given for word in ("--set", option)), addon=ADDON)

    assert mitmdump.process.wait(WAIT_S) == 1
    (line,) = [line for line in mitmdump.err.splitlines() if line.startswith("gms_serve: ")]
    assert complaint in line


def test_wrong_token_of_the_environment_is_named(run: Callable[..., Any], cassette: Path, tmp_path: Path) -> None:
    options = ("--set", f"gms_cassette={cassette}", "--set", "mode=reverse:http://127.0.0.1:9@0")
    mitmdump = run(tmp_path, *options, before=("env", "GMS_REPLAY_TOKEN=short"), addon=ADDON)

    assert mitmdump.process.wait(WAIT_S) == 1
    (line,) = [line for line in mitmdump.err.splitlines() if line.startswith("gms_serve: ")]
    assert "GMS_REPLAY_TOKEN: a token has 8 or more letters" in line


def test_end_before_any_request(play: Callable[..., Any]) -> None:
    with play() as serving:
        assert serving.mitmdump.end() == 0
        assert not serving.upstream.was_dialled()


def test_app_is_woken_at_its_own_address(play: Callable[..., Any]) -> None:
    with receiving() as device, play(f"gms_push_to={device.url}") as serving, serving.client(http2=True) as app:
        service = app.post(CALLBACK, json=ORDER).json()["_id"]

        _, headers, body = device.next()
        wish = json.loads(body)["message"]
        woken = app.post(f"/genesys/1/service/{wish['_id']}/{wish['_action']}")

    assert (wish["_id"], headers["gms_session"], woken.status_code) == (service, "s1", 200)
