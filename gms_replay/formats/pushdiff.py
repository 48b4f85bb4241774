"""What `diff --pushes` tells: where two recordings told the devices otherwise; for people, and as JSON."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from gms_replay import sessions
from gms_replay.formats.pushes import as_json
from gms_replay.formats.tale import described, heading, plain
from gms_replay.pushdiff import Comparison, Grade, Group, Home, Pair
from gms_replay.pushes import Derived, Notification


def tell(comparison: Comparison, old: str, new: str) -> Iterator[str]:
    """The lines: for each visit its pushes with what became of them, then the sum. `old`, `new`: the files' names."""
    pairs = comparison.pairs
    if not pairs:
        yield f"{plain(old)}, {plain(new)}: no pushes in either"
        return
    yield _counted("old", old, [pair.old for pair in pairs if pair.old])
    yield _counted("new", new, [pair.new for pair in pairs if pair.new])
    for group in comparison.groups:
        yield ""
        yield from _headings(group)
        for pair in group.pairs:
            yield from _lines(pair)
    yield ""
    counts = Counter(pair.grade for pair in pairs)
    sums = ", ".join(f"{counts[grade]} {grade}" for grade in Grade if counts[grade])
    yield f"{sums}: the devices were told {'the same' if comparison.equal else 'something else'}"


def to_json(comparison: Comparison, old: str, new: str) -> dict[str, Any]:
    """The same, whole, as what JSON can hold."""
    counts = Counter(pair.grade for pair in comparison.pairs)
    return {
        "old": old,
        "new": new,
        "equal": comparison.equal,
        "counts": {str(grade): counts[grade] for grade in Grade},
        "groups": [
            {
                "old": _home_as_json(group.old),
                "new": _home_as_json(group.new),
                "pushes": list(map(_pair_as_json, group.pairs)),
            }
            for group in comparison.groups
        ],
    }


def _counted(which: str, name: str, some: list[Notification | Derived]) -> str:
    if not some:
        return f"{which}: {plain(name)}: no pushes"
    derived = sum(isinstance(one, Derived) for one in some)
    return f"{which}: {plain(name)}: {len(some) - derived} seen, {derived} derived from what the apps ask for"


def _headings(group: Group) -> Iterator[str]:
    for which, home in (("old", group.old), ("new", group.new)):
        yield f"{which}: {_heading(home)}"


def _heading(home: Home | None) -> str:
    if home is None:
        return "nothing that corresponds"
    if home.number is not None and home.visit is not None:
        return heading(home.number, home.visit)
    return f"of no session, {f'service {plain(home.service_id)}' if home.service_id else 'no service named'}"


def _lines(pair: Pair) -> Iterator[str]:
    one = pair.old or pair.new
    assert one is not None, "a pair has a push"
    alert = f", “{one.alert}”" if isinstance(one, Notification) and one.alert else ""
    yield f"  {pair.grade:8} {plain(described(one) + alert)}"
    yield from (f"           {plain(line)}" for line in pair.differences)
    yield from (f"           ({plain(line)})" for line in pair.remarks)


def _home_as_json(home: Home | None) -> dict[str, Any] | None:
    if home is None:
        return None
    user = sessions.user_of(home.visit) if home.visit else None
    return {"session": home.number, "user": user, "service_id": home.service_id}


def _pair_as_json(pair: Pair) -> dict[str, Any]:
    return {
        "grade": str(pair.grade),
        "differences": list(pair.differences),
        "remarks": list(pair.remarks),
        "old": pair.old and as_json(pair.old),
        "new": pair.new and as_json(pair.new),
    }
