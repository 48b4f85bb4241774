"""A cassette's facts as they were at one moment, read as far as somebody asks for them.

They are kept as SQLite keeps them, in memory: opening a large cassette to play a little of it costs as little as can
be, and whoever records into the file, moves or removes it meanwhile is in nobody's way.
"""

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Table

from gms_replay.cassette import opening, rows, schema
from gms_replay.model import Carried, Direction, Outline, Recording

_OUTLINES = """
    SELECT request.id, method, target, coalesce(request.ended_at_us, request.started_at_us), request.headers,
        coalesce(request.decoded, request.body), coalesce(outcome.decoded, outcome.body)
    FROM request LEFT JOIN outcome ON outcome.exchange_id = request.id ORDER BY request.id
"""
_CARRIED = "SELECT id, exchange_id, direction, raw FROM message WHERE channel <> '' ORDER BY id"


class Archive:
    """Facts in memory; `path` is where they are from. Close it, or use it as a context manager.

    It raises CassetteDamagedError where a fact turns out to be unreadable.
    """

    def __init__(self, connection: Connection, path: Path) -> None:
        self._connection = connection
        self._path = path

    def __enter__(self) -> "Archive":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def outlines(self, header_name: str) -> Iterator[Outline]:
        """What is known of each exchange without reading it through."""
        named = re.compile(rf'\[\s*{json.dumps(header_name)}\s*,\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*\]', re.IGNORECASE)
        for number, method, target, asked_at_us, headers, asked, told in self._selected(_OUTLINES):
            found = named.search(headers)
            value = found and (json.loads(found[0])[1] if "\\" in found[1] else found[1])
            yield Outline(number, method, target, asked_at_us, value, asked, told)

    def carried(self) -> Iterator[Carried]:
        """What is known of each Bayeux message without reading it."""
        for number, exchange_id, direction, raw in self._selected(_CARRIED):
            yield Carried(number, exchange_id, direction == Direction.TO_CLIENT, raw)

    def _selected(self, statement: str) -> Iterator[tuple[Any, ...]]:
        # By SQLite's own cursor: SQLAlchemy's takes several times as long for a row.
        with opening.errors_named(self._path, "read"):
            yield from opening.driver(self._connection).execute(statement)

    def part(self, exchange_ids: Sequence[int], message_ids: Sequence[int]) -> Recording:
        """These exchanges and messages, each in the order of their ids."""
        with opening.errors_named(self._path, "read"):
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
        wanted = f"SELECT * FROM {table.name} WHERE {key.name} IN (SELECT value FROM json_each(?)) ORDER BY {key.name}"
        found = opening.driver(self._connection).execute(wanted, (json.dumps(ids),)).fetchall()
        return [rows.read(table, values) for values in found]


def in_memory(connection: Connection, path: Path) -> Archive:
    """The facts of a cassette that is open and sound. Raises CassetteDamagedError, or ValueError for an odd value."""
    copy = opening.connect_memory()
    try:
        opening.driver(connection).backup(opening.driver(copy))
        opening.check(copy, path)
        for table in schema.metadata.sorted_tables:
            if _has_odd_values(copy, table):
                rows.all_of(copy, table)
    except BaseException:
        copy.close()
        raise
    return Archive(copy, path)


def _has_odd_values(connection: Connection, table: Table) -> bool:
    """Whether there may be any: SQLite looks for them much faster than `rows.flaws`, which tells which."""
    looking = f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE {' OR '.join(rows.doubts(table))})"
    return bool(opening.driver(connection).execute(looking).fetchone()[0])
