"""Reads a cassette, and changes nothing: neither the file nor what lies beside it.

A file that a recorder has open, or left behind when it was killed, is read where it is, through its WAL. SQLite would
make new files to read one in WAL mode that has none of them beside it, and cannot finish a broken-off transaction of a
file that it may not write: both are read from a copy in a temporary folder.
"""

import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Row, Table, select
from sqlalchemy.exc import SQLAlchemyError

from gms_replay.cassette import opening, rows, schema
from gms_replay.cassette.upgrades import format_of, upgrade
from gms_replay.model import Exchange, Recording, Socket


def read(path: str | os.PathLike[str]) -> Recording:
    """All facts of a cassette that are committed at this moment, also while it is being recorded.

    An older format is upgraded in memory. Raises NotACassetteError, CassetteTooNewError or CassetteDamagedError for a
    file that is no usable cassette, CassetteError for one that the system does not let us read.
    """
    file = Path(path)
    with opening.errors_named(file, "read"):
        opening.require_cassette(file)
        if opening.is_in_wal_mode(file) and not _beside(file, "-shm").exists():
            return _read_copy(file)
        try:
            with opening.connect(file, "ro") as connection:
                return _read(connection, file)
        except (SQLAlchemyError, sqlite3.Error) as error:
            if not opening.is_refused_by_system(error):
                raise
            return _read_copy(file)


def _read_copy(path: Path) -> Recording:
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        copy = Path(folder, "cassette")
        for suffix in ("", "-wal", "-journal"):
            if _beside(path, suffix).exists():
                shutil.copyfile(_beside(path, suffix), _beside(copy, suffix))
        with opening.connect(copy, "rw") as connection:
            return _read(connection, path)


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _read(connection: Connection, path: Path) -> Recording:
    if format_of(connection) < schema.FORMAT_VERSION:
        with opening.connect_memory() as newer:
            opening.driver(connection).backup(opening.driver(newer))
            upgrade(newer)
            return _facts(newer, path)
    return _facts(connection, path)


def _facts(connection: Connection, path: Path) -> Recording:
    # One transaction, so that facts that are committed meanwhile are either wholly in it or not at all.
    with connection.begin():
        opening.check(connection, path)
        return Recording(
            runs=tuple(rows.to_run(row) for row in _all(connection, schema.run)),
            exchanges=_exchanges(connection),
            messages=tuple(rows.to_message(row) for row in _all(connection, schema.message)),
            pushes=tuple(rows.to_push(row) for row in _all(connection, schema.push)),
            sockets=_sockets(connection),
        )


def _exchanges(connection: Connection) -> tuple[Exchange, ...]:
    outcomes = {row.exchange_id: rows.to_outcome(row) for row in _all(connection, schema.outcome)}
    return tuple(rows.to_exchange(row, outcomes.get(row.id)) for row in _all(connection, schema.request))


def _sockets(connection: Connection) -> tuple[Socket, ...]:
    ends = {row.exchange_id: row for row in _all(connection, schema.socket_end)}
    return tuple(rows.to_socket(row, ends.get(row.exchange_id)) for row in _all(connection, schema.socket))


def _all(connection: Connection, table: Table) -> list[Row[Any]]:
    found = list(connection.execute(select(table).order_by(*table.primary_key)))
    types = [schema.type_of(column) for column in table.columns]
    for row in found:
        # SQLite keeps a value of any type in any column.
        for column, wanted, value in zip(table.columns, types, row, strict=True):
            if value is not None and not isinstance(value, wanted):
                raise ValueError(f"{table.name}.{column.name} holds {str(value)[:40]!r}")
    return found
