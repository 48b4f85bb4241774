import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.occurrences import Finder, in_json

PROPERTY = settings(max_examples=100, deadline=None)
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
values = st.text(st.sampled_from('abzAZ019-_./+= "\\é€😀'), min_size=1, max_size=12).map("{}1".format)


def found(text: str | bytes, *known: str) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    return [one.value for one in Finder(known).find(raw, 0, len(raw))]


@pytest.mark.parametrize(
    "text",
    [
        SERVICE,
        f"service.chat.refresh.{SERVICE}",
        f"/1/service/{SERVICE}?id=1",
        f"_{SERVICE}_",
        f"\\/{SERVICE}\\/",
        f"line\\n{SERVICE}",
        f"line\\u000a{SERVICE}",
        f"to%2F{SERVICE}%2Fx",
        f"to%252F{SERVICE}%252Fx",
        f"to%25{SERVICE}",
        f"é{SERVICE}é",
    ],
)
def test_value_stands_between_others(text: str) -> None:
    assert found(text, SERVICE) == [SERVICE]


@pytest.mark.parametrize("text", [f"x{SERVICE}", f"{SERVICE}9", SERVICE.lower(), SERVICE[:-1], "", "-"])
def test_pieces_are_none(text: str) -> None:
    assert found(text, SERVICE) == []


def test_punctuation_is_part_of_a_value() -> None:
    assert found("=-ab-1- x-ab-1-", "-ab-1-") == ["-ab-1-"]


def test_longest_wins_and_none_overlap() -> None:
    assert found("abc-1234-5678, abc-1234", "abc-1234", "abc-1234-5678", "1234-5678") == ["abc-1234-5678", "abc-1234"]


def test_many_of_one_shape_cost_no_more() -> None:
    """Each look at a text is one at a table, however many begin alike: this would take minutes."""
    known = [f"ticket-{number:06}" for number in range(50_000)]

    assert found(" ".join(known), *known) == known


def test_only_between_the_places() -> None:
    text = b"abc-1234 abc-1234 abc-1234"
    assert [one.start for one in Finder(["abc-1234"]).find(text, 9, 25)] == [9]


@PROPERTY
@given(values, st.sampled_from([str.encode, in_json, lambda value: json.dumps(value)[1:-1].encode()]))
def test_every_writing_is_found_and_written(value: str, write) -> None:
    text = b'"' + write(value) + b'"'

    (one,) = Finder([value]).find(text, 0, len(text))

    assert (one.value, text[one.start : one.end]) == (value, write(value))
    assert one.write(value) == write(value)


@PROPERTY
@given(values)
def test_urls_hold_values_too(value: str) -> None:
    text = f"http://x/{quote(value, safe='')}/y"

    assert found(text, value) == [value]
    assert Finder([value]).replaced(text, lambda _: "a b") == "http://x/a%20b/y" or quote(value, safe="") == value


@PROPERTY
@given(st.text(), st.sets(values, max_size=4))
def test_same_values_change_nothing(text: str, known: set[str]) -> None:
    assert Finder(known).replaced(text, lambda value: value) == text


@PROPERTY
@given(st.binary(), st.sets(values, max_size=4))
def test_any_bytes_hold_what_is_found(text: bytes, known: set[str]) -> None:
    for one in Finder(known).find(text, 0, len(text)):
        assert text[one.start : one.end] == one.write(one.value)


def test_known_values_are_in_it() -> None:
    finder = Finder(["abc-1234"])

    assert ("abc-1234" in finder, "abc" in finder) == (True, False)


def test_value_without_letters_is_found_in_urls_only() -> None:
    """There its escapes are letters and digits."""
    assert (found("a/%C3%A9%C3%A9/b", "éé"), found("a/éé/b", "éé")) == (["éé"], [])


@pytest.mark.parametrize(
    "written",
    [
        "a1%2Fb2%20c3%21",
        "a1%2fb2%20c3%21",
        "a1%2Fb2%20c3!",
        "a1%2fb2%20c3!",
        "a1%252Fb2%2520c3%2521",
        "a1%252fb2%2520c3%2521",
    ],
)
def test_value_behind_percent_signs_is_written_alike(written: str) -> None:
    known = Finder(["a1/b2 c3!"])
    (found,) = known.find(f"x={written}&y".encode(), 0, len(written) + 4)

    assert (found.value, found.write(found.value).decode()) == ("a1/b2 c3!", written)
