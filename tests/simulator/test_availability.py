import pytest

NOW_US = 1_399_048_058_000_000  # 2014-05-02T16:27:38Z


@pytest.fixture
def slots(app_of):
    app = app_of(now_us=lambda: NOW_US)

    def ask(method="GET", **query):
        return app.http.request(method, "/1/service/callback/samples/availability", params=query)

    return ask


def test_keys_are_a_grid(slots):
    found = slots().json()
    assert list(found)[:3] == ["2014-05-02T16:30:00.000Z", "2014-05-02T16:35:00.000Z", "2014-05-02T16:40:00.000Z"]
    assert len(found) == 120
    assert set(found.values()) == {5}


def test_post_is_answered_equally(slots):
    assert slots("POST").json() == slots().json()


def test_days_and_slots_count(slots):
    assert len(slots(**{"number-of-days": "2"}).json()) == 240
    assert len(slots(**{"number-of-days": "2", "max-time-slots": "7"}).json()) == 7
    assert slots(**{"max-time-slots": "0"}).json() == {}


def test_start_and_end_bound(slots):
    found = slots(start="2014-05-03T10:01:00.000Z", end="2014-05-03T10:15:00.000Z").json()
    assert list(found) == ["2014-05-03T10:05:00.000Z", "2014-05-03T10:10:00.000Z"]


def test_past_slots_are_gone(slots):
    assert next(iter(slots(start="2014-05-01T10:00:00Z").json())) == "2014-05-02T16:30:00.000Z"


def test_far_future_has_none(slots):
    assert slots(start="9999-12-31T23:00:00Z").json() == {}
    assert len(slots(end="9999-12-31T23:00:00Z").json()) == 31 * 120


@pytest.mark.parametrize("query", [{"start": "soon"}, {"max-time-slots": "-1"}, {"number-of-days": "²"}])
def test_wrong_values_are_refused(slots, query):
    answer = slots(**query)
    assert (answer.status_code, next(iter(query)) in answer.json()["message"]) == (400, True)
