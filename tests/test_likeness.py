"""Whether two values mean the same; `test_diff` has the rest."""

import pytest

from gms_replay.gms import InstantClass
from gms_replay.likeness import Likeness, is_calendar, leaves, outline, place


def test_identity_stands_for_one() -> None:
    likeness = Likeness(lambda kind, shift_us: True)

    said = [likeness.same("/a/1234567a", "/a/8765432a"), likeness.same("1234567a", "1111111a")]
    assert said == [True, False]


def test_most_decide_what_stands_for_what() -> None:
    likeness = Likeness(lambda kind, shift_us: True)
    pairs = [
        ("1234567a", "9999999a"),
        ("/a/1234567a", "/a/8765432a"),
        ("1234567a", "8765432a"),
        ("abcd1234", "abcd9999"),
    ]
    for pair in pairs:
        likeness.weigh(*pair)
    likeness.weigh("117", "118", is_identity=True)
    likeness.settle()

    assert [likeness.same(*pair) for pair in pairs] == [False, True, True, True]
    assert [likeness.same("117", other, is_identity=True) for other in ("118", "119", "")] == [True, False, False]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tel:+14155550142", "tel:+19005550199"),
        ("10000001", "99999999"),
        ("V2", "V3"),
        ("order 20240101", "order 20240202"),
    ],
)
def test_numbers_mean_something(one, other):
    likeness = Likeness(lambda kind, shift_us: True)
    likeness.weigh(one, other)
    likeness.settle()

    assert not likeness.same(one, other)


def test_of_as_many_each_stands_for_itself() -> None:
    likeness = Likeness(lambda kind, shift_us: True)
    for pair in (("1234567a", "8765432a"), ("1234567a", "1234567a")):
        likeness.weigh(*pair)
    likeness.settle()

    assert [likeness.same("1234567a", other) for other in ("8765432a", "1234567a")] == [False, True]


def test_uuid_is_one_identity() -> None:
    one, other = "c56a4180-65aa-42ec-a945-5fd21dec0538", "9b2f0000-1111-4222-8333-5fd21dec0538"

    assert Likeness(lambda kind, shift_us: True).same(f"/chat/{one}/send", f"/chat/{other}/send")
    assert outline(one) == outline(other)


def test_identity_of_several_words_is_known_inside_others() -> None:
    likeness = Likeness(lambda kind, shift_us: True)

    assert likeness.same("a-1.2345678", "b-22.345678", is_identity=True)
    assert likeness.same("/chat/a-1.2345678/send", "/chat/b-22.345678/send")
    assert not likeness.same("/chat/a-1.2345678/send", "/chat/c-22.345678/send")


def test_who_asks_says_what_looks_like_an_identity() -> None:
    likeness = Likeness(lambda kind, shift_us: True, may_be_id=lambda word: word.islower())

    assert [likeness.same("a call", "b call"), likeness.same("+5551234567", "+5559876543")] == [True, False]


@pytest.mark.parametrize("text", ["{}", "It is {} now."], ids=["alone", "in a text"])
def test_shift_is_judged(text: str) -> None:
    one, other = (text.format(f"2014-05-02T16:27:{second}Z") for second in (38, 39))
    shifts_us: list[int] = []

    def is_accepted(kind: InstantClass, shift_us: int) -> bool:
        shifts_us.append(shift_us)
        return len(shifts_us) == 1

    likeness = Likeness(is_accepted)

    assert [likeness.same(one, other), likeness.same(one, other)] == [True, False]
    assert shifts_us == [1_000_000, 1_000_000]


def test_texts_of_other_lengths_weigh_nothing() -> None:
    likeness = Likeness(lambda kind, shift_us: True)
    likeness.weigh("1234567a", "8765432a and more")
    likeness.settle()

    assert likeness.same("1234567a", "1111111a")


def test_outline_hides_what_may_differ() -> None:
    assert outline("/a/1234567a") == outline("/a/8765432a") != outline("/b/8765432a")


def test_leaves_tell_local_times_in_utc_and_bytes_apart() -> None:
    found = [(leaf.path, leaf.text, leaf.is_key) for leaf in leaves(b'{"a":"\xff","b":["\xfe",1]}')]

    assert found == [
        ((), "{", False), (("a",), "a", True), (("a",), "\\xff", False), (("b",), "b", True), (("b",), "[", False),
        (("b", 0), "\\xfe", False), (("b", 1), "1", False),
    ]  # fmt: skip


def test_slots_local_time_is_told_in_utc() -> None:
    slot = b'{"utcTime": "2014-05-02T16:30Z", "localTime": "2014-05-02T18:30"}'
    found = leaves(b'{"timezone": "Europe/Berlin", "slots": [%s]}' % slot)

    told = {leaf.path[-1]: leaf.text for leaf in found if leaf.path and not leaf.is_key}

    assert told["localTime"] == told["utcTime"] == "2014-05-02T16:30Z"


def test_instants_among_keys_are_alike() -> None:
    assert place(("2014-05-02T16:30:00.000Z", 0, "a")) == ("instant", 0, "a")


def test_calendar_s_fields_are_known() -> None:
    assert is_calendar(("_desired_time",))
    assert not is_calendar(("startedAt",))


def test_text_is_outlined_with_what_moves_left_out() -> None:
    assert outline("2014-05-02T16:30:00.000Z") == outline("2015-05-02T16:30:00.000Z")
    assert outline("at 2014-05-02T16:30:00.000Z, 1234567a") == outline("at 2015-05-02T16:30:00.000Z, 7654321b")
    assert outline("a") != outline("b")
