"""Whether a database holds what its recorder wrote, all of it: what is searched before anything of it is used."""

from pathlib import Path

from sqlalchemy import Connection

from gms_replay.cassette import closings, opening, rows, schema, upgrades


def require(connection: Connection, path: Path) -> None:
    """Raise CassetteDamagedError, or what SQLite and decoding raise, for whatever is damaged."""
    opening.check(connection, path)
    file, tables = opening.driver(connection), schema.metadata.sorted_tables
    if not upgrades.has_checksums(connection):
        for table in tables:
            rows.all_of(file, table)
        return
    for table in tables:
        rows.require_sound(file, table)
    for name, problem in closings.missing(file).items():
        raise ValueError(f"{name}: {problem}")
