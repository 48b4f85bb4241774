"""Which app gets which visit from the engine, and what none has an answer for."""

import json

import factories
from driver import App, played, send, start, start_chatting, visiting
from factories import (
    AVAILABILITY,
    CALLBACK,
    CHAT_DIALOG,
    CHAT_PATH,
    HELLO,
    JOINED,
    MENU,
    ORDER,
    QUEUE,
    SERVICE,
    Tape,
    chat_recording,
    frame,
)

from gms_replay.events import Respond


def test_two_apps_at_once() -> None:
    driver = played(factories.visit())
    apps = [App(driver, user, peer="::1") for user in ("ann", "ben")]
    services = [start(app) for app in apps]
    for app, service in zip(apps, services, strict=True):
        app.call("POST", MENU.replace(SERVICE, service))
        dialog = json.loads(app.call("POST", CHAT_DIALOG.replace(SERVICE, service)).body)
        app.comet_path = dialog["_comet_url"].removeprefix("http://play.test:9000")
        assert dialog["_user_header"] == app.user
        assert dialog["_start_chat_url"].endswith(f"/1/service/{service}/ixn/chat")
        app.call("POST", CHAT_PATH.replace(SERVICE, service), "notify_by=comet&_verbose=true")
        app.shake_hands()
        app.subscribe()
    for app in apps:
        app.listen(4)
    for app, service in zip(apps, services, strict=True):
        send(app, "Hello.", service)
        app.listen(6)

    assert services[0] == SERVICE
    assert services[1] != SERVICE
    assert [len(service) for service in services] == [32, 32]
    assert [app.comet_path for app in apps] == ["/genesys/cometd", "/~s2~/genesys/cometd"]
    assert apps[0].lines == apps[1].lines == ["has joined the session", "Hello.", "is typing", "How may I help?"]
    assert apps[1].heard[0][1]["data"]["tag"] == f"service.chat.refresh.{services[1]}"
    assert apps[0].heard[0][1]["data"]["id"] != apps[1].heard[0][1]["data"]["id"]


def test_nameless_handshakes_find_sessions() -> None:
    driver = played(factories.visit())
    apps = [App(driver, user, peer="::1") for user in ("ann", "ben")]
    for app in apps:
        start(app)
    for app in reversed(apps):
        app.shake_hands()

    assert [session.comet.is_alive for session in driver.player.sessions] == [True, True]


def test_same_app_twice() -> None:
    driver = played(factories.visit())
    first, second = App(driver, "ann"), App(driver, "ann")
    services = []
    for app in (first, second):
        app.call("GET", AVAILABILITY)
        services.append(start(app))
        app.call("POST", MENU.replace(SERVICE, services[-1]))
        dialog = json.loads(app.call("POST", CHAT_DIALOG.replace(SERVICE, services[-1])).body)
        app.comet_path = dialog["_comet_url"].removeprefix("http://play.test:9000")
        app.call("POST", CHAT_PATH.replace(SERVICE, services[-1]), "notify_by=comet&_verbose=true")
        app.shake_hands()
        app.subscribe()
        app.listen(6)
        app.bayeux(app.meta("disconnect"))

    assert services[0] == SERVICE
    assert services[1] != SERVICE
    assert first.lines == second.lines == ["has joined the session"]


def test_same_app_ignores_comet_url() -> None:
    driver = played(chat_recording((2, frame(1, JOINED)), (3, frame(2, HELLO))))
    first, second = App(driver, "ann"), App(driver, "ann")
    for app in (first, second):
        start(app)
        app.shake_hands()
        app.subscribe()
        app.listen(4)
        app.bayeux(app.meta("disconnect"))

    assert first.lines == second.lines == ["has joined the session", "Hello."]


def test_each_app_its_visit() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(60, "POST", CALLBACK, ORDER, b'{"_id":"SECOND0000000002"}')
    driver = played(tape.recording())

    assert [start(App(driver, user)) for user in ("ann", "ben")] == [SERVICE, "SECOND0000000002"]
    third = start(App(driver, "cid"))
    assert third not in (SERVICE, "SECOND0000000002")
    assert len(third) == len(SERVICE)


def test_best_opening_is_chosen() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, {"vip": "1"}, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(60, "POST", CALLBACK, {"vip": "2"}, b'{"_id":"SECOND0000000002"}')
    app = visiting(tape.recording())

    assert app.call("POST", CALLBACK, {"vip": "2"}).body == b'{"_id":"SECOND0000000002"}'


def test_recorded_id_opens_session() -> None:
    app = visiting()

    assert app.call("POST", MENU).status == 200
    assert len(app.driver.player.sessions) == 1


def report_of(answer: Respond) -> dict:
    assert answer.status == 404
    return json.loads(answer.body)


def test_unknown_service_is_missed() -> None:
    report = report_of(visiting().call("GET", QUEUE.replace(SERVICE, "3SQI00000000000000000000000NONE0")))

    assert report["kind"] == "unknown service"
    assert report["nearest"][0]["target"] == QUEUE


def test_unknown_route_is_missed() -> None:
    app = visiting()

    report = report_of(app.call("GET", "/genesys/1/service/callback/sales/availabilty/x/y"))

    assert report["kind"] == "unknown route"
    assert report["asked"] == {"method": "GET", "target": "/genesys/1/service/callback/sales/availabilty/x/y"}
    assert report["nearest"][0]["target"] == AVAILABILITY
    assert "unknown route" in app.driver.notes[0]
    assert len(app.driver.player.sessions) == 0


def test_unknown_callback_is_missed() -> None:
    app = visiting()
    unknown = CALLBACK.replace("sales", "salse")

    report = report_of(app.call("POST", unknown, ORDER))

    assert report["kind"] == "unknown callback"
    assert report["nearest"][0]["target"] == CALLBACK
    assert report["nearest"][0]["differences"] == [{"field": "path", "asked": unknown, "recorded": CALLBACK}]


def test_unrecorded_operation_is_missed() -> None:
    app = visiting()
    app.call("POST", CALLBACK, ORDER)

    assert report_of(app.call("DELETE", f"{CALLBACK}/{SERVICE}"))["kind"] == "unknown route"


def test_differing_field_is_shown() -> None:
    report = report_of(visiting().call("POST", CALLBACK, ORDER | {"_media_type": "voice"}))

    assert report["kind"] == "field differs"
    assert report["nearest"] == [
        {
            "method": "POST",
            "target": CALLBACK,
            "fields": ORDER,
            "differences": [{"field": "_media_type", "asked": "voice", "recorded": "chat"}],
            "more": 0,
        }
    ]


def test_unanswered_request_is_missed() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER)
    tape.ask_in_vain(1, "POST", MENU)
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)

    assert report_of(app.call("POST", MENU))["kind"] == "recorded without an answer"


def test_unanswered_act_has_happened() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask_in_vain(1, "POST", MENU)
    tape.poll(1.5, 0.5, frame(1, JOINED))
    app = start_chatting(tape.recording())
    app.ask("POST", MENU)
    app.listen(3)

    assert app.times == [2]


def test_told_identities_are_meant_back() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.ask(1, "POST", CHAT_PATH, b"", {"chatSessionId": factories.CHAT})
    tape.ask(2, "POST", MENU, {"chatSessionId": factories.CHAT})
    tape.ask(3, "GET", f"/genesys/1/service/{SERVICE}/a/b", b"", b"deep")
    driver = played(tape.recording())
    first, second = (App(driver, user) for user in ("ann", "ben"))
    start(first)
    service = start(second)
    told = json.loads(second.call("POST", CHAT_PATH.replace(SERVICE, service)).body)["chatSessionId"]

    assert told != factories.CHAT
    assert second.call("POST", MENU.replace(SERVICE, service), {"chatSessionId": told}).status == 200
    assert second.call("GET", f"/genesys/1/service/{service}/a/b").body == b"deep"


def test_two_services_have_own_queues() -> None:
    other = SERVICE[:-1] + "4"
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "parent": {"_id": other}})
    tape.ask(1, "GET", QUEUE, b"", factories.position(1))
    tape.ask(2, "GET", QUEUE.replace(SERVICE, other), b"", factories.position(9))
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)

    assert app.call("GET", QUEUE).body == factories.position(1)
    assert app.call("GET", QUEUE.replace(SERVICE, other)).body == factories.position(9)


def test_user_gets_own_visit() -> None:
    tape = Tape("ann")
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.user = "ben"
    tape.ask(10, "POST", CALLBACK, ORDER, {"_id": SERVICE[:-1] + "9"})
    driver = played(tape.recording())

    assert start(App(driver, "ben")) == SERVICE[:-1] + "9"
    assert start(App(driver, "ann")) == SERVICE
