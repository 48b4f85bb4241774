"""What is secret in a text, and the text with stand-ins: bodies, targets, headers, and whatever people read.

Strategy: what is private by its place (`privacy`) is replaced there, and remembered (`memory`), so that it is known
wherever else it stands; addresses, phone numbers and numbers of cards are known by their looks. First all of an
exchange's request, or of its answer, is looked through (`learn…`), then it is told. Instants, ids that GMS gave and the
words of the protocols stay as they are.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import quote

from gms_replay import instants, leaks, marks, places, privacy
from gms_replay.gms import Path
from gms_replay.leaks import Leak
from gms_replay.leaves import Leaf, encoded, form_writer, from_form, is_binary, is_json, json_in_query
from gms_replay.leaves import decoded as text_of
from gms_replay.privacy import Kind, Part
from gms_replay.redact import looks, memory, typed
from gms_replay.redact.standins import is_instant
from gms_replay.redact.values import Values
from gms_replay.rules import Rules
from gms_replay.spans import DEEPEST_STRING, Sort

_URL = re.compile(r"[A-Za-z][\w+.-]*://\S+")
_COUNT = re.compile(r"\s*-?\d+(?:\.\d+)?\s*", re.ASCII)
_SHORTEST_ID = 8
_NOTICE = "Notice."
_DEEPEST_PAIR = 2 * DEEPEST_STRING
"""A URL in the query of a URL, which may stand in such a string."""

_OPENS_IN_STRING = re.compile(rb'"(?:\s|\\[bfnrt])*[{\[]')
_TOLD_ID = re.compile(rb'"(?:_id|clientId|chatSessionId|chatId|alias|userId|participantId)"\s*:\s*"([^"\\]{1,128})"')
_RAW_HINTS = (
    b"@", b"%40", b"+", b"%2B", b"%2b", b"/3/device/", b";", b"\\u00", b"\\u20",
    b"eyJ", b"earer ", b"EARER ", b"asic ", b"ASIC ",
)  # fmt: skip
_RAW_CARD = re.compile(rb"\d[ -]?\d[ -]?\d[ -]?\d(?:[ -]?\d){9}")
_MOST_KEYS = 4096
_SHORT = 32
"""In characters: what is no longer are keys and words of the vocabulary, mostly, which come again and again."""
_LARGEST_KEPT = 1 << 20


class _Piece(NamedTuple):
    start: int
    end: int
    told: str


class Texts:
    """Texts by one key, one after the other, for what was found in one is known in the next.

    `typed`: whether what people type is replaced, too. `keeps_stand_ins`: whether what looks like a stand-in stays.
    """

    def __init__(self, key: bytes, *, typed: bool, rules: Rules, keeps_stand_ins: bool = False) -> None:
        self.values = Values(key, rules.region, keeps_stand_ins=keeps_stand_ins)
        self._typed = typed
        self._rules = rules
        self.memory = self.values.memory
        self._keys: dict[str, bool] = {}
        self._looked_at: tuple[bytes, int] | None = None
        self._is_empty = False
        self._read_last: tuple[bytes, str] | None = None
        self._last: list[Leaf] = []
        self._short: dict[tuple[str, bool], str] = {}
        self._short_of = 0, keeps_stand_ins

    # Looking through.

    def learn(self, text: bytes, content_type: str, *, is_told: bool) -> None:
        """Remember what is secret in a body or message. `is_told`: by GMS."""
        if is_told and (b'_id"' in text or b'Id"' in text or b'alias"' in text):
            for found in _TOLD_ID.findall(text):
                if _is_particular(value := text_of(found)):
                    self.memory.keep(value)
        if not self.holds_nothing(text):
            self._learn_leaves((), text, content_type, 0)

    def learn_target(self, target: str) -> None:
        """Remember what is secret in a request's target, path and query."""
        path, mark, query = target.partition("?")
        if said := json_in_query(query):
            self._learn_value((), said, 0)
        for name, start, end in privacy.pairs(target, len(path) + 1) if mark else ():
            self._learn_value((name,), from_form(target[start:end]), 1)
        self.learn_words(_bare(target, path, query))

    def learn_header(self, name: str, value: str) -> None:
        """Remember what is secret in a header."""
        parts = places.in_header(name, value, self._rules)
        for part in parts:
            self.values.remember(value[part.start : part.end], part.kind)
        if not parts:
            self._learn_value((), value, 0)

    def learn_words(self, text: str, depth: int = 0) -> None:
        """Remember what is secret in a text in which nothing has its place."""
        if not looks.may_be_in(text):
            return
        for part in looks.parts(text):
            value = text[part.start : part.end]
            # A word before a host may be one in the host's name.
            if part.kind is not Kind.USER or memory.is_particular(value, part.kind):
                self.values.remember(value, part.kind)
        for name, start, end in looks.pairs(text) if depth < _DEEPEST_PAIR else ():
            self._learn_value((name,), from_form(text[start:end]), depth + 1)

    def _learn_leaves(self, above: Path, text: bytes, content_type: str, depth: int) -> None:
        for leaf in self._leaves(text, content_type, depth):
            if self._is_opaque(above + leaf.path, leaf):
                continue
            if _is_prose(above + leaf.path, leaf, depth):
                # Of a page, or its script, only names say what is secret.
                for leak in leaks.in_prose(leaf.value, self._rules):
                    self.values.remember(leak.value, leak.kind)
            if leaf.sort is Sort.KEY:
                self.learn_words(leaf.value)
            elif leaf.sort is Sort.NUMBER:
                self._learn_number(above + leaf.path, leaf.value)
            else:
                self._learn_value(above + leaf.path, leaf.value, depth)

    def _leaves(self, text: bytes, content_type: str, depth: int) -> list[Leaf]:
        """The values of a text; what is learned from is told next, so the last ones are kept."""
        if depth or len(text) > _LARGEST_KEPT:
            return leaks.fields(text, content_type, self._rules)
        if self._read_last != (text, content_type):
            self._read_last = text, content_type
            self._last = leaks.fields(text, content_type, self._rules)
        return self._last

    def _learn_number(self, path: Path, value: str) -> None:
        if kind := leaks.kind_of(path, self._rules):
            self.values.remember("".join(value[place] for place in marks.significant(value)), kind)
        elif not self._is_public(path, value):
            self.learn_words(value)

    def _learn_value(self, path: Path, value: str, depth: int) -> None:
        if depth < DEEPEST_STRING and is_json(value):
            self._learn_leaves(path, encoded(value), "", depth + 1)
            return
        if kind := leaks.kind_of(path, self._rules):
            self.values.remember(value, kind)
        elif not self._is_public(path, value):
            self.learn_words(value, depth)

    def _is_public(self, path: Path, value: str) -> bool:
        """Whether nothing in a value is secret but what is known, as it is an id or a word of a protocol."""
        return places.is_public(path, self._rules) and not _names_somebody(value)

    def _is_instant(self, path: Path, value: str) -> bool:
        """Whether a value is an instant or a duration, where one is to stand: there no number is a secret."""
        return places.is_time(path, self._rules) and (_COUNT.fullmatch(value) or instants.parse(value)) is not None

    # Telling.

    def holds_nothing(self, text: bytes) -> bool:
        """Whether a text is sure to hold no secret: a quick look, for most of what passes holds none."""
        if self._looked_at != (text, self.memory.version):
            self._looked_at = text, self.memory.version
            self._is_empty = self._look(text)
        return self._is_empty

    def _look(self, text: bytes) -> bool:
        if text[:1] not in (b"{", b"[") or not text.isascii() or any(hint in text for hint in _RAW_HINTS):
            return False
        if b"=" in text or _RAW_CARD.search(text):
            return False
        names = _names(text)
        return names is not None and not any(map(self._may_matter, names)) and not self.memory.may_be_in(text)

    def told(self, text: bytes, content_type: str, *, is_told: bool) -> bytes:
        """A body or message with stand-ins for what is secret; itself where there is nothing."""
        return text if self.holds_nothing(text) else self._told_leaves((), text, content_type, is_told, 0)

    def target(self, target: str) -> str:
        """The same of a request's target."""
        path, mark, query = target.partition("?")
        pieces = list(self._in_query(target, len(path) + 1, len(target))) if mark else []
        said = json_in_query(query)
        if said and (told := self._value((), said, is_told=False)) != said:
            safe = "".join(set(query) - {"%"})
            pieces = [_Piece(len(path) + 1, len(target), told if said == query else quote(encoded(told), safe=safe))]
        pieces += self._by_looks(_bare(target, path, query))
        return self._joined(target, pieces, is_shown=False)

    def header(self, name: str, value: str) -> str:
        """The same of a header's value."""
        parts = places.in_header(name, value, self._rules)
        if parts:
            return self._joined(value, [self._replaced(value, part) for part in parts], is_shown=False)
        return self._value((), value, is_told=False)

    def channel(self, channel: str) -> str:
        """The same of a Bayeux message's channel."""
        return self._value(("channel",), channel, is_told=False)

    def words(self, text: str, *, is_shown: bool = False, depth: int = 0) -> str:
        """The same of a text in which nothing has its place. `is_shown`: people read it. `depth`: texts around it."""
        if depth or len(text) > _SHORT:
            return self._words(text, is_shown, depth)
        known = self.memory.version, self.values.keeps_stand_ins
        if self._short_of != known or len(self._short) > _MOST_KEYS:
            self._short.clear()
            self._short_of = known
        told = self._short.get((text, is_shown))
        if told is None:
            told = self._short[text, is_shown] = self._words(text, is_shown, 0)
        return told

    def _words(self, text: str, is_shown: bool, depth: int) -> str:
        return self._joined(text, list(self._by_looks(text, depth)), is_shown=is_shown)

    def token(self, token: bytes) -> bytes:
        """What stands for a device's token that is no text."""
        return token if not token or self.values.is_done(token.hex()) else self.values.stand_ins.raw(token)

    def learn_token(self, token: bytes) -> None:
        """Remember such a token, as it stands elsewhere: in hex."""
        self.values.remember(token.hex(), Kind.DEVICE)

    def _told_leaves(self, above: Path, text: bytes, content_type: str, is_told: bool, depth: int) -> bytes:
        pieces, at = [], 0
        line = ""
        for leaf in self._leaves(text, content_type, depth):
            if leaf.path[-3:-2] == ("transcriptToShow",) and leaf.path[-1] == 0:
                line = leaf.value
            # What happened in a chat nobody typed, though it stands where that does.
            is_notice = line.startswith(_NOTICE) and leaf.path[-1:] == (2,)
            told = self._leaf(above + leaf.path, leaf, is_told, depth, types=not is_notice)
            if told != leaf.value:
                pieces += [text[at : leaf.start], leaf.write(told)]
                at = leaf.end
        return b"".join([*pieces, text[at:]]) if pieces else text

    def _is_opaque(self, path: Path, leaf: Leaf) -> bool:
        """Whether nothing in a value is secret but what is known, as nobody reads it."""
        return is_binary(leaf) and leaks.kind_of(path, self._rules) is None

    def _leaf(self, path: Path, leaf: Leaf, is_told: bool, depth: int, *, types: bool) -> str:
        if self._is_opaque(path, leaf):
            return self.memory.replaced(leaf.value, is_shown=False)
        if _is_prose(path, leaf, depth):
            return self._prose(leaf.value)
        if leaf.sort is Sort.STRING:
            return self._value(path, leaf.value, is_told=is_told, depth=depth, types=types)
        if leaf.sort is Sort.NUMBER:
            return self._number(path, leaf.value)
        if leaf.sort is Sort.WORD and (kind := leaks.kind_of(path, self._rules)):
            return self.values.told(leaf.value, kind)
        return self.words(leaf.value)

    def _number(self, path: Path, value: str) -> str:
        # All else of it stays, or it would be no number any more.
        at = marks.significant(value)
        digits = "".join(value[place] for place in at)
        if leaks.kind_of(path, self._rules):
            told = self.values.told(digits, Kind.CODE)
        elif places.is_time(path, self._rules):
            return value
        elif not self._is_public(path, value) and (shown := self.words(value)) != value:
            told = "".join(shown[place] for place in at)
        else:
            told = self.memory.replaced(digits, is_shown=False)
        if told.startswith("0"):
            # A phone number's digits may begin so, and no number in JSON does.
            told = self.values.stand_ins.of(digits)
        return _with_digits(value, at, told)

    def _value(self, path: Path, value: str, *, is_told: bool, depth: int = 0, types: bool = True) -> str:
        """`types`: whether it may be what somebody typed."""
        if depth < DEEPEST_STRING and is_json(value):
            inside = encoded(value)
            told = self._told_leaves(path, inside, "", is_told, depth + 1)
            return value if told == inside else text_of(told)
        kind = self._rules.private_kind(path, is_told=is_told)
        if kind is Kind.TEXT and self._typed and types and not _URL.fullmatch(value.strip()) and not is_instant(value):
            return self._typed_text(value)
        if kind is not None and kind is not Kind.TEXT:
            return self.values.told(value, kind)
        if self._is_instant(path, value):
            return value
        if self._is_public(path, value):
            # Equal values get equal stand-ins, and what is secret elsewhere may be an id here.
            return self.memory.replaced(value, is_shown=False)
        return self.words(value, is_shown=privacy.is_shown(path), depth=depth)

    def _prose(self, text: str) -> str:
        """A page, a script or lines: only names say what is secret there, also what is too short to be known again."""
        named = (self._behind_name(text, leak) for leak in leaks.in_prose(text, self._rules))
        return self._joined(text, [*named, *self._by_looks(text)], is_shown=False)

    def _behind_name(self, text: str, leak: Leak) -> _Piece:
        if "\\" in text[leak.start : leak.end]:
            return _Piece(leak.start, leak.end, leak.write(self.values.told(leak.value, leak.kind)))
        return self._replaced(text, Part(leak.start, leak.end, leak.kind))

    def _typed_text(self, value: str) -> str:
        return typed.told(value, self.values.stand_ins, known=self.memory.known, is_done=self.values.is_done)

    def _replaced(self, text: str, part: Part) -> _Piece:
        return _Piece(part.start, part.end, self.values.told(text[part.start : part.end], part.kind))

    def _by_looks(self, text: str, depth: int = 0) -> Iterator[_Piece]:
        """What is secret in a text in which nothing has its place."""
        if not looks.may_be_in(text):
            return
        for part in looks.parts(text):
            yield self._replaced(text, part)
        for name, start, end in looks.pairs(text) if depth < _DEEPEST_PAIR else ():
            yield from self._in_pair(text, name, start, end, depth)

    def _in_query(self, text: str, start: int, end: int) -> Iterator[_Piece]:
        for name, begins, ends in privacy.pairs(text[:end], start):
            yield from self._in_pair(text, name, begins, ends, 0)

    def _in_pair(self, text: str, name: str, start: int, end: int, depth: int) -> Iterator[_Piece]:
        raw = text[start:end]
        value = from_form(raw)
        told = self._value((name,), value, is_told=False, depth=depth + 1)
        if told != value:
            yield _Piece(start, end, form_writer(raw)(told))
        elif self._is_instant((name,), value):
            yield _Piece(start, end, raw)

    def _joined(self, text: str, pieces: list[_Piece], *, is_shown: bool) -> str:
        """A text with its pieces told, of several at one place the longest; between them what is known is replaced."""
        told: list[str] = []
        at = 0
        for piece in sorted(pieces, key=lambda piece: (piece.start, -piece.end)):
            if piece.start >= at:
                told += [self.memory.replaced(text[at : piece.start], is_shown=is_shown), piece.told]
                at = piece.end
        told.append(self.memory.replaced(text[at:], is_shown=is_shown))
        return "".join(told)

    def _may_matter(self, name: str) -> bool:
        """Whether what stands behind a name may be private; names are few."""
        found = self._keys.get(name)
        if found is None:
            if len(self._keys) > _MOST_KEYS:
                self._keys.clear()
            fields = {field.rpartition(".")[2] for field in self._rules.redacted}
            # `order.ticketNo` and `order[ticketNo]` may be one key.
            last = name.rstrip("]").replace("[", ".").rpartition(".")[2]
            found = self._keys[name] = privacy.may_matter(name) or last in fields
        return found


def _names(text: bytes) -> set[str] | None:
    """The names in JSON; None where it is not well-formed, or where some in its strings may hold others."""
    if _OPENS_IN_STRING.search(text):
        return None
    found: set[str] = set()
    try:
        json.loads(text, object_pairs_hook=lambda pairs: found.update(name for name, _ in pairs))
    except (ValueError, RecursionError):
        return None
    return found


def _is_prose(path: Path, leaf: Leaf, depth: int) -> bool:
    """Whether a value has no name, and is no JSON either: a text, a part of multipart, a string by itself."""
    if leaf.sort is Sort.STRING and not path:
        return depth >= DEEPEST_STRING or not is_json(leaf.value)
    return leaf.sort is Sort.TEXT


def _with_digits(value: str, at: list[int], digits: str) -> str:
    """A text with other digits at its places."""
    told = list(value)
    for place, digit in zip(at, digits, strict=True):
        told[place] = digit
    return "".join(told)


def _bare(target: str, path: str, query: str) -> str:
    """What of a target has no names: a query need not be pairs."""
    return path if "=" in query else target


def _is_particular(value: str) -> bool:
    """Whether an id is none that may be somebody's name, number or code as well."""
    return len(value) >= _SHORTEST_ID and any(map(str.isdigit, value)) and not _names_somebody(value)


def _names_somebody(value: str) -> bool:
    """Whether an id or a channel says who somebody is; one that looks like a card's number is an id all the same."""
    if not looks.may_be_in(value):
        return False
    return any(part.kind is not Kind.CREDENTIAL for part in privacy.looks(value)) or any(leaks.tokens(value))
