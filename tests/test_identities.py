import re
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.identities import client_id, is_mappable, stand_in, stand_ins

PROPERTY = settings(max_examples=50, deadline=None)
SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
given_ids = st.text(ascii_letters + digits + "._~:/ é-", max_size=30).map("{}-1g7x9".format)


def shape(value):
    """Each character's alphabet, or the character itself."""
    alphabets = (digits, ascii_lowercase, ascii_uppercase)
    return [next((one for one in alphabets if character in one), character) for character in value]


@PROPERTY
@given(given_ids, st.text())
def test_shape_stays(recorded, key):
    assert shape(stand_in(recorded, key)) == shape(recorded)


@PROPERTY
@given(st.from_regex(r"[0-9a-f]{8,40}|[0-9A-F]{8,40}", fullmatch=True), st.text())
def test_hex_stays_hex(recorded, key):
    alphabet = digits if recorded.isdigit() else "0123456789ABCDEF" if recorded.isupper() else "0123456789abcdef"
    value = stand_in(recorded, key)
    assert len(value) == len(recorded)
    assert set(value) <= set(alphabet)


@pytest.mark.parametrize(("recorded", "shape"), [("00fc13adff785122", "[0-9a-f]{16}"), ("00FC13AD", "[0-9A-F]{8}")])
def test_letters_of_hex_become_digits_too(recorded, shape):
    told = [stand_in(recorded, f"s{number}") for number in range(100)]
    assert all(re.fullmatch(shape, one) for one in told)
    assert {one[-1].isdigit() for one in told} == {True, False}


@PROPERTY
@given(given_ids, st.text())
def test_same_key_same_value(recorded, key):
    assert stand_in(recorded, key) == stand_in(recorded, key) != recorded


def test_other_key_other_value():
    assert len({stand_in(SERVICE, f"s{number}") for number in range(1000)}) == 1000


def test_taken_values_are_spared():
    first = stand_in(SERVICE, "s2")
    second = stand_in(SERVICE, "s2", {first})
    assert second not in (first, SERVICE)
    assert shape(second) == shape(SERVICE)


@pytest.mark.parametrize("recorded", ["", "-", "--------", "²³¹²³¹²³", "١٢٣٤٥٦٧٨", "1"])
def test_used_up_shape_grows(recorded):
    value = stand_in(recorded, "s2", set(digits))
    assert re.fullmatch(re.escape(re.sub("[0-9]", "", recorded)) + "[0-9]+", value)


@PROPERTY
@given(st.text(st.characters(), max_size=20), st.text(st.characters()), st.sets(st.text(max_size=2)))
def test_any_text_has_one(recorded, key, taken):
    assert stand_in(recorded, key, taken) not in {recorded, *taken}


def test_client_ids_are_long():
    ids = {client_id(f"client {number}") for number in range(100)}
    assert len(ids) == 100
    assert all(len(one) >= 20 and set(one) <= set(digits + ascii_letters) for one in ids)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(SERVICE, True), ("abcdefg1", True), ("abcdef1", False), ("abcdefgh", False), ("²³¹²³¹²³", False), ("117", False)],
)
def test_short_identities_are_left(value, expected):
    assert is_mappable(value) is expected


@PROPERTY
@given(st.from_regex(r"[1-9][0-9]{7,19}", fullmatch=True), st.text())
def test_numbers_grow_no_larger(recorded, key):
    value = stand_in(recorded, key)
    assert len(value) == len(recorded)
    assert value[0] in "123456789"
    assert value[0] < recorded[0] or recorded[0] == "1"


def test_stand_ins_are_all_others():
    recorded = {f"--------{digit}" for digit in range(1, 6)}
    told = stand_ins(recorded, lambda value: "key")
    assert told.keys() == recorded
    assert len({*told.values()} - recorded) == 5
