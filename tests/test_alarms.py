from hypothesis import given
from hypothesis import strategies as st

from gms_replay.alarms import Alarms


def test_nothing_is_due_at_first() -> None:
    assert Alarms().next_us() is None
    assert Alarms().due(10) == []


def test_earliest_comes_first_and_once() -> None:
    alarms = Alarms()
    for name, at_us in (("a", 30), ("b", 10), ("c", 20)):
        alarms.set(name, at_us)

    assert alarms.next_us() == 10
    assert alarms.due(20) == ["b", "c"]
    assert alarms.due(20) == []
    assert alarms.next_us() == 30


def test_last_setting_counts() -> None:
    alarms = Alarms()
    alarms.set("a", 10)
    alarms.set("a", 30)
    alarms.set("b", 20)
    alarms.set("b", None)
    alarms.set("nobody", None)

    assert alarms.due(29) == []
    assert alarms.due(30) == ["a"]


def test_next_is_what_was_set_last() -> None:
    alarms = Alarms()
    alarms.set("b", 40)
    told = []
    for at_us in (10, 30, None):
        alarms.set("a", at_us)
        told.append(alarms.next_us())

    assert told == [10, 30, 40]


def test_set_back_to_what_it_was() -> None:
    """The old entry counts again, and once."""
    alarms = Alarms()
    for at_us in (10, 20, 10):
        alarms.set("a", at_us)

    assert alarms.due(10) == ["a"]
    assert alarms.due(20) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9)), max_size=200))
def test_as_a_dictionary_would(settings: list[tuple[str, int | None]]) -> None:
    alarms = Alarms()
    kept: dict[str, int] = {}
    for name, at_us in settings:
        alarms.set(name, at_us)
        kept.pop(name, None)
        if at_us is not None:
            kept[name] = at_us
        assert alarms.next_us() == min(kept.values(), default=None)

    for now_us in range(10):
        assert sorted(alarms.due(now_us)) == sorted(name for name, at_us in kept.items() if at_us == now_us)


def test_set_anew_a_thousand_times_it_comes_once() -> None:
    alarms = Alarms()
    alarms.set("b", 5)
    for at_us in range(1000, 2000):
        alarms.set("a", at_us)

    assert alarms.due(1998) == ["b"]
    assert alarms.due(5000) == ["a"]
    assert alarms.next_us() is None
