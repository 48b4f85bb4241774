"""Whether two values that two runs told mean the same.

Identities may differ, if each stands for the same one everywhere (a UUID is one); instants, if whoever asks agrees with
their shift. All else is the same word for word.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import zip_longest

from gms_replay import gms, instants
from gms_replay.gms import InstantClass, Path
from gms_replay.identities import is_mappable
from gms_replay.instants import SECOND_US
from gms_replay.spans import Sort, plain_text, spans
from gms_replay.timeslots import LocalTime, local_times

TOLERANCE_US = 5 * SECOND_US
"""By how much less or more an instant may have moved than what it is about."""
WIDEST_GRID_US = 120 * 60 * SECOND_US
"""The same of the calendar's, which keep to their grid."""

_UUID = r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
_WORD = re.compile(rf"\b{_UUID}\b|[0-9A-Za-z]+", re.ASCII)
_SHORTEST_TOKEN = 8
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
    """What stands for what. `moved`: whether an instant may have that shift. `may_be_id`: which words may be one.

    Where all values were weighed before, what most of them say; else what the first ones say.
    """

    def __init__(
        self,
        moved: Callable[[InstantClass, int], bool],
        identities: dict[str, str] | None = None,
        may_be_id: Callable[[str], bool] = lambda word: is_token(word, _SHORTEST_TOKEN),
    ) -> None:
        self._moved = moved
        self._may_be_id = may_be_id
        self._there: dict[str, str] = {} if identities is None else identities
        self._back: dict[str, str] = {}
        self._phrases: dict[str, str] = {}
        """Those identities that are no single words."""
        self._votes: Counter[tuple[str, str]] = Counter()

    def weigh(self, one: str, other: str, *, is_identity: bool = False) -> None:
        """Counts what would have to stand for what, if two values meant the same."""
        if is_identity:
            self._votes[one, other] += 1
            return
        was, now = _parts(one), _parts(other)
        if len(was) == len(now):
            self._votes.update(pair for pair in zip(was, now, strict=True) if self._may_stand(*pair))

    def settle(self) -> None:
        """From now on that stands for each other which was counted most often; of as many, itself for itself."""
        for (one, other), _ in sorted(self._votes.items(), key=lambda vote: (-vote[1], vote[0][0] != vote[0][1])):
            if one not in self._there and other not in self._back:
                self._stands(one, other)

    def same(self, one: str, other: str, *, is_slot: bool = False, is_identity: bool = False) -> bool:
        """Whether two values mean the same. `is_slot`: an instant there is one of the calendar's.

        `is_identity`: they are identities, whatever they look like.
        """
        if is_identity and one and other:
            return self._stands(one, other)
        was, now = instants.parse(one), instants.parse(other)
        if was and now and was[1].is_like(now[1]) and not (one == other and was[1].style in _LOOKS_LIKE_ANY_NUMBER):
            return self._moved(InstantClass.CALENDAR if is_slot else InstantClass.EVENT, now[0] - was[0])
        pairs = zip_longest(_parts(_masked(one, self._phrases)), _parts(_masked(other, self._phrases.values())))
        return all(part is not None and now is not None and self._same_part(part, now) for part, now in pairs)

    def _same_part(self, one: str, other: str) -> bool:
        was, now = instants.parse(one), instants.parse(other)
        if was and now and was[1].is_like(now[1]) and was[1].style not in _LOOKS_LIKE_ANY_NUMBER:
            return self._moved(InstantClass.EVENT, now[0] - was[0])
        if is_mappable(one) and one in self._there:
            return self._there[one] == other
        return self._stands(one, other) if self._may_stand(one, other) else one == other

    def _may_stand(self, one: str, other: str) -> bool:
        return len(one) == len(other) and self._may_be_id(one) and self._may_be_id(other)

    def _stands(self, one: str, other: str) -> bool:
        is_new = one not in self._there and other not in self._back
        if is_new and is_mappable(one) and is_mappable(other) and not (_WORD.fullmatch(one) and _WORD.fullmatch(other)):
            self._phrases[one] = other
        return self._there.setdefault(one, other) == other and self._back.setdefault(other, one) == one


def is_token(word: str, shortest: int) -> bool:
    """Whether a word is of letters and digits, and so long at least: numbers mean something, and so do names."""
    return len(word) >= shortest and not word.isdigit() and is_mappable(word)


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


def _masked(text: str, phrases: Iterable[str]) -> str:
    """A text with numbers in place of the phrases in it."""
    for number, phrase in sorted(enumerate(phrases), key=lambda one: -len(one[1])):
        if phrase in text:
            text = re.sub(rf"(?<![0-9A-Za-z]){re.escape(phrase)}(?![0-9A-Za-z])", f"\0{number}\0", text)
    return text


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
