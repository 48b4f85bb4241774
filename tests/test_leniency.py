"""What may differ."""

from gms_replay.grades import TIME, Difference, Grade
from gms_replay.leniency import Leniency
from gms_replay.rules import Rules

OTHER = Difference(Grade.OTHER_VALUE, "send 1", "send", "a.*.b", "x", "y")


def test_named_place_is_volatile() -> None:
    assert Leniency(volatile=("send: a.*",)).judged(OTHER).grade is Grade.VOLATILE


def test_name_with_brackets_is_no_pattern() -> None:
    bracketed = Difference(Grade.OTHER_VALUE, "send 1", "send", "a[b]", "x", "y")

    assert Leniency(volatile=("send: a[b]",)).judged(bracketed).grade is Grade.VOLATILE


def test_other_place_is_not() -> None:
    assert Leniency(volatile=("refresh: a.*",)).judged(OTHER) == OTHER


def test_slower_needs_factor_and_floor() -> None:
    taken = [(100, 900_000), (10_000_000, 12_000_000), (1_000_000, 4_000_000)]

    assert [Leniency().slowness("send", *one) for one in taken] == [Grade.EQUAL, Grade.EQUAL, Grade.SLOWER]


def test_learned_spread_may_be_again() -> None:
    leniency = Leniency(slower_factor=1.5).learned([], {"send": 2_000_000}).learned([], {"send": 1_000_000})
    graded = [leniency.slowness("send", 1_000_000, now_us) for now_us in (1_500_000, 4_000_000, 4_000_001)]

    assert graded == [Grade.EQUAL, Grade.VOLATILE, Grade.SLOWER]
    assert leniency.slowness("disconnect", 1_000_000, 4_000_000) is Grade.SLOWER


def test_time_is_not_learned_as_a_place() -> None:
    slow = Difference(Grade.SLOWER, "send", "send", TIME, "1.0 s", "4.0 s")

    assert Leniency().learned([slow, OTHER], {}).known == {(OTHER.grade, "send: a.*.b")}


def test_rules_say_what_may_differ() -> None:
    rules = Rules(volatile=frozenset({"send: *"}), slower_factor=3.0, slower_floor_s=0.5)

    assert Leniency.by(rules) == Leniency(frozenset({"send: *"}), 3.0, 500_000, rules=rules)
    assert Leniency.by(rules, slower_factor=9.0, compares_requests=False).slower_factor == 9.0
    assert Leniency.by(Rules()) == Leniency(frozenset())
