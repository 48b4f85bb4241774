"""What stands for texts where only equality is asked: whoever keeps it keeps 16 bytes, however much strangers say."""

from collections.abc import Iterable
from hashlib import blake2b

Digest = bytes


def of(texts: Iterable[str]) -> Digest:
    """16 bytes for texts in their order: other texts, or the same ones cut otherwise, have others."""
    told = blake2b(digest_size=16)
    for text in texts:
        raw = text.encode("utf-8", "surrogatepass")
        told.update(b"%d:" % len(raw))
        told.update(raw)
    return told.digest()
