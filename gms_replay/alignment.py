"""What of one recording takes the place of what of another: pushes, and all else that comes in an order.

Strategy of pushes: the longest common sequence of actions, so that a push which is missing or new moves no other; of
several as long the one in which most pushes keep their alert, and were taken or refused as before. Of what is left
over, the same action elsewhere has moved, and the same alert at the same place got another action.
"""

from collections.abc import Callable, Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

from gms_replay.pushes import Derived, Notification


class Row(NamedTuple):
    """Two pushes by their places, from 0; None where one has no counterpart. `is_moved`: others are between them."""

    old: int | None
    new: int | None
    is_moved: bool = False


class _Key(NamedTuple):
    """What a thing is known by: what it is, and how it looks; None where it tells no more than what it is."""

    what: Hashable
    looks: tuple[Hashable, Hashable] | None = None

    def likeness(self, other: "_Key") -> int:
        """How much two things that are the same have in common: 0 to 2."""
        if self.looks is None or other.looks is None:
            return _ALIKE
        return sum(one == another for one, another in zip(self.looks, other.looks, strict=True))


_ALIKE = 2
_MOST_CELLS = 1_000_000
"""Of a table of all pairs. Beyond that the longest common runs are looked for, which takes less and may find less."""


def align(old: Sequence[Notification | Derived], new: Sequence[Notification | Derived]) -> tuple[Row, ...]:
    """Each push once: in the order of the old ones, new ones where they came."""
    was, now = list(map(_key, old)), list(map(_key, new))
    rows = list(_in_order(was, now))

    def have_one_alert(at: int, other: int) -> bool:
        return _alert(was[at]) is not None and _alert(was[at]) == _alert(now[other])

    return tuple(_changed(_moved(rows, was, now), have_one_alert))


class Alike(NamedTuple):
    """What something is known by: `exact` where two are the same, `rough` where they may be, though changed."""

    exact: Hashable
    rough: Hashable


def align_alike(old: Sequence[Alike], new: Sequence[Alike]) -> tuple[Row, ...]:
    """Each thing once: what is the same in the same order, then the same elsewhere, then what changed at its place."""
    was, now = [_Key(one.exact) for one in old], [_Key(one.exact) for one in new]
    rows = _moved(list(_in_order(was, now)), was, now)
    return tuple(_changed(rows, lambda at, other: old[at].rough == new[other].rough))


def _key(one: Notification | Derived) -> _Key:
    if isinstance(one, Derived):
        return _Key(one.action)
    return _Key(one.action, (one.alert, bool(one.result and one.result.reason)))


def _alert(key: _Key) -> Hashable:
    return key.looks and key.looks[0]


def _in_order(was: list[_Key], now: list[_Key]) -> Iterator[Row]:
    # What is alike from the beginning, and to the end, needs no search: mostly that is all.
    shorter = min(len(was), len(now))
    head = next((at for at in range(shorter) if not _is_alike(was[at], now[at])), shorter)
    rest = shorter - head
    tail = next((at for at in range(rest) if not _is_alike(was[-1 - at], now[-1 - at])), rest)
    yield from (Row(at, at) for at in range(head))
    for row in _searched(was[head : len(was) - tail], now[head : len(now) - tail]):
        yield Row(row.old if row.old is None else row.old + head, row.new if row.new is None else row.new + head)
    yield from (Row(len(was) - at, len(now) - at) for at in range(tail, 0, -1))


def _is_alike(one: _Key, other: _Key) -> bool:
    return one.what == other.what and one.likeness(other) == _ALIKE


def _searched(was: list[_Key], now: list[_Key]) -> Iterator[Row]:
    """Rows whose pairs are worth most: one more pair counts more than all likeness."""
    if len(was) * len(now) > _MOST_CELLS:
        yield from _by_runs(was, now)
        return
    for_what = _ALIKE * min(len(was), len(now)) + 1

    def worth(at: int, other: int) -> int:
        one, one_now = was[at], now[other]
        return for_what + one.likeness(one_now) if one.what == one_now.what else 0

    best = [[0] * (len(now) + 1) for _ in range(len(was) + 1)]
    for at in reversed(range(len(was))):
        for other in reversed(range(len(now))):
            pair = worth(at, other)
            together = pair + best[at + 1][other + 1] if pair else 0
            best[at][other] = max(together, best[at + 1][other], best[at][other + 1])
    at = other = 0
    while at < len(was) and other < len(now):
        pair = worth(at, other)
        if pair and best[at][other] == pair + best[at + 1][other + 1]:
            yield Row(at, other)
            at, other = at + 1, other + 1
        elif best[at][other] == best[at + 1][other]:
            yield Row(at, None)
            at += 1
        else:
            yield Row(None, other)
            other += 1
    yield from (Row(at, None) for at in range(at, len(was)))
    yield from (Row(None, other) for other in range(other, len(now)))


def _by_runs(was: list[_Key], now: list[_Key]) -> Iterator[Row]:
    at = other = 0
    for run in SequenceMatcher(None, was, now, autojunk=False).get_matching_blocks():
        yield from (Row(place, None) for place in range(at, run.a))
        yield from (Row(None, place) for place in range(other, run.b))
        yield from (Row(run.a + step, run.b + step) for step in range(run.size))
        at, other = run.a + run.size, run.b + run.size


def _moved(rows: list[Row], was: list[_Key], now: list[_Key]) -> list[Row]:
    """The same, where what is missing and new elsewhere is one: where it was."""
    extra = [row.new for row in rows if row.old is None and row.new is not None]
    told: list[Row] = []
    for row in rows:
        if row.old is None or row.new is not None:
            told.append(row)
            continue
        one = was[row.old]
        fits = [other for other in extra if now[other].what == one.what]
        if fits:
            found = max(fits, key=lambda other: one.likeness(now[other]))
            extra.remove(found)
            told.append(Row(row.old, found, is_moved=True))
        else:
            told.append(row)
    return [row for row in told if row.old is not None or row.new in extra]


def _changed(rows: list[Row], may_be_one: Callable[[int, int], bool]) -> Iterator[Row]:
    """The same, where between two pairs one is missing and another new that may be the same: they are one."""
    for is_single, some in groupby(rows, key=lambda row: row.old is None or row.new is None):
        if not is_single:
            yield from some
            continue
        run = list(some)
        extra = [row.new for row in run if row.new is not None]
        for row in run:
            if row.old is None:
                continue
            found = next((other for other in extra if may_be_one(row.old, other)), None)
            if found is not None:
                extra.remove(found)
            yield Row(row.old, found)
        yield from (Row(None, other) for other in extra)
