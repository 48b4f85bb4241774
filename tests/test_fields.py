import json
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import scraps

from gms_replay import fields, gms

PROPERTY = settings(max_examples=50, deadline=None)
FORM = "application/x-www-form-urlencoded"
SAID = {"_media_type": "chat", "_customer_number": "+49 (511) 5115", "_desired_time": "2014-05-02T16:30:00.000Z"}

names = st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True)
said = st.dictionaries(names, st.text(st.characters(codec="utf-8"), max_size=8), max_size=4)
content_types = st.sampled_from(
    ["application/json", FORM, "multipart/form-data; boundary=xx", "multipart/", ""]
) | st.text(st.characters(max_codepoint=255)).map("multipart/{}".format)


def read(body, content_type="application/json", target="/1/service/callback/sales"):
    return fields.read(target, (("Content-Type", content_type),), body)


def multipart(some, boundary="xx"):
    parts = (f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{some[name]}\r\n' for name in some)
    return f"{''.join(parts)}--{boundary}--\r\n".encode()


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", json.dumps(SAID).encode()),
        ("application/json;charset=UTF-8", b"\r\n " + json.dumps(SAID, indent=2).encode()),
        (FORM, json.dumps(SAID).encode()),
        ("", json.dumps(SAID).encode()),
        ("multipart/form-data; boundary=xx", json.dumps(SAID).encode()),
        (FORM, urlencode(SAID).encode()),
        (f"{FORM}; charset=UTF-8", urlencode(SAID).encode() + b"\r\n"),
        ("text/plain", urlencode(SAID).encode()),
        ("multipart/form-data; boundary=xx", multipart(SAID)),
        ('Multipart/Form-Data; boundary="x x"', multipart(SAID, "x x")),
    ],
)
def test_same_said_in_any_clothes(content_type, body):
    assert read(body, content_type) == SAID


@PROPERTY
@given(said)
def test_json_and_form_agree(some):
    assert read(json.dumps(some).encode()) == some
    assert read(urlencode(some).encode(), FORM) == some


@PROPERTY
@given(st.dictionaries(names, st.text("abc =&ü\r\n-", max_size=8), min_size=1, max_size=4))
def test_multipart_agrees_too(some):
    assert read(multipart(some, "zzz"), "multipart/form-data; boundary=zzz") == some


@pytest.mark.parametrize(("length", "is_kept"), [(1000, True), (3000, False)])
def test_short_queries_are_read_once(length, is_kept):
    one, again = (read(b"", target=f"/1/service/callback/sales?a={'x' * length}") for _ in range(2))

    assert (one["a"] is again["a"]) is is_kept


def test_query_stands_beside_body():
    target = "/1/service/x/ixn/chat/refresh?transcriptPosition=3&message=a%20b&_verbose="
    assert read(b"{}", target=target) == {"transcriptPosition": "3", "message": "a b", "_verbose": ""}


def test_body_outweighs_the_query():
    assert read(b'{"transcriptPosition": 4}', target="/refresh?transcriptPosition=3") == {"transcriptPosition": "4"}


def test_json_keys_are_joined():
    body = b'{"a": {"b": [1, {"c": null}]}, "d": true, "e": -1.50, "f": "\\u00e9", "g": {}}'
    assert read(body) == {"a.b.0": "1", "a.b.1.c": "null", "d": "true", "e": "-1.50", "f": "é"}


def test_malformed_json_is_read():
    assert read(b'{"_id":"3SQI",\n "_action":"two\nlines",}') == {"_id": "3SQI", "_action": "two\nlines"}


def test_long_key_of_many_values_is_a_text():
    # Joined to each value it would be told in gigabytes.
    body = b'{"%s":[%s1]}' % (b"k" * 100_000, b"1," * 100_000)
    assert read(body) == {"": body.decode()}


def test_ordinary_json_is_never_a_text():
    body = json.dumps({"customerProfileOfTheCaller": [{"accountNumber": number} for number in range(5000)]}).encode()
    assert len(read(body)) == 5000


@pytest.mark.parametrize(("most", "expected"), [(3, {"x.a": "1", "x": "2"}), (2, None)])
def test_values_are_joined_to_a_limit(most, expected):
    assert fields.joined(b'{"a": 1} 2', "x", most=most) == expected


def test_file_part_is_content():
    head = b'--xx\r\nContent-Disposition: form-data; name="file"; filename="a.bin"\r\nContent-Type: image/png\r\n\r\n'
    assert read(head + b"\x89PNG\r\n--xx--", "multipart/form-data; boundary=xx") == {"file": "\ufffdPNG"}


def test_blank_values_are_kept():
    assert read(b"_provide_code=&_media_type=chat", FORM) == {"_provide_code": "", "_media_type": "chat"}


def test_last_of_equal_names():
    assert read(b"a=1&a=2", FORM) == read(b'{"a":1,"a":2}') == {"a": "2"}


@pytest.mark.parametrize(
    ("body", "content_type", "expected"),
    [
        (b"", "application/json", {}),
        (b" \r\n", FORM, {}),
        (b"ping", "text/plain", {"": "ping"}),
        (b"a=1\nb=2", "text/plain", {"": "a=1\nb=2"}),
        (b"<a/>", "application/xml", {"": "<a/>"}),
        (b"\xff\xfe", "", {"": "\ufffd\ufffd"}),
        (b"--xx\r\n", "multipart/form-data; boundary=xx", {}),
        (b"--xx\r\n\r\nno name\r\n--xx--", "multipart/form-data; boundary=xx", {}),
        (b"no parts", "multipart/form-data", {}),
        (b"%zz=%ff", FORM, {"%zz": "\ufffd"}),
    ],
)
def test_other_bodies_are_something(body, content_type, expected):
    assert read(body, content_type) == expected


def test_missing_type_is_fine():
    assert fields.read("/x", (), b"a=1") == {"a": "1"}


@PROPERTY
@given(
    scraps(b"--xx\r\n", b"Content-Disposition: form-data; name=", b"\r\n\r\n", b"name*=utf-8''%ff", b"=", b"&", b"%"),
    content_types,
    st.text(st.characters(max_codepoint=255)),
)
def test_garbage_gives_texts(body, content_type, target):
    found = read(body, content_type, target)
    assert all(isinstance(text, str) for pair in found.items() for text in pair)


@pytest.mark.parametrize("content_type", ["form-data; x*", "x; boundary*0", "", "x; boundary="])
def test_odd_multipart_is_read_as_far_as_it_goes(content_type: str) -> None:
    """Python's newer parsers raise where a header is odd."""
    assert read(b"--x\r\n\r\nv\r\n--x--", f"multipart/{content_type}").keys() <= {""}


@pytest.mark.parametrize(
    ("content_type", "head"),
    [
        ("boundary=x", "Content-Type: multipart/mixed; boundary=y\r\n\r\n--y" * 100_000),
        ("boundary=x", 'Content-Disposition: form-data; x="' + ";" * 1_000_000),
        ("boundary=x", "\r" * 10_000_000),
        ("boundary=x", "Content-Type: multipart/x; boundary*=\0''x"),
        ("boundary=x", f"Content-Disposition: form-data; name*{'9' * 4301}=a"),
        ('boundary="' + ";" * 1_000_000, ""),
        (f"boundary*{'9' * 4301}=x", ""),
        ("boundary*=idna''%ff", ""),
        ("boundary*=undefined''x", ""),
    ],
    ids=range(9),
)
def test_multipart_made_to_be_hard_says_nothing(content_type: str, head: str) -> None:
    assert read(f"--x\r\n{head}\r\n\r\nv\r\n--x--".encode(), f"multipart/form-data; {content_type}") == {}


@pytest.mark.parametrize("content_type", ["boundary=xx ; charset=utf-8", "charset=utf-8; Boundary=xx"])
def test_boundary_stands_among_parameters(content_type: str) -> None:
    assert read(multipart({"a": "1"}), f"multipart/form-data; {content_type}") == {"a": "1"}


def test_empty_part_has_a_name() -> None:
    body = b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--xx--'
    assert read(body, "multipart/form-data; boundary=xx") == {"a": ""}


def test_what_requests_mean_is_comparable():
    start, query = (gms.recognise(method, "/1/service/callback/sales", b"") for method in ("POST", "GET"))

    assert fields.meaning(start, {"a": "1", "b": "2"}) == fields.meaning(start, {"b": "2", "a": "1"})
    assert fields.meaning(start, {"a": "1"}) != fields.meaning(query, {"a": "1"})
