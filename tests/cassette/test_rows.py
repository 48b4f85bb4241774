import pytest
from sqlalchemy import insert, select

from gms_replay.cassette import checksums, opening, rows, schema
from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Message,
    Outcome,
    Push,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

REQUEST = Request("POST", "http", "gms", 80, "/1", "HTTP/1.1", (("a", "b"),), Body(b"wire", b"plain"), 1, 2, "app:1")
RESPONSE = Response(200, "OK", "HTTP/1.1", (("c", "d"),), Body(b"", None), 3, None)


def stored(table, values):
    with opening.connect_memory() as connection:
        table.create(connection)
        connection.execute(insert(table), values | {schema.CHECKSUM: 0})
        return connection.execute(select(table)).mappings().one()


def test_request_comes_back():
    row = stored(schema.request, rows.of_request(7, 3, REQUEST))

    assert rows.to_exchange(row, None) == Exchange(7, 3, REQUEST)


@pytest.mark.parametrize(
    "outcome",
    [Outcome(4), Outcome(4, error="reset"), Outcome(4, RESPONSE), Outcome(4, RESPONSE, "cut off")],
    ids=["nothing", "error", "answer", "both"],
)
def test_outcome_comes_back(outcome):
    assert rows.to_outcome(stored(schema.outcome, rows.of_outcome(7, outcome))) == outcome


def test_sound_row_has_no_flaw():
    assert list(rows.flaws(schema.outcome, rows.of_outcome(7, Outcome(4, RESPONSE)))) == []
    assert list(rows.flaws(schema.outcome, rows.of_outcome(7, Outcome(4)))) == []


@pytest.mark.parametrize(
    ("table", "row", "told"),
    [
        (schema.request, rows.of_request(7, 3, REQUEST) | {"port": "x"}, [("port", "holds 'x'")]),
        (schema.request, rows.of_request(7, 3, REQUEST) | {"host": None}, [("host", "holds nothing")]),
        (
            schema.outcome,
            rows.of_outcome(7, Outcome(4, RESPONSE)) | {"body": None, "reason": None},
            [(column, "holds nothing, though there is an answer") for column in ("reason", "body")],
        ),
        (
            schema.socket_end,
            rows.of_socket_end(Socket(7, 8, 9)) | {"closed_by": "me"},
            [("closed_by", "holds 'me', which is none of to-server, to-client")],
        ),
    ],
    ids=["type", "nothing", "half an answer", "word"],
)
def test_every_flaw_is_found(table, row, told):
    assert list(rows.flaws(table, row)) == told


@pytest.mark.parametrize(
    ("values", "table"),
    [
        (rows.of_run(Run(1, 2, "regular", None, ())), schema.run),
        (rows.of_request(7, 3, REQUEST), schema.request),
        (rows.of_outcome(7, Outcome(4)), schema.outcome),
        (rows.of_message(Message(1, 7, Direction.TO_SERVER, Transport.WEBSOCKET, 5, 0, "/a", b"")), schema.message),
        (rows.of_push(Push(1, 3, None, "apns", 6, b"")), schema.push),
        (rows.of_socket(Socket(7, 8)), schema.socket),
        (rows.of_socket_end(Socket(7, 8, 9)), schema.socket_end),
    ],
    ids=["run", "request", "outcome", "message", "push", "socket", "socket_end"],
)
def test_every_column_is_filled(values, table):
    assert list(values) == [column.name for column in schema.content(table)]


def test_row_of_another_checksum_is_not_sound():
    values = [1, 3, None, "apns", 6, b"{}"]
    checksum = checksums.of("push", values)

    assert rows.is_sound(schema.push, [*values, checksum])
    assert not rows.is_sound(schema.push, [*values, checksum + 1])
    assert not rows.is_sound(schema.push, [*values, None])
    assert not rows.is_sound(schema.push, [2, *values[1:], checksum])
