"""How its recorder left a cassette, as far as its files and their locks tell."""

import os
import struct
import sys
from enum import StrEnum
from pathlib import Path

from gms_replay.cassette import opening

# SQLite file format, section 2.3.1: whoever has a file in WAL mode open holds a lock on these bytes.
_LOCKED_FROM = 0x4000_0000
_LOCKED_BYTES = 512


class State(StrEnum):
    """How its recorder left a cassette, as far as its files tell."""

    CLOSED = "closed"
    OPEN = "open"
    LEFT = "left"
    OPEN_OR_LEFT = "open or left"
    WAL_MISSING = "wal missing"


ABANDONED = frozenset({State.LEFT, State.OPEN_OR_LEFT, State.WAL_MISSING})
"""Where nobody seems to write any more, though nobody closed it."""


def of(path: Path) -> State:
    """The state of a file that is known to be a cassette."""
    if not opening.is_in_wal_mode(path):
        return State.CLOSED
    if not path.with_name(f"{path.name}-wal").exists():
        return State.WAL_MISSING
    return _in_wal_mode(path) if sys.platform == "linux" else State.OPEN_OR_LEFT


def _in_wal_mode(path: Path) -> State:
    """Whether another process holds a lock of SQLite's; asks without taking one."""
    import fcntl  # There is none on Windows.

    # struct flock on Linux: what is locked, from where, start, length, by whom.
    form = "hhqqi4x"
    asked = struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, _LOCKED_FROM, _LOCKED_BYTES, 0)
    with path.open("rb") as file:
        answer = fcntl.fcntl(file, fcntl.F_GETLK, asked)
    return State.LEFT if struct.unpack(form, answer)[0] == fcntl.F_UNLCK else State.OPEN
