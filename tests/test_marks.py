import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gms_replay import marks

VALUES = st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=60) | st.from_regex(
    r"[0-9a-f]{0,20}-?[0-9a-f]{0,20}", fullmatch=True
)


@given(VALUES)
def test_marked_value_is_known(value: str) -> None:
    told = marks.marked(value)

    assert marks.is_marked(told) or not marks.can_be_marked(told)
    assert len(told) == len(value)


@given(VALUES)
def test_mark_keeps_shape(value: str) -> None:
    told = marks.marked(value)

    assert marks.alphabets(told) == marks.alphabets(value)


@pytest.mark.parametrize(
    ("value", "marked_count"),
    [("ab", 0), ("abc", 1), ("abcdefgh", 2), ("a-b-c", 1), ("x" * 16, 4), ("x" * 64, 4), ("1234567", 2)],
)
def test_mark_is_a_quarter(value: str, marked_count: int) -> None:
    told = marks.marked(value)
    at = len(value) - marked_count
    other = ("5" if value.isdigit() else "q") * marked_count

    assert told[:at] == value[:at]
    assert marks.marked(value[:at] + other) == told
    assert marks.is_marked(told) is (marked_count > 0)


def test_any_other_ending_is_none() -> None:
    told = marks.marked("4711471147114711")
    others = [f"{told[:-1]}{digit}" for digit in "0123456789" if digit != told[-1]]

    assert marks.is_stand_in(told)
    assert not any(map(marks.is_stand_in, others))


@pytest.mark.parametrize("notation", ["{}", "+49 (30) {}", "tel:+4930{}", "0049/30-{}", "030 {}"])
def test_phone_number_in_any_notation(notation: str) -> None:
    assert marks.is_stand_in(notation.format(marks.marked("9018201")))


def test_letter_case_is_no_matter() -> None:
    assert marks.is_marked(marks.marked("sesame-street").upper())


def test_hex_stays_hex() -> None:
    told = marks.marked("3f2504e0-4f89-11d3-9a0c-0305e82c3301")

    assert set(told) <= set("0123456789abcdef-")
    assert marks.alphabets("decade") == ["abcdefghijklmnopqrstuvwxyz"] * 6


def test_letters_beyond_ascii_are_letters() -> None:
    assert marks.alphabets("ü李٣-") == ["abcdefghijklmnopqrstuvwxyz"] * 2 + ["0123456789", ""]
    assert not marks.is_marked("Müller")


@pytest.mark.parametrize(
    "value",
    [
        f"{marks.marked('Alice')} {marks.marked('Leeds')}",
        f"{marks.marked('Leeds')}, {marks.marked('Al')}",
        marks.marked("O\u2019Brien"),
        marks.marked("Alice\u2013Leeds"),
        f"{marks.marked('alice.leeds')}@{'x' * 5}.example",
        "al@xxxxx.EXAMPLE",
        f"eyJhbGciOiJub25lIn0.e30.{marks.marked('signature')}",
    ],
)
def test_stand_in_by_its_parts(value: str) -> None:
    assert marks.is_stand_in(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "ab",
        "Ann Lee and all the others who came",
        marks.marked("M\u00fcllerson"),
        "alice@mail.test",
        "alice@mail.example",
        "eyJhbGciOiJub25lIn0.e30.c2lnbmF0dXJl",
        "hunter2hunter2",
    ],
)
def test_true_value_is_none(value: str) -> None:
    assert not marks.is_stand_in(value)


def test_user_and_password() -> None:
    assert marks.user_and_password(base64.b64encode(b"gms:se:same").decode()) == ("gms", "se:same")
    assert marks.user_and_password(base64.b64encode(b"gms").decode()) is None
    assert marks.user_and_password("no base64!") is None
    assert marks.user_and_password(base64.b64encode(b"\xff:\xff").decode()) is None


@pytest.mark.parametrize(
    ("number", "digits"),
    [
        ("4711", "4711"),
        ("-4711", "4711"),
        ("4.915112345678E12", "4915112345678"),
        ("4915112345678.0", "4915112345678"),
        ("0.0471", "471"),
        ("12.50e-3", "1250"),
        ("0.0", ""),
        ("4711e5000", ""),
        ("+4711", ""),
        ("a", ""),
    ],
)
def test_digits_that_say_which_number_it_is(number, digits):
    assert "".join(number[place] for place in marks.significant(number)) == digits


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("Ann <ann@mail.test>", ["ann@mail.test"]),
        ("ann@mail.test or +4915112345678", ["ann@mail.test", "+4915112345678"]),
        ("ann@mail.test?a=b", ["ann@mail.test"]),
        ("ann@mail.test", []),
        ("+4915112345678", []),
        ("x ann%40mail.test @+", []),
        ("4111111111111111 +", []),
        ("Ann", []),
    ],
)
def test_addresses_with_something_beside_them(value, parts):
    assert [value[start:end] for start, end in marks.parts(value)] == parts


@pytest.mark.parametrize(
    ("name", "address", "is_one"),
    [("Xnbu", "abcde", False), (marks.marked("Xnbu"), marks.marked("abcde"), True), ("X", marks.marked("abcde"), True)],
)
def test_stand_in_of_an_address_with_a_name(name, address, is_one):
    assert marks.is_stand_in(f"{name} <{address}@mail.example>") is is_one
