import pytest

from gms_replay.simulator.clock import DAY_US, MINUTE_US, OfficeHours, from_iso, iso_millis
from gms_replay.simulator.refusals import RefusalError
from gms_replay.simulator.services import Reason, Service, Services
from gms_replay.simulator.slots import Slots, slot_of

NOW_US = from_iso("2014-05-02T16:27:38Z")


@pytest.fixture
def services():
    return Services()


@pytest.fixture
def slots(services):
    return Slots(services, OfficeHours(), lambda: NOW_US)


def book(services, text, count=1, name="samples"):
    for _ in range(count):
        number = services.next_number()
        services.add(Service(str(number), name, number, {}, from_iso(text), booked=True))


def find(slots, text, name="samples"):
    return iso_millis(slots.find(name, from_iso(text)))


def test_slots_lie_in_office_hours(slots):
    free = list(slots.free("samples", NOW_US, NOW_US + DAY_US))
    texts = [iso_millis(at_us)[11:16] for at_us, _ in free]
    assert (texts[0], texts[-1], min(texts), max(texts)) == ("16:30", "16:25", "08:00", "17:55")
    assert {left for _, left in free} == {5}


def test_bookings_lower_the_count(slots, services):
    book(services, "2014-05-02T17:00:00Z", 2)
    book(services, "2014-05-02T17:05:00Z", 5)
    book(services, "2014-05-02T17:10:00Z", 5, "other")
    free = {iso_millis(at_us)[11:16]: left for at_us, left in slots.free("samples", NOW_US, NOW_US + 60 * MINUTE_US)}
    assert (free["17:00"], free.get("17:05"), free["17:10"]) == (3, None, 5)


def test_cancelled_bookings_count_not(slots, services):
    book(services, "2014-05-02T17:00:00Z", 5)
    services.find("1").reason = Reason.CANCELLED
    assert find(slots, "2014-05-02T17:00:00Z") == "2014-05-02T17:00:00.000Z"


@pytest.mark.parametrize("text", ["2014-05-02T17:03:59.999Z", "2014-05-02T19:00:00+02:00"])
def test_instants_fall_on_the_grid(slots, text):
    assert find(slots, text) == "2014-05-02T17:00:00.000Z"


def test_slot_under_way_is_taken(slots):
    assert find(slots, "2014-05-02T16:26:00Z") == "2014-05-02T16:25:00.000Z"


@pytest.mark.parametrize(
    ("text", "why", "proposed"),
    [
        (
            "2014-05-02T16:24:59Z",
            "The desired time is in the past",
            ["02T16:30", "02T16:35", "02T16:40", "02T16:45", "02T16:50"],
        ),
        (
            "2014-05-02T18:00:00Z",
            "Office closed at the desired time",
            ["02T17:35", "02T17:40", "02T17:45", "02T17:50", "02T17:55"],
        ),
        (
            "2014-05-03T07:59:59Z",
            "Office closed at the desired time",
            ["03T08:00", "03T08:05", "03T08:10", "03T08:15", "03T08:20"],
        ),
        (
            "2014-05-02T17:30:00Z",
            "No slot free at the desired time",
            ["02T17:15", "02T17:20", "02T17:25", "02T17:35", "02T17:40"],
        ),
        ("2034-05-02T17:30:00Z", "The desired time is too far ahead", None),
        ("9999-12-31T23:59:59-14:00", "The desired time is too far ahead", None),
        ("0001-01-01T00:00:00+14:00", "The desired time is in the past", None),
    ],
)
def test_refusals_propose_the_nearest(slots, services, text, why, proposed):
    book(services, "2014-05-02T17:30:00Z", 5)
    with pytest.raises(RefusalError, match=f"^{why}$") as caught:
        find(slots, text)
    told = caught.value.told()["availability"]
    assert len(told) == 5
    assert proposed is None or [key[8:16] for key in told] == proposed


def test_hours_may_never_end(services):
    slots = Slots(services, OfficeHours(0, 24 * 60), lambda: NOW_US)
    assert len(list(slots.free("samples", NOW_US, NOW_US + DAY_US))) == 288


def test_slots_begin_on_the_grid():
    assert iso_millis(slot_of(NOW_US)) == "2014-05-02T16:25:00.000Z"
