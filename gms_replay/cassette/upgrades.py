"""Format steps: what turns a cassette of one format into the next.

Each step is frozen once released, so that a file of any age takes the same way; a new file takes it from 0.
All steps and the new `user_version` are one transaction: a file is in one format or the other, never between.
"""

from collections.abc import Callable

from sqlalchemy import Connection

from gms_replay.cassette import checksums
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

_COLUMNS_OF_3 = {
    "run": "id, started_at_us, mode, upstream, versions, redaction",
    "request": "id, run_id, method, scheme, host, port, target, http_version, headers, body, decoded, started_at_us, "
    "ended_at_us, client",
    "outcome": "exchange_id, at_us, error, status, reason, http_version, headers, body, decoded, started_at_us, "
    "ended_at_us",
    "message": 'id, exchange_id, direction, transport, at_us, "index", channel, raw',
    "push": "id, run_id, exchange_id, provider, at_us, payload",
    "socket": "exchange_id, opened_at_us",
    "socket_end": "exchange_id, closed_at_us, close_code, close_reason, closed_by",
    "connection": "id, run_id, host, port, client, opened_at_us",
    "frame": "id, connection_id, direction, at_us, raw",
    "closing": "id, run_id, kind, rows, last_id",
}
"""What a checksum is of."""

_TABLE_OF_3 = """CREATE TABLE closing (
    id INTEGER PRIMARY KEY,
    run_id INTEGER NOT NULL REFERENCES run (id),
    kind TEXT NOT NULL,
    rows INTEGER NOT NULL,
    last_id INTEGER
)"""


def _from_0_to_1(connection: Connection) -> None:
    connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in _TABLES_OF_1:
        connection.exec_driver_sql(statement)


def _from_1_to_2(connection: Connection) -> None:
    for statement in _TABLES_OF_2:
        connection.exec_driver_sql(statement)


def _from_2_to_3(connection: Connection) -> None:
    # Nothing was replaced by a stand-in before.
    connection.exec_driver_sql("ALTER TABLE run ADD COLUMN redaction TEXT NOT NULL DEFAULT 'off'")
    connection.exec_driver_sql(_TABLE_OF_3)
    for table in _COLUMNS_OF_3:
        connection.exec_driver_sql(f"ALTER TABLE {table} ADD COLUMN checksum INTEGER NOT NULL DEFAULT 0")


def _sum_up_for_3(connection: Connection) -> None:
    file = driver(connection)
    (run_id,) = file.execute("SELECT max(id) FROM run").fetchone()
    for number, (table, columns) in enumerate(_COLUMNS_OF_3.items(), 1):
        if run_id is not None and table != "closing":
            told = file.execute(f"SELECT count(*), max({columns.partition(',')[0]}) FROM {table}").fetchone()
            file.execute("INSERT INTO closing VALUES (?, ?, ?, ?, ?, 0)", (number, run_id, table, *told))
    file.create_function("checksum_of", -1, lambda table, *values: checksums.of(table, values))
    for table, columns in _COLUMNS_OF_3.items():
        file.execute(f"UPDATE {table} SET checksum = checksum_of('{table}', {columns})")


STEPS: dict[int, Callable[[Connection], None]] = {0: _from_0_to_1, 1: _from_1_to_2, 2: _from_2_to_3}
"""By the format that a step starts from: what changes of the tables."""

SUMS: dict[int, Callable[[Connection], None]] = {2: _sum_up_for_3}
"""By the same: what is counted of the rows that are there, which may be many."""


def format_of(connection: Connection) -> int:
    """The format of an open cassette; 0 for a database without tables."""
    row: tuple[int] = driver(connection).execute("PRAGMA user_version").fetchone()
    return row[0]


def upgrade(connection: Connection) -> None:
    """Bring an open database, which may be empty, to the current format, all steps or none."""
    if format_of(connection) == FORMAT_VERSION:
        return
    _lead_up(connection, sums_up=True)


def adapt(connection: Connection) -> None:
    """Bring an open database in memory to the tables of the current format, to read it once.

    Nothing is counted of its rows, and it keeps its own format, so that readers know (`has_checksums`).
    """
    before = format_of(connection)
    _lead_up(connection, sums_up=False)
    driver(connection).execute(f"PRAGMA user_version = {before}")


def has_checksums(connection: Connection) -> bool:
    """Whether the rows of a database with the current tables have checksums, from when they were written."""
    return format_of(connection) > max(SUMS)


def _lead_up(connection: Connection, *, sums_up: bool) -> None:
    with connection.begin():
        # What writes takes SQLite's lock: of two that upgrade at once the second finds it done.
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")
        for version in range(format_of(connection), FORMAT_VERSION):
            STEPS[version](connection)
            if sums_up and version in SUMS:
                SUMS[version](connection)
            connection.exec_driver_sql(f"PRAGMA user_version = {version + 1}")
