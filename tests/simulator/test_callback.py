import re

import pytest
from simulating import StandingClock

NOW_US = 1_399_048_200_000_000


@pytest.fixture
def clock():
    return StandingClock(NOW_US)


@pytest.fixture
def app(app_of, clock):
    return app_of(now_us=clock)


@pytest.mark.parametrize(
    "body",
    [
        {"json": {"_customer_number": "555"}},
        {"data": {"_customer_number": "555"}},
        {"files": {"_customer_number": (None, "555")}},
        {"content": b'{"_customer_number":"555"}', "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
        {"content": b""},
    ],
)
def test_start_takes_every_notation(app, body):
    answer = app.http.post("/1/service/callback/samples", **body)
    assert list(answer.json())[-1] == "_id"
    assert re.fullmatch("[0-9A-Z]{32}", answer.json()["_id"])
    records = app.http.get("/1/service/callback/samples").json()
    assert [record.get("_customer_number") for record in records] == [None if body == {"content": b""} else "555"]


def test_start_sets_two_cookies(app):
    cookies = app.http.post("/1/service/callback/samples").headers.get_list("set-cookie")
    assert "Expires=Fri, 02 May 2014 17:00:00 GMT" in cookies[0]
    assert [cookie.partition("=")[0] for cookie in cookies] == ["JSESSIONID", "ROUTEID"]


@pytest.mark.parametrize(
    ("fields", "action"),
    [
        ({}, "connect-inbound"),
        ({"_call_direction": "USERORIGINATED", "_media_type": "voice", "_provide_code": "true"}, "connect-inbound"),
        ({"_call_direction": "USERTERMINATED", "_wait_for_agent": "false"}, "connect-outbound"),
        ({"_media_type": "chat"}, "get-dialog-start-chat"),
        ({"_wait_for_agent": "true"}, "wait-for-agent"),
        ({"_media_type": "chat", "_wait_for_user_confirm": "TRUE"}, "wait-for-agent"),
        ({"_desired_time": "2014-05-02T17:00:00.000Z"}, "wait-for-agent"),
    ],
)
def test_start_tells_the_dialog(app, fields, action):
    started = app.ask(**fields)
    assert started.content == app.take(started.json()["_id"], action).content


def refusal(wrong, message, status=400, phrase="Bad Request"):
    return {"exception": wrong, "message": message, "code": status, "phrase": phrase}


UNAVAILABLE = "com.genesyslab.gsg.services.callback.exceptions.CallbackExceptionAvailability"


@pytest.mark.parametrize(
    ("desired", "why"),
    [
        ("2014-05-03T03:00:00.000Z", "Office closed at the desired time"),
        ("2014-05-02T12:00:00.000Z", "The desired time is in the past"),
        ("2034-05-02T16:30:00.000Z", "The desired time is too far ahead"),
        ("2014-05-02T17:00:00.000Z", "No slot free at the desired time"),
    ],
)
def test_unavailable_times_are_refused(app, desired, why):
    service_id = app.start(_desired_time="2014-05-02T17:20:00.000Z")
    for _ in range(5):
        app.start(_desired_time="2014-05-02T17:00:00.000Z")
    answers = [
        app.ask(_desired_time=desired),
        app.http.put(f"/1/service/callback/samples/{service_id}", json={"_new_desired_time": desired}),
    ]
    free = app.http.get("/1/service/callback/samples/availability?number-of-days=31").json()
    for answer in answers:
        body = answer.json()
        proposed = body.pop("availability")
        assert (answer.status_code, body) == (400, refusal(UNAVAILABLE, why))
        assert (len(proposed), proposed.items() <= free.items()) == (5, True)
    assert app.record(service_id)["_desired_time"] == "2014-05-02T17:20:00.000Z"


def test_wrong_instants_are_refused(app):
    service_id = app.start()
    path = f"/1/service/callback/samples/{service_id}"
    answers = [app.ask(_desired_time="soon"), app.http.put(path, json={"_new_desired_time": "soon"})]
    assert [answer.json() for answer in answers] == [
        refusal("com.genesyslab.gsg.GSGException", f"{field} is no instant: soon")
        for field in ("_desired_time", "_new_desired_time")
    ]


def test_nights_take_callbacks_for_now(app, clock):
    clock.now_us += 9 * 3_600_000_000
    assert app.ask().status_code == 200


def free_at(app, time):
    found = app.http.get("/1/service/callback/samples/availability").json()
    return found.get(f"2014-05-02T{time}:00.000Z", 0)


def test_booking_goes_by_the_grid(app):
    service_id = app.start(_desired_time="2014-05-02T17:02:30.000Z")
    record = app.record(service_id)
    assert (free_at(app, "17:00"), record["_desired_time"], record["_callback_state"]) == (
        4,
        "2014-05-02T17:00:00.000Z",
        "SCHEDULED",
    )


def test_full_slots_are_not_offered(app):
    services = [app.start(_desired_time="2014-05-02T17:00:00.000Z") for _ in range(5)]
    assert free_at(app, "17:00") == 0
    app.http.delete(f"/1/service/callback/samples/{services[0]}")
    app.take(services[1], "not-used")
    assert free_at(app, "17:00") == 2


def test_reschedule_moves_the_booking(app):
    services = [app.start(_desired_time="2014-05-02T17:00:00.000Z", _customer_number="1") for _ in range(5)]
    path = f"/1/service/callback/samples/{services[0]}"
    again = app.http.put(path, json={"_new_desired_time": "2014-05-02T17:01:00.000Z"})
    moved = app.http.put(path, data={"_new_desired_time": "2014-05-02T17:30:00.000Z", "_customer_number": "2"})
    assert [(answer.status_code, answer.json()) for answer in (again, moved)] == [(200, {})] * 2
    record = app.http.get(path).json()
    assert (free_at(app, "17:00"), free_at(app, "17:30")) == (1, 4)
    assert (record["_desired_time"], record["_callback_state"], record["_customer_number"]) == (
        "2014-05-02T17:30:00.000Z",
        "SCHEDULED",
        "2",
    )
    assert "_new_desired_time" not in record


def test_callbacks_for_now_may_move(app):
    service_id = app.start()
    path = f"/1/service/callback/samples/{service_id}"
    app.http.put(path, json={"_new_desired_time": "2014-05-02T17:30:00.000Z"})
    assert (app.record(service_id)["_callback_state"], free_at(app, "17:30")) == ("SCHEDULED", 4)


def test_connected_callbacks_stay(app):
    service_id = app.start()
    app.take(service_id, "connect")
    path = f"/1/service/callback/samples/{service_id}"
    answer = app.http.put(path, json={"_new_desired_time": "2014-05-02T17:30:00.000Z"})
    assert answer.json() == refusal("com.genesyslab.gsg.GSGException", f"Service {service_id} is completed")
    assert free_at(app, "17:30") == 5


def test_query_tells_instants(app):
    app.start(_desired_time="2014-05-03T10:00:00.000Z", _customer_number="1")
    (record,) = app.http.get("/1/service/callback/samples").json()
    assert (record["_desired_time"], record["_expiration_time"], record["_customer_number"]) == (
        "2014-05-03T10:00:00.000Z",
        "2014-05-04T10:00:00.000Z",
        "1",
    )


@pytest.mark.parametrize(("operand", "found"), [("AND", ["1"]), ("OR", ["1", "2"])])
def test_query_joins_fields(app, operand, found):
    for number, media in (("1", "chat"), ("2", "chat"), ("3", "voice")):
        app.start(_customer_number=number, _media_type=media)
    query = {"operand": operand, "_media_type": "chat", "_customer_number": "1"}
    records = app.http.get("/1/service/callback/samples", params=query).json()
    assert [record["_customer_number"] for record in records] == found


def test_one_record_is_shown(app):
    service_id = app.start(_customer_number="7")
    assert app.http.get(f"/1/service/callback/samples/{service_id}").json()["_customer_number"] == "7"


def test_cancelled_callback_is_unknown(app):
    service_id = app.start()
    path = f"/1/service/callback/samples/{service_id}"
    assert app.http.delete(path).json() == {}
    record = app.record(service_id)
    assert (record["_callback_state"], record["_callback_reason"]) == ("COMPLETED", "CANCELLED")
    assert [app.http.delete(path).status_code, app.http.post(f"/1/service/{service_id}/connect").status_code] == [
        404,
        404,
    ]


def test_cancel_needs_the_name(app):
    assert app.http.delete(f"/1/service/callback/other/{app.start()}").status_code == 404


def test_queue_moves_by_itself(app):
    service_id = app.start(_wait_for_agent="true")
    state = app.record(service_id)["_callback_state"]
    app.wait_for_state(service_id, "ROUTING")
    place = app.place(service_id)
    assert (state, list(place), place["_position"], place["_eta"]) == (
        "QUEUED",
        ["_position", "_eta", "_total_waiting"],
        "0",
        "0",
    )


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_places_are_strings(app, method):
    place = app.http.request(method, f"/1/service/{app.start()}/check-queue-position").json()
    assert all(isinstance(value, str) for value in place.values())


def test_places_count_down(app):
    places = app.wait_for_agent(app.start())
    assert (max(places) <= 5, places[-1]) == (True, 0)
    assert places == sorted(places, reverse=True)
