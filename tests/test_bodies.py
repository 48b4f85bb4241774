"""Two bodies, field by field."""

import pytest

from gms_replay.bodies import compare, tree
from gms_replay.grades import Grade


@pytest.mark.parametrize(
    ("one", "other", "found"),
    [
        (b'{"a": 1}', b'{"a": 2}', [(Grade.OTHER_VALUE, "a")]),
        (b'{"a": 1}', b'{"a": "1"}', [(Grade.OTHER_TYPE, "a")]),
        (b'{"a": 1}', b'{"b": 1,}', [(Grade.MISSING_FIELD, "a"), (Grade.NEW_FIELD, "b")]),
        (b'["a", "b"]', b'["a", "x", "b"]', [(Grade.EXTRA, "*")]),
        (b'["a", "b", "c"]', b'["b", "c", "a"]', [(Grade.OTHER_ORDER, "*")]),
        (b"plain", b"plain", []),
    ],
)
def test_graded(one: bytes, other: bytes, found: list[tuple[Grade, str]]) -> None:
    told = compare(tree(one), tree(other), lambda path, was, now: was == now)

    assert [(each.grade, each.path) for each in told] == found
