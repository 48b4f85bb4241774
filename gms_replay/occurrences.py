"""Where given values stand in a text, however they are written there.

Strategy: a value counts only between neighbours that are no letters or digits, for else it is a piece of another. So
its first run of letters and digits is a whole run of the text. That is looked up, and tells how long values are which
begin with it; then what stands there in that length is. So what it costs does not grow with the number of values.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_RUN = re.compile(rb"[0-9A-Za-z]+")
_ESCAPES = (
    re.compile(rb"\\(?:[bfnrt]|u[0-9A-Fa-f]{4})|%[0-9A-Fa-f]{2}"),
    re.compile(rb"%25[0-9A-Fa-f]{2}"),
)
_UPPER_ESCAPE = re.compile(rb"%[0-9A-F]{2}")
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


def _in_script_url(text: str) -> bytes:
    """As `encodeURIComponent` writes."""
    return quote(text, safe="!'()*", errors="backslashreplace").encode()


def _in_lower_case(write: Writer) -> Writer:
    """As .NET writes."""
    return lambda text: _UPPER_ESCAPE.sub(lambda found: found[0].lower(), write(text))


def _twice(write: Writer) -> Writer:
    return lambda text: write(text).replace(b"%", b"%25")


def _with_slashes_escaped(write: Writer) -> Writer:
    return lambda text: write(text).replace(b"/", rb"\/")


_WRITERS: tuple[Writer, ...] = (
    _plain,
    in_json,
    _with_slashes_escaped(in_json),
    _in_ascii_json,
    _with_slashes_escaped(_in_ascii_json),
    _in_url,
    _in_script_url,
    _in_lower_case(_in_url),
    _in_lower_case(_in_script_url),
    _twice(_in_url),
    _twice(_in_script_url),
    _twice(_in_lower_case(_in_url)),
)


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A value that stands at `text[start:end]`. `write` writes another in the same way."""

    start: int
    end: int
    value: str
    write: Writer


class Finder:
    """Finds values in texts. Each has a letter or a digit."""

    def __init__(self, values: Iterable[str]) -> None:
        self._written: dict[bytes, tuple[str, Writer]] = {}
        self._values: set[str] = set()
        # By their first run: how long those are that begin with it, and how much of them stands before it.
        self._shapes: dict[bytes, list[tuple[int, int]]] = {}
        for value in values:
            self.add(value)

    def __contains__(self, value: str) -> bool:
        return value in self._values

    def add(self, value: str) -> set[bytes]:
        """One more value to be found. Gives the runs of letters and digits that it begins with, however written."""
        self._values.add(value)
        first: set[bytes] = set()
        for raw, write in _ways(value).items():
            if run := _RUN.search(raw):
                first.add(run[0])
                self._written[raw] = value, write
                some = self._shapes.setdefault(run[0], [])
                if (shape := (len(raw), run.start())) not in some:
                    # The longest first.
                    some.append(shape)
                    some.sort(reverse=True)
        return first

    def find(self, text: bytes, start: int, end: int) -> Iterator[Occurrence]:
        """The values between two places of a text, in order; of several that begin at one place the longest."""
        at = start
        for run in _RUN.finditer(text, start, end):
            for begins, ends in self._candidates(text, run):
                found = self._written.get(text[begins:ends]) if at <= begins and ends <= end else None
                if found and not text[ends : ends + 1].isalnum():
                    yield Occurrence(begins, ends, *found)
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

    def _candidates(self, text: bytes, run: re.Match[bytes]) -> Iterator[tuple[int, int]]:
        """Where a value may begin and end whose first run this is, or its rest after an escape ("\\nT1")."""
        start = run.start()
        for length, before in self._shapes.get(run[0], ()):
            # What stands before its first run has no letter or digit, but may follow one.
            if not (before and text[max(0, start - before - 1) : start - before].isalnum()):
                yield start - before, start - before + length
        if text[start - 1 : start] not in (b"\\", b"%"):
            return
        for escape in filter(None, (pattern.match(text, start - 1) for pattern in _ESCAPES)):
            for length, before in self._shapes.get(text[escape.end() : run.end()], ()):
                if not before:
                    yield escape.end(), escape.end() + length


def _ways(value: str) -> dict[bytes, Writer]:
    """How a value may be written, each with who writes so."""
    if _WRITTEN_ONE_WAY.fullmatch(value):
        return {_plain(value): _plain}
    return {write(value): write for write in reversed(_WRITERS)}
