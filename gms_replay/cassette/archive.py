"""A cassette's facts as they were at one moment, read as far as somebody asks for them.

They are kept as SQLite keeps them, in memory: opening a large cassette to play a little of it costs as little as can
be, and whoever records into the file, moves or removes it meanwhile is in nobody's way.
"""

import json
import re
import sqlite3
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Column, Connection, Table

from gms_replay.cassette import opening, rows, schema, soundness
from gms_replay.model import FRAMES_PROVIDER, Carried, Direction, Outline, Recording, Redaction, outlined

_ASKED = """
    SELECT coalesce(ended_at_us, started_at_us), id, method, target, headers, coalesce(decoded, body) FROM request
"""
_HOSTS = "SELECT DISTINCT host, headers FROM request"
_REDACTIONS = "SELECT DISTINCT redaction FROM run"
_ANSWERS = "SELECT exchange_id, coalesce(decoded, body) AS plain FROM outcome WHERE {}"
_PROVIDERS = "SELECT DISTINCT provider FROM push UNION SELECT ? WHERE EXISTS (SELECT 1 FROM frame)"
_PUSHED = "SELECT id, exchange_id FROM push WHERE {}"
_FRAMED = "SELECT id FROM frame WHERE connection_id IN (SELECT connection_id FROM frame WHERE {})"
_CARRIED = "SELECT id, exchange_id, direction, raw FROM message WHERE channel <> '' ORDER BY id"

_HEADERS_KEPT = 1024
"""An app sends the same headers again and again."""


class Copy(NamedTuple):
    """A database in memory; `is_sound` where it is known that no damage can be in it."""

    connection: Connection
    is_sound: bool


class Archive:
    """Facts in memory. Use it once, as a context manager: inside it they are copied, and searched for damage meanwhile.

    `copy` makes a copy in memory of the cassette at `path`. What it raises is raised again where facts are asked for
    and by `assure`, which raises for damage, too; and at the end, instead of the error that damage brought about.
    """

    def __init__(self, path: Path, copy: "Callable[[], Copy]") -> None:
        self._path = path
        self._copy = copy
        self._copied: Future[Connection] = Future()
        self._sound: Future[None] = Future()

    def __enter__(self) -> "Archive":
        # Most of it is SQLite's work, which leaves Python to whoever imports and reads meanwhile.
        threading.Thread(target=self._open, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Whoever interrupts waits for nothing: the thread ends with the process.
        if kind is None or issubclass(kind, Exception):
            try:
                self.assure()
            finally:
                if self._copied.exception() is None:
                    self._copied.result().close()

    def assure(self) -> None:
        """Waits until all damage is found. Raises what is wrong."""
        self._copied.result()
        self._sound.result()

    def _open(self) -> None:
        try:
            copy = self._copy()
        except Exception as error:
            self._copied.set_exception(error)
            return
        self._copied.set_result(copy.connection)
        try:
            if not copy.is_sound:
                # Another one to search: SQLite lets one in at a time.
                with opening.errors_named(self._path, "read"), in_memory(copy.connection) as other:
                    soundness.require(other, self._path)
        except Exception as error:
            self._sound.set_exception(error)
        else:
            self._sound.set_result(None)

    def outlines(self, header_name: str) -> Iterable[Outline]:
        """All requests with one of their headers."""
        named = _finder(header_name)
        # By SQLite's own cursor: SQLAlchemy's takes several times as long for a row.
        return outlined(
            ((at_us, number), (method, target, named(headers), body))
            for at_us, number, method, target, headers, body in self._driver.execute(_ASKED)
        )

    def hosts(self) -> frozenset[str]:
        """Where requests went: the names, and what their Host headers said, perhaps with a port."""
        named = _finder("host")
        asked = self._driver.execute(_HOSTS)
        return frozenset(host for name, headers in asked for host in (name, named(headers)) if host)

    def redactions(self) -> frozenset[Redaction]:
        """How its runs were redacted."""
        return frozenset(Redaction(mode) for (mode,) in self._driver.execute(_REDACTIONS))

    def answers_with(self, parts: Collection[bytes]) -> Iterator[tuple[int, bytes]]:
        """The bodies of the answers that hold one of these."""
        return self._driver.execute(_ANSWERS.format(_any_in("plain", parts)), tuple(parts))

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

    def providers(self) -> frozenset[str]:
        """Whom pushes were told to."""
        return frozenset(provider for (provider,) in self._driver.execute(_PROVIDERS, (FRAMES_PROVIDER,)))

    def pushed_with(self, parts: Collection[bytes]) -> Recording:
        """The pushes that hold one of these, with what carried them: exchanges, or all frames of their connections."""
        found = self._driver.execute(_PUSHED.format(_any_in("payload", parts)), tuple(parts)).fetchall()
        pushes = self._of(schema.push, [number for number, _ in found])
        carried = self.part([exchange_id for _, exchange_id in found if exchange_id is not None], ())
        framed = self._driver.execute(_FRAMED.format(_any_in("raw", parts)), tuple(parts)).fetchall()
        frames = self._of(schema.frame, [number for (number,) in framed])
        return Recording(
            exchanges=carried.exchanges,
            pushes=tuple(map(rows.to_push, pushes)),
            frames=tuple(map(rows.to_frame, frames)),
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
        return opening.driver(self._copied.result())


def _finder(header_name: str) -> Callable[[str], str | None]:
    """Tells the first value of a header, of headers as they are stored."""
    name = re.escape(json.dumps(header_name))
    pair = re.compile(rf'\[\s*{name}\s*,\s*"([^"\\]*(?:\\.[^"\\]*)*)"\s*\]', re.IGNORECASE | re.ASCII)

    @lru_cache(_HEADERS_KEPT)
    def named(headers: str) -> str | None:
        found = pair.search(headers)
        return found and (json.loads(found[0])[1] if "\\" in found[1] else found[1])

    return named


def in_memory(connection: Connection) -> Connection:
    """A copy of a database, of which nothing gets to the disk."""
    copy = opening.connect_memory()
    try:
        opening.driver(connection).backup(opening.driver(copy))
    except BaseException:
        copy.close()
        raise
    return copy


def _any_in(column: str, parts: Collection[bytes]) -> str:
    """SQL's condition that a column holds one of so many parts."""
    return " OR ".join([f"instr({column}, ?)"] * len(parts)) or "0"


def _names(columns: Iterable[Column[Any]]) -> str:
    return ", ".join(f'"{column.name}"' for column in columns)
