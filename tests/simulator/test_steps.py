import json

import pytest

NOW_US = 1_399_046_400_000_000
EXPIRES = "2014-05-02T16:30:00.000Z"


@pytest.fixture
def app(app_of):
    return app_of(now_us=lambda: NOW_US)


def menu(base, confirmation):
    connect = {
        "_dialog_id": "1",
        "_label": "Yes, I'm ready to talk",
        "_action": "MenuItem",
        "_user_action_url": f"{base}/connect",
        "_method": "POST",
        "_id_to_jump_before": "exit://",
    }
    snooze = {
        "_dialog_id": "2",
        "_label": "No, try again in 5 minutes",
        "_action": "MenuItem",
        "_user_action_url": f"{base}/snooze",
        "_method": "POST",
        "_id_to_jump_before": "exit://",
    }
    cancel = {**snooze, "_dialog_id": "3", "_label": "Cancel, my problem has been solved"}
    return {
        "_dialog_id": "0",
        "_label": "Agent is available right now",
        "_user_action_url": f"{base}/not-used",
        "_method": "POST",
        "_action": "DisplayMenu",
        "_expires": EXPIRES,
        "_resource_url": f"{base}/get-dialog-user-confirmation",
        "_content": [{"_group_name": "Are you ready?", "_group_content": [connect | confirmation, snooze, cancel]}],
    }


CONFIRMATION = {
    "_confirmation_dialog": {
        "_text": "You will hear tones immediately after call is connected. This is normal.",
        "_dialog_type": "Notification",
        "_dismiss_timeout": 2,
    }
}


def start_chat(app, service_id):
    return {
        "_dialog_id": "1",
        "_action": "StartChat",
        "_label": "Start Chat",
        "_start_chat_url": f"{app.base_url}/1/service/{service_id}/ixn/chat",
        "_comet_url": f"{app.base_url}/cometd",
        "_user_header": app.user,
        "_id_to_jump_before": "exit://",
        "_chat_parameters": {"subject": "None"},
        "_id": service_id,
    }


def dial(service_id):
    return {
        "_dialog_id": "0",
        "_label": "Connecting ...",
        "_action": "DialNumber",
        "_tel_url": "n/a",
        "_access_code": "n/a",
        "_id": service_id,
    }


def confirm(service_id, text):
    return {
        "_dialog_id": "0",
        "_action": "ConfirmationDialog",
        "_text": text,
        "_ok_title": "Ok",
        "_id": service_id,
    }


OUTBOUND = "You will receive the call shortly"
WAIT = "We will notify you when agent is available"


def expected_dialogs(app, service_id):
    base = f"{app.base_url}/1/service/{service_id}"
    return {
        "get-dialog-user-confirmation-provide_code-true": menu(base, CONFIRMATION),
        "get-dialog-user-confirmation-provide_code-false": menu(base, {}),
        "get-dialog-start-chat": start_chat(app, service_id),
        "connect-inbound": dial(service_id),
        "connect-outbound": confirm(service_id, OUTBOUND),
        "wait-for-agent": confirm(service_id, WAIT),
    }


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_dialogs_are_the_seeds(app, method):
    service_id = app.start()
    expected = expected_dialogs(app, service_id)
    got = {action: app.http.request(method, f"/1/service/{service_id}/{action}") for action in expected}
    # As text, so that the order of the fields is compared too.
    assert {action: json.dumps(answer.json()) for action, answer in got.items()} == {
        action: json.dumps(dialog) for action, dialog in expected.items()
    }


def test_resource_url_leads_back(app):
    service_id = app.start()
    dialog = app.http.post(f"/1/service/{service_id}/get-dialog-user-confirmation-provide_code-true").json()
    assert app.http.get(dialog["_resource_url"]).json() == dialog


def test_urls_name_the_asked_host(app):
    path = f"/1/service/{app.start()}/get-dialog-start-chat"
    dialog = app.http.post(path, headers={"Host": "gms.example.com:8080"}).json()
    assert dialog["_comet_url"] == "http://gms.example.com:8080/genesys/cometd"


def test_trailing_comma_by_flag(app_of):
    app = app_of(trailing_comma=True, now_us=lambda: NOW_US)
    service_id = app.start()
    base = f"{app.base_url}/1/service/{service_id}"
    text = app.http.post(f"/1/service/{service_id}/get-dialog-user-confirmation-provide_code-false").text
    with pytest.raises(ValueError, match=r"property name|trailing comma"):
        json.loads(text)
    assert '"_id_to_jump_before":"exit://",\n            },{' in text
    assert f'"_user_action_url":\n   "{base}/not-used"' in text
    assert f'"_user_action_url":\n\t\t\t   "{base}/connect"' in text
    assert json.loads(text.replace('"exit://",\n', '"exit://"\n')) == menu(base, {})


def test_flag_spares_other_dialogs(app_of):
    app = app_of(trailing_comma=True)
    service_id = app.start()
    path = f"/1/service/{service_id}/get-dialog-user-confirmation-provide_code-true"
    assert app.http.post(path).json()["_action"] == "DisplayMenu"


@pytest.mark.parametrize(
    ("fields", "action", "text"),
    [
        ({"_media_type": "chat"}, "StartChat", None),
        ({"_call_direction": "USERTERMINATED"}, "ConfirmationDialog", OUTBOUND),
        ({}, "DialNumber", None),
    ],
)
def test_connect_suits_the_callback(app, fields, action, text):
    dialog = app.http.post(f"/1/service/{app.start(**fields)}/connect").json()
    assert (dialog["_action"], dialog.get("_text")) == (action, text)


def test_other_items_are_answered(app):
    service_id = app.start()
    snooze, unused = (app.http.post(f"/1/service/{service_id}/{item}").json() for item in ("snooze", "not-used"))
    assert (snooze, unused) == (confirm(service_id, WAIT), {})


def test_unknown_action_is_refused(app):
    answer = app.http.post(f"/1/service/{app.start()}/get-dialog-other")
    assert (answer.status_code, list(answer.json())) == (404, ["exception", "message"])
