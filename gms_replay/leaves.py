"""The values of a body, whatever clothes it comes in: where each stands, what it says, and how to write another there.

Strategy: a body is never parsed and dumped. What stands in JSON (well-formed or not), in the call of a script, in a
form, in multipart, or in a JSON string is found by its place in the bytes, so all else stays as it was.
"""

import codecs
import json
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple
from urllib.parse import quote, quote_plus, unquote, unquote_plus

from gms_replay import privacy
from gms_replay.gms import Path
from gms_replay.occurrences import in_json
from gms_replay.spans import Sort, Span, plain_text, spans

_CALL = re.compile(
    rb"\s*(?:/\*[^*]*\*/\s*)?(?:typeof\s+[\w.$\-]+\s*===?\s*['\"]function['\"]\s*&&\s*)?[\w.$\-]+\s*\(\s*(?=[\[{\"])"
)
"""Some frameworks call only what is there to be called."""
_SCRIPT = re.compile(r"(?i)json|javascript")
_BEFORE_JSON = re.compile(rb"[^\[{\"<]{1,512}(?=[\[{])")
"""A mark of the byte order, a comment, or what keeps other sites' scripts from reading it."""
_PART = re.compile(rb"\r?\n\r?\n")
_LONGEST_HEAD = 8192
"""Of a part: some hundreds are usual."""
_DISPOSITION = re.compile(rb"(?im)^content-disposition:[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*")
_PART_NAME = re.compile(rb'(?i)\bname="?([^";\r\n]*)')
_FILE_NAME = re.compile(rb"(?i)\bfilename\*?=")
_BOUNDARY = re.compile(r'(?i)boundary="?([^";,]+)')
_PLAIN_FORM = re.compile(rb"[^\s<>{}\[\]\"=]*=[^\n<>{}\[\]\"]*")
_OPENS_JSON = re.compile(r"\s*(?:\{\s*\"|\[\s*\{)")
_SAYS_SOMETHING = re.compile(rb"[0-9A-Za-z]{6}|@")
"""What stands between values, and is no mere punctuation."""
_ESCAPED_SLASH = rb"\/"
_ESCAPED_LETTER = re.compile(rb"\\u[0-9A-Fa-f]{4}")

_UNSAID = re.compile(r"[\x00-\x08\x0b\x0e-\x1f]")
"""No text has them, in whichever coding but UTF-16."""

_BARE = frozenset({Sort.KEY, Sort.NUMBER, Sort.WORD})


class Leaf(NamedTuple):
    """A value at `text[start:end]` that says `value`. `write` writes another one there."""

    path: Path
    sort: Sort
    start: int
    end: int
    value: str
    write: Callable[[str], bytes]


class Part(NamedTuple):
    """A part of a multipart body: its name, if it has one, and its payload at `text[start:end]`."""

    name: bytes | None
    is_file: bool
    start: int
    end: int


def leaves(text: bytes, content_type: str = "") -> Iterator[Leaf]:
    """Every value of a body, in order; keys of JSON, too. What is in none of the clothes that we know is text.

    So is what stands between values and is no punctuation: nobody knows what it says.
    """
    at = 0
    for leaf in _in_clothes(text, content_type):
        if _SAYS_SOMETHING.search(text, at, leaf.start):
            yield _as_text(text, at, leaf.start)
        yield leaf
        at = leaf.end
    if _SAYS_SOMETHING.search(text, at) or (text and not at):
        yield _as_text(text, at, len(text))


def is_binary(leaf: Leaf) -> bool:
    """Whether a body, or a part of one, is no text: an image, a recording; what looks like something in it is none."""
    return leaf.write is encoded and leaf.sort in (Sort.TEXT, Sort.STRING) and _UNSAID.search(leaf.value) is not None


def _as_text(text: bytes, start: int, end: int) -> Leaf:
    return Leaf((), Sort.TEXT, start, end, decoded(text[start:end]), encoded)


def _in_clothes(text: bytes, content_type: str) -> Iterator[Leaf]:
    opening = text.lstrip()[:1]
    if opening in (b"{", b"["):
        yield from _in_json(text, 0)
    elif opening == b'"':
        yield from _from(text, len(text) - len(text.lstrip()))
    elif before := _CALL.match(text) or (_BEFORE_JSON.match(text) if _may_be_json(text, content_type) else None):
        yield from _from(text, before.end())
    elif (line := delimiter(content_type)) is not None:
        for part in parts(text, line):
            yield from _in_part(text, part)
    elif _is_form(text, content_type):
        yield from _in_form(text)


def _may_be_json(text: bytes, content_type: str) -> bool:
    return text.startswith(codecs.BOM_UTF8) or _SCRIPT.search(content_type) is not None


def _from(text: bytes, at: int) -> Iterator[Leaf]:
    """The values of the JSON that begins at a place; of a string there, the string."""
    if text[at : at + 1] == b'"':
        yield string(text, (), at + 1, max(text.rfind(b'"'), at + 1))
    else:
        yield from _in_json(text, at)


def decoded(text: bytes) -> str:
    """Any bytes as a text, from which `encoded` makes the same bytes."""
    return text.decode("utf-8", "surrogateescape")


def encoded(text: str) -> bytes:
    """The bytes of a text; half a surrogate pair, which JSON may escape and no bytes have, is an escape again."""
    try:
        return text.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return text.encode("utf-8", "backslashreplace")


def form_writer(raw: str) -> Callable[[str], str]:
    """Writes a value as one is written in a form or query: what that leaves as it is stays as it is."""
    bare = "".join({one for one in raw if not one.isalnum() and one not in "%+&#"})
    plus = "%20" not in raw and " " not in raw
    return partial(quote_plus if plus else quote, safe=bare, errors="surrogateescape")


def from_form(raw: str) -> str:
    return unquote_plus(raw, errors="surrogateescape")


def _in_json(text: bytes, at: int) -> Iterator[Leaf]:
    inner = text[at:] if at else text
    words: list[Leaf] = []
    for span in spans(inner):
        leaf = _of_span(inner, span, at)
        if words and not _follows(text, words[-1], leaf):
            yield _joined(text, words)
            words.clear()
        words.append(leaf)
    if words:
        yield _joined(text, words)


def _follows(text: bytes, last: Leaf, leaf: Leaf) -> bool:
    """Whether words in what is no proper JSON have only blanks, and no quotes, between them: they are one value."""
    return last.sort in _BARE and leaf.sort in _BARE and not text[last.end : leaf.start].strip()


def _joined(text: bytes, words: list[Leaf]) -> Leaf:
    first, end = words[0], words[-1].end
    if len(words) == 1:
        return first
    return first._replace(sort=Sort.WORD, end=end, value=decoded(text[first.start : end]), write=encoded)


def _of_span(text: bytes, span: Span, offset: int) -> Leaf:
    raw, start, end = text[span.start : span.end], span.start + offset, span.end + offset
    if span.sort in (Sort.STRING, Sort.KEY):
        return _of_string(span.path, span.sort, start, end, raw)
    return Leaf(span.path, span.sort, start, end, decoded(raw), encoded)


def string(text: bytes, path: Path, start: int, end: int) -> Leaf:
    """What stands between the quotes of a JSON string, at `text[start:end]`."""
    return _of_string(path, Sort.STRING, start, end, text[start:end])


def _of_string(path: Path, sort: Sort, start: int, end: int, raw: bytes) -> Leaf:
    return Leaf(path, sort, start, end, _unescaped(raw), partial(_as_json, raw))


def _unescaped(raw: bytes) -> str:
    """What a JSON string says, from which `_as_json` makes the same bytes, in whichever coding they are."""
    return plain_text(raw, "surrogateescape")


def _as_json(like: bytes, value: str) -> bytes:
    if not _is_utf8(like):
        written = encoded(json.dumps(value, ensure_ascii=False)[1:-1])
    elif _ESCAPED_LETTER.search(like) and not value.isascii():
        written = json.dumps(value)[1:-1].encode()
    else:
        written = in_json(value)
    return written.replace(b"/", _ESCAPED_SLASH) if _ESCAPED_SLASH in like else written


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def _is_form(text: bytes, content_type: str) -> bool:
    if content_type.lower().startswith("application/x-www-form-urlencoded"):
        return b"=" in text
    return _PLAIN_FORM.fullmatch(text.strip()) is not None


def _in_form(text: bytes) -> Iterator[Leaf]:
    # One character per byte, so that places agree.
    form = text.decode("latin-1")
    at = len(form) - len(form.lstrip())
    for name, start, end in privacy.pairs(form[: len(form.rstrip())], at):
        raw = decoded(text[start:end])
        yield Leaf((name,), Sort.STRING, start, end, from_form(raw), partial(_as_form, form_writer(raw)))


def _as_form(write: Callable[[str], str], value: str) -> bytes:
    return write(value).encode()


def delimiter(content_type: str) -> bytes | None:
    """What each part of a multipart body begins with (RFC 2046, section 5.1); None where the type is another."""
    boundary = _BOUNDARY.search(content_type) if content_type.lower().startswith("multipart/") else None
    return b"--" + boundary[1].rstrip().encode("latin-1", "replace") if boundary else None


def parts(text: bytes, line: bytes) -> Iterator[Part]:
    """The parts of a multipart body that have a head, and no endless one; `line`: its `delimiter`."""
    at = text.find(line)
    while at >= 0:
        following = text.find(b"\n" + line, at + len(line))
        end = following if following >= 0 else len(text)
        if head := _PART.search(text, at, min(end, at + _LONGEST_HEAD)):
            disposition = _DISPOSITION.search(text, at, head.end())
            said = disposition[0] if disposition else b""
            name, is_file = _PART_NAME.search(said), _FILE_NAME.search(said) is not None
            yield Part(name and name[1], is_file, head.end(), end - (text[end - 1 : end] == b"\r"))
        at = following + 1 if following >= 0 else -1


def _in_part(text: bytes, part: Part) -> Iterator[Leaf]:
    name, _, start, end = part
    path: Path = () if name is None else (decoded(name),)
    raw = text[start:end]
    if raw.lstrip()[:1] in (b"{", b"["):
        for leaf in _in_json(raw, 0):
            yield leaf._replace(path=path + leaf.path, start=leaf.start + start, end=leaf.end + start)
    else:
        yield Leaf(path, Sort.STRING, start, end, decoded(raw), encoded)


def is_json(value: str) -> bool:
    """Whether a text is JSON, or at least begins like what GMS says in it."""
    if value.lstrip()[:1] not in ("{", "["):
        return False
    if _OPENS_JSON.match(value):
        return True
    try:
        json.loads(value)
    except (ValueError, RecursionError):
        return False
    return True


def json_in_query(query: str) -> str:
    """The JSON that a query is instead of pairs; empty where it is none."""
    plain = unquote(query, errors="surrogateescape")
    return plain if is_json(plain) else ""
