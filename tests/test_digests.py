import pytest

from gms_replay import digests


def test_same_texts_have_the_same() -> None:
    assert digests.of(["a", "bc"]) == digests.of(iter(["a", "bc"]))


@pytest.mark.parametrize("other", [[], ["abc"], ["ab", "c"], ["bc", "a"], ["a", "bc", ""], ["a", "\ud800"]])
def test_other_texts_have_another(other: list[str]) -> None:
    assert digests.of(["a", "bc"]) != digests.of(other)


def test_digest_is_short() -> None:
    assert len(digests.of(["a" * 1_000_000])) == 16
