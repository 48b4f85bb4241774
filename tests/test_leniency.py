"""What may differ."""

from gms_replay.grades import Difference, Grade
from gms_replay.leniency import Leniency
from gms_replay.rules import Rules

OTHER = Difference(Grade.OTHER_VALUE, "send 1", "send", "a.*.b", "x", "y")


def test_named_place_is_volatile() -> None:
    assert Leniency(volatile=("send: a.*",)).judged(OTHER).grade is Grade.VOLATILE


def test_other_place_is_not() -> None:
    assert Leniency(volatile=("refresh: a.*",)).judged(OTHER) == OTHER


def test_slower_needs_factor_and_floor() -> None:
    taken = [(100, 900_000), (10_000_000, 12_000_000), (1_000_000, 4_000_000)]

    assert [Leniency().is_slower(was, now) for was, now in taken] == [False, False, True]


def test_rules_say_what_may_differ() -> None:
    rules = Rules(volatile=frozenset({"send: *"}), slower_factor=3.0, slower_floor_s=0.5)

    assert Leniency.by(rules) == Leniency(frozenset({"send: *"}), 3.0, 500_000)
    assert Leniency.by(rules, slower_factor=9.0, compares_requests=False).slower_factor == 9.0
    assert Leniency.by(Rules()) == Leniency(frozenset())
