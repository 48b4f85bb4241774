"""The tables of a cassette, in the format that this version writes.

Rows are facts: they are inserted, never updated, and each has its checksum (`checksums`). What is learnt later is a row
of another table (`outcome` for a `request`, `socket_end` for a `socket`). The statements that make the tables stand in
`upgrades`, frozen per format.
Every look-up goes by primary key, so there is no further index.
"""

import json
from typing import Any

from sqlalchemy import Column, Dialect, ForeignKey, Integer, LargeBinary, MetaData, Table, Text
from sqlalchemy.types import TypeDecorator, TypeEngine

APPLICATION_ID = int.from_bytes(b"GMSR", "big")
"""What marks a SQLite file as a cassette (SQLite file format, section 1.3.16)."""

FORMAT_VERSION = 3
"""The format that this version writes, kept in SQLite's `user_version`."""


class WireText(TypeDecorator[str]):
    """Text as peers sent it. A lone surrogate, which UTF-8 cannot hold, is stored as its backslash escape."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else value.encode("utf-8", "backslashreplace").decode("utf-8")


class Pairs(TypeDecorator[tuple[tuple[str, str], ...]]):
    """Pairs of texts (headers, versions) as JSON text: `[[name, value], …]`. Raises ValueError for any other JSON."""

    impl = WireText
    cache_ok = True

    def process_bind_param(self, value: tuple[tuple[str, str], ...] | None, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> tuple[tuple[str, str], ...] | None:
        if value is None:
            return None
        match _parsed(value):
            case [*pairs] if all(map(_is_pair, pairs)):
                return tuple((name, text) for name, text in pairs)
        raise ValueError(f"not a list of [name, value] pairs: {value[:40]}")


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except RecursionError:
        return None


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(part, str) for part in value)


_TYPES: dict[type[TypeEngine[Any]], type] = {Integer: int, WireText: str, LargeBinary: bytes, Pairs: tuple}


def type_of(column: Column[Any]) -> type:
    """What a value of a column is in Python, where it is not NULL."""
    return _TYPES[type(column.type)]


metadata = MetaData()

run = Table(
    "run",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("started_at_us", Integer, nullable=False),
    Column("mode", WireText, nullable=False),
    Column("upstream", WireText),
    Column("versions", Pairs, nullable=False),
    Column("redaction", WireText, nullable=False),
)

request = Table(
    "request",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey(run.c.id), nullable=False),
    Column("method", WireText, nullable=False),
    Column("scheme", WireText, nullable=False),
    Column("host", WireText, nullable=False),
    Column("port", Integer, nullable=False),
    Column("target", WireText, nullable=False),
    Column("http_version", WireText, nullable=False),
    Column("headers", Pairs, nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("decoded", LargeBinary),
    Column("started_at_us", Integer, nullable=False),
    Column("ended_at_us", Integer),
    Column("client", WireText, nullable=False),
)

outcome = Table(
    "outcome",
    metadata,
    Column("exchange_id", ForeignKey(request.c.id), primary_key=True),
    Column("at_us", Integer, nullable=False),
    Column("error", WireText),
    # The rest is NULL, all of it, where no answer came.
    Column("status", Integer),
    Column("reason", WireText),
    Column("http_version", WireText),
    Column("headers", Pairs),
    Column("body", LargeBinary),
    Column("decoded", LargeBinary),
    Column("started_at_us", Integer),
    Column("ended_at_us", Integer),
)

message = Table(
    "message",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("exchange_id", ForeignKey(request.c.id), nullable=False),
    Column("direction", WireText, nullable=False),
    Column("transport", WireText, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("index", Integer, nullable=False),
    Column("channel", WireText, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

push = Table(
    "push",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey(run.c.id), nullable=False),
    Column("exchange_id", ForeignKey(request.c.id)),
    Column("provider", WireText, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
)

socket = Table(
    "socket",
    metadata,
    Column("exchange_id", ForeignKey(request.c.id), primary_key=True),
    Column("opened_at_us", Integer, nullable=False),
)

socket_end = Table(
    "socket_end",
    metadata,
    Column("exchange_id", ForeignKey(socket.c.exchange_id), primary_key=True),
    Column("closed_at_us", Integer),
    Column("close_code", Integer),
    Column("close_reason", WireText, nullable=False),
    Column("closed_by", WireText),
)

connection = Table(
    "connection",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey(run.c.id), nullable=False),
    Column("host", WireText, nullable=False),
    Column("port", Integer, nullable=False),
    Column("client", WireText, nullable=False),
    Column("opened_at_us", Integer, nullable=False),
)

frame = Table(
    "frame",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("connection_id", ForeignKey(connection.c.id), nullable=False),
    Column("direction", WireText, nullable=False),
    Column("at_us", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
)

closing = Table(
    "closing",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("run_id", ForeignKey(run.c.id), nullable=False),
    Column("kind", WireText, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("last_id", Integer),
)
"""How many rows a table had when a run was closed, up to which id (`closings`): no fact, but about all."""

CHECKSUM = "checksum"
for _table in metadata.sorted_tables:
    _table.append_column(Column(CHECKSUM, Integer, nullable=False))


def content(table: Table) -> tuple[Column[Any], ...]:
    """The columns that a row's checksum is of, in order."""
    return tuple(column for column in table.columns if column.name != CHECKSUM)
