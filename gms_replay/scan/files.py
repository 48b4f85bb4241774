"""What of secrets is in a file, whatever it is.

Strategy: of a recording (a cassette, jsonl, a HAR or flow file) the facts say where each secret stands, with content
codings undone. Beside that all bytes are gone through, for SQLite leaves in a file what was deleted, and a WAL beside
it; what a fact has told already is not told again. Bytes are read in windows, so that any size will do.
"""

import itertools
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

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
_GZIP = b"\x1f\x8b\x08"
_BESIDE = ("-wal", "-journal")
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
    """One file. `facts`: whether those in it were looked at; `remark`: why not, where it should hold some."""

    file: Path
    found: tuple[Found, ...]
    facts: bool
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
        known: set[str] = set()
        for one in exposure.find(recording, rules) if recording else ():
            known.add(one.value)
            if one.is_secret:
                places.setdefault((one.kind, one.value), (one.how, []))[1].append(one.place)
        is_traffic = recording is not None or start == MAGIC or file.name.endswith(_BESIDE)
        for at, leak in _in_bytes(file, rules, is_traffic=is_traffic):
            value = _plain(leak.value)
            if leak.is_secret and not _is_told(value, known):
                places.setdefault((leak.kind, value), (leak.how, []))[1].append(f"byte {at}")
    except OSError as error:
        raise OptionError(f"{file}: cannot be read: {error.strerror or error}") from None
    found = (Found(kind, how, value, tuple(some)) for (kind, value), (how, some) in places.items())
    return Scanned(file, tuple(found), recording is not None, remark)


def _is_told(value: str, known: set[str]) -> bool:
    """Whether a fact has told what stands in a file's bytes, where it may be cut short, or run into its neighbour."""
    if value in known:
        return True
    return any(value in one or (one in value and 2 * len(one) >= len(value)) for one in known if len(one) > 2)


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


def _in_bytes(file: Path, rules: Rules, *, is_traffic: bool) -> Iterator[tuple[int, Leak]]:
    """What is in the bytes, each once, with where it begins in the file; of what is packed with where that does."""
    for at, own, window in _windows(file):
        for leak in _in_text(window.decode("latin-1"), rules, is_traffic=is_traffic):
            if leak.start in own:
                yield at + leak.start, leak
        for start, inside in _unpacked(window, own):
            yield from ((at + start, leak) for leak in _in_text(inside.decode("latin-1"), rules, is_traffic=is_traffic))


def _windows(file: Path) -> Iterator[tuple[int, range, bytes]]:
    """Pieces of a file: where each begins in it, which places in the piece no other has, and the bytes.

    Around its own places a piece has some of its neighbours', so that what begins there has its name, and its end.
    """
    with file.open("rb") as opened:
        for border in itertools.count(0, _WINDOW):
            before = min(border, _OVERLAP)
            opened.seek(border - before)
            window = opened.read(before + _WINDOW + _OVERLAP)
            if len(window) <= before:
                return
            yield border - before, range(before, before + _WINDOW), window


def _in_text(text: str, rules: Rules, *, is_traffic: bool) -> Iterable[Leak]:
    for leak in (*leaks.in_text(text, is_traffic=is_traffic), *leaks.in_names(text, rules, is_traffic=is_traffic)):
        if is_traffic or leak.how != Kind.PHONE or _is_phone(leak.value):
            yield leak


def _unpacked(window: bytes, own: range) -> Iterator[tuple[int, bytes]]:
    """What is packed by gzip, wherever of its own places it begins."""
    at = window.find(_GZIP, own.start)
    while at in own:
        with suppress(zlib.error):
            yield at, zlib.decompressobj(31).decompress(memoryview(window)[at:], _MOST_UNPACKED)
        at = window.find(_GZIP, at + 1)


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
