import pytest

from gms_replay import latest


@pytest.mark.parametrize(
    ("key", "kept"),
    [("c", ["b", "c"]), ("a", ["b", "a"]), ("b", ["a", "b"])],
    ids=["one more", "oldest again", "latest again"],
)
def test_oldest_is_forgotten(key: str, kept: list[str]) -> None:
    there = {"a": 1, "b": 1}

    latest.keep(there, key, 2, 2)

    assert list(there) == kept
    assert there[key] == 2


def test_few_are_kept() -> None:
    there: dict[str, None] = {}

    latest.keep(there, "a", None, 2)

    assert list(there) == ["a"]
