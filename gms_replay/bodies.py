"""Two bodies, field by field: what is missing in one, new in the other, of another type, of another value, elsewhere.

Strategy: bodies need not be well-formed, so trees are built of their leaves. Items of lists are aligned by content, so
that one more item is one difference.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import NamedTuple

from gms_replay import gms
from gms_replay.alignment import Alike, align_alike
from gms_replay.gms import Path
from gms_replay.grades import STATUS, Grade
from gms_replay.likeness import Leaf, leaves, outline, place
from gms_replay.privacy import WITHHELD
from gms_replay.spans import Sort

LINES = frozenset({"transcriptToShow", "messages"})
"""Fields that hold a chat's lines."""
POSITIONS = frozenset({"transcriptPosition", "nextPosition", "index"})
"""Fields that count these: where a line is missing, all would differ."""


BODY = "whole body"
"""Where a body stands beside what came with it."""
_BRACKETS = (Sort.OBJECT, Sort.LIST)
_WORDS = frozenset({"true", "false", "null"})
_NAMES = {Sort.STRING: "string", Sort.NUMBER: "number", Sort.WORD: "word", Sort.KEY: "nothing"}
_VALUED = (("chatIxnState",), ("chatEnded",), ("statusCode",))
"""By these an app knows how a chat stands."""
_NO_FIELDS = frozenset({"instant"})
"""What time slots among the keys are called: of them, there are as many as there are."""


class Branch(dict[str | int, "Branch | Leaf"]):
    """An object by its keys, or a list by its places."""

    def __init__(self, fields: Mapping[str | int, "Branch | Leaf"] | None = None, *, is_list: bool = False) -> None:
        super().__init__(fields or {})
        self.is_list = is_list


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
    if text == WITHHELD.encode():
        # It begins as a list would.
        return Leaf((), WITHHELD, Sort.TEXT)
    root: Branch | None = None
    for leaf in leaves(text):
        path = place(leaf.path)
        if any(step in without for step in path):
            continue
        if root is None:
            if leaf.sort not in _BRACKETS:
                return leaf
            root = Branch(is_list=leaf.sort is Sort.LIST)
        else:
            _put(root, path or ("",), leaf)
    return Leaf((), "", Sort.TEXT) if root is None else root


def _put(root: Branch, path: Path, leaf: Leaf) -> None:
    inner = root
    for step in path[:-1]:
        below = inner.get(step)
        if not isinstance(below, Branch):
            below = inner[step] = Branch()
        inner = below
    if leaf.sort in _BRACKETS:
        inner[path[-1]] = Branch(is_list=leaf.sort is Sort.LIST)
    elif leaf.is_key:
        # What has no value is there all the same.
        inner.setdefault(path[-1], leaf)
    else:
        inner[path[-1]] = leaf


def nested(text: str) -> Node | None:
    """What a string holds that is itself JSON; None for any other."""
    found = tree(text.encode("utf-8", "backslashreplace")) if text.lstrip()[:1] in ("{", "[") else None
    return found if isinstance(found, Branch) else None


def named(path: Path) -> str:
    """A path in words."""
    return ".".join("*" if isinstance(step, int) else step for step in inside(path) or path)


def inside(path: Path) -> Path:
    """A path as it is inside a body."""
    return path[1:] if path[:1] == (BODY,) else path


def shape(node: Node, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Each path with the type of what stands there, or its value (`is_valued`); all places in lists are 0."""
    if isinstance(node, Leaf):
        yield path, node.text if is_valued(path) else _type(node)
        return
    yield path, "list" if node.is_list else "object"
    for step, below in node.items():
        yield from shape(below, (*path, 0 if node.is_list else step))


def is_valued(path: Path) -> bool:
    """Whether what stands at a path is one of a few words, or a status: of a state, too, it counts which."""
    return path == (STATUS,) or path[-1:] in _VALUED


def values(node: Node) -> Iterator[Leaf]:
    """All values below."""
    if isinstance(node, Leaf):
        yield node
    else:
        for below in node.values():
            yield from values(below)


Worded = Callable[[Path, str], str]
"""What a value at a path has in common with those that may mean the same."""


def _by_outline(path: Path, text: str) -> str:
    return outline(text)


def outlined(node: Node, worded: Worded = _by_outline) -> str:
    """What two bodies have in common that may mean the same."""
    if isinstance(node, Leaf):
        said = "" if _is_aside(node.path) or gms.is_identity(node.path) else worded(node.path, node.text)
        return f"{node.sort.name}:{said}"
    if node.is_list:
        return f"[{','.join(outlined(below, worded) for below in node.values())}]"
    return "{" + ",".join(sorted(f"{step}={outlined(below, worded)}" for step, below in node.items())) + "}"


def compare(one: Node, other: Node, same: Same, path: Path = ()) -> Iterator[Found]:
    """Where two bodies differ."""
    if isinstance(one, Leaf) and isinstance(other, Leaf):
        yield from _values(one, other, same, path)
    elif isinstance(one, Leaf) or isinstance(other, Leaf) or one.is_list != other.is_list:
        note = f"{_sort(one)} became {_sort(other)}"
        yield Found(Grade.OTHER_TYPE, named(path), shown(one), shown(other), note)
    elif one.is_list:
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
    lost = [step for step in one if step not in other and step not in _NO_FIELDS]
    new = [step for step in other if step not in one and step not in _NO_FIELDS]
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
        if row.old is None:
            assert row.new is not None, "a row has something on one side at least"
            yield Found(Grade.EXTRA, named(inside), None, shown(other[row.new]), "one more in the list")
        elif row.new is None:
            yield Found(Grade.MISSING, named(inside), shown(one[row.old]), None, "one less in the list")
        else:
            if row.is_moved:
                yield Found(Grade.OTHER_ORDER, named(inside), f"place {row.old + 1}", f"place {row.new + 1}")
            yield from compare(one[row.old], other[row.new], same, (*path, row.old))


def item_sort(node: Node) -> str:
    """What kind of item it is."""
    return "value" if isinstance(node, Leaf) else "list" if node.is_list else "object"


def _is_aside(path: Path) -> bool:
    return bool(path) and (path[-1] in POSITIONS or gms.is_elapsed(path))


def _sort(node: Node) -> str:
    """What it is, in words."""
    if isinstance(node, Leaf):
        return node.text if node.text in _WORDS and node.sort is Sort.WORD else _NAMES.get(node.sort, "text")
    return item_sort(node)


def _type(leaf: Leaf) -> str:
    return "boolean" if _sort(leaf) in ("true", "false") else _sort(leaf)
