import sqlite3

import pytest
from sqlalchemy import insert, select

from gms_replay.cassette import checksums, inserts, opening, rows, schema
from gms_replay.cassette.upgrades import upgrade
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Frame,
    Message,
    Outcome,
    Push,
    Request,
    Response,
    Socket,
    Transport,
)

ODD = 'a"\\\n\x00\xff\u2028\U0001f600'
HEADERS = ((ODD, ""), ("a", ODD))
BODY = Body(b"\x00\xff", b"")
REQUEST = Request(ODD, "http", ODD, 2**40, ODD, "HTTP/1.1", HEADERS, BODY, -1, None, ODD)
RESPONSE = Response(200, ODD, "", HEADERS, Body(), 1, None)

FACTS = [
    (schema.request, rows.of_request(1, 1, REQUEST)),
    (schema.request, rows.of_request(2, 1, REQUEST)),
    (schema.outcome, rows.of_outcome(1, Outcome(1, RESPONSE, ODD))),
    (schema.outcome, rows.of_outcome(2, Outcome(1, None, ODD))),
    (
        schema.message,
        rows.of_message(Message(1, 1, Direction.TO_SERVER, Transport.WEBSOCKET, 1, 0, f"/{ODD}\ud800", b"\xff")),
    ),
    (schema.push, rows.of_push(Push(1, 1, None, ODD, 1, b""))),
    (schema.socket, rows.of_socket(Socket(1, 1))),
    (schema.socket_end, rows.of_socket_end(Socket(1, 1, 2, 1000, ODD, Direction.TO_CLIENT))),
    (schema.connection, rows.of_connection(Connection(1, 1, ODD, 2**40, ODD, -1))),
    (schema.frame, rows.of_frame(Frame(1, 1, Direction.TO_SERVER, -1, b"\xff"))),
]


@pytest.fixture
def database():
    with opening.connect_memory() as connection:
        upgrade(connection)
        yield connection


def stored(connection):
    """What SQLite holds, as it holds it."""
    tables = schema.metadata.sorted_tables
    return {
        table.name: opening.driver(connection).execute(f"SELECT * FROM {table.name}").fetchall() for table in tables
    }


def test_same_as_schema_has_it(database):
    with opening.connect_memory() as other:
        upgrade(other)
        with other.begin():
            for table, values in FACTS:
                other.execute(insert(table).values(values | {schema.CHECKSUM: 0}))
        expected = stored(other)

    with database.begin():
        inserts.insert(opening.driver(database), FACTS)

    found = stored(database)
    assert _contents(found) == _contents(expected)
    assert all(row[-1] == checksums.of(name, row[:-1]) for name, rows in found.items() for row in rows)


def _contents(tables):
    return {name: [row[:-1] for row in rows] for name, rows in tables.items()}


def test_first_end_counts(database):
    later = [
        (schema.outcome, rows.of_outcome(2, Outcome(2))),
        (schema.socket, rows.of_socket(Socket(1, 9))),
        (schema.socket_end, rows.of_socket_end(Socket(1, 9, 9, 9, "", None))),
    ]
    with database.begin():
        inserts.insert(opening.driver(database), FACTS)
        before = stored(database)
        inserts.insert(opening.driver(database), later)

    assert stored(database) == before


def test_request_twice_is_refused(database):
    with database.begin():
        inserts.insert(opening.driver(database), FACTS)
        with pytest.raises(sqlite3.IntegrityError):
            inserts.insert(opening.driver(database), FACTS[:1])

        assert len(database.execute(select(schema.request)).all()) == 2
