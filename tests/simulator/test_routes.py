import pytest


def test_requested_chat_is_a_service(app):
    dialog = app.http.post("/1/service/request-chat", data={"subject": "Order"}).json()
    assert dialog["_action"] == "StartChat"
    assert app.http.post(dialog["_start_chat_url"], data={"firstName": "Stan"}).json()["chatIxnState"] == "CONNECTED"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("POST", "/1/service/NOBODY/get-dialog-start-chat", 404),
        ("GET", "/1/service/NOBODY/check-queue-position", 404),
        ("POST", "/1/service/NOBODY/ixn/chat", 404),
        ("POST", "/1/service/NOBODY/ixn/chat/refresh", 404),
        ("GET", "/1/service/callback/samples/NOBODY", 404),
        ("POST", "/1/service/callback/", 404),
        ("GET", "/3/service", 404),
        ("GET", "", 404),
        ("PUT", "/1/service/callback/samples", 405),
    ],
)
def test_unknown_routes_are_refused(app, method, path, status):
    answer = app.http.request(method, f"{app.base_url}{path}")
    assert (answer.status_code, list(answer.json())) == (status, ["exception", "message"])
    assert answer.json()["exception"].startswith("com.genesyslab.")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("application/json", b'{"a": 1,}', 400), ("text/xml", b"<a/>", 415), ("multipart/form-data", b"x", 400)],
)
def test_bad_bodies_are_refused(app, content_type, body, status):
    answer = app.http.post("/1/service/callback/samples", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, list(answer.json())) == (status, ["exception", "message"])
