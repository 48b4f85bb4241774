"""What is damaged in a cassette, and all that can still be read of it.

Where `reader` stops at the first fault, this goes on: a row that cannot be read is left out and named, and where pages
are lost the rows before, after and between them are looked up one by one. Like reading, it changes nothing.
"""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.exc import SQLAlchemyError

from gms_replay.cassette import closings, opening, reader, rows, schema, states, upgrades, wal
from gms_replay.cassette.states import State
from gms_replay.errors import CassetteDamagedError
from gms_replay.model import Recording

_COMPLAINTS = 100
"""How many SQLite's own check may have; they are many for few causes."""

_FAULTS = (SQLAlchemyError, sqlite3.Error, ValueError, MemoryError)
"""What a damaged file raises; ValueError where a name in its schema is no UTF-8, MemoryError where a row's header tells
of more than there can be.
"""


@dataclass(frozen=True, slots=True)
class Flaw:
    """Something damaged: of the whole file where `table` is "", of a whole table where `id` is None."""

    text: str
    table: str = ""
    id: int | None = None
    column: str = ""

    def __str__(self) -> str:
        place = f"{self.table}.{self.column}" if self.column else self.table
        row = "" if self.id is None else f" {self.id}"
        return f"{place}{row}: {self.text}" if place else self.text


@dataclass(frozen=True, slots=True)
class Count:
    """How many rows of a table could be read, of how many; None where they cannot be counted."""

    table: str
    readable: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class Examined:
    """A cassette as it was found. `recording` is what can be read of it; `size_bytes` counts its WAL too."""

    size_bytes: int
    state: State
    has_foreign_wal: bool
    format: int | None
    flaws: tuple[Flaw, ...]
    counts: tuple[Count, ...]
    recording: Recording


def examine(path: str | os.PathLike[str]) -> Examined:
    """All that is wrong with a cassette, and all that can be read of it.

    Raises NotACassetteError, CassetteTooNewError, and CassetteError for a file that the system does not let us read;
    what `read` raises CassetteDamagedError for is a flaw here.
    """
    file = Path(path)
    with opening.errors_named(file, "read"):
        flaw = opening.header_flaw(file)
        if flaw is not None:
            return Examined(file.stat().st_size, State.CLOSED, False, None, (Flaw(flaw),), (), Recording())
        state, is_beside_other = states.of(file), reader.has_foreign_wal(file)
        size_bytes = file.stat().st_size + (0 if is_beside_other else _size_bytes(reader.beside(file, "-wal")))
        found = _looked_into(file)
        lost = (opening.missing_end(file), wal.flaw(file) if opening.is_in_wal_mode(file) else None)
        flaws = (*(Flaw(one) for one in lost if one), *found.flaws)
        counts, recording = tuple(found.counts), found.recording
        return Examined(size_bytes, state, is_beside_other, opening.format_in(file), flaws, counts, recording)


def damage(path: Path, flaws: tuple[Flaw, ...], *, is_repaired: bool = False) -> CassetteDamagedError:
    """The error that says in one line what is damaged, and, where it was not repaired just now, what to do."""
    more = f", and {len(flaws) - 1} more" if len(flaws) > 1 else ""
    reason = f"{flaws[0]}{more}"
    return CassetteDamagedError(f"{path}: damaged ({reason})") if is_repaired else opening.damaged(path, reason)


def _looked_into(file: Path) -> "_Look":
    strict = _looked(file, tolerant=False)
    if strict.counts:
        return strict
    tolerant = _looked(file, tolerant=True)
    tolerant.flaws = list(dict.fromkeys([*strict.flaws, *tolerant.flaws]))
    return tolerant


def _looked(file: Path, *, tolerant: bool) -> "_Look":
    try:
        return reader.look_into(file, _Look, tolerant=tolerant)
    except _FAULTS as error:
        if not opening.is_damage(error):
            raise
        return _Look(None, [Flaw(opening.reason_of(error))])


class _Look:
    """One look into an open cassette, which it leaves unfit for any other use."""

    def __init__(self, connection: Connection | None, flaws: list[Flaw] | None = None) -> None:
        self.flaws = flaws or []
        self.counts: list[Count] = []
        self.recording = Recording()
        if connection is not None:
            self._dialect = connection.dialect
            self._has_checksums = upgrades.has_checksums(connection)
            self._file = opening.driver(connection)
            self._file.text_factory = _text
            # One transaction, so that what is committed meanwhile is not half in it.
            self._file.execute("BEGIN")
            self._check()

    def _check(self) -> None:
        before = len(self.flaws)
        with self._noting():
            self._file.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if len(self.flaws) > before:
            return
        with self._noting():
            for (verdict,) in self._file.execute(f"PRAGMA integrity_check({_COMPLAINTS})"):
                if verdict != "ok":
                    self.flaws.append(Flaw(" ".join(str(verdict).split())))
        found = {table: self._table(table) for table in schema.metadata.sorted_tables}
        for table in found:
            self._find_dangling(table)
        self._find_missing()
        self.recording = rows.to_recording(lambda table: found[table])

    @contextmanager
    def _noting(self, table: str = "", row_id: int | None = None) -> Iterator[None]:
        """Takes what is damaged for a flaw; what the system refuses goes on up."""
        try:
            yield
        except _FAULTS as error:
            if not opening.is_damage(error):
                raise
            flaw = Flaw(opening.reason_of(error), table, row_id)
            if flaw not in self.flaws:
                self.flaws.append(flaw)

    def _table(self, table: Table) -> list[rows.Row]:
        present: set[str] = set()
        with self._noting(table.name):
            # As SQLite compares names, which a damaged byte may have left in other letters.
            asked = self._file.execute("SELECT lower(name) FROM pragma_table_info(?)", (table.name,))
            present = {name for (name,) in asked}
        missing = [column.name for column in table.columns if column.name not in present]
        if not present:
            self.flaws.append(Flaw("the table is missing", table.name))
        else:
            self.flaws += [Flaw("the column is missing", table.name, column=name) for name in missing]
        read: list[rows.Row] = [] if missing else [row for row in self._values(table) if self._is_sound(table, row)]
        total = self._total(table) if present else None
        self.counts.append(Count(table.name, len(read), total))
        return read

    def _total(self, table: Table) -> int | None:
        try:
            (total,) = self._file.execute(f"SELECT count(*) FROM {table.name}").fetchone()
        except _FAULTS:
            return None
        return int(total)

    def _values(self, table: Table) -> list[dict[str, Any]]:
        (key,) = table.primary_key
        names = [column.name for column in table.columns]
        quoted = ", ".join(f'"{name}"' for name in names)
        asked = f"SELECT {quoted} FROM {table.name}"
        try:
            found = self._file.execute(f"{asked} ORDER BY {key.name}").fetchall()
        except _FAULTS as error:
            if not opening.is_damage(error):
                raise
            found = []
            for row_id in self._keys(table, key.name):
                with self._noting(table.name, row_id):
                    found += self._file.execute(f"{asked} WHERE {key.name} = ?", (row_id,)).fetchall()
        return [dict(zip(names, row, strict=True)) for row in found]

    def _keys(self, table: Table, key: str) -> list[int]:
        """The ids that can be found, from either end."""
        found: set[int] = set()
        for order in ("ASC", "DESC"):
            with self._noting(table.name):
                for (row_id,) in self._file.execute(f"SELECT {key} FROM {table.name} ORDER BY {key} {order}"):
                    found |= {row_id} if isinstance(row_id, int) else set()
        return sorted(found)

    def _is_sound(self, table: Table, row: dict[str, Any]) -> bool:
        """Decodes a row in place; False, with its flaws noted, where that cannot be."""
        (key,) = table.primary_key
        problems: list[tuple[str, str]] = []
        held = tuple(row.values())
        for column in table.columns:
            value = row[column.name]
            if isinstance(value, _NotUtf8):
                problems.append((column.name, "not UTF-8"))
            elif isinstance(column.type, schema.Pairs) and isinstance(value, str):
                try:
                    row[column.name] = column.type.process_result_value(value, self._dialect)
                except ValueError as error:
                    problems.append((column.name, opening.reason_of(error)))
        problems = problems or list(rows.flaws(table, row))
        if not problems and self._has_checksums and not rows.is_sound(table, held):
            problems = [("", rows.CHANGED)]
        self.flaws += [Flaw(text, table.name, row[key.name], column) for column, text in problems]
        return not problems

    def _find_dangling(self, table: Table) -> None:
        columns = {key.column.table.name: key.parent.name for key in table.foreign_keys}
        with self._noting(table.name):
            for _, row_id, owner, _ in self._file.execute(f"PRAGMA foreign_key_check({table.name})"):
                text = f"belongs to a {owner} that is not there"
                self.flaws.append(Flaw(text, table.name, row_id, columns.get(owner, "")))

    def _find_missing(self) -> None:
        with self._noting(schema.closing.name):
            if self._has_checksums:
                missing = closings.missing(self._file)
                self.flaws += [Flaw(text, table) for table, text in missing.items()]


class _NotUtf8(bytes):
    """What stands where text should, and is none."""


def _text(raw: bytes) -> str | _NotUtf8:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return _NotUtf8(raw)


def _size_bytes(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
