import json
import socket
import threading
from collections.abc import Iterator
from urllib.parse import urlsplit

import factories
import httpx
import pytest
from factories import CHAT_DIALOG, CLIENT, Tape, frame
from serving import Served, served
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, InvalidStatus
from websockets.sync.client import ClientConnection
from websockets.sync.client import connect as connect_socket

from gms_replay.limits import DEFAULT

COMET = "/genesys/cometd"


def quick_visit() -> Tape:
    """A callback, its chat's dialog, and two messages: one soon after the dialog, one after what the app sends."""
    tape = Tape()
    cookies = (("Content-Type", "application/json"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))
    tape.ask(0, "POST", factories.CALLBACK, b"", {"_id": factories.SERVICE}, headers=cookies, takes_s=0.01)
    dialog = factories.start_chat(factories.URL, f"{factories.URL}/cometd")
    tape.ask(0.1, "POST", CHAT_DIALOG, b"", dialog, takes_s=0.01)
    tape.open_comet(0.2)
    tape.poll(0.5, 0.1, frame(1, factories.JOINED))
    tape.ask(0.7, "POST", f"{factories.CHAT_PATH}/send", {"message": "Hello."}, takes_s=0.01)
    tape.poll(0.6, 0.2, frame(2, factories.HELLO))
    return tape


@pytest.fixture
def server() -> Iterator[Served]:
    with served(quick_visit().recording()) as running:
        yield running


@pytest.fixture
def app(server: Served) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.origin, headers={"gms_user": "bob"}, trust_env=False, timeout=20) as client:
        yield client


def bayeux(app: httpx.Client, *messages: dict[str, object], timeout: float = 20) -> list[dict[str, object]]:
    answer: list[dict[str, object]] = app.post(COMET, json=messages, timeout=timeout).json()
    return answer


def subscribed(app: httpx.Client) -> str:
    """The client id of an app that has started its visit and listens."""
    app.post(factories.CALLBACK)
    app.post(CHAT_DIALOG)
    [shaken] = bayeux(app, {"channel": "/meta/handshake", "version": "1.0", "id": "1"})
    client = str(shaken["clientId"])
    connect(app, client)
    bayeux(app, {"channel": "/meta/subscribe", "clientId": client, "subscription": "/_genesys", "id": "3"})
    return client


def connect(app: httpx.Client, client: str, **extra: object) -> list[dict[str, object]]:
    return bayeux(
        app, {"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling", "id": "4"} | extra
    )


def test_rest_answer_reaches_app(app: httpx.Client) -> None:
    answer = app.post(factories.CALLBACK)

    assert answer.status_code == 200
    assert answer.json() == {"_id": factories.SERVICE}
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers["content-length"] == str(len(answer.content))


def test_urls_lead_back(app: httpx.Client, server: Served) -> None:
    app.post(factories.CALLBACK)

    dialog = app.post(CHAT_DIALOG).json()

    assert dialog["_comet_url"] == f"{server.base}/cometd"
    assert dialog["_start_chat_url"] == f"{server.base}/1/service/{factories.SERVICE}/ixn/chat"


def test_prefix_of_proxy_is_kept(app: httpx.Client, server: Served) -> None:
    app.post(factories.CALLBACK)

    dialog = app.post(CHAT_DIALOG, headers={"X-Forwarded-Prefix": "/lab/", "Host": "gms.test"}).json()

    assert dialog["_comet_url"] == "http://gms.test/lab/genesys/cometd"


def test_held_poll_is_answered_later(app: httpx.Client) -> None:
    client = subscribed(app)

    channels = [message["channel"] for message in connect(app, client)]

    assert channels == ["/_genesys", "/meta/connect"]


def test_send_causes_message(app: httpx.Client) -> None:
    client = subscribed(app)
    connect(app, client)
    app.post(f"{factories.CHAT_PATH}/send", json={"message": "Hi."})

    told = connect(app, client)[0]

    assert json.dumps(told).count("Hi.") == 1


def test_clock_is_put_forward(app: httpx.Client) -> None:
    """The first message is due; the second waits for what the app sends."""
    client = subscribed(app)

    (session,) = app.post("/__gms_replay__/clock", json={"advance_ms": 5_000}).json()["sessions"]

    assert (session["session"], session["next"], session["waits_for"]) == ("s1", None, "send 1")
    assert [message["channel"] for message in connect(app, client)] == ["/_genesys", "/meta/connect"]


def test_dropped_poll_loses_nothing(app: httpx.Client, server: Served) -> None:
    client = subscribed(app)
    connect(app, client)
    place = urlsplit(server.origin)
    poll = json.dumps([{"channel": "/meta/connect", "clientId": client, "connectionType": "long-polling"}])
    with socket.create_connection((place.hostname, place.port)) as dropped:
        dropped.sendall(
            f"POST {COMET} HTTP/1.1\r\nHost: x\r\ngms_user: bob\r\nContent-Length: {len(poll)}\r\n\r\n{poll}".encode()
        )

    app.post(f"{factories.CHAT_PATH}/send", json={"message": "Hi."})
    # Read late, the dropped poll frees the next one, which then brings nothing.
    channels: list[object] = []
    while "/_genesys" not in channels:
        channels += [message["channel"] for message in connect(app, client)]

    assert channels[-2:] == ["/_genesys", "/meta/connect"]


def test_second_connect_frees_first(app: httpx.Client) -> None:
    client = subscribed(app)
    connect(app, client)
    answers: list[list[dict[str, object]]] = []
    first = threading.Thread(target=lambda: answers.append(connect(app, client, id="first")))
    first.start()

    while first.is_alive():
        connect(app, client, id="second", advice={"timeout": 0})

    assert [message["id"] for message in answers[0]] == ["first"]


def test_unknown_client_shakes_hands(app: httpx.Client) -> None:
    [reply] = connect(app, CLIENT)

    assert reply["error"] == "402::session_unknown"
    assert reply["advice"] == {"reconnect": "handshake", "interval": 0}


def test_malformed_frame_is_refused(app: httpx.Client) -> None:
    answer = app.post(COMET, content=b'[{"channel": "/meta/connect",}]')

    assert answer.status_code == 400
    assert "not a Bayeux frame" in answer.text


def test_miss_is_explained(app: httpx.Client, server: Served) -> None:
    answer = app.get("/genesys/1/service/callback/sales/availability")

    assert answer.status_code == 404
    assert answer.json()["kind"] == "unknown route"
    assert answer.json()["nearest"][0]["target"] == factories.CALLBACK
    assert "miss: GET /genesys/1/service/callback/sales/availability" in server.notes[0]


def test_other_origin_is_allowed(app: httpx.Client) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "gms_user"}

    preflight = app.options(factories.CALLBACK, headers={"Origin": "http://page.test", **asked})
    answer = app.post(factories.CALLBACK, headers={"Origin": "http://page.test"})

    assert preflight.status_code == 200
    assert preflight.headers["access-control-allow-headers"] == "gms_user"
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert answer.headers["access-control-allow-origin"] == "http://page.test"


def test_huge_body_is_refused(app: httpx.Client) -> None:
    answer = app.post(factories.CALLBACK, content=b" " * (DEFAULT.body_bytes + 1))

    assert answer.status_code == 413
    assert f"{DEFAULT.body_bytes} bytes" in answer.text


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/genesys/1/service/1/storage", 404),
        ("/elsewhere", 404),
        (factories.CALLBACK, 413),
        (COMET, 413),
        ("/3/device/aa", 413),
    ],
)
def test_files_are_taken_where_they_belong(app: httpx.Client, target: str, status: int) -> None:
    assert app.post(target, files={"file": b"[" * (DEFAULT.text_bytes + 1)}).status_code == status


def test_query_of_too_many_values_is_refused(app: httpx.Client) -> None:
    answer = app.get(factories.CALLBACK + "?" + "a&" * (DEFAULT.values + 1))

    assert (answer.status_code, answer.text) == (414, "a query may hold 5000 values")


def test_half_a_character_is_a_miss(app: httpx.Client) -> None:
    answer = app.post(factories.CALLBACK, content=b'{"_media_type": "\\ud800"}')

    assert answer.status_code == 404
    assert answer.json()["nearest"][0]["differences"][0]["asked"] == "\ud800"


def test_chunked_request_is_read(app: httpx.Client) -> None:
    answer = app.post(factories.CALLBACK, content=iter([b"{", b"}"]))

    assert answer.status_code == 200


def over_socket(server: Served, path: str = COMET) -> ClientConnection:
    return connect_socket(f"ws{server.origin.removeprefix('http')}{path}", proxy=None)


def test_socket_hears_both_messages(server: Served, app: httpx.Client) -> None:
    """A session begun over HTTP, which goes on over a WebSocket."""
    client = subscribed(app)

    with over_socket(server) as talk:
        talk.send(json.dumps({"channel": "/meta/connect", "clientId": client, "connectionType": "websocket"}))
        [first] = json.loads(talk.recv(20))
        app.post(f"{factories.CHAT_PATH}/send", json={"message": "Hello."})
        [second] = json.loads(talk.recv(20))

    assert [message["channel"] for message in (first, second)] == ["/_genesys", "/_genesys"]


@pytest.mark.parametrize("text", ["no Bayeux", b"\xff\x00", f'["{"あ" * 60}"]'])
def test_garbage_closes_socket(server: Served, text: str | bytes) -> None:
    with over_socket(server) as talk:
        talk.send(text)

        with pytest.raises(ConnectionClosedError) as closed:
            talk.recv(20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1011
    assert closed.value.rcvd.reason.startswith("not a Bayeux frame: ")


def test_socket_elsewhere_is_a_miss(server: Served) -> None:
    with pytest.raises(InvalidStatus) as refused:
        over_socket(server, "/genesys/1/service/callback/sales")

    assert refused.value.response.status_code == 404
    assert json.loads(refused.value.response.body)["kind"] == "unknown route"


def test_server_that_ends_closes_sockets(server: Served) -> None:
    with over_socket(server) as talk:
        talk.send(json.dumps({"channel": "/meta/handshake"}))
        talk.recv(20)
        server.stop()

        with pytest.raises(ConnectionClosed) as closed:
            talk.recv(20)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1012
