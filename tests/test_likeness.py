"""Whether two values mean the same; `test_diff` has the rest."""

from gms_replay.likeness import Likeness, outline


def test_identity_stands_for_one() -> None:
    likeness = Likeness(lambda kind, shift_us: True)

    said = [likeness.same("/a/12345678", "/a/87654321"), likeness.same("12345678", "11111111")]
    assert said == [True, False]


def test_refused_shift_is_no_likeness() -> None:
    assert not Likeness(lambda kind, shift_us: False).same("2014-05-02T16:27:38Z", "2014-05-02T16:27:39Z")


def test_outline_hides_what_may_differ() -> None:
    assert outline("/a/12345678") == outline("/a/87654321") != outline("/b/87654321")
