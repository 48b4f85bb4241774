"""The checksum that stands in each row: what tells that bytes of a fact changed after they were written.

Strategy: CRC-32 of the table's name and of all other columns, in the order of `schema`, as SQLite holds them. Ids and
the ids of owners are among them, so that a fact which stands in another's place is found, too. It is against accidents:
whoever changes a fact on purpose can count it anew.
"""

import zlib
from collections.abc import Iterable
from functools import cache

Value = int | float | str | bytes | None
"""What SQLite holds in a column."""


def of(table: str, values: Iterable[Value]) -> int:
    """The checksum of a row, from its values without it.

    Each is told by its type, its length and its bytes, so that no two rows are told alike: `5i` is the number, `5t` is
    followed by five bytes of UTF-8, `5b` by five bytes, and `n` is NULL.
    """
    return zlib.crc32(b"".join(_told(values)), _start(table))


def _told(values: Iterable[Value]) -> Iterable[bytes]:
    # Recorders and readers wait for this: each step less is felt.
    told: list[bytes] = []
    for value in values:
        if isinstance(value, bytes):
            told += (b"%db" % len(value), value)
        elif isinstance(value, str):
            text = value.encode()
            told += (b"%dt" % len(text), text)
        elif value is None:
            told.append(b"n")
        elif isinstance(value, int):
            told.append(b"%di" % value)
        else:
            told.append(b"%rf" % value)
    return told


@cache
def _start(table: str) -> int:
    return zlib.crc32(table.encode())
