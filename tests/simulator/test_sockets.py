import json
from contextlib import contextmanager

import pytest
from websockets.exceptions import ConnectionClosedError, InvalidStatus
from websockets.sync.client import connect

ACKNOWLEDGING = {"ext": {"ack": True}}


class Wire:
    """A WebSocket of an app's: its messages one by one, whichever frame brought them."""

    def __init__(self, app, socket):
        self.app = app
        self.socket = socket
        self.messages = []

    def say(self, *messages):
        self.socket.send(json.dumps(messages))

    def hear(self):
        if not self.messages:
            self.messages = json.loads(self.socket.recv(60))
        return self.messages.pop(0)

    def open(self, **fields):
        """A session that has connected and subscribed."""
        self.say({"channel": "/meta/handshake", "id": "1", "supportedConnectionTypes": ["websocket"], **fields})
        self.app.client_id = self.hear()["clientId"]
        self.connect()
        assert self.hear()["successful"]
        self.subscribe()
        assert self.hear()["channel"] == "/meta/subscribe"

    def connect(self, **fields):
        self.say(self.app.connect_message(connectionType="websocket", **fields))

    def subscribe(self):
        channel = {"channel": "/meta/subscribe", "subscription": "/_genesys"}
        self.say(channel | {"clientId": self.app.client_id, "id": "s"})

    def hear_chat(self, until):
        """The chat's frames up to the first whose message is as asked for."""
        frames = []
        while not (frames and until(frames[-1]["data"]["message"])):
            frames.append(self.hear())
        return frames


@contextmanager
def wire(app, path="/cometd", **headers):
    """`headers`: a page's; an app's own names its user."""
    url = app.base_url.replace("http", "ws", 1) + path
    with connect(url, additional_headers=headers or {"gms_user": app.user}, proxy=None) as socket:
        yield Wire(app, socket)


def positions(frames):
    return [int(frame["data"]["message"]["transcriptPosition"]) for frame in frames]


def test_handshake_offers_all(app):
    with wire(app) as comet:
        comet.say({"channel": "/meta/handshake", "id": "1"})

        assert comet.hear()["supportedConnectionTypes"] == ["websocket", "long-polling", "callback-polling"]


def test_chat_is_told_while_connect_is_held(app, until_line):
    with wire(app, "/cometd/connect") as comet:
        comet.open()
        comet.connect()
        app.start_chat()

        frames = comet.hear_chat(until_line("Message.Text", "AGENT"))

    assert {frame["channel"] for frame in frames} == {"/_genesys"}
    assert positions(frames) == [2, 3, 4, 5]


def test_held_connect_is_answered(app_of):
    app = app_of(poll_timeout_s=0.05)
    with wire(app) as comet:
        comet.open()
        comet.connect()

        assert comet.hear() == {"channel": "/meta/connect", "id": "c", "successful": True}


def test_second_connect_frees_first(app):
    with wire(app) as comet:
        comet.open()
        comet.connect(id="first")
        comet.connect(id="second")

        assert comet.hear()["id"] == "first"


@pytest.mark.parametrize("chat_first", [True, False])
def test_page_hears_its_users_chat(app_of, until_disconnected, chat_first):
    app = app_of()
    service_id = app.start_chat() if chat_first else ""
    with wire(app, origin="https://shop.example.com") as comet:
        comet.open()
        app.chat(service_id or app.start_chat(), "disconnect")

        told = positions(comet.hear_chat(until_disconnected))
    assert told[:-1] == list(range(2, 1 + len(told)))


def test_chat_goes_on_over_polls(app, until_line):
    """What was told over the socket is not told again."""
    with wire(app) as comet:
        comet.open()
        app.start_chat()
        before = comet.hear_chat(until_line("Notice.Joined", "AGENT"))
    after = app.chat_frames(until_line("Message.Text", "AGENT"))

    told = positions(before + after)
    assert told == list(range(2, 2 + len(told)))


def test_chat_goes_on_over_socket(app, until_disconnected):
    app.open_comet()
    poll = app.begin_poll()
    with wire(app) as comet:
        comet.connect()
        assert json.loads(poll.getresponse().read())[0]["channel"] == "/meta/connect"
        app.chat(app.start_chat(), "disconnect")

        told = positions(comet.hear_chat(until_disconnected))
    poll.close()
    assert told[:-1] == list(range(2, 1 + len(told)))


def test_late_subscriber_hears_all(app, until_line):
    with wire(app) as comet:
        comet.say({"channel": "/meta/handshake"})
        app.client_id = comet.hear()["clientId"]
        service_id = app.start_chat()
        while not any("is typing" in line for line in app.chat(service_id, "refresh")["transcriptToShow"]):
            pass
        comet.subscribe()
        assert comet.hear()["channel"] == "/meta/subscribe"

        assert positions(comet.hear_chat(until_line("Notice.TypingStarted", "AGENT"))) == [2, 3]


@pytest.mark.parametrize("fields", [{}, ACKNOWLEDGING], ids=["plain", "acknowledging"])
def test_late_subscriber_hears_what_waits(app, until_disconnected, fields):
    """Also when nothing more is told, and the connect is held already."""
    app.finish_chat()
    with wire(app) as comet:
        comet.say({"channel": "/meta/handshake", **fields})
        app.client_id = comet.hear()["clientId"]
        comet.connect()
        comet.hear()
        comet.connect()
        comet.subscribe()
        assert comet.hear()["channel"] == "/meta/subscribe"

        assert comet.hear_chat(until_disconnected)


def is_known(app):
    message = {"channel": "/service/x", "clientId": app.client_id}
    return app.comet(message)[0]["successful"]


def test_session_outlives_its_socket(app):
    with wire(app) as comet:
        comet.open()
        comet.connect()
    app.settle()

    assert is_known(app)


def test_session_without_socket_ends(app_of):
    app = app_of(max_interval_s=0.5)
    with wire(app) as comet:
        comet.open()
        comet.connect()

    while is_known(app):
        pass


def test_who_acknowledges_is_told_with_connects(app):
    with wire(app) as comet:
        comet.open(**ACKNOWLEDGING)
        comet.connect(ext={"ack": 1})
        app.finish_chat()
        while (message := comet.hear())["channel"] != "/meta/connect":
            assert message["channel"] == "/_genesys"
        comet.say({"channel": "/service/x", "clientId": app.client_id, "data": {}})
        acknowledged = comet.hear()
        comet.connect(ext=message["ext"])

        assert message["ext"] == {"ack": 2}
        assert acknowledged == {"channel": "/service/x", "successful": True}
        assert comet.hear()["channel"] == "/_genesys"


def test_what_a_broken_socket_carried_comes_again(app, until_disconnected):
    app.finish_chat()
    with wire(app) as comet:
        comet.open(**ACKNOWLEDGING)
        comet.connect(ext={"ack": 1})
        told = comet.hear_chat(until_disconnected)
    with wire(app) as comet:
        comet.connect(ext={"ack": 1})
        again = comet.hear_chat(until_disconnected)

        assert comet.hear()["ext"] == {"ack": 3}
    assert told == again


@pytest.mark.parametrize("frame", ["", "{", "[1]", b"\xff", b""])
def test_no_bayeux_closes_socket(app, frame):
    with wire(app) as comet:
        comet.socket.send(frame)

        with pytest.raises(ConnectionClosedError) as closed:
            comet.socket.recv(60)
    assert closed.value.rcvd.code == 1011


def test_elsewhere_is_refused(app):
    with pytest.raises(InvalidStatus) as refused, wire(app, "/1/service/callback/samples"):
        pass
    assert refused.value.response.status_code == 403
