import pytest

from gms_replay.simulator.fields import UnknownTypeError, UnreadableBodyError, body_fields, query_fields

MULTIPART = (
    b'--xx\r\nContent-Disposition: form-data; name="_customer_number"\r\n\r\n555\r\n'
    b'--xx\r\nContent-Disposition: form-data; name="caf\xc3\xa9"\r\n\r\nna\xc3\xafve\r\n--xx--\r\n'
)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"_media_type": "chat", "n": "1"}'),
        ("application/json;charset=UTF-8", b' {"_media_type": "chat", "n": 1}'),
        ("application/x-www-form-urlencoded", b"_media_type=chat&n=1"),
        ("application/x-www-form-urlencoded", b'{"_media_type": "chat", "n": "1"}'),
        ("", b'{"_media_type": "chat", "n": "1"}'),
    ],
)
def test_every_notation_reads_equal(content_type, body):
    assert body_fields(content_type, body) == {"_media_type": "chat", "n": "1"}


def test_multipart_parts_are_fields():
    fields = body_fields('multipart/form-data; boundary="xx"', MULTIPART)
    assert fields["_customer_number"] == "555"
    assert "naïve" in fields.values()


def test_empty_body_has_none():
    assert body_fields("text/xml", b" \r\n") == {}


def test_json_values_become_text():
    body = b'{"a": null, "b": true, "c": [1], "d": "\\ud800"}'
    assert body_fields("application/json", body) == {"a": "", "b": "true", "c": "[1]", "d": "?"}


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b'{"a": 1,}'),
        ("application/json", b"[1]"),
        ("application/json", b"\xff{}"),
        ("application/json", b"[" * 100_000),
        ("application/x-www-form-urlencoded", b"{a=b"),
        ("multipart/form-data", b"--xx"),
    ],
)
def test_unreadable_bodies_are_named(content_type, body):
    with pytest.raises(UnreadableBodyError):
        body_fields(content_type, body)


def test_other_types_are_unknown():
    with pytest.raises(UnknownTypeError, match="text/xml"):
        body_fields("text/xml; charset=utf-8", b"<a/>")


def test_query_keeps_blank_values():
    assert query_fields("a=&b=x%20y&b=z") == {"a": "", "b": "z"}
