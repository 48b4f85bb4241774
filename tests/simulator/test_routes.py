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
        ("POST", "/2/chat/", 404),
        ("POST", "/2/chat/support/NOBODY/dance", 404),
        ("GET", "/2/chat/support", 405),
        ("GET", "/2/chat/support/NOBODY/refresh", 405),
        ("GET", "/3/service", 404),
        ("GET", "", 404),
        ("PUT", "/1/service/callback/samples", 405),
    ],
)
def test_unknown_routes_are_refused(app, method, path, status):
    answer = app.http.request(method, f"{app.base_url}{path}")
    assert (answer.status_code, list(answer.json())) == (status, ["exception", "message", "code", "phrase"])
    assert answer.json()["exception"].startswith("com.genesyslab.")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [("application/json", b'{"a": 1,}', 400), ("text/xml", b"<a/>", 415), ("multipart/form-data", b"x", 400)],
)
def test_bad_bodies_are_refused(app, content_type, body, status):
    answer = app.http.post("/1/service/callback/samples", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, list(answer.json())) == (status, ["exception", "message", "code", "phrase"])


@pytest.mark.parametrize(("method", "path"), [("POST", ""), ("GET", "/availability"), ("POST", "/availability")])
def test_services_are_configured(app_of, method, path):
    app = app_of(services=frozenset({"sales", "samples"}))
    answers = [app.http.request(method, f"/1/service/callback/{name}{path}") for name in ("sales", "support")]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json() == {
        "exception": "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionResource",
        "message": "Service support is not configured: no office hours found",
        "code": 400,
        "phrase": "Bad Request",
    }


def test_chats_need_no_configuration(app_of):
    app = app_of(services=frozenset({"sales"}))
    assert app.http.post("/1/service/request-chat").status_code == 200
    assert app.request_chat2()["statusCode"] == 0


def test_unknown_services_have_a_class(app):
    answer = app.take("NOBODY", "connect")
    assert answer.json() == {
        "exception": "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionNotFound",
        "message": "Service NOBODY not found",
        "code": 404,
        "phrase": "Not Found",
    }
