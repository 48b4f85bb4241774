"""Content codings undone: of whole bodies (half a body is not told as if it were one), or piece by piece.

What is packed small may be large: of gzip and deflate no more is undone than any body has.
"""

import gzip
import zlib
from collections.abc import Callable

from mitmproxy.net import encoding

from gms_replay.model import Headers

_NAME = "content-encoding"
_NAME_LENGTH = len(_NAME)
_IDENTITY = frozenset({"", "identity"})
_HEAD_LENGTH = 2
_MOST_CODINGS = 2
"""Each may make a thousand times as much of what it is given."""
_LARGEST = 64 << 20
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
    """Undoes gzip, also in several members, and deflate, also without zlib's frame."""

    def __init__(self) -> None:
        self._head = b""
        self._mode = 0
        self._inflate = zlib.decompressobj()
        self._is_broken = False

    def __call__(self, piece: bytes) -> bytes:
        if not self._mode:
            piece = self._head = self._head + piece
            if len(piece) < _HEAD_LENGTH:
                return b""
            self._mode = _zlib_mode(piece)
            self._inflate = zlib.decompressobj(self._mode)
        plain: list[bytes] = []
        try:
            while piece and not self._is_broken:
                if self._inflate.eof:
                    self._inflate = zlib.decompressobj(self._mode)
                plain.append(self._inflate.decompress(piece, _LARGEST))
                self._is_broken = bool(self._inflate.unconsumed_tail)
                piece = self._inflate.unused_data
        except zlib.error:
            self._is_broken = True
        return b"".join(plain)


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
    """All that is packed; of gzip in as many members as there are (RFC 1952, section 2.2), zeros behind them aside."""
    plain = b""
    while wire:
        inflate = zlib.decompressobj(mode)
        plain += inflate.decompress(wire, _LARGEST + 1 - len(plain))
        if not inflate.eof:
            raise EOFError("it is cut off, or too large")
        wire = inflate.unused_data.lstrip(b"\0") if mode == _GZIP else b""
    return plain
