"""Changes in a cassette by SQL: what an accident leaves, or, with new checksums, what a user means."""

import sqlite3
from pathlib import Path

from gms_replay.cassette import checksums, schema


def edit(path: Path, *statements: str) -> None:
    """Rows keep the checksums that they have."""
    file = sqlite3.connect(path, isolation_level=None)
    for statement in statements:
        file.execute(statement)
    file.close()


def edit_on_purpose(path: Path, *statements: str) -> None:
    """The rows' checksums are theirs afterwards."""
    edit(path, *statements)
    file = sqlite3.connect(path)
    file.create_function("checksum_of", -1, lambda table, *values: checksums.of(table, values))
    for table in schema.metadata.sorted_tables:
        columns = ", ".join(f'"{column.name}"' for column in schema.content(table))
        file.execute(f"UPDATE {table.name} SET checksum = checksum_of('{table.name}', {columns})")
    file.commit()
    file.close()
