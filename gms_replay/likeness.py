"""Whether two values that two runs told mean the same.

Identities may differ, if each stands for the same one everywhere; instants, if whoever asks agrees with their shift.
All else is the same word for word.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from gms_replay import gms, instants
from gms_replay.gms import InstantClass, Path
from gms_replay.identities import is_mappable
from gms_replay.spans import Sort, plain_text, spans
from gms_replay.timeslots import LocalTime, local_times

_WORD = re.compile(r"[0-9A-Za-z]+")
_LOOKS_LIKE_ANY_NUMBER = (instants.Style.EPOCH_S, instants.Style.EPOCH_MS)


@dataclass(frozen=True, slots=True)
class Leaf:
    """A key or value of a text, or the bracket that opens an object or a list. `sort`: as JSON has it."""

    path: Path
    text: str
    sort: Sort

    @property
    def is_key(self) -> bool:
        return self.sort is Sort.KEY


class Likeness:
    """What stands for what, from the first value to the last. `moved`: whether an instant may have that shift."""

    def __init__(self, moved: Callable[[InstantClass, int], bool], identities: dict[str, str] | None = None) -> None:
        self._moved = moved
        self._there: dict[str, str] = {} if identities is None else identities
        self._back: dict[str, str] = {}

    def same(self, one: str, other: str, *, is_slot: bool = False) -> bool:
        """Whether two values mean the same. `is_slot`: an instant there is one of the calendar's."""
        was, now = instants.parse(one), instants.parse(other)
        if was and now and was[1].is_like(now[1]) and not (one == other and was[1].style in _LOOKS_LIKE_ANY_NUMBER):
            return self._moved(InstantClass.CALENDAR if is_slot else InstantClass.EVENT, now[0] - was[0])
        pairs = zip_longest(_parts(one), _parts(other))
        return all(part is not None and now is not None and self._same_part(part, now) for part, now in pairs)

    def _same_part(self, one: str, other: str) -> bool:
        was, now = instants.parse(one), instants.parse(other)
        if was and now and was[1].is_like(now[1]) and was[1].style not in _LOOKS_LIKE_ANY_NUMBER:
            return self._moved(InstantClass.EVENT, now[0] - was[0])
        if one == other and not is_mappable(one):
            return True
        if len(one) != len(other) or not (is_mappable(one) and is_mappable(other)):
            return False
        known = self._there.setdefault(one, other)
        return known == other and self._back.setdefault(other, one) == one


def outline(text: str) -> str:
    """A value without what may differ between two runs: equal where two values could mean the same."""
    if instants.parse(text):
        return "\0instant"
    return "".join(_outlined(part) for part in _parts(text))


def leaves(text: bytes) -> Iterator[Leaf]:
    """The leaves of a text, and the brackets that open in it.

    A slot's local time is told as the UTC time that it means, for summer time is no shift.
    """
    found = list(spans(text, brackets=True))
    meant = {one.span.start: _in_utc(one) for one in local_times(text, found)}
    for span in found:
        yield Leaf(span.path, meant.get(span.start) or _told(text[span.start : span.end]), span.sort)


def place(path: Path) -> Path:
    """A path in which all instants are alike: those among the keys move too."""
    return tuple("instant" if isinstance(step, str) and instants.parse(step) else step for step in path)


def is_calendar(path: Path) -> bool:
    """Whether an instant that stands at a path is one of the calendar's."""
    return gms.instant_class(path) is InstantClass.CALENDAR


def _told(raw: bytes) -> str:
    """A text in which other bytes are other characters, also where they are no UTF-8."""
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("utf-8", "backslashreplace")
    return plain_text(raw)


def _outlined(part: str) -> str:
    if instants.parse(part):
        return "\0instant"
    return f"\0id{len(part)}" if is_mappable(part) else part


def _in_utc(local: LocalTime) -> str:
    return instants.render(local.at_us, replace(local.notation, region="", zone="Z"))


def _parts(text: str) -> list[str]:
    """A text cut at instants and words, nothing left out."""
    parts: list[str] = []
    at = 0
    for found in instants.ANYWHERE.finditer(text):
        parts += [*_words(text[at : found.start()]), found[0]]
        at = found.end()
    return parts + _words(text[at:])


def _words(text: str) -> list[str]:
    parts: list[str] = []
    at = 0
    for found in _WORD.finditer(text):
        parts += [part for part in (text[at : found.start()], found[0]) if part]
        at = found.end()
    return parts + ([text[at:]] if at < len(text) else [])
