"""What a cassette held when a recorder closed it: what tells that facts are missing altogether.

Facts are only ever added, in the order of their ids, so all that was there at the last close must be there still; what
has higher ids came later. A run after the last close was not closed: its recorder still writes, or was killed.
"""

import sqlite3

from sqlalchemy import Table

from gms_replay.cassette import inserts, schema

KINDS = tuple(table for table in schema.metadata.sorted_tables if table is not schema.closing)
"""The tables that are counted."""


def close(connection: sqlite3.Connection, run_id: int) -> None:
    """Note how much there is, as a run ends. Raises what SQLite raises; the caller has begun a transaction."""
    (last_id,) = connection.execute("SELECT coalesce(max(id), 0) FROM closing").fetchone()
    told = []
    for number, table in enumerate(KINDS, last_id + 1):
        rows, last = connection.execute(f"SELECT count(*), max({_key(table)}) FROM {table.name}").fetchone()
        told.append({"id": number, "run_id": run_id, "kind": table.name, "rows": rows, "last_id": last})
    inserts.insert(connection, [(schema.closing, values) for values in told])


def missing(connection: sqlite3.Connection) -> dict[str, str]:
    """What was there at the last close and is not any longer, in words, by table."""
    found: dict[str, str] = {}
    last = "SELECT kind, rows, last_id FROM closing WHERE run_id = (SELECT max(run_id) FROM closing)"
    told = {kind: (rows, last_id) for kind, rows, last_id in connection.execute(last)}
    for table in KINDS if told else ():
        if table.name not in told:
            found[schema.closing.name] = f"how many rows of {table.name} there were is missing"
            continue
        rows, last_id = told[table.name]
        counted = f"SELECT count(*) FROM {table.name} WHERE {_key(table)} <= ?"
        (there,) = connection.execute(counted, (last_id,)).fetchone()
        if there != rows:
            found[table.name] = f"{there} rows where there were {rows} when it was closed"
    return found


def unclosed_run(connection: sqlite3.Connection) -> int | None:
    """The last run, where no recorder has closed it."""
    asked = "SELECT max(id) FROM run WHERE id > (SELECT coalesce(max(run_id), 0) FROM closing)"
    run_id: int | None = connection.execute(asked).fetchone()[0]
    return run_id


def _key(table: Table) -> str:
    (key,) = table.primary_key
    return key.name
