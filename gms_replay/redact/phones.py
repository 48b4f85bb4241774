"""Phone numbers that are known, found however people write them.

Strategy: a number counts by its national digits. Of the digits of a text, groups with little between them belong
together; where a group ends, the digits before it, as many as numbers that are known have, are looked up. What stands
before them (`+`, `00`, a country's code, a trunk `0`) stays, and so does all that stands between them. So what it costs
does not grow with how many are known.
"""

import re
from collections import deque
from collections.abc import Iterator

SHORTEST = 7
"""In national digits: what is shorter may be anything."""
_LONGEST = 17
_MAY_BE = re.compile(r"[0-9](?:[^0-9A-Za-z]{0,4}[0-9]){6}")
_GROUP = re.compile(r"[0-9]+")
_BETWEEN = re.compile(r"[\s().\-/\u2010-\u2015]{1,4}")
_BEFORE = re.compile(r"0?|(?:00|011)?[1-9][0-9]{0,2}0?")
"""In the group that a number begins in: a trunk prefix, or how its country is reached."""
_ESCAPE = re.compile(r"(?:\\[bfnrt]|\\u[0-9A-Fa-f]{4}|%[0-9A-Fa-f]{2})$")
_LONGEST_ESCAPE = 6


class Phones:
    """Numbers by their national digits, each with those of its stand-in."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        self._lengths: list[int] = []
        """The longest first."""

    def add(self, national: str, told: str) -> None:
        """A number, and what stands for it, of as many digits; nothing happens where it is too short."""
        if SHORTEST <= len(national) <= _LONGEST and len(told) == len(national):
            self.told[national] = told
            if len(national) not in self._lengths:
                self._lengths = sorted([*self._lengths, len(national)], reverse=True)

    def may_be_in(self, text: bytes) -> bool:
        """Whether any is in a text of ASCII's characters."""
        return bool(self.told) and next(self._find(text.decode("latin-1")), None) is not None

    def replaced(self, text: str) -> str:
        """The text with the digits of stand-ins."""
        if not self.told:
            return text
        letters: list[str] | None = None
        for places, told in self._find(text):
            letters = letters or list(text)
            for place, digit in zip(places, told, strict=True):
                letters[place] = digit
        return "".join(letters) if letters else text

    def _find(self, text: str) -> Iterator[tuple[list[int], str]]:
        """Where the national digits of each stand, and those of its stand-in."""
        if not _MAY_BE.search(text):
            return
        # Of the last groups the places of their digits, and, for each, where its group begins.
        places: deque[tuple[int, int]] = deque(maxlen=_LONGEST)
        last = 0
        for group in _GROUP.finditer(text):
            start, end = group.span()
            if not _BETWEEN.fullmatch(text, last, start):
                places.clear()
            places.extend((place, start) for place in range(max(start, end - _LONGEST), end))
            last = end
            if not text[end : end + 1].isalnum() and (found := self._ends_here(text, list(places))):
                yield found
                places.clear()

    def _ends_here(self, text: str, places: list[tuple[int, int]]) -> tuple[list[int], str] | None:
        digits = "".join(text[place] for place, _ in places)
        for length in self._lengths:
            told = self.told.get(digits[-length:]) if length <= len(digits) else None
            if told is None:
                continue
            place, start = places[-length]
            if _BEFORE.fullmatch(text, start, place) and _is_free(text, start):
                return [place for place, _ in places[-length:]], told
        return None


def _is_free(text: str, start: int) -> bool:
    """Whether no letter stands before a place, but for one of an escape."""
    if not text[start - 1 : start].isalnum():
        return True
    return _ESCAPE.search(text[max(0, start - _LONGEST_ESCAPE) : start]) is not None
