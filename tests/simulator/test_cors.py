import pytest

ORIGIN = {"Origin": "https://shop.example.com"}
ALLOWED = {
    "access-control-allow-origin": "https://shop.example.com",
    "access-control-allow-credentials": "true",
    "vary": "Origin",
}


def of_cors(answer):
    headers = {name: ", ".join(answer.headers.get_list(name)) for name in (*ALLOWED, "access-control-allow-headers")}
    return {name: value.removesuffix(", Accept-Encoding") for name, value in headers.items() if value}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/1/service/callback/samples"),
        ("GET", "/1/service/callback/samples/availability"),
        ("POST", "/cometd"),
        ("GET", "/cometd/connect"),
        ("GET", "/nowhere"),
        ("DELETE", "/1/service/callback/samples"),
    ],
)
def test_pages_may_read_every_answer(app, method, path):
    """Whatever its status."""
    assert of_cors(app.http.request(method, path, headers=ORIGIN)) == ALLOWED


def test_apps_get_none_of_it(app):
    assert of_cors(app.http.post("/1/service/callback/samples")) == {}


def test_held_answers_may_be_read(app_of):
    app = app_of(poll_timeout_s=0.05)
    app.shake_hands()
    assert of_cors(app.http.post("/cometd", json=app.connect_message(), headers=ORIGIN)) == ALLOWED


def test_gzipped_answers_vary_by_both(app):
    path = f"/1/service/{app.start()}/get-dialog-user-confirmation-provide_code-true"
    answer = app.http.post(path, headers=ORIGIN | {"Accept-Encoding": "gzip"})
    assert sorted(answer.headers.get_list("vary")) == ["Accept-Encoding", "Origin"]


@pytest.mark.parametrize("path", ["/1/service/callback/samples/4711", "/cometd", "/cometd/handshake", "/nowhere"])
@pytest.mark.parametrize(("method", "wanted"), [("POST", "content-type, gms_user"), ("DELETE", None)])
def test_pages_may_ask_anything(app, path, method, wanted):
    asked = ORIGIN | {"Access-Control-Request-Method": method}
    answer = app.http.options(path, headers=asked | ({"Access-Control-Request-Headers": wanted} if wanted else {}))
    assert (answer.status_code, answer.content) == (200, b"")
    assert of_cors(answer) == ALLOWED | ({"access-control-allow-headers": wanted} if wanted else {})
    assert method in answer.headers["access-control-allow-methods"].split(", ")


def test_other_options_are_no_preflight(app):
    assert app.http.options("/1/service/callback/samples", headers=ORIGIN).status_code == 405
