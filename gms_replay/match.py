"""Which recorded answer a request gets, and why not another.

Strategy: requests are compared by meaning. First the operation, then the decoded fields that say what is wanted; fields
that say who asks or what is said (`Rules.is_free`) and instants only rank. Last comes the place in the story.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import SequenceMatcher
from enum import StrEnum
from heapq import nlargest
from itertools import islice
from typing import Any, NamedTuple

from gms_replay import fields, gms, instants, marks
from gms_replay.calls import Call
from gms_replay.events import Asked
from gms_replay.fields import Fields
from gms_replay.gms import Kind, Operation
from gms_replay.items import Answer
from gms_replay.rules import Rules
from gms_replay.story import Story

_NEAREST = 3
_LOOKED_AT = 100
_LONGEST = 500
_TOLD = 20
_LONGEST_TOLD = 200
"""Differences of a miss, and characters of each of their texts: apps may say any number of anything."""
_MOST_INSIDE = 1000
"""Keys and values of JSON in a string; of more it counts only whether the whole string is the same."""
_SHORTEST_STAND_IN = 12
_SHORTEST_NUMBER = 16
"""What is shorter, or several words, looks like one by chance too often to be taken for one at any place."""
_NAMING = (Kind.START_CALLBACK, Kind.AVAILABILITY)
"""Operations whose name is a callback's, as GMS's configuration has it."""


class MissKind(StrEnum):
    """Why the cassette has no answer."""

    UNKNOWN_ROUTE = "unknown route"
    UNKNOWN_CALLBACK = "unknown callback"
    FIELD_DIFFERS = "field differs"
    UNANSWERED = "recorded without an answer"
    WRONG_SESSION = "wrong session"
    UNKNOWN_SERVICE = "unknown service"


@dataclass(frozen=True, slots=True)
class Difference:
    """A field that says something else than the recorded request; None where one of them lacks it.

    Of requests for something else the fields are `method` and `path`.
    """

    field: str
    asked: str | None
    recorded: str | None


@dataclass(frozen=True, slots=True)
class Ranked:
    """A recorded answer with what keeps it from being right, and what only makes others better.

    `more`: differences that are not among those told.
    """

    answer: Answer
    differences: tuple[Difference, ...]
    remarks: int
    more: int = 0

    def told(self) -> "Ranked":
        """The same with its first differences only, and these cut where they are long."""
        first = tuple(
            Difference(_cut(one.field), one.asked and _cut(one.asked), one.recorded and _cut(one.recorded))
            for one in self.differences[:_TOLD]
        )
        return replace(self, differences=first, more=len(self.differences) - len(first))


@dataclass(frozen=True, slots=True)
class Miss:
    """A request that has no answer, with the nearest that have one, as they are `told`.

    `session`: whose it is, None for nobody's.
    """

    kind: MissKind
    method: str
    target: str
    nearest: tuple[Ranked, ...]
    session: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The report: what was asked, and of the nearest what would have matched (`fields`) and what differs."""
        return {
            "error": "no recorded answer",
            "kind": self.kind,
            "session": self.session,
            "asked": {"method": self.method, "target": self.target},
            "nearest": [
                {
                    "method": ranked.answer.method,
                    "target": ranked.answer.target,
                    "fields": {name: _cut(value) for name, value in ranked.answer.fields.items()},
                    "differences": [
                        {"field": one.field, "asked": one.asked, "recorded": one.recorded} for one in ranked.differences
                    ],
                    "more": ranked.more,
                }
                for ranked in self.nearest
            ],
        }

    def __str__(self) -> str:
        lines = [f"miss: {self.method} {self.target}: {self.kind}"]
        for ranked in self.nearest:
            lines.append(f"  nearest: {ranked.answer.method} {ranked.answer.target}")
            lines += [f"    {one.field}: asked {one.asked!r}, recorded {one.recorded!r}" for one in ranked.differences]
            lines += [f"    and {ranked.more} more"] if ranked.more else []
        return "\n".join(lines)


@dataclass(frozen=True, slots=True)
class Missed:
    """A miss, and when it was, by the wall's time."""

    at_us: int
    miss: Miss


class _Near(NamedTuple):
    """A recorded request, with its place in its visit."""

    story: Story
    method: str
    target: str
    place: int

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


def candidates(
    operation: Operation, asked: Fields, story: Story, same_instant: Callable[[int, int], bool]
) -> list[Ranked]:
    """The recorded answers of a story to that operation, best first. Fields that none of them has differ last.

    `same_instant(asked_us, recorded_us)` tells whether the app means the recorded instant by the one it sent.
    """
    answers = story.answers_to(operation)
    named = frozenset[str]().union(*(answer.fields for answer in answers))
    known = {field: asked[field] for field in asked.keys() & named}

    def compared(asked: Fields, recorded: Fields) -> tuple[tuple[Difference, ...], int]:
        return _compared(asked, recorded, operation.kind, story.rules, same_instant)

    # An app may send any number of fields that no answer has: they are the same to each.
    new, new_remarks = compared({field: asked[field] for field in asked.keys() - named}, {})

    def rank(answer: Answer) -> Ranked:
        if answer.is_derived:
            # Nobody knows what the recorded app would have said.
            return Ranked(answer, (), 0)
        differences, remarks = compared(known, answer.fields)
        return Ranked(answer, differences + new, remarks + new_remarks)

    return sorted(map(rank, answers), key=lambda one: (len(one.differences), one.remarks, one.answer.index))


def fits(call: Call, story: Story) -> bool:
    """Whether any of the answers of a story is right for a request of an app that was told nothing yet."""
    ranked = candidates(call.operation, call.said, story, lambda asked_us, recorded_us: asked_us == recorded_us)
    return any(not one.differences for one in ranked)


def nearest(method: str, target: str, stories: Iterable[Story]) -> tuple[Ranked, ...]:
    """The recorded requests whose paths look most like this one; for those whose operation nobody recorded.

    Told of them is how method and path differ.
    """
    path = target.partition("?")[0]
    steps = frozenset(path.split("/"))

    def rough(near: _Near) -> tuple[int, bool, int]:
        return len(steps.intersection(near.path.split("/"))), near.method == method, -near.place

    def likeness(near: _Near) -> tuple[float, int]:
        matcher = SequenceMatcher(None, path[:_LONGEST], near.path[:_LONGEST], autojunk=False)
        return -matcher.ratio() - 0.1 * (near.method == method), near.place

    unique: dict[tuple[str, str], _Near] = {}
    for story in stories:
        for place, asked in enumerate(story.visit.askings):
            if asked.operation.kind is not Kind.COMET:
                unique[asked.method, asked.target] = _Near(story, asked.method, asked.target, place)
    # Likeness takes long: only those are looked at that have most steps in common.
    likely = sorted(nlargest(_LOOKED_AT, unique.values(), key=rough), key=likeness)
    answers = ((near, near.story.last_answer(near.method, near.target)) for near in likely)
    ranked = (
        Ranked(answer, tuple(_elsewhere({"method": (method, near.method), "path": (path, near.path)})), 0)
        for near, answer in answers
        if answer is not None
    )
    return tuple(one.told() for one in islice(ranked, _NEAREST))


def _elsewhere(said: Mapping[str, tuple[str, str]]) -> Iterator[Difference]:
    return (Difference(field, asked, recorded) for field, (asked, recorded) in said.items() if asked != recorded)


def field_differs(method: str, target: str, ranked: Iterable[Ranked]) -> Miss:
    """The miss of a request whose operation was recorded, but never asked like this."""
    return Miss(MissKind.FIELD_DIFFERS, method, target, tuple(one.told() for one in islice(ranked, _NEAREST)))


def miss(operation: Operation, asked: Asked, ranked: list[Ranked], story: Story) -> Miss:
    """The miss of a request for which a story has no answer that is right; `ranked` are those to the same operation."""
    if ranked:
        return field_differs(asked.method, asked.target, ranked)
    same = [one for one in story.unanswered if one.operation.key == operation.key]
    kind = MissKind.UNANSWERED if same else _unknown(operation, story)
    return Miss(kind, asked.method, asked.target, nearest(asked.method, asked.target, [story]))


def _unknown(operation: Operation, story: Story) -> MissKind:
    """What of an operation nobody recorded: it at all, or only for that callback."""
    known = {name for kind, name, *_ in story.visit.operations if kind in _NAMING}
    is_named = operation.kind in _NAMING and known and operation.name not in known
    return MissKind.UNKNOWN_CALLBACK if is_named else MissKind.UNKNOWN_ROUTE


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TOLD else f"{text[:_LONGEST_TOLD]}…"


def _compared(
    said: Fields, answered: Fields, kind: Kind, rules: Rules, same_instant: Callable[[int, int], bool]
) -> tuple[tuple[Difference, ...], int]:
    """What keeps what an app said from being what was recorded, and how many remarks there are besides."""
    differences: list[Difference] = []
    remarks = 0
    for field in sorted(said.keys() | answered.keys()):
        told, recorded = said.get(field), answered.get(field)
        if told == recorded and not _are_instants(field, told, recorded, rules):
            continue
        if rules.is_free(field):
            # What is shown says who asks: an app that keeps an alias from before is no other.
            remarks += field not in gms.CREDENTIALS and (field != "transcriptPosition" or kind is Kind.REFRESH)
        elif _are_instants(field, told, recorded, rules):
            remarks += not _same(told, recorded, same_instant)
        elif _is_replaced(recorded) or _are_alike_inside(field, told, recorded, rules):
            remarks += 1
        else:
            differences.append(Difference(field, told, recorded))
    return tuple(differences), remarks


def _are_instants(field: str, told: str | None, recorded: str | None, rules: Rules) -> bool:
    values = {value for value in (told, recorded) if value is not None}
    return all(instants.read(value) is not None for value in values) and not rules.is_kept(tuple(field.split(".")))


def _is_replaced(recorded: str | None) -> bool:
    """Whether what was recorded is a stand-in, wherever it stands: nobody will say it again."""
    if recorded is None or " " in recorded:
        return False
    shortest = _SHORTEST_NUMBER if recorded.isdigit() else _SHORTEST_STAND_IN
    return len(recorded) >= shortest and marks.is_stand_in(recorded)


def _are_alike_inside(field: str, told: str | None, recorded: str | None, rules: Rules) -> bool:
    """Whether two strings of JSON say the same, but for what is free in them."""
    said = _inside(field, recorded)
    says = said and _inside(field, told)
    if not says or not said:
        return False
    return all(says.get(name) == said.get(name) or rules.is_free(name) for name in says.keys() | said.keys())


def _inside(field: str, value: str | None) -> Fields | None:
    if value is None or value.lstrip()[:1] not in ("{", "["):
        return None
    return fields.joined(value.encode("utf-8", "backslashreplace"), field, most=_MOST_INSIDE)


def _same(told: str | None, recorded: str | None, same_instant: Callable[[int, int], bool]) -> bool:
    told_us, recorded_us = instants.read(told or ""), instants.read(recorded or "")
    return told_us is not None and recorded_us is not None and same_instant(told_us, recorded_us)
