"""States, by what they tell."""

from typing import Any

import pytest

from gms_replay import bodies, shapes
from gms_replay.bodies import Node
from gms_replay.grades import Grade


def nodes(*texts: bytes) -> list[Node]:
    return [bodies.tree(text) for text in texts]


def found(was: list[Node], now: list[Node]) -> list[tuple[Any, ...]]:
    return [(one.grade, one.path, one.expected, one.actual) for one in shapes.compare("queue", was, now)]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (b'{"a": 2}', []),
        (b'{"a": "2"}', [(Grade.OTHER_TYPE, "a", "number", "string")]),
        (b"{}", [(Grade.MISSING_FIELD, "a", "number", None)]),
        (b'{"a": 2, "b": {"c": 1}}', [(Grade.NEW_FIELD, "b", None, "object")]),
        (b'{"a": [1]}', [(Grade.OTHER_TYPE, "a", "number", "list")]),
    ],
)
def test_types_and_fields(now: bytes, expected: list[tuple[Any, ...]]) -> None:
    assert found(nodes(b'{"a": 1}'), nodes(now)) == expected


def test_empty_list_says_nothing_of_its_items() -> None:
    assert found(nodes(b'{"a": []}'), nodes(b'{"a": [{"b": 1}]}')) == []


def test_words_that_say_how_a_chat_stands_count_all() -> None:
    on, over = b'{"chatIxnState": "TRANSCRIPT"}', b'{"chatIxnState": "DISCONNECTED"}'

    assert found(nodes(on, over), nodes(over, on, on)) == []
    for was, now in (([on, over], [on]), ([on], [on, over])):
        ((grade, path, *_),) = found(nodes(*was), nodes(*now))
        assert (grade, path) == (Grade.OTHER_VALUE, "chatIxnState")


def test_what_is_not_always_there_is_missing_where_it_was() -> None:
    always, sometimes = nodes(b'{"a": 1, "b": 1}', b'{"a": 1, "b": 2}'), nodes(b'{"a": 1, "b": 1}', b'{"a": 1}')

    assert found(always, sometimes) == [(Grade.MISSING_FIELD, "b", "number", "number")]
    assert found(sometimes, always) == []
