"""Two bodies, field by field: what is missing in one, new in the other, of another type, of another value, elsewhere.

Strategy: bodies need not be well-formed, so trees are built of their leaves. Items of lists are aligned by content, so
that one more item is one difference.
"""

from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from gms_replay import gms
from gms_replay.alignment import Alike, align_alike
from gms_replay.gms import Path
from gms_replay.grades import Grade
from gms_replay.likeness import Leaf, leaves, outline, place
from gms_replay.spans import Sort

LINES = frozenset({"transcriptToShow", "messages"})
"""Fields that hold a chat's lines."""
_POSITIONS = frozenset({"transcriptPosition", "nextPosition", "index"})
"""Fields that count these: where a line is missing, all would differ."""


class Branch(dict[str | int, "Branch | Leaf"]):
    """An object by its keys, or a list by its places."""

    @property
    def is_list(self) -> bool:
        return bool(self) and all(isinstance(step, int) for step in self)


Node = Branch | Leaf


class Found(NamedTuple):
    """A difference in a body, at a path in which places in lists are `*`."""

    grade: Grade
    path: str
    expected: str | None
    actual: str | None
    note: str = ""


Same = Callable[[Path, str, str], bool]
"""Whether two values at a path mean the same."""


def tree(text: bytes, without: Collection[str] = ()) -> Node:
    """What a text says, without the fields of those names; a text that is no JSON is one value."""
    root = Branch()
    for leaf in leaves(text):
        path = place(leaf.path)
        if any(step in without for step in path):
            continue
        if not path:
            return leaf
        inner = root
        for step in path[:-1]:
            below = inner.get(step)
            if not isinstance(below, Branch):
                below = inner[step] = Branch()
            inner = below
        if leaf.is_key:
            inner.setdefault(path[-1], Branch())
        else:
            inner[path[-1]] = leaf
    return root


def named(path: Path) -> str:
    """A path in words."""
    return ".".join("*" if isinstance(step, int) else step for step in path)


def values(node: Node) -> Iterator[Leaf]:
    """All values below."""
    if isinstance(node, Leaf):
        yield node
    else:
        for below in node.values():
            yield from values(below)


def outlined(node: Node) -> str:
    """What two bodies have in common that may mean the same."""
    if isinstance(node, Leaf):
        said = "" if _is_aside(node.path) else outline(node.text)
        return f"{node.sort.name}:{said}"
    return "{" + ",".join(f"{step}={outlined(below)}" for step, below in node.items()) + "}"


def compare(one: Node, other: Node, same: Same, path: Path = ()) -> Iterator[Found]:
    """Where two bodies differ."""
    if isinstance(one, Leaf) and isinstance(other, Leaf):
        yield from _values(one, other, same, path)
    elif isinstance(one, Leaf) or isinstance(other, Leaf):
        yield Found(Grade.OTHER_TYPE, named(path), shown(one), shown(other))
    elif one.is_list and other.is_list:
        yield from _lists(list(one.values()), list(other.values()), same, path)
    else:
        yield from _objects(one, other, same, path)


def shown(node: Node) -> str:
    """A text for people, short."""
    if isinstance(node, Leaf):
        return node.text
    return f"{'[' if node.is_list else '{'}{', '.join(one.text for one in values(node))}{']' if node.is_list else '}'}"


def _values(one: Leaf, other: Leaf, same: Same, path: Path) -> Iterator[Found]:
    if one.sort is not other.sort:
        note = f"{_sort(one)} became {_sort(other)}"
        yield Found(Grade.OTHER_TYPE, named(path), one.text, other.text, note)
    elif not _is_aside(path) and not same(path, one.text, other.text):
        yield Found(Grade.OTHER_VALUE, named(path), one.text, other.text)


def _objects(one: Branch, other: Branch, same: Same, path: Path) -> Iterator[Found]:
    lost = [step for step in one if step not in other]
    new = [step for step in other if step not in one]
    for step in one:
        if step in other:
            yield from compare(one[step], other[step], same, (*path, step))
    for step in lost:
        alike = next((name for name in new if outlined(one[step]) == outlined(other[name])), None)
        note = "" if alike is None else f"perhaps renamed to {alike}: the same value"
        yield Found(Grade.MISSING_FIELD, named((*path, step)), shown(one[step]), None, note)
    yield from (Found(Grade.NEW_FIELD, named((*path, step)), None, shown(other[step])) for step in new)


def _lists(one: list[Node], other: list[Node], same: Same, path: Path) -> Iterator[Found]:
    inside = (*path, 0)
    rows = align_alike(
        [Alike(outlined(item), item_sort(item)) for item in one],
        [Alike(outlined(item), item_sort(item)) for item in other],
    )
    for row in rows:
        if row.old is None and row.new is not None:
            yield Found(Grade.EXTRA, named(inside), None, shown(other[row.new]), "one more in the list")
        elif row.old is not None and row.new is None:
            yield Found(Grade.MISSING, named(inside), shown(one[row.old]), None, "one less in the list")
        elif row.old is not None and row.new is not None:
            if row.is_moved:
                yield Found(Grade.OTHER_ORDER, named(inside), f"place {row.old + 1}", f"place {row.new + 1}")
            yield from compare(one[row.old], other[row.new], same, (*path, row.old))


def item_sort(node: Node) -> str:
    """What kind of item it is."""
    return "value" if isinstance(node, Leaf) else "list" if node.is_list else "object"


def _is_aside(path: Path) -> bool:
    return bool(path) and (path[-1] in _POSITIONS or gms.is_elapsed(path))


def _sort(leaf: Leaf) -> str:
    if leaf.sort is Sort.WORD and leaf.text in ("true", "false", "null"):
        return leaf.text
    return leaf.sort.name.lower()
