"""What of secrets is in a file, whatever it is.

Strategy: of a recording (a cassette, jsonl, a HAR or flow file) the facts say where each secret stands, with content
codings undone. Beside that all bytes are gone through, for SQLite leaves in a file what was deleted, and a WAL beside
it; what a fact has told already is not told again. Bytes are read in windows, so that any size will do.
"""

import itertools
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, NamedTuple

import phonenumbers

from gms_replay import __version__, exposure, leaks
from gms_replay.cassette.outputs import MAGIC
from gms_replay.cassette.reader import read
from gms_replay.errors import FormatError, GmsReplayError, OptionError
from gms_replay.formats import incoming
from gms_replay.leaks import Leak
from gms_replay.model import Recording
from gms_replay.privacy import Kind
from gms_replay.rules import Rules

_WINDOW = 4 << 20
_OVERLAP = 16 << 10
"""More than a value with its name: of values `leaks` takes 4 KiB."""
_LARGEST_ARCHIVE = 256 << 20
"""Of other programs' files, which are read as a whole. What is larger is gone through by its bytes alone."""
_MOST_UNPACKED = 16 << 20
_PACKED = 512
"""Read at once of what is packed: no more than so much makes half a MiB."""
_GZIP = b"\x1f\x8b\x08"
_BESIDE = ("-wal", "-journal")
_GRAM = 4
_SHORTEST_TOLD = 3
"""In characters: what is shorter is in anything."""
_KEPT_BY_GIT = ".git"


@dataclass(frozen=True, slots=True)
class Found:
    """One secret, and the places where it stands: in facts, or at bytes of the file."""

    kind: Kind
    how: str
    value: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scanned:
    """One file. `facts`: whether those in it were looked at; `remark`: what was not looked at, and why."""

    file: Path
    found: tuple[Found, ...]
    facts: bool
    remark: str = ""


class _Piece(NamedTuple):
    """Bytes that begin at a place of a file, or are packed there.

    `own`: the places in them that no other piece has; None for what is packed, which is whole. Around these stands what
    its neighbours have, so that what begins there has its name, and its end. `remark`: what it leaves out.
    """

    content: bytes
    own: range | None
    at: int
    remark: str = ""


def files(named: Sequence[Path]) -> Iterator[Path]:
    """The files that paths name: of folders all that is in them, of a cassette also what stands beside it.

    Raises OptionError for a path where nothing is.
    """
    told: set[Path] = set()
    for path in named:
        if not path.exists():
            raise OptionError(f"{path}: there is nothing; name a file or a folder")
        if not (path.is_file() or path.is_dir()):
            raise OptionError(f"{path}: is neither a file nor a folder; name one")
        inside = [path]
        if path.is_dir():
            everything = (one for one in path.rglob("*") if _KEPT_BY_GIT not in one.relative_to(path).parts)
            inside = sorted(one for one in everything if one.is_file())
        beside = (one.with_name(one.name + suffix) for one in inside for suffix in _BESIDE)
        for one in sorted({*inside, *(other for other in beside if other.is_file())}):
            if one.resolve() not in told:
                told.add(one.resolve())
                yield one


def empty(named: Sequence[Path]) -> Iterator[str]:
    """What is to be said of files and folders that were named and hold nothing, for a name may be a wrong one."""
    for path in named:
        if path.is_file() and not path.stat().st_size:
            yield f"{path}: is empty, so nothing was looked at"
        elif path.is_dir() and next(files([path]), None) is None:
            yield f"{path}: there is no file in it, so nothing was looked at"


def scan(file: Path, rules: Rules) -> Scanned:
    """All that is secret in a file, for whoever has those rules. Raises OptionError for one that cannot be read."""
    try:
        with file.open("rb") as opened:
            start = opened.read(len(MAGIC))
        recording, remark = _recording(file, start)
        places: dict[tuple[Kind, str], tuple[str, list[str]]] = {}
        told = Told()
        for one in exposure.find(recording, rules) if recording else ():
            told.add(one.value)
            if one.is_secret:
                places.setdefault((one.kind, one.value), (one.how, []))[1].append(one.place)
        is_traffic = recording is not None or start == MAGIC or file.name.endswith(_BESIDE)
        remarks = [remark]
        for piece in _pieces(file):
            remarks.append(piece.remark)
            for at, leak in _in_piece(piece, rules, is_traffic=is_traffic):
                value = _plain(leak.value)
                if leak.is_secret and value not in told:
                    places.setdefault((leak.kind, value), (leak.how, []))[1].append(f"byte {at}")
    except OSError as error:
        raise OptionError(f"{file}: cannot be read: {error.strerror or error}") from None
    found = (Found(kind, how, value, tuple(some)) for (kind, value), (how, some) in places.items())
    return Scanned(file, tuple(found), recording is not None, "; ".join(filter(None, remarks)))


class Told:
    """What facts have told, and whether that is what stands in a file's bytes, cut short, or run into its neighbour.

    Strategy: of a value every fourth place has its four characters in an index. A longer piece of it holds one of those
    whole, at one of four places; of many places the one that says the most is looked up. So what it costs does not grow
    with how much is told.
    """

    def __init__(self) -> None:
        self._values: set[str] = set()
        self._lengths: set[int] = set()
        self._by_gram: dict[str, list[str]] = {}
        self._all = ""

    def add(self, value: str) -> None:
        if value in self._values:
            return
        self._values.add(value)
        self._lengths.add(len(value))
        for at in range(0, len(value) - _GRAM + 1, _GRAM):
            self._by_gram.setdefault(value[at : at + _GRAM], []).append(value)

    def __contains__(self, value: str) -> bool:
        return value in self._values or self._is_cut(value) or self._is_joined(value)

    def _is_cut(self, value: str) -> bool:
        if len(value) < 2 * _GRAM - 1:
            self._all = self._all or "\0".join(one for one in self._values if len(one) >= _SHORTEST_TOLD)
            return value in self._all
        for first in range(_GRAM):
            grams = (value[at : at + _GRAM] for at in range(first, len(value) - _GRAM + 1, _GRAM))
            some = min((self._by_gram.get(gram, ()) for gram in grams), key=len)
            if any(value in one for one in some):
                return True
        return False

    def _is_joined(self, value: str) -> bool:
        """Whether one makes half of a value or more."""
        least = max(_SHORTEST_TOLD, (len(value) + 1) // 2)
        return any(
            value[at : at + length] in self._values
            for length in self._lengths.intersection(range(least, len(value)))
            for at in range(len(value) - length + 1)
        )


def _recording(file: Path, start: bytes) -> tuple[Recording | None, str]:
    """The facts of a file; None, and why, where it holds none that can be read."""
    if start == MAGIC:
        try:
            return read(file), ""
        except GmsReplayError as error:
            return None, f"{str(error).removeprefix(f'{file}: ')}; only its bytes were looked at"
    if file.stat().st_size > _LARGEST_ARCHIVE:
        return None, ""
    content = file.read_bytes()
    if not incoming.may_be(content):
        return None, ""
    try:
        hosts = None if incoming.is_ours(content) else re.compile("")
        return incoming.load(content, str(file), hosts, __version__).recording, ""
    except FormatError:
        # Any other JSON.
        return None, ""


def _pieces(file: Path) -> Iterator[_Piece]:
    """All bytes of a file, and behind each window what is packed by gzip and begins in it."""
    with file.open("rb") as opened:
        for border in itertools.count(0, _WINDOW):
            before = min(border, _OVERLAP)
            opened.seek(border - before)
            window = opened.read(before + _WINDOW + _OVERLAP)
            if len(window) <= before:
                return
            own = range(before, before + _WINDOW)
            yield _Piece(window, own, border - before)
            start = window.find(_GZIP, before)
            while start in own:
                yield _packed(opened, border - before + start)
                start = window.find(_GZIP, start + 1)


def _packed(opened: BinaryIO, at: int) -> _Piece:
    """What a gzip stream that begins at a place says, or as much of it as we look at."""
    opened.seek(at)
    said = bytearray()
    for piece in _unpacked(opened):
        said += piece
        if len(said) > _MOST_UNPACKED:
            remark = f"gzip at byte {at} holds more than {_MOST_UNPACKED >> 20} MiB; only so much of it was looked at"
            return _Piece(bytes(said[:_MOST_UNPACKED]), None, at, remark)
    return _Piece(bytes(said), None, at)


def _unpacked(opened: BinaryIO) -> Iterator[bytes]:
    """What a gzip stream says, up to its end or its first mistake."""
    stream = zlib.decompressobj(31)
    while not stream.eof and (packed := opened.read(_PACKED)):
        before = stream.copy()
        try:
            yield stream.decompress(packed)
        except zlib.error:
            # Byte by byte, for what was said before the mistake.
            with suppress(zlib.error):
                yield from (before.decompress(packed[at : at + 1]) for at in range(len(packed)))
            return


def _in_piece(piece: _Piece, rules: Rules, *, is_traffic: bool) -> Iterator[tuple[int, Leak]]:
    """What is in a piece, each with where it begins in the file; of what is packed with where that does."""
    for leak in _in_text(piece.content.decode("latin-1"), rules, is_traffic=is_traffic):
        if piece.own is None:
            yield piece.at, leak
        elif leak.start in piece.own:
            yield piece.at + leak.start, leak


def _in_text(text: str, rules: Rules, *, is_traffic: bool) -> Iterator[Leak]:
    for leak in (*leaks.in_text(text, is_traffic=is_traffic), *leaks.in_names(text, rules, is_traffic=is_traffic)):
        if is_traffic or leak.how != Kind.PHONE or _is_phone(_plain(leak.value)):
            yield leak


def _is_phone(value: str) -> bool:
    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(value))
    except phonenumbers.NumberParseException:
        return False


def _plain(value: str) -> str:
    """A value as facts tell it: characters for bytes."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return value
