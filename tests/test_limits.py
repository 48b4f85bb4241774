from dataclasses import replace

import pytest

from gms_replay import limits
from gms_replay.errors import OptionError
from gms_replay.limits import DEFAULT, Limits


def test_limits_are_set_one_by_one() -> None:
    assert limits.parse(["sessions=5", "depth=7"]) == Limits(sessions=5, depth=7)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ("session=5", "there is no limit 'session'; there are body_bytes, "),
        ("sessions", "'' is no number from 1"),
        ("sessions=0", "'0' is no number from 1"),
        ("sessions=-1", "'-1' is no number"),
        ("sessions=1e3", "write it like --limit sessions=50"),
        ("=", "there is no limit ''"),
    ],
)
def test_wrong_limit_is_named(said: str, named: str) -> None:
    with pytest.raises(OptionError, match=named):
        limits.parse([said])


def test_all_are_listed_with_their_defaults() -> None:
    assert "sessions=10000, connections=20000" in limits.listed()


FORM = "multipart/form-data; boundary=b"
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
FIELD = b'--b\r\nContent-Disposition: form-data; name="message"\r\n\r\n'


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", ""),
        (b"{" * 100, ""),
        (b"\x00" * 131_072, ""),
        (b'{"message": "%s"}' % (b"[" * 4_000), "application/json"),
        (b'[{"channel": "/meta/connect", "clientId": "1"}]' * 100, "application/json"),
        (FILE + b"a,b,c\n" * 90_000 + b"--b--", FORM),
        (FILE + b"\x00" * 10_000_000, FORM),
        (b"\r\n" + FILE + b"--\n" * 1_000_000, FORM),
        (FIELD + b"a,b,c\n" * 10_000 + b"\r\n" + FILE + b"\x00" * 1_000_000, FORM),
        (b"[" + b'"1",' * 4_999 + b'"1"]', "application/json"),
        (b"{" + b'"1":{},' * 1_665 + b'"1":{}}', "application/json"),
        (b"[" + b"[1]," * 2_499 + b"[1]]", "application/json"),
        (b"a word " * 10_000, "text/plain"),
    ],
)
def test_enough_is_not_too_much(body: bytes, content_type: str) -> None:
    assert limits.why_too_much(body, DEFAULT, content_type) is None


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("&".join(["a=1"] * 5_000), None),
        ("&".join(["a=1"] * 5_001), "a query may hold 5000 values"),
        ("message=[" + "1%2C" * 5_001 + "1]", "a query may hold 5000 values"),
        ("message=" + "a+word+" * 1_000, None),
    ],
)
def test_query_of_too_many_values(query: str, why: str | None) -> None:
    assert limits.why_query_too_much(f"/x?{query}", DEFAULT) == why


def test_endless_string_is_looked_at_once() -> None:
    # Looked at from each of its quotes it would take hours.
    body = b"[" * 101 + b'"' + b'\\"' * 500_000

    assert limits.why_too_much(body, replace(DEFAULT, text_bytes=len(body))) == "JSON may be nested 100 levels deep"


@pytest.mark.parametrize(
    ("body", "content_type", "why"),
    [
        (b"[" * 100_000, "", "a body may hold 5000 values"),
        (b"[" * 101, "", "JSON may be nested 100 levels deep"),
        (b'{"a":' * 101, "", "JSON may be nested 100 levels deep"),
        (b'{"\\"a":' * 101, "", "JSON may be nested 100 levels deep"),
        (b"[" + b"{}," * 5001 + b"{}]", "", "a body may hold 5000 values"),
        (b"a=1&" * 5001, "application/x-www-form-urlencoded", "a body may hold 5000 values"),
        (b"message=[" + b"1%2C" * 5_001 + b"1]", "application/x-www-form-urlencoded", "a body may hold 5000 values"),
        (b"message=" + b"%5B" * 101, "application/x-www-form-urlencoded", "JSON may be nested 100 levels deep"),
        (b"\x00" * 131_073, "application/json", "a body may have 131072 bytes beside files in it"),
        (b"--b\r\n\r\n" * 5_002, FORM, "a form may have 5000 parts"),
        (FIELD + b"\x00" * 131_073, FORM, "a body may have 131072 bytes beside files in it"),
        (FILE + b"\r\n" + FIELD + b"\x00" * 131_073, FORM, "a body may have 131072 bytes beside files in it"),
        (FILE[:-4] + b"; name" * 30_000 + b"\r\n\r\n1", FORM, "a body may have 131072 bytes beside files in it"),
        (FILE + b"\x00" * 131_073, "multipart/form-data", "a body may have 131072 bytes beside files in it"),
        (b"[" + b"1," * 5_000 + b"1]", FORM, "a body may hold 5000 values"),
        (b"[" * 101, FORM, "JSON may be nested 100 levels deep"),
        (b" " * 131_071 + b"--b", FORM, "a body may have 131072 bytes beside files in it"),
        (b"\x00" * 131_073, FORM, "a body may have 131072 bytes beside files in it"),
        (b"{" + b'"1"1' * 10_000, "", "a body may hold 5000 values"),
        (b"[" * 100 + b"}" * 10_000, "", "a body may hold 5000 values"),
        (b"[" * 100 + b"1 " * 10_000, "", "a body may hold 5000 values"),
    ],
)
def test_too_much_is_named(body: bytes, content_type: str, why: str) -> None:
    assert limits.why_too_much(body, DEFAULT, content_type) == why
