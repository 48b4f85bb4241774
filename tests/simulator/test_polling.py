import json
import re
import threading

import httpx
import pytest

HANDSHAKE = {"channel": "/meta/handshake", "version": "1.0", "id": "1"}


class Page:
    """A page that loads scripts: none of its requests has a header of its own."""

    def __init__(self, http, base_url):
        self._http = http
        self._url = f"{base_url}/cometd"
        self._client_id = ""

    def load(self, *frames, path="", function="org._cometd-1.go"):
        messages = [json.dumps(frame) for frame in frames]
        return self._http.get(f"{self._url}{path}", params={"jsonp": function, "message": messages})

    def ask(self, channel, **fields):
        """Send a message, and tell those that the script hands to the page."""
        script = self.load({"channel": channel, "clientId": self._client_id, "id": "p", **fields}).text
        return json.loads(re.fullmatch(r"org\._cometd-1\.go\((.*)\)", script)[1])

    def poll(self, **fields):
        return self.ask("/meta/connect", connectionType="callback-polling", **fields)

    def open(self, **fields):
        """A session that has connected and subscribed."""
        (shaken,) = self.ask("/meta/handshake", version="1.0", **fields)
        self._client_id = shaken["clientId"]
        self.poll()
        (subscribed,) = self.ask("/meta/subscribe", subscription="/_genesys")
        assert subscribed["successful"]

    def hear(self, until):
        """The chat's frames up to the first whose message is as asked for."""
        frames = []
        while not (frames and until(frames[-1]["data"]["message"])):
            frames += [message for message in self.poll() if message["channel"] == "/_genesys"]
        return frames


@pytest.fixture
def page_of():
    """The page of an app."""
    with httpx.Client(timeout=60) as http:
        yield lambda app: Page(http, app.base_url)


@pytest.fixture
def alone(app_of):
    """An app that is alone with its server, so that no other is taken for it."""
    return app_of(poll_timeout_s=60)


def test_single_objects_are_frames(app):
    answer = app.http.post("/cometd", json=HANDSHAKE)
    assert [message["channel"] for message in answer.json()] == ["/meta/handshake"]


def test_forms_carry_frames(app):
    answer = app.http.post("/cometd", data={"message": [json.dumps([HANDSHAKE]), '{"channel":"/a"}']})
    assert [message["channel"] for message in answer.json()] == ["/meta/handshake", "/a"]


def test_handshake_sets_browser_cookie_once(app):
    app.http.cookies.clear()
    cookies = [app.http.post("/cometd", json=HANDSHAKE).headers.get("set-cookie", "") for _ in range(2)]
    assert (cookies[0].startswith("BAYEUX_BROWSER="), cookies[1]) == (True, "")


def test_only_handshakes_set_cookies(app):
    assert "set-cookie" not in app.http.post("/cometd", json=app.connect_message()).headers


@pytest.mark.parametrize(
    "frame", [b"", b"{", b"[1]", b"\xff", b'[{"channel":"/meta/handshake"},]', b"message=", b"message=1"]
)
def test_malformed_frames_get_400(app, frame):
    answer = app.http.post("/cometd", content=frame)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/plain;charset=UTF-8")
    assert answer.text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD"])
def test_other_methods_are_no_transports(app, method):
    assert app.http.request(method, "/cometd?jsonp=f&message=[]").status_code == 400


def test_options_are_nothing_to_bayeux(app):
    assert app.http.request("OPTIONS", "/cometd").status_code == 200


@pytest.mark.parametrize("path", ["", "/", "/handshake"])
def test_scripts_call_the_page(app, page_of, path):
    script = page_of(app).load([HANDSHAKE], path=path, function="go")
    (shaken,) = json.loads(script.text.removeprefix("go(").removesuffix(")"))
    assert (shaken["successful"], shaken["id"]) == (True, "1")
    assert script.headers["content-type"] == "text/javascript;charset=UTF-8"
    assert script.headers["set-cookie"].startswith("BAYEUX_BROWSER=")


def test_frames_come_one_by_one(app, page_of):
    page = page_of(app)
    page.open()
    answer = page.load({"channel": "/a"}, [{"channel": "/b"}, {"channel": "/c"}], function="f").text
    assert [message["channel"] for message in json.loads(answer[2:-1])] == ["/a", "/b", "/c"]


@pytest.mark.parametrize("query", ["", "jsonp=&message=[]", "jsonp=a(b&message=[]", f"jsonp={'f' * 65}&message=[]"])
def test_functions_have_plain_names(app, query):
    answer = app.http.get(f"/cometd?{query}")
    assert (answer.status_code, answer.text[:24]) == (400, "Unknown Bayeux transport")


@pytest.mark.parametrize("query", ["", "&message=", "&message={", "&message=[]&message=1", "&message=%FF"])
def test_malformed_queries_get_400(app, query):
    assert app.http.get(f"/cometd?jsonp=f{query}").status_code == 400


def test_scripts_have_no_odd_line_ends(app, page_of):
    script = page_of(app).load(HANDSHAKE | {"id": "\u2028 é \u2029"}, function="f").text
    assert not {"\u2028", "\u2029"} & set(script)
    assert json.loads(script[2:-1])[0]["id"] == "\u2028 é \u2029"


def test_scripts_are_held(app_of, page_of):
    page = page_of(app_of(poll_timeout_s=0.05))
    page.open()
    assert page.poll() == [{"channel": "/meta/connect", "id": "p", "successful": True}]


def test_chat_ends_held_script(alone, page_of):
    page = page_of(alone)
    page.open()
    heard = []
    loading = threading.Thread(target=lambda: heard.extend(page.poll()))
    loading.start()
    alone.settle()
    alone.start_chat()
    loading.join()
    assert [message["channel"] for message in heard] == ["/_genesys", "/meta/connect"]


def test_page_hears_its_users_chat(alone, page_of, until_line, until_disconnected):
    service_id = alone.start_chat()
    page = page_of(alone)
    page.open()
    frames = page.hear(until_line("Message.Text", "AGENT"))
    alone.chat(service_id, "send", message="bye")
    frames += page.hear(until_disconnected)
    positions = [int(frame["data"]["message"]["transcriptPosition"]) for frame in frames]
    assert positions[:-1] == list(range(2, 2 + len(positions) - 1))


def test_lost_scripts_come_again(alone, page_of):
    alone.finish_chat()
    page = page_of(alone)
    page.open(ext={"ack": True})
    told, again = (page.poll(ext={"ack": 1}) for _ in range(2))
    assert (told[:-1] == again[:-1], told[-1]["ext"], again[-1]["ext"]) == (True, {"ack": 2}, {"ack": 3})


def test_apps_are_told_apart(alone, apps, page_of, until_disconnected):
    """Whose chat began last is the page's, and whoever has a name keeps to it."""
    other = apps(alone.base_url)
    services = [app.start_chat() for app in (alone, other)]
    page = page_of(alone)
    page.open()
    alone.open_comet()
    for app, service_id in zip((alone, other), services, strict=True):
        app.chat(service_id, "disconnect")
    tags = [{frame["data"]["tag"] for frame in hear(until_disconnected)} for hear in (alone.chat_frames, page.hear)]
    assert tags == [{f"service.chat.refresh.{service_id}"} for service_id in services]
