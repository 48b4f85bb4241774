"""Content codings undone: of whole bodies (half a body is not told as if it were one), or piece by piece.

What is packed small may be large: of gzip and deflate no more is undone than any body has.
"""

import gzip
import zlib
from collections.abc import Callable, Iterator

from mitmproxy.net import encoding

from gms_replay.model import Headers

_NAME = "content-encoding"
_NAME_LENGTH = len(_NAME)
_IDENTITY = frozenset({"", "identity"})
_HEAD_LENGTH = 2
_MOST_CODINGS = 2
"""Each may make a thousand times as much of what it is given."""
_LARGEST = 64 << 20
_PIECE_BYTES = 16 << 10
_GZIP = zlib.MAX_WBITS | 16
"""zlib's mode for it."""


def decoded(wire: bytes, headers: Headers) -> bytes | None:
    """The body with its content coding undone; None where there is none, where it does not decode, or is too large."""
    codings = names(headers)
    if not codings or not wire or len(codings) > _MOST_CODINGS:
        return None
    try:
        # Listed in the order in which they were applied (RFC 9110, section 8.4).
        for coding in reversed(codings):
            wire = _undo(coding, wire)
    except (ValueError, EOFError, OSError, zlib.error):
        return None
    return wire


def coded(plain: bytes, headers: Headers) -> bytes:
    """A plain body in the content codings of another that was decoded: `decoded` undoes it."""
    for coding in names(headers):
        plain = _do(coding, plain)
    return plain


def undoing(headers: Headers) -> Callable[[bytes], bytes] | None:
    """What gives the plain bytes of one piece after the other, nothing more where they do not decode.

    None for codings that are undone of whole bodies only.
    """
    match names(headers):
        case []:
            return bytes
        case ["gzip" | "x-gzip" | "deflate"]:
            return _Inflating()
    return None


class _Inflating:
    """Undoes gzip, also in several members (RFC 1952, section 2.2), and deflate, also without zlib's frame.

    `mode` is zlib's; 0 for the one that the first bytes tell.
    """

    def __init__(self, mode: int = 0) -> None:
        self._head = b""
        self._mode = mode
        self._inflate = zlib.decompressobj(mode or zlib.MAX_WBITS)
        self._is_broken = False

    @property
    def is_whole(self) -> bool:
        """Whether all that came has been undone, to its end."""
        return self._inflate.eof and not self._is_broken

    def __call__(self, piece: bytes) -> bytes:
        if not self._mode:
            piece = self._head = self._head + piece
            if len(piece) < _HEAD_LENGTH:
                return b""
            self._mode = _zlib_mode(piece)
            self._inflate = zlib.decompressobj(self._mode)
        try:
            return b"".join(self._members(piece))
        except zlib.error:
            self._is_broken = True
            return b""

    def _members(self, piece: bytes) -> Iterator[bytes]:
        room = _LARGEST
        while piece and not self._is_broken:
            if self._inflate.eof:
                # Zeros fill up what gzip ends before; what stands behind a deflated body is none of it.
                piece = piece.lstrip(b"\0") if self._mode == _GZIP else b""
                if not piece:
                    return
                self._inflate = zlib.decompressobj(self._mode)
            plain = self._inflate.decompress(piece, room)
            room -= len(plain)
            yield plain
            piece = self._inflate.unused_data
            self._is_broken = bool(self._inflate.unconsumed_tail) or not room


def names(headers: Headers) -> list[str]:
    """The content codings of a body, in the order in which they were applied."""
    values = [value for name, value in headers if len(name) == _NAME_LENGTH and name.lower() == _NAME]
    if not values:
        return []
    codings = [coding.strip().lower() for value in values for coding in value.split(",")]
    return [coding for coding in codings if coding not in _IDENTITY]


def _zlib_mode(head: bytes) -> int:
    # RFC 1952, section 2.3.1, and RFC 1950, section 2.2; anything else is taken for bare deflate.
    if head[:2] == b"\x1f\x8b":
        return _GZIP
    is_framed = head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:2], "big") % 31 == 0
    return zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS


def _undo(coding: str, wire: bytes) -> bytes:
    if not wire:
        raise EOFError("nothing is packed")
    match coding:
        # Not mitmproxy's own: of a gzip cut short, or in several members, version 12 returns the beginning.
        case "gzip" | "x-gzip":
            return _inflate(wire, _GZIP)
        case "deflate":
            # Some servers leave out zlib's frame.
            return _inflate(wire, _zlib_mode(wire))
        case "br" | "zstd":
            plain = encoding.decode(wire, coding)
            if isinstance(plain, bytes):
                return plain
    raise ValueError(f"unknown content coding {coding}")


def _do(coding: str, plain: bytes) -> bytes:
    match coding:
        case "gzip" | "x-gzip":
            return gzip.compress(plain, mtime=0)
        case "deflate":
            return zlib.compress(plain)
    wire = encoding.encode(plain, coding)
    if isinstance(wire, bytes):
        return wire
    raise ValueError(f"unknown content coding {coding}")


def _inflate(wire: bytes, mode: int) -> bytes:
    """All that is packed."""
    undo, plain, length = _Inflating(mode), [], 0
    # In pieces, for zlib copies what stands behind a member, which may be one of very many.
    for at in range(0, len(wire), _PIECE_BYTES):
        plain.append(undo(wire[at : at + _PIECE_BYTES]))
        length += len(plain[-1])
        if length > _LARGEST:
            break
    if not undo.is_whole or length > _LARGEST:
        raise EOFError("it is cut off, or too large")
    return b"".join(plain)
