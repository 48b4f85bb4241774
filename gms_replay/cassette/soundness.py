"""Whether a database holds what its recorder wrote, all of it: what is searched before anything of it is used."""

import json
import re
import sqlite3
from pathlib import Path

from sqlalchemy import Connection, Table

from gms_replay.cassette import closings, opening, rows, schema, upgrades

_ROWS_AT_ONCE = 10_000

_STRING = r'"[^"\\\x00-\x1f]*+(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*+)*+"'
_PAIRS = re.compile(rf"\[(?:\[{_STRING}, {_STRING}\](?:, (?=\[)|(?=\]$)))*+\]")
"""Pairs as a recorder writes them."""


def require(connection: Connection, path: Path) -> None:
    """Raise CassetteDamagedError, or what SQLite and decoding raise, for whatever is damaged."""
    opening.check(connection, path)
    file, tables = opening.driver(connection), schema.metadata.sorted_tables
    if not upgrades.has_checksums(connection):
        for table in tables:
            if not _is_plausible(file, table):
                rows.all_of(file, table)
        return
    for table in tables:
        rows.require_sound(file, table)
    for name, problem in closings.missing(file).items():
        raise ValueError(f"{name}: {problem}")


def _is_plausible(driver: sqlite3.Connection, table: Table) -> bool:
    """Whether `rows.flaws` finds nothing for sure, which takes much longer; text that is none it would find, too."""
    doubtful = driver.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE {' OR '.join(rows.doubts(table))})")
    if doubtful.fetchone()[0]:
        return False
    (key,) = table.primary_key
    pairs, words = ([column for column in table.columns if schema.type_of(column) is kind] for kind in (tuple, str))
    texts = [f'json_group_array(DISTINCT "{column.name}")' for column in pairs + words]
    # In few and long rows: for each, this thread and those that use Python wait for each other.
    some = f"SELECT * FROM {table.name} WHERE {key.name} > ? ORDER BY {key.name} LIMIT {_ROWS_AT_ONCE}"
    (last,) = driver.execute(f"SELECT min({key.name}) - 1 FROM {table.name}").fetchone()
    while last is not None:
        try:
            told = driver.execute(f"SELECT {', '.join([f'max({key.name})', *texts])} FROM ({some})", (last,)).fetchone()
        except sqlite3.Error:
            return False
        last = told[0]
        headers = (text for column in told[1 : 1 + len(pairs)] for text in json.loads(column))
        if not all(text is None or _PAIRS.fullmatch(text) for text in headers):
            return False
    return True
