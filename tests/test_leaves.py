import pytest
from hypothesis import given
from hypothesis import strategies as st

from gms_replay.leaves import Leaf, decoded, encoded, is_binary, is_json, json_in_query, leaves, parts
from gms_replay.spans import Sort

FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=xx"
HEAD = b'--xx\r\nContent-Disposition: form-data; name="a"\r\n\r\n'
FOLDED = HEAD.replace(b"data; name", b"data;\r\n\tname")
PART = HEAD + b"1\r\n2\r\n--xx--\r\n"


def told(text: bytes, content_type: str = "") -> list[tuple[tuple[str | int, ...], str]]:
    return [(leaf.path, leaf.value) for leaf in leaves(text, content_type) if leaf.sort not in (Sort.KEY, Sort.WORD)]


@pytest.mark.parametrize(
    ("text", "content_type", "found"),
    [
        (b'{"a":["b\\n",1]}', "", [(("a", 0), "b\n"), (("a", 1), "1")]),
        (b'{"a":"b",}', "", [(("a",), "b")]),
        (b'jsonpcallback([{"a":"b"}])', "", [((), 'jsonpcallback([{"'), ((0, "a"), "b")]),
        (b'/**/x.y ( {"a":"b"} );', "", [(("a",), "b")]),
        (b'\xef\xbb\xbf{"a":"b"}', "application/json", [(("a",), "b")]),
        (b'\xef\xbb\xbf{"a":"b"}', "", [(("a",), "b")]),
        (b')]}\',\n{"a":"b"}', "application/json", [(("a",), "b")]),
        (b' "{\\"a\\":1}" ', "", [((), '{"a":1}')]),
        (b'"', "", [((), "")]),
        (b"a=1&b%5Bc%5D=x+%26y", FORM, [(("a",), "1"), (("b[c]",), "x &y")]),
        (b"a=1&b=2\n", "", [(("a",), "1"), (("b",), "2")]),
        (b'message=[{"a":1}]', FORM, [((), "message="), (("message",), '[{"a":1}]')]),
        (PART, PARTS, [((), HEAD.decode()), (("a",), "1\r\n2")]),
        (FOLDED + b"1\r\n2", PARTS, [((), FOLDED.decode()), (("a",), "1\r\n2")]),
        (HEAD + b'{"b":3}', PARTS, [((), HEAD.decode() + '{"'), (("a", "b"), "3")]),
        (b'"a" is hunter-4711', "", [((), "a"), ((), '" is hunter-4711')]),
        (b"--yy\r\n\r\n", PARTS, [((), "--yy\r\n\r\n")]),
        (b"plain text = this\nand that", "", [((), "plain text = this\nand that")]),
        (b"a sentence, 1 = 1", "", [((), "a sentence, 1 = 1")]),
        (b"", "", []),
    ],
)
def test_values(text: bytes, content_type: str, found: list[tuple[tuple[str | int, ...], str]]) -> None:
    assert told(text, content_type) == found


@pytest.mark.parametrize(
    ("text", "content_type", "other"),
    [
        (b'{"a":"b"}', "", b'{"a":"\xc3\xbc/ \\"&"}'),
        (rb'{"a":"\u00e4"}', "", rb'{"a":"\u00fc/ \"&"}'),
        (rb'{"a":"\/"}', "", b'{"a":"\xc3\xbc\\/ \\"&"}'),
        (b"a=1", FORM, b"a=%C3%BC%2F+%22%26"),
        (b"a=/%20", FORM, b"a=%C3%BC/%20%22%26"),
        (PART, PARTS, PART.replace(b"1\r\n2", b'\xc3\xbc/ "&')),
        (b'"a"', "", b'"\xc3\xbc/ \\"&"'),
    ],
)
def test_another_is_written_alike(text: bytes, content_type: str, other: bytes) -> None:
    leaf: Leaf = next(leaf for leaf in leaves(text, content_type) if leaf.sort not in (Sort.KEY, Sort.TEXT))

    assert text[: leaf.start] + leaf.write('ü/ "&') + text[leaf.end :] == other


@given(st.binary(max_size=80), st.sampled_from(["", FORM, PARTS, "application/json"]))
def test_any_bytes_have_leaves_in_order(text: bytes, content_type: str) -> None:
    at = 0
    for leaf in leaves(text, content_type):
        assert at <= leaf.start <= leaf.end <= len(text)
        at = leaf.end


@given(st.binary())
def test_any_bytes_come_back(text: bytes) -> None:
    assert encoded(decoded(text)) == text


def test_half_a_surrogate_pair_is_an_escape_again() -> None:
    assert encoded("a\ud83d\udcff") == b"a\\ud83d\\udcff"


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        (' {"a":', True),
        ("[ {", True),
        ("[1, 2]", True),
        ("{}", True),
        ("[1", False),
        ("[" * 100_000, False),
        ("[see above]", False),
        ("1", False),
        ("", False),
    ],
)
def test_json_in_a_text_is_known(text: str, is_one: bool) -> None:
    assert is_json(text) is is_one


@pytest.mark.parametrize("many", [b"content-disposition:", b"content-disposition: name", b"\r\n x"])
def test_endless_head_of_a_part_is_none(many: bytes) -> None:
    # Looked at from each of its words to the end it would take hours, and gigabytes.
    text = b"--xx\r\ncontent-disposition:" + many * 100_000 + b"\r\n\r\n1"

    assert told(text, PARTS) == [((), text.decode())]


@pytest.mark.parametrize(
    ("disposition", "is_file"),
    [
        (b'form-data; name="a"; filename="a.png"', True),
        (b"form-data; filename*=UTF-8''a.png; name=a", True),
        (b'form-data;\r\n name="a"', False),
        (b'form-data; name="a"', False),
    ],
)
def test_files_are_told_from_fields(disposition: bytes, is_file: bool) -> None:
    (part,) = parts(b"--xx\r\nContent-Disposition: " + disposition + b"\r\n\r\n1\r\n--xx--", b"--xx")

    assert (part.name, part.is_file) == (b"a", is_file)


@pytest.mark.parametrize(
    ("query", "said"), [("%7B%22a%22:1%7D", '{"a":1}'), ("[1]", "[1]"), ("a={}", ""), ("{a=b", "")]
)
def test_a_query_may_be_json(query, said):
    assert json_in_query(query) == said


@pytest.mark.parametrize(
    ("text", "binary"),
    [(b"\x89PNG\r\n\x1a\n", True), (b"a\tb\r\n\f\xff", False), (b'{"a":"\\u0000\1"}', False), (b"a=%00\0", False)],
)
def test_what_no_text_has_is_binary(text, binary):
    assert [is_binary(leaf) for leaf in leaves(text) if leaf.sort is not Sort.KEY] == [binary]


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":"Gr\xfc\xdfe, J\xf6rg x"}',
        b'{"a":"Gr\xfc\xdfe \\"x\\"\\n"}',
        b'"Gr\xfc\xdfe x"',
        b'{"a":"\\u00fc x"}',
        b'{"a":"\\udc80 x"}',
        b'{"a":"\xc3\xbc x"}',
    ],
)
def test_value_that_changes_keeps_its_other_bytes(text):
    leaf = list(leaves(text))[-1]

    assert text[: leaf.start] + leaf.write(leaf.value.replace("x", "other")) + text[leaf.end :] == text.replace(
        b"x", b"other"
    )


@pytest.mark.parametrize(
    ("text", "values"),
    [
        (b'{"a":see me 5 "b","c":1}', ["a", "see me 5", "b", "c", "1"]),
        (b'{"a": [1 2,3], "b"}', ["a", "1 2", "3", "b"]),
        (b"{}", []),
    ],
)
def test_bare_words_in_what_is_no_proper_json_are_one_value(text, values):
    assert [leaf.value for leaf in leaves(text) if leaf.sort is not Sort.TEXT] == values


@pytest.mark.parametrize(
    ("form", "written"),
    [
        (b"a=b x\nc", b"a=b other\nc"),
        (b"a=b+x", b"a=b+other"),
        (b"a=b%20x", b"a=b%20other"),
        (b"a=\xd7 x", b"a=%D7 other"),
        (b"a=\xc3\xbc+x", b"a=%C3%BC+other"),
    ],
)
def test_form_is_written_as_it_was(form, written):
    (leaf,) = leaves(form, FORM)
    assert form[: leaf.start] + leaf.write(leaf.value.replace("x", "other")) == written
