import json

import pytest
from hypothesis import given, settings
from texts import DIALOG, ORIGIN, SERVICE, documents, dumped, gaps, scraps

from gms_replay.spans import Sort, Span, extent, is_longer, leaves, plain_text, spans, texts

PROPERTY = settings(max_examples=50, deadline=None)


def told(text):
    """Path, sort and content of each span, in order."""
    return [(span.path, span.sort, plain_text(text[span.start : span.end])) for span in spans(text)]


def walked(value, path=()):
    """The same of a Python value: its keys and leaves from the outside in."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), Sort.KEY, key
            yield from walked(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from walked(item, (*path, index))
    elif isinstance(value, str):
        yield path, Sort.STRING, value
    else:
        word = value is None or isinstance(value, bool)
        yield path, Sort.WORD if word else Sort.NUMBER, json.dumps(value)


@PROPERTY
@given(scraps())
def test_spans_never_overlap(text):
    end = 0
    for span in spans(text):
        assert end <= span.start <= span.end <= len(text)
        end = span.end


@PROPERTY
@given(dumped(documents()))
def test_json_gives_its_leaves(one):
    value, text = one
    assert told(text) == list(walked(value))
    assert not b"".join(gaps(text)).strip(b'{}[]:," \t\n')


def test_malformed_dialog_gives_all():
    with pytest.raises(ValueError, match="Invalid control character"):
        json.loads(DIALOG)
    mended = json.loads(DIALOG.replace(b"},\n            },{", b"}\n            },{"), strict=False)
    assert told(DIALOG) == list(walked(mended))


def test_trailing_commas_are_nothing():
    well, ill = b'{"a":[1,2],"b":{"c":"d"}}', b'{"a":[1,2,],"b":{"c":"d",},}'
    assert told(ill) == told(well)


def test_string_excludes_its_quotes():
    assert list(spans(b'{"a":"x\\"y"}')) == [Span(("a",), Sort.KEY, 2, 3), Span(("a",), Sort.STRING, 6, 10)]


def test_missing_value_shifts_nothing():
    assert told(b'{"a":,"b":1}') == [(("a",), Sort.KEY, "a"), (("b",), Sort.KEY, "b"), (("b",), Sort.NUMBER, "1")]


def test_missing_comma_shifts_nothing():
    for text in (b'{"a":1 "b":2}', b'{"a":{} "b":2}', b'{"a":[] "b":2}'):
        assert told(text)[-2:] == [(("b",), Sort.KEY, "b"), (("b",), Sort.NUMBER, "2")]


@pytest.mark.parametrize("text", [b'[{"a":1}},{"b":2}]', b'[{"a":[1},{"b":2}]'])
def test_stray_brackets_shift_nothing(text):
    assert told(text)[-2:] == [((1, "b"), Sort.KEY, "b"), ((1, "b"), Sort.NUMBER, "2")]


def test_cut_text_keeps_its_start():
    text = DIALOG[: DIALOG.index(b"/not-used")]
    assert told(text)[-1] == (("_user_action_url",), Sort.STRING, f"{ORIGIN}/genesys/1/service/{SERVICE}")


@pytest.mark.parametrize("text", [b"plain words", b"_id=1&a=b", b"<html>{}</html>", b'"text"', b"17", b" ", b"\xff"])
def test_other_text_is_one(text):
    assert list(spans(text)) == [Span((), Sort.TEXT, 0, len(text))]


def test_empty_body_has_none():
    assert list(spans(b"")) == []


@pytest.mark.parametrize(
    "text",
    [b"[" * 50_000 + b"}" * 50_000, b"[" * 30_000 + b"1," * 20_000, b'{"a":' * 20_000 + b"1" + b"}" * 20_000],
    ids=["never closed", "never closed, full", "closed"],
)
def test_depth_costs_no_more(text):
    assert max((len(span.path) for span in spans(text)), default=0) <= 100


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        (rb"http:\/\/a", "http://a"),
        (rb"\u00e9\n", "é\n"),
        (rb"\ud83d\ude00", "😀"),
        (b"two\nlines \\/", "two\nlines /"),
        (rb"\q", r"\q"),
        (b"\\", "\\"),
        (b'\\n","b":"', '\\n","b":"'),
        (b"\xff", "\ufffd"),
    ],
)
def test_escapes_come_undone(raw, plain):
    assert plain_text(raw) == plain


@PROPERTY
@given(scraps(b"\\u00", b"\\ud800", b"\\x"))
def test_any_bytes_have_text(raw):
    assert isinstance(plain_text(raw), str)


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        (b'{"a":[]}', []),
        (b'{"a": [1, "x,]", [2, 3], {"b": [4]}] }', [b"1", b'"x,]"', b"[2, 3]", b'{"b": [4]}']),
        (b'{"a":[ 1 ,\n2 ,], "b":3}', [b"1", b"2"]),
        (b'{"a":{"b":1,"c":[2]}}', [b'"b":1', b'"c":[2]']),
    ],
)
def test_extent_has_its_elements(text: bytes, inside: list[bytes]) -> None:
    key = next(spans(text))

    found = extent(text, key)

    assert found is not None
    assert text[found.start : found.end] in text
    assert [text[start:end] for start, end in found.inside] == inside


@pytest.mark.parametrize("text", [b'{"a":1}', b'{"a":"[]"}', b'{"a"}', b'{"a":[1', b'{"a":[1,{"b":2]', b'{"a'])
def test_extent_needs_an_end(text: bytes) -> None:
    assert extent(text, next(spans(text))) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (b'{"a":1,"b":{"c":"x"}}', {("a",): "1", ("b", "c"): "x"}),
        (b'{"a":"{\\"b\\":[\\"x\\"]}"}', {("a",): '{"b":["x"]}', ("a", "b", 0): "x"}),
        (b" hello\n", {(): "hello"}),
    ],
    ids=["plain", "in a string", "no JSON"],
)
def test_leaves_are_those_in_strings_too(text: bytes, found: dict[tuple[str | int, ...], str]) -> None:
    assert dict(leaves(text, spans(text))) == found


def test_leaves_are_bounded_in_depth() -> None:
    text: object = "x"
    for _ in range(9):
        text = json.dumps({"a": text})

    found = dict(leaves(str(text).encode(), spans(str(text).encode())))

    assert max(map(len, found)) == 4


@pytest.mark.parametrize("depth", [1, 100, 101, 200])
def test_key_ends_its_path_at_any_depth(depth: int) -> None:
    assert [span.path for span in spans(b"{" * depth + b'"a"')] == [("a",)]


def test_brackets_are_told_where_asked_for():
    found = [(span.path, span.sort) for span in spans(b'{"a":[{}]}', brackets=True)]

    assert found == [((), Sort.OBJECT), (("a",), Sort.KEY), (("a",), Sort.LIST), (("a", 0), Sort.OBJECT)]


def test_texts_stand_at_their_paths():
    assert texts(b'{"a":{"b":"x\\ny","c":[1,true]},"d":,}') == {
        ("a", "b"): "x\ny",
        ("a", "c", 0): "1",
        ("a", "c", 1): "true",
    }


def test_commas_outside_of_all_are_nothing():
    assert told(b'{"a":1},,{"b":2}') == told(b'{"a":1}{"b":2}')


@pytest.mark.parametrize(
    ("text", "count"), [(b'{"a" : 1,}', 6), (b" [1 2", 3), (b'["\\"" x', 3), (b"[}}", 3), (b"plain, text", 0), (b"", 0)]
)
def test_tokens_are_counted_as_far_as_wanted(text: bytes, count: int) -> None:
    assert [is_longer(text, tokens) for tokens in range(7)] == [tokens < count for tokens in range(7)]
