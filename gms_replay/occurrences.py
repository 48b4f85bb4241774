"""Where given values stand in a text, however they are written there.

Strategy: a value counts only between neighbours that are no letters or digits, for else it is a piece of another. So
its first run of letters and digits is a whole run of the text, which is looked up: what it costs does not grow with the
number of values.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_RUN = re.compile(rb"[0-9A-Za-z]+")
_ESCAPE = re.compile(rb"\\(?:[bfnrt]|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2}")
_WRITTEN_ONE_WAY = re.compile(r"[0-9A-Za-z._~-]*", re.ASCII)

Writer = Callable[[str], bytes]
"""Writes a value as texts of one sort hold it: with JSON's escapes, as a part of a URL."""


def in_json(text: str) -> bytes:
    """A text as it stands between the quotes of a JSON string; half a surrogate pair stays an escape."""
    return json.dumps(text, ensure_ascii=False)[1:-1].encode("utf-8", "backslashreplace")


def _plain(text: str) -> bytes:
    return text.encode("utf-8", "backslashreplace")


def _in_ascii_json(text: str) -> bytes:
    return json.dumps(text)[1:-1].encode()


def _in_url(text: str) -> bytes:
    return quote(text, safe="", errors="backslashreplace").encode()


def _with_slashes_escaped(write: Writer) -> Writer:
    return lambda text: write(text).replace(b"/", rb"\/")


_WRITERS: tuple[Writer, ...] = (
    _plain,
    in_json,
    _with_slashes_escaped(in_json),
    _in_ascii_json,
    _with_slashes_escaped(_in_ascii_json),
    _in_url,
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A value that stands at `text[start:end]`. `write` writes another in the same way."""

    start: int
    end: int
    value: str
    write: Writer


@dataclass(frozen=True, slots=True)
class _Form:
    """A value as it is written in one way; `before` bytes of it stand before its first run of letters and digits."""

    value: str
    write: Writer
    raw: bytes
    before: int

    def is_alone(self, text: bytes, start: int) -> bool:
        """Whether it has no letter or digit beside it; its first run is a whole one already."""
        is_inside = self.before and text[max(0, start - 1) : start].isalnum()
        end = start + len(self.raw)
        return not is_inside and not text[end : end + 1].isalnum()


class Finder:
    """Finds values in texts. Each has a letter or a digit."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms: dict[bytes, list[_Form]] = {}
        for value in values:
            for raw, write in _ways(value).items():
                if run := _RUN.search(raw):
                    self._forms.setdefault(run[0], []).append(_Form(value, write, raw, run.start()))
        for forms in self._forms.values():
            forms.sort(key=lambda form: len(form.raw), reverse=True)

    def find(self, text: bytes, start: int, end: int) -> Iterator[Occurrence]:
        """The values between two places of a text, in order; of several that begin at one place the longest."""
        at = start
        for run in _RUN.finditer(text, start, end):
            for begins, form in self._beginning_with(text, run):
                ends = begins + len(form.raw)
                if at <= begins and ends <= end and text.startswith(form.raw, begins) and form.is_alone(text, begins):
                    yield Occurrence(begins, ends, form.value, form.write)
                    at = ends
                    break

    def replaced(self, text: str, other: Callable[[str], str]) -> str:
        """The text with another value for each that is in it."""
        raw, at = text.encode("utf-8", "surrogatepass"), 0
        pieces: list[bytes] = []
        for found in self.find(raw, 0, len(raw)):
            pieces += [raw[at : found.start], found.write(other(found.value))]
            at = found.end
        return b"".join([*pieces, raw[at:]]).decode("utf-8", "surrogatepass") if pieces else text

    def _beginning_with(self, text: bytes, run: re.Match[bytes]) -> Iterator[tuple[int, _Form]]:
        """The forms whose first run this is, or its rest after an escape ("\\nT1"); with where each begins."""
        start, word = run.start(), run[0]
        for form in self._forms.get(word, ()):
            yield start - form.before, form
        if text[start - 1 : start] in (b"\\", b"%") and (escape := _ESCAPE.match(text, start - 1)):
            for form in self._forms.get(text[escape.end() : run.end()], ()):
                if not form.before:
                    yield escape.end(), form


def _ways(value: str) -> dict[bytes, Writer]:
    """How a value may be written, each with who writes so."""
    if _WRITTEN_ONE_WAY.fullmatch(value):
        return {_plain(value): _plain}
    return {write(value): write for write in reversed(_WRITERS)}
