"""The seal of a closed cassette: a digest of all its bytes, behind the last page, where SQLite does not look.

Strategy: checksums tell of each row whether it is whole, but to count them all takes as long as to read all. Whoever
wants little of a large file counts one digest instead, which takes no longer than to copy the file: where it is right,
each byte is what the recorder wrote. Where it is not, or not there, nothing is wrong yet: a recorder was killed, the
file is being recorded into, or some other program of SQLite's has written to it. Then the rows are looked at.
"""

import hashlib
import os
import sqlite3
from contextlib import suppress
from io import FileIO
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import Connection

from gms_replay.cassette import opening

_MAGIC = b"gms-replay seal\x00"
_SEAL_BYTES = 32
_BLOCK_BYTES = 1 << 20


def close(connection: Connection, path: Path, *, is_durable: bool = False) -> None:
    """Close a cassette, and seal it, if it is one plain file that nobody else writes to.

    A file that cannot be sealed is none the worse. With `is_durable` all is on the disk before this returns; raises
    OSError where it cannot be.
    """
    # Our own is closed after SQLite's: who closes a file takes from it the locks that SQLite has on it (sqlite.org,
    # "How To Corrupt An SQLite Database File", section 2.2).
    with path.open("rb+", buffering=0) as file:
        try:
            if _is_ours(connection):
                with suppress(OSError):
                    _seal(file)
            if is_durable:
                os.fsync(file.fileno())
        finally:
            connection.close()
    if is_durable:
        opening.sync_folder(path)


def pages(path: Path) -> bytes | None:
    """All pages of a cassette, if its seal is right: they are then what was written."""
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END) - _SEAL_BYTES
        if end <= 0 or not _from(file, end).startswith(_MAGIC):
            return None
        file.seek(0)
        content = file.read()
    # Somebody may write to it meanwhile.
    found, seal = content[:end], content[end:]
    return found if seal == _seal_of(found) else None


def is_right(path: Path) -> bool:
    """Whether a cassette has a seal, and that is right."""
    with path.open("rb", buffering=0) as file:
        end = file.seek(0, os.SEEK_END) - _SEAL_BYTES
        return end > 0 and _from(file, end) == _MAGIC + _digest_of(file, end)


def _is_ours(connection: Connection) -> bool:
    """Takes SQLite's lock on writing, if the file is one plain file."""
    file = opening.driver(connection)
    with suppress(sqlite3.OperationalError):
        file.execute("BEGIN IMMEDIATE")
        return bool(file.execute("PRAGMA journal_mode").fetchone() == ("delete",))
    return False


def _seal(file: FileIO) -> None:
    file.seek(0)
    end = opening.pages_end(file.read(opening.HEADER_BYTES))
    digest = _digest_of(file, end)
    file.truncate(end)
    file.seek(end)
    file.write(_MAGIC + digest)


def _digest_of(file: FileIO, end: int) -> bytes:
    digest = _digest()
    file.seek(0)
    for at in range(0, end, _BLOCK_BYTES):
        digest.update(file.read(min(_BLOCK_BYTES, end - at)))
    return digest.digest()


def _seal_of(content: bytes) -> bytes:
    digest = _digest()
    digest.update(content)
    return _MAGIC + digest.digest()


def _digest() -> "hashlib.blake2b":
    return hashlib.blake2b(digest_size=_SEAL_BYTES - len(_MAGIC))


def _from(file: BinaryIO | FileIO, at: int) -> bytes:
    file.seek(at)
    return file.read()
