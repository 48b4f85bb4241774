import re

import pytest

NOW_US = 1_399_048_200_000_000


class Clock:
    def __init__(self):
        self.now_us = NOW_US

    def __call__(self):
        return self.now_us


@pytest.fixture
def clock():
    return Clock()


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
    assert list(answer.json()) == ["_id"]
    assert re.fullmatch("[0-9A-Z]{32}", answer.json()["_id"])
    records = app.http.get("/1/service/callback/samples").json()
    assert [record.get("_customer_number") for record in records] == [None if body == {"content": b""} else "555"]


def test_start_sets_two_cookies(app):
    cookies = app.http.post("/1/service/callback/samples").headers.get_list("set-cookie")
    assert "Expires=Fri, 02 May 2014 17:00:00 GMT" in cookies[0]
    assert [cookie.partition("=")[0] for cookie in cookies] == ["JSESSIONID", "ROUTEID"]


@pytest.mark.parametrize("desired", ["soon", "2034-05-02T16:30:00.000Z"])
def test_impossible_times_are_refused(app, desired):
    answer = app.http.post("/1/service/callback/samples", json={"_desired_time": desired})
    assert answer.status_code == 400
    assert desired in answer.json()["message"]


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
    assert app.http.delete(path).status_code == 200
    assert [app.http.delete(path).status_code, app.http.post(f"/1/service/{service_id}/connect").status_code] == [
        404,
        404,
    ]


def test_cancel_needs_the_name(app):
    assert app.http.delete(f"/1/service/callback/other/{app.start()}").status_code == 404


def test_polls_move_the_queue(app):
    path = f"/1/service/{app.start()}/check-queue-position"
    answers = [app.http.request(method, path).json() for method in ("GET", "POST") * 4]
    positions = [int(answer["_position"]) for answer in answers]
    assert 2 <= positions[0] <= 5
    assert positions == [max(0, positions[0] - poll) for poll in range(8)]
    assert list(answers[0]) == ["_position", "_eta", "_total_waiting"]
    assert all(isinstance(value, str) for answer in answers for value in answer.values())
    assert all(int(answer["_total_waiting"]) >= int(answer["_position"]) for answer in answers)


def test_time_moves_the_queue(app, clock):
    path = f"/1/service/{app.start()}/check-queue-position"
    clock.now_us += 60_000_000
    assert app.http.get(path).json()["_position"] == "0"
