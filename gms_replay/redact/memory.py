"""What was found to be secret in a recording, to be known again wherever else it stands.

Strategy: a value that is long and has a digit, or an address, is known everywhere; a word is known only where people
read, for elsewhere it may be anything's name. Memory is bounded by two generations: where the newer one is full it
becomes the older, which is forgotten. Whatever still comes is learned again meanwhile, so what is in use stays.
"""

import re

from gms_replay import marks
from gms_replay.occurrences import Finder
from gms_replay.privacy import Kind
from gms_replay.redact.phones import Phones

_MOST = 10_000
"""Values in a generation; with all the ways in which they may be written, some 10 MB."""
_LONGEST = 4096
"""In characters: what is longer is replaced where it is found, but not remembered."""
_SHORTEST_ANYWHERE = 8
_SHORTEST_PLAIN = 16
_SHORTEST_WORD = 3
_SHORTEST_FOREIGN = 2
"""Of letters that are not ASCII's two are a name already."""
_RUN = re.compile(rb"[0-9A-Za-z]+")
_ESCAPE = re.compile(rb"\\[bfnrtu]|%[0-9A-Fa-f]{2}")
_WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


class Memory:
    """Secrets with their stand-ins, and ids that are none though they may stand where secrets do."""

    def __init__(self, most: int = _MOST) -> None:
        self._most = most
        self._newer, self._older = _Generation(), _Generation()
        self.version = 0
        """Grows with all that is learned: what was looked through before has to be looked through again."""

    def learn(self, value: str, told: str, kind: Kind) -> None:
        """A secret that was found at a place of its kind, and what stands for it."""
        if len(value) > _LONGEST or value == told:
            return
        if is_particular(value, kind):
            self._add(value, told, is_anywhere=True)
        if len(value) >= _SHORTEST_WORD:
            self._add(value, told, is_anywhere=False)
        if kind in (Kind.NAME, Kind.USER) and "@" not in value:
            self._learn_words(value, told)

    def learn_phone(self, national: str, told: str) -> None:
        """The national digits of a phone number, and of what stands for it: so it is known in each notation."""
        if national == told or national in self._newer.phones.told:
            return
        self._newer.phones.add(national, self._older.phones.told.get(national, told))
        self.version += national in self._newer.phones.told

    def keep(self, value: str) -> None:
        """An id that GMS gave: no secret, wherever it stands."""
        if value not in self._newer.kept:
            self._newer.kept[value] = None
            self._grown()

    def is_kept(self, value: str) -> bool:
        return value in self._newer.kept or value in self._older.kept

    def known(self, value: str) -> str | None:
        """What stands for a value that was learned; None for any other."""
        found = self._newer.told.get(value)
        return self._older.told.get(value) if found is None else found

    def replaced(self, text: str, *, is_shown: bool) -> str:
        """A text without what was learned; `is_shown`: people read it, so words count, too."""
        for each in (self._newer, self._older):
            if not (each.told or each.phones.told):
                continue
            text = each.replaced(text, is_shown=is_shown)
        return text

    def may_be_in(self, text: bytes) -> bool:
        """Whether a text may hold anything that was learned; a quick look, which finds too much."""
        generations = [each for each in (self._newer, self._older) if each.told or each.phones.told]
        if not generations:
            return False
        if _ESCAPE.search(text) or (any(each.foreign for each in generations) and not text.isascii()):
            return True
        runs = set(_RUN.findall(text))
        return any(not each.runs.isdisjoint(runs) or each.phones.may_be_in(text) for each in generations)

    def _learn_words(self, value: str, told: str) -> None:
        # A stand-in has its value's shape, so what is a word in one is a word in the other.
        for found in _WORD.finditer(value):
            word, other = found[0], told[found.start() : found.end()]
            shortest = _SHORTEST_WORD if word.isascii() else _SHORTEST_FOREIGN
            if len(word) >= shortest and not word.isdigit():
                for write in (str, str.lower, str.upper, str.capitalize):
                    self._add(write(word), write(other), is_anywhere=False)

    def _add(self, value: str, told: str, *, is_anywhere: bool) -> None:
        finders = [self._newer.shown, *([self._newer.anywhere] if is_anywhere else ())]
        if all(value in finder for finder in finders):
            return
        # What stands for it stands for it from then on.
        self._newer.told[value] = self.known(value) or told
        for finder in finders:
            self._newer.runs |= finder.add(value)
        if not any(one.isascii() and one.isalnum() for one in value):
            self._newer.add_foreign(value)
        self.version += 1
        self._grown()

    def _grown(self) -> None:
        if len(self._newer.told) + len(self._newer.kept) > self._most:
            self._newer, self._older = _Generation(), self._newer
            self.version += 1


class _Generation:
    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self.kept: dict[str, None] = {}
        self.anywhere, self.shown = Finder(()), Finder(())
        self.phones = Phones()
        self.runs: set[bytes] = set()
        """With what each value begins."""
        self.foreign: list[str] = []
        """Those in which no run of letters and digits is ASCII's."""
        self._pattern: re.Pattern[str] | None = None

    def replaced(self, text: str, *, is_shown: bool) -> str:
        finder = self.shown if is_shown else self.anywhere
        text = finder.replaced(text, self.told.__getitem__)
        if is_shown and self.foreign and not text.isascii():
            text = self._all_foreign().sub(lambda found: self.told[found[0]], text)
        return self.phones.replaced(text)

    def add_foreign(self, value: str) -> None:
        self.foreign.append(value)
        self._pattern = None

    def _all_foreign(self) -> re.Pattern[str]:
        if self._pattern is None:
            self._pattern = re.compile("|".join(map(re.escape, sorted(self.foreign, key=len, reverse=True))))
        return self._pattern


def is_particular(value: str, kind: Kind) -> bool:
    """Whether a value is long and odd enough to be no word of anybody's vocabulary."""
    if "@" in value and "." in value:
        return True
    if len(value) >= _SHORTEST_ANYWHERE and any(one.isdigit() for one in value) and len(marks.words(value)) == 1:
        return True
    return len(value) >= _SHORTEST_PLAIN and kind in (Kind.CREDENTIAL, Kind.DEVICE, Kind.BASIC)
