"""A cassette opened to record into, so that nobody else does.

Strategy: a recorder keeps its file in WAL mode with the file's shared lock, and nobody can end that mode while it
lives. So (1) the last run is read, (2) WAL mode is ended, which proves that nobody recorded at that moment, (3) it is
entered again, and (4) our run is added, which must then stand next to (1). Of two that start together the second to add
its run either could not end the first's WAL mode, or finds one run too many.
"""

import sqlite3
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Table, func, select

from gms_replay.cassette import inserts, opening, rows, schema
from gms_replay.cassette.upgrades import format_of, upgrade
from gms_replay.errors import CassetteError

# Another recorder stays; a reader, or whoever is making the file, is soon done.
_PATIENCE_S = 1.0
_LOOK_AGAIN_S = 0.02


@dataclass(frozen=True, slots=True)
class Claim:
    """An open cassette with a run of ours begun; `last_ids` are the highest ids of its tables."""

    connection: Connection
    run_id: int
    last_ids: dict[Table, int]


class _TakenError(CassetteError):
    """Another recorder has the file."""


def take(path: Path, run: rows.Values, *, is_durable: bool = False) -> Claim:
    """Open a cassette, or create it, and begin a run. `run` holds the run's columns, but its id. With
    `is_durable` its commits, and the file itself, are on the disk when they return.

    Raises CassetteError, what SQLite raises, or OSError; the file then holds what it held.
    """
    is_new = _create(path)
    if not is_new:
        _await_maker(path)
        opening.require_cassette(path)
    try:
        claim = _begin(path, run, is_durable=is_durable)
        if is_durable:
            # What is in a file that is not in its folder is lost with the power.
            opening.sync_folder(path)
        return claim
    except _TakenError:
        # Ours or not: now it is another's.
        raise
    except BaseException as error:
        if is_new and not opening.is_in_use(error):
            opening.remove(path)
        raise


def _create(path: Path) -> bool:
    try:
        opening.claim(path)
    except FileExistsError:
        return False
    return True


def _await_maker(path: Path) -> None:
    """Another recorder that started a moment ago has made the file, and is about to fill it."""
    give_up_at = time.monotonic() + _PATIENCE_S
    while path.is_file() and path.stat().st_size == 0 and time.monotonic() < give_up_at:
        time.sleep(_LOOK_AGAIN_S)


def _begin(path: Path, run: rows.Values, *, is_durable: bool) -> Claim:
    with ExitStack() as undo:
        connection = opening.connect(path, "rw")
        undo.callback(connection.close)
        opening.check(connection, path)
        last_run = _last_run(connection)
        if not opening.leave_wal_mode(connection, _PATIENCE_S):
            raise _taken(path)
        upgrade(connection)
        _require_tables(connection)
        run_id = _add_run(connection, path, run, last_run, is_durable=is_durable)
        with connection.begin():
            tables = (schema.request, schema.message, schema.push, schema.connection, schema.frame)
            last_ids = {table: connection.scalar(select(func.max(table.c.id))) or 0 for table in tables}
        undo.pop_all()
        return Claim(connection, run_id, last_ids)


def _last_run(connection: Connection) -> int:
    if not format_of(connection):
        return 0
    with connection.begin():
        return connection.scalar(select(func.max(schema.run.c.id))) or 0


def _require_tables(connection: Connection) -> None:
    """Raise what SQLite says of a table or column that is not there, before anything is written."""
    with connection.begin():
        for table in schema.metadata.sorted_tables:
            connection.execute(select(table).limit(0))


def _add_run(connection: Connection, path: Path, run: rows.Values, last_run: int, *, is_durable: bool) -> int:
    give_up_at = time.monotonic() + _PATIENCE_S
    while True:
        if not opening.enter_wal_mode(connection, _PATIENCE_S, is_durable=is_durable):
            raise _taken(path)
        with connection.begin() as transaction:
            # The insert takes SQLite's write lock, and only this first transaction makes the mode take hold.
            try:
                inserts.insert(opening.driver(connection), [(schema.run, run | {"id": last_run + 1})])
            except sqlite3.IntegrityError:
                raise _taken(path) from None
            if connection.scalar(select(func.max(schema.run.c.id))) != last_run + 1:
                raise _taken(path)
            if connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal":
                return last_run + 1
            # Somebody who starts at the same time has ended the mode before it was ours.
            transaction.rollback()
        if time.monotonic() > give_up_at:
            raise _taken(path)


def _taken(path: Path) -> _TakenError:
    return _TakenError(f"{path}: another program records into it; end that one, or name another file")
