"""A running simulator, and an app that talks to it."""

import http.client
import itertools
import json
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from push_providers import Providers, push_providers
from simulating import simulated

from gms_replay.simulator.settings import Settings

_users = itertools.count(1)


class App:
    """One app, with a `gms_user` of its own: REST by `http`, and one Bayeux session."""

    def __init__(self, base_url: str) -> None:
        self.user = f"user{next(_users)}@example.com"
        self.base_url = base_url
        self.http = httpx.Client(base_url=base_url, headers={"gms_user": self.user}, timeout=60)
        self.client_id = ""

    def ask(self, **fields: str) -> httpx.Response:
        """Start a callback."""
        return self.http.post("/1/service/callback/samples", json=fields)

    def start(self, **fields: str) -> str:
        """Start a callback, and tell its service ID."""
        return self.ask(**fields).json()["_id"]

    def take(self, service_id: str, action: str) -> httpx.Response:
        """Post an action of a service."""
        return self.http.post(f"/1/service/{service_id}/{action}")

    def place(self, service_id: str) -> dict:
        return self.http.get(f"/1/service/{service_id}/check-queue-position").json()

    def wait_for_agent(self, service_id: str) -> list[int]:
        """Poll the place in the queue until it is 0; the places seen."""
        places = [int(self.place(service_id)["_position"])]
        while places[-1]:
            places.append(int(self.place(service_id)["_position"]))
        return places

    def record(self, service_id: str) -> dict:
        """What a query tells of a service."""
        records = self.http.get("/1/service/callback/samples").json()
        return next(record for record in records if record["_id"] == service_id)

    def wait_for_state(self, service_id: str, state: str) -> None:
        while self.record(service_id)["_callback_state"] != state:
            pass

    def start_chat(self, **fields: str) -> str:
        """Start a chat that is told over Comet, and tell its service ID."""
        service_id = self.start()
        self.chat(service_id, "", notify_by="comet", firstName="Stan", **fields)
        return service_id

    def chat(self, service_id: str, turn: str, **fields: str) -> dict:
        path = f"/1/service/{service_id}/ixn/chat"
        return self.http.post(f"{path}/{turn}" if turn else path, data=fields).json()

    def finish_chat(self) -> None:
        """Have a whole chat, of which nobody has been told over Comet yet."""
        service_id = self.start_chat()
        self.chat(service_id, "disconnect")
        while self.chat(service_id, "refresh")["chatIxnState"] != "DISCONNECTED":
            pass

    def request_chat2(self, **fields: str) -> dict:
        """Start a chat of version 2."""
        return self.http.post("/2/chat/support", data={"firstName": "Stan", "lastName": "Marsh"} | fields).json()

    def chat2(self, chat: dict, operation: str, **fields: str) -> dict:
        """Do something in it, with the credentials that an answer told."""
        shown = {name: chat[name] for name in ("userId", "secureKey", "alias")}
        return self.http.post(f"/2/chat/support/{chat['chatId']}/{operation}", data=shown | fields).json()

    def comet(self, *messages: dict) -> list[dict]:
        """Send a frame, and tell the messages of its answer."""
        return self.http.post("/cometd", json=list(messages)).json()

    def connect_message(self, **fields: object) -> dict:
        return {
            "channel": "/meta/connect",
            "clientId": self.client_id,
            "connectionType": "long-polling",
            "id": "c",
            **fields,
        }

    def shake_hands(self, **fields: object) -> None:
        """Handshake and the first connect."""
        shaken = self.comet({"channel": "/meta/handshake", "version": "1.0", "id": "1", **fields})
        self.client_id = shaken[0]["clientId"]
        self.comet(self.connect_message())

    def subscribe(self) -> list[dict]:
        message = {"channel": "/meta/subscribe", "clientId": self.client_id, "subscription": "/_genesys", "id": "s"}
        return self.comet(message)

    def open_comet(self, **fields: object) -> None:
        self.shake_hands(**fields)
        self.subscribe()

    def poll(self, **fields: object) -> list[dict]:
        return self.comet(self.connect_message(**fields))

    def chat_frames(self, until: Callable[[dict], bool]) -> list[dict]:
        """Poll for the chat's frames up to the first whose message is as asked for."""
        frames: list[dict] = []
        while not (frames and until(frames[-1]["data"]["message"])):
            frames += [message for message in self.poll() if message["channel"] == "/_genesys"]
        return frames

    def begin_poll(self) -> http.client.HTTPConnection:
        """Send a connect that is held, and return once the server has it."""
        at = urlsplit(self.base_url)
        connection = http.client.HTTPConnection(at.hostname, at.port, timeout=60)
        body = json.dumps([self.connect_message()])
        connection.request("POST", f"{at.path}/cometd", body, {"gms_user": self.user})
        self.settle()
        return connection

    def settle(self) -> None:
        """Round trips: what reached the server before them has been dealt with after them."""
        for _ in range(3):
            self.http.get("/nowhere")


class Device:
    """A device of `_device_os` `httpcb`: an HTTP server that keeps what is posted to it.

    It answers with `statuses`, the last of them again and again, and gives cookies.
    """

    def __init__(self, *statuses: int) -> None:
        self.posts: queue.Queue[tuple[str, str, str]] = queue.Queue()
        self.cookies: list[str] = []
        cookies = self.cookies
        answers = itertools.chain(statuses, itertools.repeat(statuses[-1]))
        posts = self.posts

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
                cookies.extend(self.headers.get_all("cookie", []))
                # Before it is answered, so that whoever saw the answer finds it here.
                posts.put((self.path, self.headers["content-type"], body))
                self.send_response(next(answers))
                self.send_header("location", "/elsewhere")
                self.send_header("set-cookie", "a=1")
                self.send_header("content-length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                self.do_POST()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/notices?app=1"

    @property
    def fields(self) -> dict[str, str]:
        """What a callback says to be pushed to it."""
        return {"_device_os": "HttpCB", "_device_notification_id": self.url}

    def next_push(self) -> dict:
        return json.loads(self.posts.get(timeout=60)[2])

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def last_line(message: dict) -> list[str]:
    """The line of a transcript frame; of a frame without one, no texts."""
    return message["transcriptToShow"][-1] if message["transcriptToShow"] else [""] * 5


def disconnected(message: dict) -> bool:
    return message["chatIxnState"] == "DISCONNECTED"


@pytest.fixture(scope="session")
def gms_url() -> Iterator[str]:
    with simulated(Settings(quick=True, poll_timeout_s=60)) as url:
        yield url


@pytest.fixture
def apps() -> Iterator[Callable[[str], App]]:
    """Makes apps of a server, and closes their connections."""
    with ExitStack() as stack:

        def make(base_url: str) -> App:
            app = App(base_url)
            stack.enter_context(app.http)
            return app

        yield make


@pytest.fixture
def app(gms_url: str, apps: Callable[[str], App]) -> App:
    return apps(gms_url)


@pytest.fixture
def app_of(apps: Callable[[str], App]) -> Iterator[Callable[..., App]]:
    """An app of a server with settings of its own."""
    with ExitStack() as stack:
        yield lambda **settings: apps(stack.enter_context(simulated(Settings(**{"quick": True} | settings))))


@pytest.fixture
def device_of() -> Iterator[Callable[..., Device]]:
    """A device that answers with these statuses."""
    with ExitStack() as stack:

        def make(*statuses: int) -> Device:
            device = Device(*statuses)
            stack.callback(device.close)
            return device

        yield make


@pytest.fixture
def device(device_of: Callable[..., Device]) -> Device:
    return device_of(200)


@pytest.fixture
def providers(tmp_path: Path) -> Iterator[Providers]:
    """Apple and Google."""
    with push_providers(tmp_path) as found:
        yield found


@pytest.fixture
def until_disconnected() -> Callable[[dict], bool]:
    return disconnected


@pytest.fixture
def until_line() -> Callable[..., Callable[[dict], bool]]:
    """A condition for `chat_frames`: the line begins with this type, and is of this party."""
    return lambda kind, party: lambda message: (last_line(message)[0], last_line(message)[4]) == (kind, party)
