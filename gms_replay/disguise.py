"""What stands for what where secrets were replaced: in one of two recordings, or in both, with a key for each.

Strategy: where something private stands (`privacy`), whatever one recording has there stands for what the other has,
one to one, as identities do. What most places decide then holds in texts, too, wherever it stands whole, and so do the
words of a name. What is private by its looks, or in a URL, has its own place in a text. Nothing else is let off.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from typing import NamedTuple
from urllib.parse import unquote_plus

from gms_replay import marks, privacy
from gms_replay.gms import Path
from gms_replay.model import Recording, Redaction
from gms_replay.occurrences import Finder
from gms_replay.privacy import Kind, Part
from gms_replay.rules import Rules

_SHAPED = frozenset({Kind.NAME, Kind.CODE, Kind.TEXT})
"""Whose stand-ins are as long as they are, with the same between their letters and digits. (An address is none.)"""
_LETTER = re.compile(r"[^\W_]")
_QUERY = re.compile(r"(?:^|(?<=[?&#]))[^\s\"'<>?&=]+=[^\s\"'<>&#]*")
_BLANK = "private"


@dataclass(frozen=True, slots=True)
class Hidden:
    """What may have been replaced: what is private by the rules, and, if `typed`, what people type."""

    typed: bool = False
    rules: Rules = field(default_factory=Rules)

    def kind(self, path: Path, *, is_told: bool) -> Kind | None:
        """What sort of secret stands at a path of a body, or of a request's fields; None where all tell the same."""
        steps: list[str | int] = []
        for step in path:
            steps += step.split(".") if isinstance(step, str) else [step]
        kind = self.rules.private_kind(tuple(steps), is_told=is_told)
        return None if kind is Kind.TEXT and not self.typed else kind


def hidden_in(old: Recording, new: Recording, rules: Rules) -> Hidden | None:
    """What may have been replaced in either of two recordings; None where all is as it was."""
    return hidden_by({run.redaction for recording in (old, new) for run in recording.runs}, rules)


def hidden_by(modes: Set[Redaction], rules: Rules) -> Hidden | None:
    """What runs may have had replaced that say so of themselves; None where all is as it was."""
    if modes <= {Redaction.OFF}:
        return None
    return Hidden(Redaction.TYPED in modes, rules)


class Value(NamedTuple):
    """What stands somewhere. `is_told`: by GMS, not by the app."""

    path: Path
    text: str
    is_told: bool


class Disguise:
    """Of two recordings of a visit, or of one that was played. Until it is settled the first place decides."""

    def __init__(self, hidden: Hidden) -> None:
        self.hidden = hidden
        self._there: dict[str, str] = {}
        self._back: dict[str, str] = {}
        self._votes: Counter[tuple[str, str]] = Counter()
        self._finder: Finder | None = None
        self._blanks = Finder(())

    def look_at(self, values: Iterable[Value]) -> None:
        """Takes note of what is private in either recording, so that `blanked` leaves it out of texts."""
        found: set[str] = set()
        for path, text, is_told in values:
            if kind := self.hidden.kind(path, is_told=is_told):
                found.update((text, *(_words(text) if kind is Kind.NAME else ())))
        self._blanks = Finder(one for one in found if _LETTER.search(one))

    def blanked(self, path: Path, text: str, *, is_told: bool) -> str | None:
        """A value without what is private in it; None where all of it is."""
        if self.hidden.kind(path, is_told=is_told):
            return None
        bare = self._blanks.replaced(text, lambda _: _BLANK)
        return _replaced(bare, ((part, _BLANK) for part in _parts(bare)))

    def weigh(self, path: Path, one: str, other: str, *, is_told: bool) -> None:
        """Counts what would have to stand for what, if two values meant the same."""
        if kind := self.hidden.kind(path, is_told=is_told):
            self._votes.update(_pairs(one, other, kind))
            return
        was, now = _parts(one), _parts(other)
        if _kinds(was) == _kinds(now):
            self._votes.update((_of(one, was[at]), _of(other, now[at])) for at in range(len(was)))

    def settle(self) -> None:
        """From now on that stands for each other which was counted most often; of as many, itself for itself."""
        for (one, other), _ in sorted(self._votes.items(), key=lambda vote: (-vote[1], vote[0][0] != vote[0][1])):
            self._stands(one, other)

    def same(self, path: Path, one: str, other: str, *, is_told: bool) -> bool | None:
        """Whether two values are one by another name; None where nothing private stands there."""
        kind = self.hidden.kind(path, is_told=is_told)
        if kind is None:
            return None
        if one == other or not (one and other):
            return one == other
        if kind in _SHAPED and "@" not in one + other and _LETTER.sub("x", one) != _LETTER.sub("x", other):
            return False
        stands = self._stands(one, other)
        if stands and kind is Kind.NAME:
            for word, word_now in _pairs(one, other, kind):
                self._stands(word, word_now)
        return stands

    def as_there(self, one: str, other: str) -> str:
        """A text of the one recording with what stands for what is private in it, as the other has it in its place."""
        if self._finder is None:
            self._finder = Finder(one for value in self._there if _LETTER.search(value) for one in _ways(value))

        def in_its_place(way: str) -> str:
            # A name that is also a word of the vocabulary is left alone where it is that.
            now = self._cased(way)
            return now if now in other or now in unquote_plus(other) else way

        bare = self._finder.replaced(one, in_its_place)
        was, now = _parts(bare), _parts(other)
        if _kinds(was) != _kinds(now):
            return bare
        pairs = [(part, _of(bare, part), _of(other, part_now)) for part, part_now in zip(was, now, strict=True)]
        return _replaced(bare, ((part, text_now) for part, text, text_now in pairs if self._may_stand(text, text_now)))

    def _may_stand(self, one: str, other: str) -> bool:
        # What was replaced just now is no longer what it stood for.
        return one != other and one not in self._back and self._stands(one, other)

    def _cased(self, way: str) -> str:
        """What stands for a value, in the letter case that it is written in."""
        if (known := self._there.get(way)) is not None:
            return known
        value = next(value for value in self._there if way in _ways(value))
        at = _ways(value).index(way)
        return _ways(self._there[value])[at]

    def _stands(self, one: str, other: str) -> bool:
        if one not in self._there and other not in self._back:
            self._finder = None
        return self._there.setdefault(one, other) == other and self._back.setdefault(other, one) == one


def _ways(value: str) -> list[str]:
    """How a value may be written: a stand-in is the same for each letter case, and has that."""
    return [value, value.lower(), value.upper(), value.capitalize()]


def _pairs(one: str, other: str, kind: Kind) -> Iterator[tuple[str, str]]:
    """What stands for each other where two values do: they, and the words of a name."""
    if not (one and other):
        return
    yield one, other
    was, now = _words(one), _words(other)
    if kind is Kind.NAME and len(was) == len(now) > 1:
        yield from zip(was, now, strict=True)


def _words(name: str) -> list[str]:
    return [name[start:end] for start, end in marks.words(name)]


def _parts(text: str) -> list[Part]:
    """What is private in a text, wherever that stands: in its URLs, or by its looks."""
    found: list[Part] = [*privacy.userinfo(text)]
    for pair in _QUERY.finditer(text):
        name, _, value = pair[0].partition("=")
        kind = privacy.field((unquote_plus(name),))
        if value and kind not in (None, Kind.TEXT):
            found.append(Part(pair.end() - len(value), pair.end(), kind or Kind.CREDENTIAL))
    # What stands for a card's number need not be one.
    numbers = (part for part in privacy.long_numbers(text) if marks.is_marked(_of(text, part)))
    return privacy.apart([*found, *privacy.looks(text), *numbers])


def _kinds(parts: list[Part]) -> list[Kind]:
    return [part.kind for part in parts]


def _of(text: str, part: Part) -> str:
    return text[part.start : part.end]


def _replaced(text: str, parts: Iterable[tuple[Part, str]]) -> str:
    pieces, at = [], 0
    for part, other in parts:
        pieces += [text[at : part.start], other]
        at = part.end
    return "".join([*pieces, text[at:]])
