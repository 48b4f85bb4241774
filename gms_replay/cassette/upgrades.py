"""Format steps: what turns a cassette of one format into the next.

Each step is frozen once released, so that a file of any age takes the same way; a new file takes it from 0.
All steps and the new `user_version` are one transaction: a file is in one format or the other, never between.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from gms_replay.cassette.opening import driver
from gms_replay.cassette.schema import APPLICATION_ID, FORMAT_VERSION

# No STRICT tables: SQLite before 3.37, still the system's own in places, cannot open a file that has any.
_TABLES_OF_1 = (
    """CREATE TABLE run (
        id INTEGER PRIMARY KEY,
        started_at_us INTEGER NOT NULL,
        mode TEXT NOT NULL,
        upstream TEXT,
        versions TEXT NOT NULL
    )""",
    """CREATE TABLE request (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES run (id),
        method TEXT NOT NULL,
        scheme TEXT NOT NULL,
        host TEXT NOT NULL,
        port INTEGER NOT NULL,
        target TEXT NOT NULL,
        http_version TEXT NOT NULL,
        headers TEXT NOT NULL,
        body BLOB NOT NULL,
        decoded BLOB,
        started_at_us INTEGER NOT NULL,
        ended_at_us INTEGER,
        client TEXT NOT NULL
    )""",
    """CREATE TABLE outcome (
        exchange_id INTEGER PRIMARY KEY REFERENCES request (id),
        at_us INTEGER NOT NULL,
        error TEXT,
        status INTEGER,
        reason TEXT,
        http_version TEXT,
        headers TEXT,
        body BLOB,
        decoded BLOB,
        started_at_us INTEGER,
        ended_at_us INTEGER
    )""",
    """CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        exchange_id INTEGER NOT NULL REFERENCES request (id),
        direction TEXT NOT NULL,
        transport TEXT NOT NULL,
        at_us INTEGER NOT NULL,
        "index" INTEGER NOT NULL,
        channel TEXT NOT NULL,
        raw BLOB NOT NULL
    )""",
    """CREATE TABLE push (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES run (id),
        exchange_id INTEGER REFERENCES request (id),
        provider TEXT NOT NULL,
        at_us INTEGER NOT NULL,
        payload BLOB NOT NULL
    )""",
    """CREATE TABLE socket (
        exchange_id INTEGER PRIMARY KEY REFERENCES request (id),
        opened_at_us INTEGER NOT NULL
    )""",
    """CREATE TABLE socket_end (
        exchange_id INTEGER PRIMARY KEY REFERENCES socket (exchange_id),
        closed_at_us INTEGER,
        close_code INTEGER,
        close_reason TEXT NOT NULL,
        closed_by TEXT
    )""",
)

# Apple's binary protocol, which is no HTTP.
_TABLES_OF_2 = (
    """CREATE TABLE connection (
        id INTEGER PRIMARY KEY,
        run_id INTEGER NOT NULL REFERENCES run (id),
        host TEXT NOT NULL,
        port INTEGER NOT NULL,
        client TEXT NOT NULL,
        opened_at_us INTEGER NOT NULL
    )""",
    """CREATE TABLE frame (
        id INTEGER PRIMARY KEY,
        connection_id INTEGER NOT NULL REFERENCES connection (id),
        direction TEXT NOT NULL,
        at_us INTEGER NOT NULL,
        raw BLOB NOT NULL
    )""",
)


def _from_0_to_1(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _TABLES_OF_1:
        connection.exec_driver_sql(statement)


def _from_1_to_2(connection: Connection) -> None:
    for statement in _TABLES_OF_2:
        connection.exec_driver_sql(statement)


STEPS: dict[int, Callable[[Connection], None]] = {0: _from_0_to_1, 1: _from_1_to_2}
"""By the format that a step starts from."""


def format_of(connection: Connection) -> int:
    """The format of an open cassette; 0 for a database without tables."""
    row: tuple[int] = driver(connection).execute("PRAGMA user_version").fetchone()
    return row[0]


def upgrade(connection: Connection) -> None:
    """Bring an open database, which may be empty, to the current format, all steps or none."""
    if format_of(connection) == FORMAT_VERSION:
        return
    with connection.begin():
        # What writes takes SQLite's lock: of two that upgrade at once the second finds it done.
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        for version in range(format_of(connection), FORMAT_VERSION):
            STEPS[version](connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {version + 1}")
