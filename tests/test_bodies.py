"""Two bodies, field by field."""

import pytest
from hypothesis import given, settings
from texts import documents, dumped, scraps

from gms_replay.bodies import BODY, Branch, compare, named, nested, outlined, shape, tree, values
from gms_replay.grades import STATUS, Grade
from gms_replay.likeness import Leaf
from gms_replay.privacy import WITHHELD
from gms_replay.spans import Sort


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (b'{"a": 1}', b'{"a": 2}', [(Grade.OTHER_VALUE, "a")]),
        (b'{"a": 1}', b'{"a": "1"}', [(Grade.OTHER_TYPE, "a")]),
        (b'{"a": 1}', b'{"b": 1,}', [(Grade.MISSING_FIELD, "a"), (Grade.NEW_FIELD, "b")]),
        (b'["a", "b"]', b'["a", "x", "b"]', [(Grade.EXTRA, "*")]),
        (b'["a", "b", "c"]', b'["b", "c", "a"]', [(Grade.OTHER_ORDER, "*")]),
        (b"plain", b"plain", []),
        (b'{"a": {}}', b'{"a": []}', [(Grade.OTHER_TYPE, "a")]),
        (b'{"a": {}}', b'{"a": {"b": 1}}', [(Grade.NEW_FIELD, "a.b")]),
        (b"[{}, {}]", b"[{}]", [(Grade.MISSING, "*")]),
        (b"[[], 1]", b"[{}, 1]", [(Grade.MISSING, "*"), (Grade.EXTRA, "*")]),
        (b'{"a": null}', b'{"a": {}}', [(Grade.OTHER_TYPE, "a")]),
        (b'{"a": ,}', b'{"a": 1}', [(Grade.OTHER_TYPE, "a")]),
        (b"", b"{}", [(Grade.OTHER_TYPE, "")]),
        (b"{}", b"[]", [(Grade.OTHER_TYPE, "")]),
        (b"", b"", []),
        (b"\xff", b"\xfe", [(Grade.OTHER_VALUE, "")]),
        (b'{"a": "\xff"}', b'{"a": "\xfe"}', [(Grade.OTHER_VALUE, "a")]),
        (b'{"a": 1, "b": 2}', b'{"b": 2, "a": 1}', []),
        (b'{"a": 1} x', b'{"a": 1}', [(Grade.MISSING_FIELD, "")]),
        (b'{"2014-05-02T16:30:00.000Z": 5}', b"{}", []),
    ],
)
def test_graded(one: bytes, other: bytes, found: list[tuple[Grade, str]]) -> None:
    told = compare(tree(one), tree(other), lambda path, was, now: was == now)

    assert [(each.grade, each.path) for each in told] == found


def test_shape_has_types_by_path() -> None:
    said = Branch(
        {STATUS: Leaf((STATUS,), "200", Sort.NUMBER), BODY: tree(b'{"a": [{"b": true}, {"b": null}], "c": ""}')}
    )

    assert set(shape(said)) == {
        ((), "object"), ((STATUS,), "200"), ((BODY,), "object"), ((BODY, "a"), "list"), ((BODY, "a", 0), "object"),
        ((BODY, "a", 0, "b"), "boolean"), ((BODY, "a", 0, "b"), "null"), ((BODY, "c"), "string"),
    }  # fmt: skip


def test_body_is_named_alone_only() -> None:
    assert [named(path) for path in ((BODY,), (BODY, "a", 0, "b"), ("a", 1))] == ["whole body", "a.*.b", "a.*"]


@settings(max_examples=50, deadline=None)
@given(scraps() | dumped(documents()).map(lambda one: one[1]))
def test_any_text_is_as_itself(text: bytes) -> None:
    said = tree(text)

    assert list(compare(said, tree(text), lambda path, was, now: was == now)) == []
    assert outlined(said) == outlined(tree(text))
    assert next(shape(said))[0] == ()


def test_fields_may_be_left_out() -> None:
    assert set(tree(b'{"a": {"id": 1}, "id": {"b": 2}, "c": 3}', {"id"})) == {"a", "c"}


def test_what_stands_below_a_value_makes_it_an_object() -> None:
    told = compare(tree(b'{"a": 1, "a": {"b": 2}}'), tree(b'{"a": {"b": 2}}'), lambda path, was, now: was == now)

    assert list(told) == []


def test_what_was_withheld_is_one_value() -> None:
    assert tree(WITHHELD.encode()) == Leaf((), WITHHELD, Sort.TEXT)


def test_what_lies_deepest_may_share_a_place() -> None:
    """Paths end there: of two values at one place the later stays, and what belongs to the object around it."""
    text = b"[" * 99 + b'{[1] "b": 2}'

    assert [leaf.text for leaf in values(tree(text))] == ["2"]


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ('{"a": 1}', ["1"]),
        (' ["b", 2', ["b", "2"]),
        ("a", None),
        ("", None),
        ("\xa0{}", None),
        ('["\ud800"]', ["\ud800"]),
    ],
)
def test_json_in_a_string_is_a_tree(text: str, inside: list[str] | None) -> None:
    found = nested(text)

    assert (found if found is None else [leaf.text for leaf in values(found)]) == inside


def test_all_values_are_told() -> None:
    assert [leaf.text for leaf in values(tree(b'{"a": [1, {"b": "x"}], "c": true}'))] == ["1", "x", "true"]
