"""What `diff` tells of two recordings: each difference with its grade; for people, and as JSON."""

from collections.abc import Iterator
from typing import Any

from gms_replay.formats.tale import plain
from gms_replay.grades import Difference, Grade
from gms_replay.grading import Comparison


def tell(comparison: Comparison, old: str, new: str) -> Iterator[str]:
    """The lines: what the app asked otherwise first, then for each visit the worst first, then what was compared."""
    yield f"old: {plain(old)}"
    yield f"new: {plain(new)}"
    for row in comparison.rows:
        yield ""
        yield f"session {row.old or '(none)'} and {row.new or '(none)'}: {row.grade}"
        if row.departs is not None:
            yield f"  the apps depart: {plain(row.departs.where)} {plain(row.departs.path)}".rstrip()
        for one in row.differences:
            yield plain(_line(one))
    yield ""
    counted = ", ".join(f"{count} {sort}" for sort, count in comparison.compared.items()) or "nothing"
    yield f"compared: {counted}"
    yield ", ".join(f"{count} {grade}" for grade, count in comparison.counts.items()) or "no difference"


def to_json(comparison: Comparison, old: str, new: str) -> dict[str, Any]:
    """The same, whole, as what JSON can hold."""
    return {
        "old": old,
        "new": new,
        "worst": str(comparison.worst),
        "counts": {str(grade): comparison.counts.get(grade, 0) for grade in Grade if grade is not Grade.EQUAL},
        "compared": comparison.compared,
        "sessions": [
            {
                "old": row.old,
                "new": row.new,
                "grade": str(row.grade),
                "departs": row.departs and _as_json(row.departs),
                "differences": list(map(_as_json, row.differences)),
            }
            for row in comparison.rows
        ],
    }


def _as_json(one: Difference) -> dict[str, Any]:
    return {
        "grade": str(one.grade),
        "where": one.where,
        "path": one.path,
        "expected": one.expected,
        "actual": one.actual,
        "note": one.note,
        "count": one.count,
        "rule": one.rule,
    }


def _line(one: Difference) -> str:
    times = f", {one.count} times" if one.count > 1 else ""
    sides = " became ".join("nothing" if text is None else f"“{text}”" for text in (one.expected, one.actual))
    note = f" ({one.note})" if one.note else ""
    return f"  {one.grade:13} {' '.join(part for part in (one.where, one.path) if part)}: {sides}{note}{times}"
