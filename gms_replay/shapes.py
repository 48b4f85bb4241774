"""What is told of a state as often as it is asked: its fields and types, and which of a few words."""

from collections.abc import Iterator, Sequence

from gms_replay import bodies
from gms_replay.bodies import Node
from gms_replay.gms import Path
from gms_replay.grades import STATUS, Difference, Grade

_Shape = dict[Path, set[str]]


def compare(place: str, was: Sequence[Node], now: Sequence[Node]) -> Iterator[Difference]:
    """What was never told, in a type or a word, differs; what was always told is missing where it once is not.

    Both sides have been told of it at least once. `place` is that of the differences.
    """
    shapes, shapes_now = [_shape(node) for node in was], [_shape(node) for node in now]
    all_, all_now = _together(shapes), _together(shapes_now)
    told: set[Path] = set()
    for path in sorted(all_.keys() | all_now.keys(), key=lambda path: [str(step) for step in path]):
        sorts, sorts_now = all_.get(path, set()), all_now.get(path, set())
        is_lost = bool(sorts_now) and _is_always(path, shapes) and not _is_always(path, shapes_now)
        if sorts and sorts_now and not is_lost and _is_known(path, sorts, sorts_now):
            continue
        # What is inside goes with it.
        told.add(path)
        # Of an empty list nobody knows what is in it.
        is_empty = not (sorts and sorts_now) and path[-1:] in ((0,), ("instant",))
        if is_empty or path[:-1] in told:
            continue
        grade = Grade.OTHER_VALUE if bodies.is_valued(path) else Grade.OTHER_TYPE
        if is_lost or not sorts_now:
            grade = Grade.MISSING_FIELD
        elif not sorts:
            grade = Grade.NEW_FIELD
        said, said_now = (", ".join(sorted(some)) or None for some in (sorts, sorts_now))
        yield Difference(grade, place, place, bodies.named(path), said, said_now, "not always" if is_lost else "")


def _is_known(path: Path, sorts: set[str], sorts_now: set[str]) -> bool:
    """Whether nothing new is told, and of the words of a chat's all: a poll that failed once need not fail again."""
    return sorts_now <= sorts and (path == (STATUS,) or not bodies.is_valued(path) or sorts <= sorts_now)


def _is_always(path: Path, shapes: Sequence[_Shape]) -> bool:
    """Whether a field is there whenever the object is that has it."""
    return all(path in shape for shape in shapes if path[:-1] in shape)


def _shape(node: Node) -> _Shape:
    shape: _Shape = {}
    for path, sort in bodies.shape(node):
        shape.setdefault(path, set()).add(sort)
    return shape


def _together(shapes: Sequence[_Shape]) -> _Shape:
    whole: _Shape = {}
    for shape in shapes:
        for path, sorts in shape.items():
            whole.setdefault(path, set()).update(sorts)
    return whole
