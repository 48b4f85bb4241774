import pytest

from gms_replay.errors import FormatError
from gms_replay.formats.fields import Fields, from_base64, integer, number, one_of, text


def fields(line: str) -> Fields:
    return Fields.of_line(line, "visit.jsonl, line 3")


def test_fields_are_taken_by_type():
    read = fields('{"port":80,"host":"gms","end":null,"body":{"base64":"AA=="}}')

    assert read.take("port", integer) == 80
    assert read.take_or_null("host", text) == "gms"
    assert read.take_or_null("end", integer) is None
    assert read.nested("body", lambda body: body.take("base64", from_base64)) == b"\x00"


def test_null_is_no_object():
    assert fields('{"outcome":null}').nested_or_null("outcome", lambda outcome: outcome) is None

    with pytest.raises(FormatError, match="field outcome: expected a JSON object, found null; correct it"):
        fields('{"outcome":null}').nested("outcome", lambda outcome: outcome)


def test_field_is_named_by_path():
    with pytest.raises(FormatError, match=r"^visit\.jsonl, line 3: field request\.body\.text: missing; correct it"):
        fields('{"request":{"body":{}}}').nested(
            "request", lambda request: request.nested("body", lambda body: body.take("text", text))
        )


def test_left_over_field_is_refused():
    with pytest.raises(FormatError, match="field b: unknown field"):
        fields('{"a":1,"b":2}').build(lambda read: read.take("a", integer))


@pytest.mark.parametrize(
    ("convert", "value", "problem"),
    [
        (integer, True, "expected a whole number of 64 bits, found true"),
        (integer, -(2**63) - 1, "expected a whole number of 64 bits, found -92"),
        (number, 10**400, "expected a number, found 1000"),
        (number, float("nan"), "expected a number, found NaN"),
        (number, float("-inf"), "expected a number, found -Inf"),
        (text, ["a"], "expected text, found a list"),
        (one_of("ab"), "c", 'expected one of a, b, found "c"'),
        (from_base64, "A\xe9==", "expected base64, found "),
    ],
)
def test_converters_say_what_they_expect(convert, value, problem):
    with pytest.raises(ValueError, match=problem):
        convert(value)
