"""Facts inserted in batches, with no compiler between them and SQLite.

While recording each microsecond counts: what the writer uses of the machine, the proxy and its apps do without.
"""

import json
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Table

from gms_replay.cassette import checksums, rows, schema

# The first end of an exchange or a socket is the one that counts.
_FIRST_COUNTS = frozenset({schema.outcome, schema.socket, schema.socket_end})

_json = json.JSONEncoder(ensure_ascii=False).encode


def insert(connection: sqlite3.Connection, facts: Iterable[tuple[Table, rows.Values]]) -> None:
    """Insert facts, in order within each table. Raises what SQLite raises; the caller has begun a transaction."""
    by_table: defaultdict[Table, list[rows.Values]] = defaultdict(list)
    for table, values in facts:
        by_table[table].append(values)
    for table, batch in by_table.items():
        statement, columns = _STATEMENTS[table]
        connection.executemany(statement, (_row(table.name, columns, values) for values in batch))


def _row(table: str, columns: Sequence[tuple[str, Callable[[Any], Any] | None]], values: rows.Values) -> list[Any]:
    told = [values[name] if tell is None else tell(values[name]) for name, tell in columns]
    told.append(checksums.of(table, told))
    return told


def _pairs(value: tuple[tuple[str, str], ...] | None) -> str | None:
    return None if value is None else _text(_json(value))


def _text(value: str | None) -> str | None:
    if value is None or value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


_TOLD: dict[type, Callable[[Any], Any]] = {schema.WireText: _text, schema.Pairs: _pairs}
"""How values of a column's type are written, where it is not as they are: as `schema` has it, in less time."""


def _statement(table: Table) -> tuple[str, tuple[tuple[str, Callable[[Any], Any] | None], ...]]:
    columns = tuple((column.name, _TOLD.get(type(column.type))) for column in schema.content(table))
    names = ", ".join(f'"{name}"' for name in (*(name for name, _ in columns), schema.CHECKSUM))
    marks = ", ".join("?" for _ in (*columns, schema.CHECKSUM))
    conflict = " ON CONFLICT DO NOTHING" if table in _FIRST_COUNTS else ""
    return f"INSERT INTO {table.name} ({names}) VALUES ({marks}){conflict}", columns


_STATEMENTS = {table: _statement(table) for table in schema.metadata.sorted_tables}
