"""Content codings undone, whole bodies only: half a body is not told as if it were one."""

import gzip
import zlib

from mitmproxy.net import encoding

from gms_replay.model import Headers

_NAME = "content-encoding"
_NAME_LENGTH = len(_NAME)
_IDENTITY = frozenset({"", "identity"})


def decoded(wire: bytes, headers: Headers) -> bytes | None:
    """The body with its content coding undone; None where there is none, or where it does not decode."""
    values = [value for name, value in headers if len(name) == _NAME_LENGTH and name.lower() == _NAME]
    if not values or not wire:
        return None
    codings = [coding.strip().lower() for value in values for coding in value.split(",")]
    codings = [coding for coding in codings if coding not in _IDENTITY]
    if not codings:
        return None
    try:
        # Listed in the order in which they were applied (RFC 9110, section 8.4).
        for coding in reversed(codings):
            wire = _undo(coding, wire)
    except (ValueError, EOFError, OSError, zlib.error):
        return None
    return wire


def _undo(coding: str, wire: bytes) -> bytes:
    match coding:
        # Not mitmproxy's own: of a gzip cut short, or in several members, version 12 returns the beginning.
        case "gzip" | "x-gzip":
            return gzip.decompress(wire)
        case "deflate":
            return _inflate(wire)
        case "br" | "zstd":
            plain = encoding.decode(wire, coding)
            if isinstance(plain, bytes):
                return plain
    raise ValueError(f"unknown content coding {coding}")


def _inflate(wire: bytes) -> bytes:
    try:
        return zlib.decompress(wire)
    except zlib.error:
        # Some servers leave out zlib's frame.
        return zlib.decompress(wire, -zlib.MAX_WBITS)
