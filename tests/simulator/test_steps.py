import json

import pytest
from simulating import StandingClock

from gms_replay.simulator.services import Service
from gms_replay.simulator.steps import wake_up

NOW_US = 1_399_046_400_000_000
MINUTE_US = 60_000_000
EXPIRES = "2014-05-02T16:30:00.000Z"


@pytest.fixture
def clock():
    return StandingClock(NOW_US)


@pytest.fixture
def app(app_of, clock):
    return app_of(now_us=clock)


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


def dial(service_id, code="n/a"):
    return {
        "_dialog_id": "0",
        "_label": "Connecting ...",
        "_action": "DialNumber",
        "_tel_url": "tel:+14155550142",
        "_access_code": code,
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


@pytest.mark.parametrize(("said", "shown"), [("true", True), ("false", False), ("", False)])
def test_code_is_provided(app, said, shown):
    service_id = app.start(_provide_code=said)
    dialogs = [app.take(service_id, action).json() for action in ("connect", "connect-inbound")]
    assert dialogs[0] == dialogs[1]
    assert (dialogs[0]["_access_code"].isdigit(), dialogs[0]["_access_code"] == "n/a") == (shown, not shown)


@pytest.mark.parametrize(("said", "confirmed"), [("true", True), ("false", False)])
def test_resource_url_suits_the_code(app, said, confirmed):
    menu = app.take(app.start(_provide_code=said), "get-dialog-user-confirmation").json()
    assert ("_confirmation_dialog" in menu["_content"][0]["_group_content"][0]) is confirmed


def test_menu_keeps_its_end(app, clock):
    service_id = app.start()
    ends = []
    for passed_min in (0, 20, 10, 1):
        clock.now_us += passed_min * MINUTE_US
        ends.append(app.take(service_id, "get-dialog-user-confirmation-provide_code-true").json()["_expires"])
    assert ends == [EXPIRES] * 3 + ["2014-05-02T17:01:00.000Z"]


def test_expired_menu_connects_nobody(app, clock):
    service_id = app.start()
    menu = app.take(service_id, "get-dialog-user-confirmation-provide_code-true").json()
    connect = menu["_content"][0]["_group_content"][0]["_user_action_url"]
    clock.now_us += 30 * MINUTE_US + 1
    refused = app.http.post(connect)
    assert (refused.status_code, refused.json()) == (
        400,
        {
            "exception": "com.genesyslab.gsg.GSGException",
            "message": "The dialog has expired",
            "code": 400,
            "phrase": "Bad Request",
        },
    )
    app.http.post(menu["_resource_url"])
    assert app.http.post(connect).json()["_action"] == "DialNumber"


def test_connect_ends_the_wait(app):
    service_id = app.start(_wait_for_agent="true")
    app.take(service_id, "connect")
    record = app.record(service_id)
    assert (app.place(service_id)["_position"], record["_callback_state"], record["_callback_reason"]) == (
        "0",
        "COMPLETED",
        "AGENT_CONNECTED",
    )


def test_dialogs_alone_connect_nobody(app):
    service_id = app.start(_wait_for_agent="true", _wait_for_user_confirm="true")
    app.wait_for_state(service_id, "ROUTING")
    for action in ("wait-for-agent", "get-dialog-user-confirmation-provide_code-false"):
        app.take(service_id, action)
    assert app.record(service_id)["_callback_state"] == "ROUTING"


def test_snooze_begins_anew(app):
    service_id = app.start(_wait_for_agent="true")
    app.wait_for_state(service_id, "ROUTING")
    snoozed = app.take(service_id, "snooze").json()
    place = app.place(service_id)
    assert (snoozed, int(place["_position"]) > 0, int(place["_eta"]) > 30) == (confirm(service_id, WAIT), True, True)
    assert app.record(service_id)["_callback_state"] == "QUEUED"


def test_snooze_takes_the_agent_back(app):
    service_id = app.start()
    app.take(service_id, "connect")
    app.take(service_id, "snooze")
    record = app.record(service_id)
    assert (record["_callback_state"], record.get("_callback_reason")) == ("QUEUED", None)


def test_declined_service_is_unknown(app):
    service_id = app.start(_wait_for_agent="true")
    declined = [app.take(service_id, "not-used") for _ in range(2)]
    assert [(answer.status_code, answer.json()) for answer in declined] == [(200, {})] * 2
    refused = [
        app.take(service_id, "connect"),
        app.take(service_id, "snooze"),
        app.take(service_id, "get-dialog-user-confirmation"),
        app.take(service_id, "ixn/chat"),
        app.http.get(f"/1/service/{service_id}/check-queue-position"),
        app.http.get(f"/1/service/callback/samples/{service_id}"),
        app.http.put(f"/1/service/callback/samples/{service_id}"),
        app.http.delete(f"/1/service/callback/samples/{service_id}"),
    ]
    assert {(answer.status_code, answer.json()["message"]) for answer in refused} == {
        (404, f"Service {service_id} not found")
    }


def test_unknown_service_declines_nothing(app):
    assert app.take("NOBODY", "not-used").status_code == 404


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({}, "connect-inbound"),
        ({"_call_direction": "USERTERMINATED", "_provide_code": "true"}, "connect-outbound"),
        ({"_media_type": "chat", "_call_direction": "USERTERMINATED"}, "get-dialog-start-chat"),
        ({"_wait_for_user_confirm": "true"}, "get-dialog-user-confirmation-provide_code-false"),
        ({"_wait_for_user_confirm": "TRUE", "_provide_code": "true"}, "get-dialog-user-confirmation-provide_code-true"),
    ],
)
def test_wake_up_suits_the_callback(fields, action):
    assert wake_up(Service("3S", "samples", 1, fields, 0)) == action


def test_unknown_action_is_refused(app):
    answer = app.take(app.start(), "get-dialog-other")
    assert (answer.status_code, list(answer.json())) == (404, ["exception", "message", "code", "phrase"])
