"""A cassette of any bytes after its header is read, or refused by a CassetteError of one line and `check` says why.

The first byte says of which format the header is.
"""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from gms_replay.cassette import integrity, reader
from gms_replay.errors import CassetteError

_T = TypeVar("_T")

_GOLDEN = [path.read_bytes() for path in sorted(Path(__file__).parents[1].glob("tests/golden/v*.sqlite"))]
_HEADER_BYTES = 100
_FOLDER = tempfile.TemporaryDirectory(prefix="gms-fuzz-")


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever is raised beside CassetteError."""
    path = Path(_FOLDER.name, "cassette.sqlite")
    content = _GOLDEN[max(b"\0" + data[:1]) % len(_GOLDEN)][:_HEADER_BYTES] + data[1:]
    path.write_bytes(content)
    recording, refusal = _tried(reader.read, path)
    examined, why_not = _tried(integrity.examine, path)
    for said in filter(None, (refusal, why_not)):
        assert "\n" not in said
        assert path.name in said
    assert (recording is None) == bool(why_not or (examined and examined.flaws)), refusal or "read, with flaws"
    assert recording is None or (examined and recording == examined.recording)
    assert path.read_bytes() == content, "reading changes nothing"


def _tried(look: Callable[[Path], _T], path: Path) -> tuple[_T | None, str]:
    try:
        return look(path), ""
    except CassetteError as error:
        return None, str(error)


def seeds() -> Iterator[bytes]:
    """Cassettes of each format, without their headers."""
    for number, golden in enumerate(_GOLDEN):
        yield bytes([number]) + golden[_HEADER_BYTES:]
