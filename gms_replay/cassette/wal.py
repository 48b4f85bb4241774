"""What lies beside a cassette that was not closed, its -wal, looked at for frames that SQLite would pass over.

Strategy: SQLite reads the frames of a -wal up to the first whose checksum is wrong, and takes what follows for nothing,
because a program that was killed may leave one frame half written. A flipped byte has the same effect, and takes all
transactions behind it away in silence. But a frame is written after the one before it, so a killed program leaves a
wrong frame only as the last of its generation, which all share two salts: one with its salts behind it tells of damage.
Where only the last is lost nothing can tell; `reader` says of each such cassette that its last facts may be missing.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

# SQLite file format, section 4.1: the header, then frames of a header and a page each.
_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_BIG_ENDIAN = 0x377F0683
_MAGICS = (0x377F0682, _BIG_ENDIAN)
_MASK = 0xFFFF_FFFF

_Sum = tuple[int, int]


def flaw(path: Path) -> str | None:
    """What is damaged in the -wal of the cassette at `path`, if there is one, and anything is."""
    file = path.with_name(f"{path.name}-wal")
    content = _content(file)
    while found := _flaw(content):
        # A recorder may have written to it meanwhile.
        again = _content(file)
        if again == content:
            return f"{file.name}: {found}"
        content = again
    return None


def _content(file: Path) -> bytes:
    return file.read_bytes() if file.exists() else b""


def _flaw(content: bytes) -> str | None:
    if not content:
        return None
    if len(content) < _HEADER_BYTES:
        return f"cut off after {len(content)} bytes"
    magic, _, page_bytes, _, *salts, _, _ = struct.unpack(">8I", content[:_HEADER_BYTES])
    order = ">" if magic == _BIG_ENDIAN else "<"
    total = _sum(order, content[: _HEADER_BYTES - 8], (0, 0))
    if magic not in _MAGICS or struct.pack(">2I", *total) != content[_HEADER_BYTES - 8 : _HEADER_BYTES]:
        return "its header is not what was written"
    wrong = None
    for number, frame in enumerate(_frames(content, page_bytes), 1):
        if struct.unpack(">2I", frame[8:16]) != tuple(salts):
            wrong = wrong or number
        elif wrong:
            return f"frame {wrong} is not what was written, and what came after it is lost"
        else:
            total = _sum(order, frame[:8] + frame[_FRAME_HEADER_BYTES:], total)
            wrong = None if struct.pack(">2I", *total) == frame[16:_FRAME_HEADER_BYTES] else number
    return None


def _frames(content: bytes, page_bytes: int) -> Iterator[bytes]:
    size = _FRAME_HEADER_BYTES + page_bytes
    for at in range(_HEADER_BYTES, len(content) - size + 1, size):
        yield content[at : at + size]


def _sum(order: str, content: bytes, before: _Sum) -> _Sum:
    """SQLite's checksum (section 4.2), going on from another."""
    first, second = before
    words = struct.unpack(f"{order}{len(content) // 4}I", content)
    for one, other in zip(words[::2], words[1::2], strict=True):
        first = (first + one + second) & _MASK
        second = (second + other + first) & _MASK
    return first, second
