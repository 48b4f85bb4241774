"""A cassette's facts as they were at one moment, read as far as somebody asks for them.

They are kept as SQLite keeps them, in memory: opening a large cassette to play a little of it costs as little as can
be, and whoever records into the file, moves or removes it meanwhile is in nobody's way.
"""

import json
import re
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Connection, Table

from gms_replay.cassette import opening, rows, schema
from gms_replay.model import Carried, Direction, Outline, Recording, outlined

_ASKED = """
    SELECT coalesce(ended_at_us, started_at_us), id, method, target, headers, coalesce(decoded, body) FROM request
"""
_ANSWERS = "SELECT exchange_id, coalesce(decoded, body) AS plain FROM outcome WHERE {}"
_CARRIED = "SELECT id, exchange_id, direction, raw FROM message WHERE channel <> '' ORDER BY id"

_ROWS_AT_ONCE = 10_000

_HEADERS_KEPT = 1024
"""An app sends the same headers again and again."""

_PAIRS = re.compile(r'\[(?:\["[^"\\]*+(?:\\.[^"\\]*+)*+", "[^"\\]*+(?:\\.[^"\\]*+)*+"\](?:, (?=\[)|(?=\]$)))*+\]')
"""Pairs as a recorder writes them."""


_Look = Callable[[Connection, Path], None]


class Archive:
    """Facts in memory. Use it as a context manager, inside which they are copied and searched for damage meanwhile.

    `read` makes of a cassette what its argument makes of a connection to it. What it raises is raised again where facts
    are asked for that could not be copied, by `assure`, or at the end: there instead of what went wrong because of it.
    """

    def __init__(self, read: Callable[[_Look], None]) -> None:
        self._read = read
        self._copied: Future[Connection] = Future()
        self._sound: Future[None]

    def __enter__(self) -> "Archive":
        # Looking for damage is mostly SQLite's work, which leaves Python to whoever imports or reads meanwhile.
        worker = ThreadPoolExecutor(1)
        self._sound = worker.submit(self._read, self._take)
        worker.shutdown(wait=False)
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.assure()
        finally:
            if self._copied.done():
                self._copied.result().close()

    def _take(self, connection: Connection, path: Path) -> None:
        # One transaction, so that what is checked is what was copied.
        with connection.begin():
            if not self._copied.done():
                self._copied.set_result(_copy(connection))
            opening.check(connection, path)
            for table in schema.metadata.sorted_tables:
                if not _is_sound(opening.driver(connection), table):
                    rows.all_of(connection, table)

    def assure(self) -> None:
        """Waits until all damage is found, and the file is let go. Raises what is wrong."""
        self._sound.result()

    def outlines(self, header_name: str) -> Iterable[Outline]:
        """All requests with one of their headers."""
        name = re.escape(json.dumps(header_name))
        pair = re.compile(rf'\[\s*{name}\s*,\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*\]', re.IGNORECASE | re.ASCII)

        @lru_cache(_HEADERS_KEPT)
        def named(headers: str) -> str | None:
            found = pair.search(headers)
            return found and (json.loads(found[0])[1] if "\\" in found[1] else found[1])

        # By SQLite's own cursor: SQLAlchemy's takes several times as long for a row.
        return outlined(
            ((at_us, number), (method, target, named(headers), body))
            for at_us, number, method, target, headers, body in self._driver.execute(_ASKED)
        )

    def answers_with(self, parts: Collection[bytes]) -> Iterator[tuple[int, bytes]]:
        """The bodies of the answers that hold one of these."""
        wanted = " OR ".join(["instr(plain, ?)"] * len(parts))
        return self._driver.execute(_ANSWERS.format(wanted), tuple(parts))

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

    @cached_property
    def _driver(self) -> sqlite3.Connection:
        either: tuple[Future[Any], ...] = (self._copied, self._sound)
        wait(either, return_when=FIRST_COMPLETED)
        if not self._copied.done():
            self.assure()
        return opening.driver(self._copied.result())


def _copy(connection: Connection) -> Connection:
    copy = opening.connect_memory()
    try:
        opening.driver(connection).backup(opening.driver(copy))
        # SQLite would sort what is large in files.
        opening.driver(copy).execute("PRAGMA temp_store = MEMORY")
    except BaseException:
        copy.close()
        raise
    return copy


def _is_sound(driver: sqlite3.Connection, table: Table) -> bool:
    """Whether `rows.flaws` would find nothing, which takes much longer. Raises what SQLite does where text is none."""
    doubtful = driver.execute(f"SELECT EXISTS (SELECT 1 FROM {table.name} WHERE {' OR '.join(rows.doubts(table))})")
    if doubtful.fetchone()[0]:
        return False
    (key,) = table.primary_key
    pairs, words = ([column for column in table.columns if schema.type_of(column) is kind] for kind in (tuple, str))
    texts = [f"json_group_array(DISTINCT {_names([column])})" for column in pairs + words]
    if not texts:
        return True
    # In few rows: for each, threads wait for each other.
    found = driver.execute(f"SELECT {', '.join(texts)} FROM {table.name} GROUP BY {key.name} / {_ROWS_AT_ONCE}")
    told = (text for row in found for column in row[: len(pairs)] for text in json.loads(column))
    return all(text is None or _PAIRS.fullmatch(text) for text in told)


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
