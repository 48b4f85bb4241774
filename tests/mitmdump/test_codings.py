import gzip
import zlib

import brotli
import pytest
import zstandard

from gms_replay.mitmdump.codings import coded, decoded, undoing

PLAIN = b'{"_id": "1"}'


def raw_deflate(plain: bytes) -> bytes:
    return zlib.compress(plain, wbits=-zlib.MAX_WBITS)


@pytest.mark.parametrize(
    ("coding", "wire"),
    [
        ("gzip", gzip.compress(PLAIN, mtime=0)),
        ("GZIP", gzip.compress(PLAIN, mtime=0)),
        ("x-gzip", gzip.compress(PLAIN[:5], mtime=0) + gzip.compress(PLAIN[5:], mtime=0)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", raw_deflate(PLAIN)),
        ("br", brotli.compress(PLAIN)),
        ("zstd", zstandard.compress(PLAIN)),
        ("gzip", gzip.compress(PLAIN, mtime=0) + bytes(7)),
        ("deflate", zlib.compress(PLAIN) + b"more"),
        ("deflate, gzip", gzip.compress(zlib.compress(PLAIN), mtime=0)),
        ("identity, gzip", gzip.compress(PLAIN, mtime=0)),
    ],
)
def test_coding_is_undone(coding, wire):
    assert decoded(wire, (("A", "b"), ("content-Encoding", coding))) == PLAIN


@pytest.mark.parametrize("coding", ["gzip", "X-GZIP", "deflate", "br", "zstd", "deflate, gzip", "identity", ""])
def test_coded_is_decoded_again(coding):
    headers = (("Content-Encoding", coding),)

    told = coded(PLAIN, headers)

    assert (decoded(told, headers) or told) == PLAIN
    assert (told == PLAIN) is (coding in ("", "identity"))


def test_unknown_coding_cannot_be_done():
    with pytest.raises(ValueError, match="odd"):
        coded(PLAIN, (("Content-Encoding", "odd"),))


def test_codings_of_several_headers_undone():
    headers = (("Content-Encoding", "deflate"), ("Content-Encoding", "gzip"))

    assert decoded(gzip.compress(zlib.compress(PLAIN), mtime=0), headers) == PLAIN


@pytest.mark.parametrize(
    ("coding", "wire"),
    [
        ("", PLAIN),
        ("identity", PLAIN),
        ("gzip", b""),
        ("deflate, gzip", gzip.compress(b"", mtime=0)),
        ("gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(PLAIN, mtime=0), mtime=0), mtime=0)),
        ("gzip", PLAIN),
        ("gzip", gzip.compress(PLAIN, mtime=0)[:-1]),
        ("deflate", zlib.compress(PLAIN)[:-1]),
        ("br", brotli.compress(PLAIN * 9)[:-4]),
        ("br", PLAIN),
        ("zstd", PLAIN),
        ("utf-8", PLAIN),
        ("rot13", PLAIN),
    ],
)
def test_nothing_to_undo(coding, wire):
    assert decoded(wire, (("Content-Encoding", coding),)) is None


@pytest.mark.parametrize(("coding", "compress"), [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_what_is_packed_small_may_be_too_large(coding, compress):
    headers = (("Content-Encoding", f"gzip, {coding}"),)
    bomb = compress(gzip.compress(bytes(65 << 20)))

    assert len(bomb) < 1000
    assert decoded(bomb, headers) is None


def test_no_more_is_undone_of_a_piece():
    undo = undoing((("Content-Encoding", "gzip"),))

    assert len(undo(gzip.compress(bytes(40 << 20)) * 2)) == 64 << 20
    assert undo(b"more") == b""


def test_many_members_are_undone_in_one_go():
    # Each of which once copied all that is behind it, and all that was before it.
    assert len(decoded(gzip.compress(b"a" * 100) * 50_000, (("Content-Encoding", "gzip"),)) or b"") == 5_000_000
