import pytest

from gms_replay.alignment import Alike, align, align_alike
from gms_replay.pushes import Derived, Notification, Result


def push(text: str) -> Notification | Derived:
    """A push from "action alert", either perhaps "-"; "!" at the end: it was refused; "?" at the start: derived."""
    action, _, alert = text.removesuffix("!").partition(" ")
    if action.startswith("?"):
        return Derived(1, 0, None, action[1:])
    result = Result(410 if text.endswith("!") else 200, None, "Unregistered" if text.endswith("!") else None)
    return Notification(None, None, 0, "apns", None, None, action, alert or None, None, result, b"")


def rows(old: str, new: str) -> str:
    """The rows of two lists of pushes, each "place place", "-" for none, "*" where one is moved."""
    found = align([push(one) for one in old.split(", ") if one], [push(one) for one in new.split(", ") if one])
    places = [(["-" if at is None else str(at) for at in row[:2]], "*" * row.is_moved) for row in found]
    return ", ".join(" ".join(pair) + star for pair, star in places)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("", "", ""),
        ("a, b, c", "a, b, c", "0 0, 1 1, 2 2"),
        ("a, b, c", "a, c", "0 0, 1 -, 2 1"),
        ("a, c", "a, b, c", "0 0, - 1, 1 2"),
        ("a", "", "0 -"),
        ("", "a", "- 0"),
        ("a, b", "c, d", "0 -, 1 -, - 0, - 1"),
        ("a one, b one", "a other, b one", "0 0, 1 1"),
        ("a, a two, a", "a two", "0 -, 1 0, 2 -"),
        ("a!, a", "a", "0 -, 1 0"),
        ("a, b, c", "b, c, a", "0 2*, 1 0, 2 1"),
        ("a, b, c", "c, b, a", "0 2*, 1 1*, 2 0"),
        ("a, old x, c", "a, new x, c", "0 0, 1 1, 2 2"),
        ("a, old x, c", "a, new y, c", "0 0, 1 -, - 1, 2 2"),
        ("old x, c", "c, new x", "0 -, 1 0, - 1"),
        ("a one, b two", "?a, ?b", "0 0, 1 1"),
        ("b, c", "a, b, d", "- 0, 0 1, 1 -, - 2"),
    ],
    ids=[
        "nothing", "same", "missing", "new", "all missing", "all new", "nothing alike", "other alert",
        "alert decides", "refusal decides", "moved", "two moved", "other action", "other action and alert",
        "other action elsewhere", "derived", "new before",
    ],
)  # fmt: skip
def test_pushes_take_places(old: str, new: str, expected: str) -> None:
    assert rows(old, new) == expected


def test_many_alike_are_quick() -> None:
    some = ", ".join(f"a{number}" for number in range(20_000))

    assert rows(some, some).endswith("19999 19999")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("ar br", "ar br", [(0, 0), (1, 1)]),
        ("ar br", "br ar", [(0, 1), (1, 0)]),
        ("ar br", "ar cr", [(0, 0), (1, 1)]),
        ("ar br", "ar cs", [(0, 0), (1, None), (None, 1)]),
    ],
    ids=["same", "moved", "changed", "another"],
)
def test_what_is_alike_takes_its_place(old: str, new: str, expected: list[tuple[int | None, int | None]]) -> None:
    """Each is known exactly by its first letter, and roughly by its second."""
    rows = align_alike(*([Alike(one[0], one[1]) for one in some.split()] for some in (old, new)))

    assert sorted(map(str, ((row.old, row.new) for row in rows))) == sorted(map(str, expected))


def test_very_long_ones_are_aligned_by_their_runs() -> None:
    old = [Alike(number, "") for number in range(1500)]
    new = [Alike("first", "x"), *old[1:700], *old[800:-1], Alike("last", "y")]

    rows = align_alike(old, new)

    same = [(row.old, row.new) for row in rows if row.old is not None and row.new is not None]
    assert same == [(at, at) for at in range(1, 700)] + [(at, at - 100) for at in range(800, 1499)]
    assert {row.old for row in rows if row.new is None} == {0, *range(700, 800), 1499}
    assert {row.new for row in rows if row.old is None} == {0, 1399}
