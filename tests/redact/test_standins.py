import base64
import json
import re
import time

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gms_replay import marks
from gms_replay.redact.standins import StandIns, is_instant

KEY = b"a key for tests!"
STAND_INS = StandIns(KEY)
GERMAN = StandIns(KEY, "DE")


def part(fields: dict[str, object]) -> str:
    return base64.urlsafe_b64encode(json.dumps(fields).encode()).rstrip(b"=").decode()


@given(st.text(max_size=60))
def test_any_value_keeps_its_length(value: str) -> None:
    told = STAND_INS.of(value)

    assert "@" in value or len(told) == len(value)
    assert StandIns(KEY).of(value) == told
    assert StandIns(b"another key for tests").of(value) != told or not any(map(str.isalnum, value))


@given(st.text("abcdefgh0123456789-", min_size=12, max_size=40))
def test_stand_in_is_known_without_key(value: str) -> None:
    told = STAND_INS.of(value)

    assert marks.is_stand_in(told) or not marks.can_be_marked(value)
    assert told != value or not any(map(str.isalnum, value))


@pytest.mark.parametrize(
    ("value", "like"),
    [
        ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        ("4111 1111 1111 1111", r"\d{4} \d{4} \d{4} \d{4}"),
        ("hunter2", r"[a-z]{6}\d"),
        ("Ann-Marie O'Neil", r"[A-Z][a-z]{2}-[A-Z][a-z]{4} [A-Z]'[A-Z][a-z]{3}"),
        ("李雷", r"[a-z]{2}"),
        ("Ann.Lee@mail.co.test", r"[A-Z][a-z]{2}\.[A-Z][a-z]{2}@[a-z]{4}\.[a-z]{2}\.example"),
        ("ann@localhost", r"[a-z]{3}@[a-z]{9}\.example"),
        ("tel:+15417543010", r"tel:\+1\d{10}"),
        ("4711", r"[1-9]\d{3}"),
        ("", ""),
        ("***", r"\*\*\*"),
    ],
)
def test_shape_is_kept(value: str, like: str) -> None:
    assert re.fullmatch(like, STAND_INS.of(value))


@pytest.mark.parametrize(
    "value",
    [
        "+15417543010", "+1 (541) 754-3010", "tel:+15417543010", "15417543010", "0015417543010", "+49 30 901820",
        "+4915112345678", "+44 20 7946 0018", "+33 1 42 68 53 00", "+390612345678", "+81312345678", "+8613800138000",
        "+5511987654321", "+15551234567",
    ],
)  # fmt: skip
def test_phone_number_of_same_country(value: str) -> None:
    def country(text: str) -> str | None:
        digits = "".join(one for one in text if one.isdigit()).removeprefix("00")
        number = phonenumbers.parse(f"+{digits}", None)
        return f"{number.country_code} {phonenumbers.is_valid_number(number) or value == '+15551234567'}"

    told = STAND_INS.of(value)

    assert country(told) == country(value)
    assert [one for one in told if not one.isdigit()] == [one for one in value if not one.isdigit()]
    assert marks.is_stand_in(told)


def test_one_number_in_all_notations() -> None:
    ways = ("+15417543010", "+1 541-754-3010", "15417543010", "tel:+1.541.754.3010")
    told = {"".join(one for one in STAND_INS.of(way) if one.isdigit()) for way in ways}

    assert len(told) == 1


def test_number_without_country() -> None:
    number = phonenumbers.parse(GERMAN.of("030 901820"), "DE")

    assert phonenumbers.is_valid_number(number)
    assert GERMAN.of("030 901820").replace(" ", "")[1:] == GERMAN.of("+4930901820")[3:]
    assert STAND_INS.of("030901820") == STAND_INS.of("030 901820").replace(" ", "")


@pytest.mark.parametrize(
    ("value", "national"),
    [
        ("tel:+15417543010", "5417543010"),
        ("0049 (151) 1234-5678", "15112345678"),
        ("(415) 555-0199", "4155550199"),
        ("0151 12345678", "15112345678"),
    ],
)
def test_national_digits_of_a_number(value: str, national: str) -> None:
    found = STAND_INS.national(value, STAND_INS.of(value))

    assert found is not None
    assert (found[0], len(found[1])) == (national, len(national))
    assert STAND_INS.of(value).replace(" ", "").endswith(found[1][-4:])


def test_what_is_no_number_has_no_national_digits() -> None:
    assert STAND_INS.national("hunter2", "xxxxxx3") is None
    assert [STAND_INS.is_number(one) for one in ("tel:+15417543010", "5417543010", "hunter2")] == [True, False, False]


def test_words_are_themselves() -> None:
    assert STAND_INS.of("Lee, Ann") == f"{STAND_INS.of('Lee')}, {STAND_INS.of('Ann')}"
    assert STAND_INS.of("ANN") == STAND_INS.of("Ann").upper() == STAND_INS.of("ann").upper()


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Ann Meier <ann.meier@corp.de>", "{Ann} {Meier} <{ann.meier@corp.de}>"),
        ("mailto:ann@corp.de?subject=Hello", "mailto:{ann@corp.de}{?subject=Hello}"),
        ("ann@corp.de, bob@corp.de", "{ann@corp.de}, {bob@corp.de}"),
        ("Ann +49 151 12345678", "{Ann} {+49 151 12345678}"),
        ("ann!x@corp.de", "{ann!x@corp.de}"),
        ("ann.meier@ 4915151476865", "{ann.meier@} {4915151476865}"),
        ("see ann@corp", "{see} {ann@corp}"),
    ],
)
def test_address_with_something_beside_it(value: str, told: str) -> None:
    of = StandIns(KEY).of
    found = of(value)

    assert found == re.sub(r"\{(.*?)\}", lambda one: of(one[1]), told)
    assert marks.is_stand_in(found)
    assert not marks.is_stand_in(value)


def test_typed_text_is_no_words() -> None:
    told = STAND_INS.typed("no Ann, no Ann")

    assert told.split()[0] != told.split()[2] or told.split()[1] != told.split()[3] + ","
    assert STAND_INS.typed("Ann") == STAND_INS.of("Ann")
    assert len(STAND_INS.letters("a@b")) == 3
    assert STAND_INS.letters("") == ""


def test_token_keeps_algorithm_and_instants() -> None:
    header, payload = (
        {"alg": "ES256", "kid": "ABC1234567"},
        {"iss": "TEAM123456", "iat": 1399048050, "sub": "ann@a.test"},
    )
    told = STAND_INS.of(f"{part(header)}.{part(payload)}.c2lnbmF0dXJl")

    head, claims = (json.loads(base64.urlsafe_b64decode(one + "==")) for one in told.split(".")[:2])
    assert head == {"alg": "ES256", "kid": STAND_INS.of("ABC1234567")}
    assert claims == {"iss": STAND_INS.of("TEAM123456"), "iat": 1399048050, "sub": STAND_INS.of("ann@a.test")}
    assert marks.is_stand_in(told)


def test_what_only_looks_like_a_token() -> None:
    assert "eyJhb" not in STAND_INS.of("eyJhb.b.c")


def test_user_and_password() -> None:
    told = STAND_INS.basic(base64.b64encode(b"gms:sesame").decode())

    assert base64.b64decode(told).decode() == f"{STAND_INS.of('gms')}:{STAND_INS.of('sesame')}"
    assert STAND_INS.basic("sesame") == STAND_INS.of("sesame")


@pytest.mark.parametrize("token", [bytes(range(32)), b"\xab" * 32, bytes(32), b""])
def test_raw_token(token: bytes) -> None:
    told = STAND_INS.raw(token)

    assert len(told) == len(token)
    assert told != token or not token
    assert token == b"\xab" * 32 or told.hex() == STAND_INS.of(token.hex())


def test_long_key_counts_whole() -> None:
    assert StandIns(b"k" * 100).of("hunter2") != StandIns(b"k" * 101).of("hunter2")


@pytest.mark.parametrize("value", ["12" * 100_000, "a1" * 100_000, "hunter-" * 30_000])
def test_long_value_costs_by_its_length(value: str) -> None:
    began_s = time.process_time()

    assert len(STAND_INS.of(value)) == len(value)
    # Where each character is drawn with a look at all of them, it takes minutes.
    assert time.process_time() - began_s < 10


@pytest.mark.parametrize(
    ("value", "is_one"),
    [("2014-05-02T16:27:30.000Z", True), ("1399048050", False), ("1399048050000", False), ("", False)],
)
def test_instants(value: str, is_one: bool) -> None:
    assert is_instant(value) is is_one


def test_signs_between_digits_change_no_number() -> None:
    told = StandIns(KEY).of("+49\u00a0151\u201112345678")
    assert told.replace("\u00a0", " ").replace("\u2011", "-") == StandIns(KEY).of("+49 151-12345678")
