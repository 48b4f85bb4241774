"""Reads a cassette, and changes nothing: neither the file nor what lies beside it.

A file that a recorder has open, or left behind when it was killed, is read where it is, through its WAL. SQLite would
make new files to read one in WAL mode that has none of them beside it, and cannot finish a broken-off transaction of a
file that it may not write: both are read from a copy in a temporary folder.
"""

import logging
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from gms_replay.cassette import opening, rows, schema, seals, soundness, states, upgrades
from gms_replay.cassette.archive import Archive, Copy, in_memory
from gms_replay.model import Recording

_log = logging.getLogger(__name__)

_T = TypeVar("_T")


def read(path: str | os.PathLike[str]) -> Recording:
    """All facts of a cassette that are committed at this moment, also while it is being recorded.

    An older format is upgraded in memory. Raises NotACassetteError, CassetteTooNewError or CassetteDamagedError for a
    file that is no usable cassette, CassetteError for one that the system does not let us read.
    """
    file = Path(path)
    with opening.errors_named(file, "read"):
        copy = _sealed(file)
        if copy is None:
            return look_into(file, lambda connection: _facts(connection, file))
        with copy:
            return _recording(copy)


def hold(path: str | os.PathLike[str]) -> Archive:
    """The same facts, to be read as far as somebody asks for them; the archive raises what `read` raises."""
    return Archive(Path(path), lambda: _copy(Path(path)))


def _copy(file: Path) -> Copy:
    with opening.errors_named(file, "read"):
        copy = _sealed(file)
        return Copy(look_into(file, in_memory), is_sound=False) if copy is None else Copy(copy, is_sound=True)


def _sealed(file: Path) -> Connection | None:
    """What a cassette holds, if it is known from its seal that this is what was written."""
    opening.require_cassette(file)
    if states.of(file) in states.ABANDONED:
        _log.warning(
            "%s: its recorder did not close it, so the last of it may be missing; gms-replay check tells what it holds",
            file,
        )
    # SQLite's library may be built without it.
    pages = seals.pages(file) if hasattr(sqlite3.Connection, "deserialize") else None
    if pages is None:
        return None
    copy = opening.connect_memory(pages)
    if upgrades.format_of(copy) < schema.FORMAT_VERSION:
        upgrades.adapt(copy)
    return copy


def look_into(path: Path, look: Callable[[Connection], _T], *, tolerant: bool = False) -> _T:
    """What `look` makes of a cassette in the current format. It may be called twice: the file, then a copy of it.

    A `tolerant` look begins even where the file's end or parts of its schema are lost. Raises what SQLite and the file
    system raise.
    """
    # SQLite takes any -wal that lies beside a file for its own, but a file that is not in WAL mode has none.
    in_wal_mode = opening.is_in_wal_mode(path)
    has_both = beside(path, "-wal").exists() and beside(path, "-shm").exists()
    if in_wal_mode and not has_both:
        return _look_into_copy(path, look, tolerant, ("", "-wal", "-journal"))
    if not in_wal_mode and has_foreign_wal(path):
        return _look_into_copy(path, look, tolerant, ("", "-journal"))
    try:
        with opening.connect(path, "ro") as connection:
            return _look(connection, look, tolerant)
    except (SQLAlchemyError, sqlite3.Error) as error:
        if not opening.is_refused_by_system(error):
            raise
        return _look_into_copy(path, look, tolerant, ("", "-wal", "-journal"))


def has_foreign_wal(path: Path) -> bool:
    """Whether a -wal lies beside a cassette that cannot have one."""
    return not opening.is_in_wal_mode(path) and beside(path, "-wal").exists()


def _look_into_copy(path: Path, look: Callable[[Connection], _T], tolerant: bool, suffixes: tuple[str, ...]) -> _T:
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        copy = Path(folder, "cassette")
        for suffix in suffixes:
            if beside(path, suffix).exists():
                shutil.copyfile(beside(path, suffix), beside(copy, suffix))
        with opening.connect(copy, "rw") as connection:
            return _look(connection, look, tolerant)


def beside(path: Path, suffix: str) -> Path:
    """A file that SQLite keeps next to another: -wal, -shm, -journal."""
    return path.with_name(path.name + suffix)


def _look(connection: Connection, look: Callable[[Connection], _T], tolerant: bool) -> _T:
    if tolerant:
        _forgive(connection)
    if upgrades.format_of(connection) < schema.FORMAT_VERSION:
        with opening.connect_memory() as newer:
            opening.driver(connection).backup(opening.driver(newer))
            if tolerant:
                _forgive(newer)
            upgrades.adapt(newer)
            return look(newer)
    return look(connection)


def _forgive(connection: Connection) -> None:
    # Meant for mending schemas, this also lets SQLite open a file that is shorter than its header says.
    opening.driver(connection).execute("PRAGMA writable_schema = ON")


def _facts(connection: Connection, path: Path) -> Recording:
    # One transaction, so that facts that are committed meanwhile are either wholly in it or not at all.
    with connection.begin():
        soundness.require(connection, path)
        return _recording(connection)


def _recording(connection: Connection) -> Recording:
    return rows.to_recording(lambda table: rows.all_of(opening.driver(connection), table))
