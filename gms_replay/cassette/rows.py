"""Facts as rows, and rows as facts: the one place that knows which column holds which field."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.dialects.sqlite.base import SQLiteDialect

from gms_replay import model
from gms_replay.cassette import checksums, schema
from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Frame,
    Message,
    Outcome,
    Push,
    Recording,
    Redaction,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

Values = dict[str, Any]
"""One row to insert, by column name."""

Row = Mapping[Any, Any]
"""One row that was read, by column name."""

_WORDS: dict[str, tuple[str, ...]] = {
    "direction": tuple(Direction),
    "transport": tuple(Transport),
    "closed_by": tuple(Direction),
    "redaction": tuple(Redaction),
}

_OF_ANY_ANSWER = ("reason", "http_version", "headers", "body", "started_at_us")


def flaws(table: Table, row: Row) -> Iterator[tuple[str, str]]:
    """Columns whose value cannot be there, each with what is wrong: SQLite keeps a value of any type in any column."""
    for column, wanted, words in _columns(table):
        value = row[column.name]
        if value is None:
            if not column.nullable:
                yield column.name, "holds nothing"
        elif not isinstance(value, wanted):
            yield column.name, f"holds {str(value)[:40]!r}"
        elif words and value not in words:
            yield column.name, f"holds {str(value)[:40]!r}, which is none of {', '.join(words)}"
    if table is schema.outcome and row["status"] is not None:
        yield from ((name, "holds nothing, though there is an answer") for name in _OF_ANY_ANSWER if row[name] is None)


@cache
def _columns(table: Table) -> tuple[tuple[Column[Any], type, tuple[str, ...]], ...]:
    return tuple((column, schema.type_of(column), _WORDS.get(column.name, ())) for column in schema.content(table))


def all_of(connection: sqlite3.Connection, table: Table) -> list[Row]:
    """All rows of a table, in the order of their ids. Raises ValueError for one that cannot be there."""
    found = [read(table, values) for values in connection.execute(_all(table)).fetchall()]
    for row in found:
        for column, problem in flaws(table, row):
            raise ValueError(f"{table.name}.{column} {problem}")
    return found


def require_sound(connection: sqlite3.Connection, table: Table) -> None:
    """Raise ValueError for a row of a table that has not the checksum which it was written with."""
    asked = connection.execute(_all(table))
    while some := asked.fetchmany(_ROWS_AT_ONCE):
        for values in some:
            if not is_sound(table, values):
                # Where more can be said, it is.
                all_of(connection, table)
                raise ValueError(f"{table.name} {values[0]} {CHANGED}")


def is_sound(table: Table, values: Sequence[Any]) -> bool:
    """Whether a row, as SQLite holds it, one value for each column, has the checksum that it was written with."""
    # The checksum is the last of them.
    return bool(checksums.of(table.name, values[:-1]) == values[-1])


def _all(table: Table) -> str:
    # With their table's name: SQLite takes the name of a column that is missing for a text.
    columns = ", ".join(f'{table.name}."{column.name}"' for column in table.columns)
    (key,) = table.primary_key
    return f"SELECT {columns} FROM {table.name} ORDER BY {key.name}"


_ROWS_AT_ONCE = 1000

CHANGED = "is not what was recorded: its checksum differs"
"""What is said of a row that is not sound."""


def read(table: Table, values: Iterable[Any]) -> Row:
    """A row from its values as SQLite holds them, one for each column. Raises ValueError for pairs that are none."""
    return {
        name: value if decode is None else decode(value)
        for (name, decode), value in zip(_decoders(table), values, strict=True)
    }


@cache
def _decoders(table: Table) -> tuple[tuple[str, Callable[[Any], Any] | None], ...]:
    return tuple((column.name, _pairs_of(column)) for column in table.columns)


def _pairs_of(column: Column[Any]) -> Callable[[Any], Any] | None:
    """What reads the pairs in a column, if these are what it holds; of damage any column may hold anything."""
    if not isinstance(column.type, schema.Pairs):
        return None
    decode = column.type.result_processor(SQLiteDialect(), None)
    return lambda value: decode(value) if decode and isinstance(value, str) else value


def of_run(run: Run) -> Values:
    return {
        "id": run.id,
        "started_at_us": run.started_at_us,
        "mode": run.mode,
        "upstream": run.upstream,
        "versions": run.versions,
        "redaction": run.redaction,
    }


def to_run(row: Row) -> Run:
    redaction = Redaction(row["redaction"])
    return Run(row["id"], row["started_at_us"], row["mode"], row["upstream"], row["versions"], redaction)


def of_request(exchange_id: int, run_id: int, request: Request) -> Values:
    return {
        "id": exchange_id,
        "run_id": run_id,
        "method": request.method,
        "scheme": request.scheme,
        "host": request.host,
        "port": request.port,
        "target": request.target,
        "http_version": request.http_version,
        "headers": request.headers,
        "body": request.body.wire,
        "decoded": request.body.decoded,
        "started_at_us": request.started_at_us,
        "ended_at_us": request.ended_at_us,
        "client": request.client,
    }


def to_exchange(row: Row, outcome: Outcome | None) -> Exchange:
    request = Request(
        row["method"],
        row["scheme"],
        row["host"],
        row["port"],
        row["target"],
        row["http_version"],
        row["headers"],
        Body(row["body"], row["decoded"]),
        row["started_at_us"],
        row["ended_at_us"],
        row["client"],
    )
    return Exchange(row["id"], row["run_id"], request, outcome)


def of_outcome(exchange_id: int, outcome: Outcome) -> Values:
    response = outcome.response
    return {
        "exchange_id": exchange_id,
        "at_us": outcome.at_us,
        "error": outcome.error,
        "status": response.status if response else None,
        "reason": response.reason if response else None,
        "http_version": response.http_version if response else None,
        "headers": response.headers if response else None,
        "body": response.body.wire if response else None,
        "decoded": response.body.decoded if response else None,
        "started_at_us": response.started_at_us if response else None,
        "ended_at_us": response.ended_at_us if response else None,
    }


def to_outcome(row: Row) -> Outcome:
    if row["status"] is None:
        return Outcome(row["at_us"], None, row["error"])
    response = Response(
        row["status"],
        row["reason"],
        row["http_version"],
        row["headers"],
        Body(row["body"], row["decoded"]),
        row["started_at_us"],
        row["ended_at_us"],
    )
    return Outcome(row["at_us"], response, row["error"])


def of_message(message: Message) -> Values:
    return {
        "id": message.id,
        "exchange_id": message.exchange_id,
        "direction": message.direction,
        "transport": message.transport,
        "at_us": message.at_us,
        "index": message.index,
        "channel": message.channel,
        "raw": message.raw,
    }


def to_message(row: Row) -> Message:
    return Message(
        row["id"],
        row["exchange_id"],
        Direction(row["direction"]),
        Transport(row["transport"]),
        row["at_us"],
        row["index"],
        row["channel"],
        row["raw"],
    )


def of_push(push: Push) -> Values:
    return {
        "id": push.id,
        "run_id": push.run_id,
        "exchange_id": push.exchange_id,
        "provider": push.provider,
        "at_us": push.at_us,
        "payload": push.payload,
    }


def to_push(row: Row) -> Push:
    return Push(row["id"], row["run_id"], row["exchange_id"], row["provider"], row["at_us"], row["payload"])


def of_socket(socket: Socket) -> Values:
    return {"exchange_id": socket.exchange_id, "opened_at_us": socket.opened_at_us}


def of_socket_end(socket: Socket) -> Values:
    return {
        "exchange_id": socket.exchange_id,
        "closed_at_us": socket.closed_at_us,
        "close_code": socket.close_code,
        "close_reason": socket.close_reason,
        "closed_by": socket.closed_by,
    }


def to_socket(row: Row, end: Row | None) -> Socket:
    if end is None:
        return Socket(row["exchange_id"], row["opened_at_us"])
    closed_by = None if end["closed_by"] is None else Direction(end["closed_by"])
    return Socket(
        row["exchange_id"], row["opened_at_us"], end["closed_at_us"], end["close_code"], end["close_reason"], closed_by
    )


def of_connection(connection: model.Connection) -> Values:
    return {
        "id": connection.id,
        "run_id": connection.run_id,
        "host": connection.host,
        "port": connection.port,
        "client": connection.client,
        "opened_at_us": connection.opened_at_us,
    }


def to_connection(row: Row) -> model.Connection:
    return model.Connection(row["id"], row["run_id"], row["host"], row["port"], row["client"], row["opened_at_us"])


def of_frame(frame: Frame) -> Values:
    return {
        "id": frame.id,
        "connection_id": frame.connection_id,
        "direction": frame.direction,
        "at_us": frame.at_us,
        "raw": frame.raw,
    }


def to_frame(row: Row) -> Frame:
    return Frame(row["id"], row["connection_id"], Direction(row["direction"]), row["at_us"], row["raw"])


def to_recording(rows_of: Callable[[Table], Iterable[Row]]) -> Recording:
    """A recording from the rows of each table, in the order of their ids."""
    outcomes = {row["exchange_id"]: to_outcome(row) for row in rows_of(schema.outcome)}
    ends = {row["exchange_id"]: row for row in rows_of(schema.socket_end)}
    return Recording(
        runs=tuple(to_run(row) for row in rows_of(schema.run)),
        exchanges=tuple(to_exchange(row, outcomes.get(row["id"])) for row in rows_of(schema.request)),
        messages=tuple(to_message(row) for row in rows_of(schema.message)),
        pushes=tuple(to_push(row) for row in rows_of(schema.push)),
        sockets=tuple(to_socket(row, ends.get(row["exchange_id"])) for row in rows_of(schema.socket)),
        connections=tuple(to_connection(row) for row in rows_of(schema.connection)),
        frames=tuple(to_frame(row) for row in rows_of(schema.frame)),
    )
