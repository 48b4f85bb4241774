"""How much a cassette holds, counted by SQLite: none of the facts is read.

The program that records may ask too. Only SQLite may open the file there: whoever else opens and closes it takes the
process's locks from it (POSIX; sqlite.org/howtocorrupt.html, section 2.2), and a second recorder could move in.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from gms_replay.cassette import opening, schema


@dataclass(frozen=True, slots=True)
class Counts:
    """How many facts of each kind a cassette holds."""

    runs: int
    exchanges: int
    messages: int
    pushes: int
    frames: int


def count(path: str | os.PathLike[str]) -> Counts:
    """The counts of what is committed by now, in a file that is known to be a cassette. Raises CassetteError."""
    file = Path(path)
    with opening.errors_named(file, "read"), opening.connect(file, "ro") as connection, connection.begin():
        return Counts(
            runs=_rows(connection, schema.run),
            exchanges=_rows(connection, schema.request),
            messages=_rows(connection, schema.message),
            pushes=_rows(connection, schema.push),
            frames=_rows(connection, schema.frame),
        )


def _rows(connection: Connection, table: Table) -> int:
    return connection.scalar(select(func.count()).select_from(table)) or 0
