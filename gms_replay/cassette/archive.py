"""A cassette's facts as they were at one moment, read as far as somebody asks for them.

They are kept as SQLite keeps them, in memory: opening a large cassette to play a little of it costs as little as can
be, and whoever records into the file, moves or removes it meanwhile is in nobody's way.
"""

import json
import re
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table

from gms_replay.cassette import opening, rows, schema
from gms_replay.model import Carried, Direction, Outline, Recording

_OUTLINES = """
    SELECT request.id, method, target, coalesce(request.ended_at_us, request.started_at_us), request.headers,
        coalesce(request.decoded, request.body), coalesce(outcome.decoded, outcome.body)
    FROM request LEFT JOIN outcome ON outcome.exchange_id = request.id ORDER BY request.id
"""
_CARRIED = "SELECT id, exchange_id, direction, raw FROM message WHERE channel <> '' ORDER BY id"

_PAIRS = re.compile(r'\[(?:\["[^"\\]*+(?:\\.[^"\\]*+)*+", "[^"\\]*+(?:\\.[^"\\]*+)*+"\](?:, (?=\[)|(?=\]$)))*+\]')
"""Pairs as a recorder writes them."""


class Archive:
    """Facts in memory, all of them sound. Use it as a context manager."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def outlines(self, header_name: str) -> Iterator[Outline]:
        """What is known of each exchange without reading it through."""
        name = re.escape(json.dumps(header_name))
        named = re.compile(rf'\[\s*{name}\s*,\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*\]', re.IGNORECASE | re.ASCII)
        # By SQLite's own cursor: SQLAlchemy's takes several times as long for a row.
        for number, method, target, asked_at_us, headers, asked, told in self._driver.execute(_OUTLINES):
            found = named.search(headers)
            value = found and (json.loads(found[0])[1] if "\\" in found[1] else found[1])
            yield Outline(number, method, target, asked_at_us, value, asked, told)

    def carried(self) -> Iterator[Carried]:
        """What is known of each Bayeux message without reading it."""
        for number, exchange_id, direction, raw in self._driver.execute(_CARRIED):
            yield Carried(number, exchange_id, direction == Direction.TO_CLIENT, raw)

    def part(self, exchange_ids: Sequence[int], message_ids: Sequence[int]) -> Recording:
        """These exchanges and messages, each in the order of their ids."""
        outcomes = {row["exchange_id"]: rows.to_outcome(row) for row in self._of(schema.outcome, exchange_ids)}
        requests = self._of(schema.request, exchange_ids)
        return Recording(
            exchanges=tuple(rows.to_exchange(row, outcomes.get(row["id"])) for row in requests),
            messages=tuple(rows.to_message(row) for row in self._of(schema.message, message_ids)),
        )

    def _of(self, table: Table, ids: Sequence[int]) -> list[rows.Row]:
        if not ids:
            return []
        (key,) = table.primary_key
        wanted = f"WHERE {key.name} IN (SELECT value FROM json_each(?)) ORDER BY {key.name}"
        found = self._driver.execute(f"SELECT {_names(table.columns)} FROM {table.name} {wanted}", (json.dumps(ids),))
        return [rows.read(table, values) for values in found.fetchall()]

    @property
    def _driver(self) -> sqlite3.Connection:
        return opening.driver(self._connection)


def in_memory(connection: Connection, path: Path) -> Archive:
    """The facts of a cassette that is open. Raises CassetteDamagedError, or what SQLite and decoding raise."""
    copy = opening.connect_memory()
    try:
        opening.driver(connection).backup(opening.driver(copy))
        opening.check(copy, path)
        for table in schema.metadata.sorted_tables:
            if not _is_sound(opening.driver(copy), table):
                rows.all_of(copy, table)
    except BaseException:
        copy.close()
        raise
    return Archive(copy)


def _is_sound(driver: sqlite3.Connection, table: Table) -> bool:
    """Whether `rows.flaws` would find nothing, which takes much longer. Raises what SQLite does where text is none."""
    doubtful = driver.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE {' OR '.join(rows.doubts(table))})")
    if doubtful.fetchone()[0]:
        return False
    for column in (column for column in table.columns if schema.type_of(column) is tuple):
        texts = driver.execute(f"SELECT DISTINCT {_names([column])} FROM {table.name}")
        if not all(text is None or _PAIRS.fullmatch(text) for (text,) in texts):
            return False
    if words := [column for column in table.columns if schema.type_of(column) is str]:
        driver.execute(f"SELECT DISTINCT {_names(words)} FROM {table.name}").fetchall()
    return True


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
