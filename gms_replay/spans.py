"""Where each value of a text stands, whether the text is well-formed or not.

Strategy: what GMS answers is not always JSON (trailing commas, line breaks inside strings), yet holds instants and URLs
that must change while every other byte stays. So nothing is parsed and written anew. One regular expression cuts the
text into tokens, a stack follows the brackets, and what comes out is (path, byte span) of every key and value. Any
bytes give some spans and none overlap; brackets that do not match are passed over.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from itertools import islice

from gms_replay.gms import Path

_TOKEN = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CLOSES = {b"}": "object", b"]": "array"}
_DEEPEST = 100
"""Deeper than any real body. Paths end here, so that the work for a value is bounded whatever an app sends."""
DEEPEST_STRING = 3
"""JSON in a string of JSON in a string: nobody nests deeper."""


class Sort(Enum):
    """What stands at a span."""

    KEY = auto()
    STRING = auto()
    NUMBER = auto()
    WORD = auto()
    TEXT = auto()
    OBJECT = auto()
    LIST = auto()


@dataclass(frozen=True, slots=True)
class Span:
    """A value at `text[start:end]`; of a string or key the part between its quotes, escapes untouched.

    A key's path ends with the key itself. TEXT is a whole body that is no JSON, its path is empty. OBJECT and LIST are
    brackets that open.
    """

    path: Path
    sort: Sort
    start: int
    end: int


@dataclass(slots=True)
class _Container:
    sort: str
    step: str | int | None
    expects_key: bool


def spans(text: bytes, *, brackets: bool = False) -> Iterator[Span]:
    """Every key and value of a body in order of place; a body that does not open like JSON is one TEXT.

    `brackets`: and where an object or a list opens, before what is in it.
    """
    opening = text.lstrip()[:1]
    if opening not in (b"{", b"["):
        if text:
            yield Span((), Sort.TEXT, 0, len(text))
        return
    stack: list[_Container] = []
    for token in _TOKEN.finditer(text):
        piece = token[0]
        if piece in (b"{", b"["):
            is_list = piece == b"["
            if brackets:
                yield Span(_path(stack), Sort.LIST if is_list else Sort.OBJECT, token.start(), token.end())
            stack.append(_Container("array", 0, expects_key=False) if is_list else _Container("object", None, True))
        elif piece in _CLOSES:
            _close(stack, _CLOSES[piece])
        elif piece == b",":
            _next(stack)
        elif piece != b":":
            yield _value(stack, piece, token.start())


def is_longer(text: bytes, tokens: int) -> bool:
    """Whether `spans` would look at more than so many tokens: strings, words, brackets, commas, colons."""
    is_json = text.lstrip()[:1] in (b"{", b"[")
    return is_json and next(islice(_TOKEN.finditer(text), tokens, None), None) is not None


def _value(stack: list[_Container], piece: bytes, at: int) -> Span:
    start, end = at, at + len(piece)
    sort = Sort.NUMBER if _NUMBER.fullmatch(piece) else Sort.WORD
    if piece.startswith(b'"'):
        start += 1
        end -= len(piece) > 1 and piece.endswith(b'"')
        sort = Sort.STRING
    inside = stack[-1] if stack else None
    if inside is not None and inside.expects_key:
        inside.step = plain_text(piece[start - at : end - at])
        inside.expects_key = False
        around = stack[: min(len(stack), _DEEPEST) - 1]
        return Span((*_path(around), inside.step), Sort.KEY, start, end)
    if inside is not None and inside.sort == "object":
        path = _path(stack)
        inside.expects_key = True
        return Span(path, sort, start, end)
    return Span(_path(stack), sort, start, end)


def _close(stack: list[_Container], sort: str) -> None:
    """Leaves the innermost container of that sort, with all that was left open inside it."""
    if all(container.sort != sort for container in stack[-_DEEPEST:]):
        return
    while stack.pop().sort != sort:
        pass
    if stack and stack[-1].sort == "object":
        stack[-1].expects_key = True


def _next(stack: list[_Container]) -> None:
    if not stack:
        return
    inside = stack[-1]
    if isinstance(inside.step, int):
        inside.step += 1
    else:
        inside.expects_key = True


def _path(stack: list[_Container]) -> Path:
    return tuple(container.step for container in stack[:_DEEPEST] if container.step is not None)


@dataclass(frozen=True, slots=True)
class Extent:
    """An object or array at `text[start:end]`, brackets included, and where its members or elements stand in it."""

    start: int
    end: int
    inside: tuple[tuple[int, int], ...]


def extent(text: bytes, key: Span) -> Extent | None:
    """The object or array that stands behind a key; None where something else does, or where it does not end."""
    depth = start = first = last = 0
    inside: list[tuple[int, int]] = []
    for token in _TOKEN.finditer(text, key.end + 1):
        piece = token[0]
        if not depth:
            if piece == b":":
                continue
            if piece not in (b"{", b"["):
                return None
            depth, start = 1, token.start()
            continue
        ends = piece in _CLOSES
        if depth == 1 and first and (ends or piece == b","):
            inside.append((first, last))
            first = 0
        depth += (piece in (b"{", b"[")) - ends
        if not depth:
            return Extent(start, token.end(), tuple(inside))
        if not (depth == 1 and piece == b","):
            first, last = first or token.start(), token.end()
    return None


def texts(text: bytes) -> dict[Path, str]:
    """What stands at each path of a text, keys aside."""
    return {span.path: plain_text(text[span.start : span.end]) for span in spans(text) if span.sort is not Sort.KEY}


def leaves(text: bytes, found: Iterable[Span], depth: int = 0) -> Iterator[tuple[Path, str]]:
    """What stands at the paths of a text, keys aside, and of JSON in its strings."""
    for span in found:
        if span.sort is Sort.KEY:
            continue
        value = plain_text(text[span.start : span.end])
        if span.sort is Sort.TEXT:
            value = value.strip()
        yield span.path, value
        if span.sort is Sort.STRING and value.lstrip()[:1] in ("{", "[") and depth < DEEPEST_STRING:
            inside = value.encode("utf-8", "backslashreplace")
            for path, one in leaves(inside, spans(inside), depth + 1):
                yield span.path + path, one


def plain_text(raw: bytes, errors: str = "replace") -> str:
    """The text between a JSON string's quotes, escapes undone where they are right, kept where they are not.

    `errors`: what becomes of bytes that are no UTF-8, as `bytes.decode` has it.
    """
    text = raw.decode("utf-8", errors)
    if "\\" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text
