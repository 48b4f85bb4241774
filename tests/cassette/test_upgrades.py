import pytest
from sqlalchemy import inspect
from sqlalchemy.exc import OperationalError

from gms_replay.cassette import opening, schema
from gms_replay.cassette.upgrades import STEPS, format_of, upgrade


@pytest.fixture
def database():
    with opening.connect_memory() as connection:
        yield connection


def shape(connection) -> dict:
    tables = inspect(connection)
    return {
        name: {
            "columns": [
                (one["name"], str(one["type"]), one["nullable"] and not one["primary_key"])
                for one in tables.get_columns(name)
            ],
            "key": tables.get_pk_constraint(name)["constrained_columns"],
            "owners": sorted(
                (one["constrained_columns"], one["referred_table"], one["referred_columns"])
                for one in tables.get_foreign_keys(name)
            ),
        }
        for name in sorted(tables.get_table_names())
    }


def test_new_file_has_current_format(database):
    upgrade(database)

    assert format_of(database) == schema.FORMAT_VERSION
    (application_id,) = opening.driver(database).execute("PRAGMA application_id").fetchone()
    assert application_id.to_bytes(4, "big") == b"GMSR"


def test_steps_lead_to_schema(database):
    upgrade(database)
    with opening.connect_memory() as described:
        schema.metadata.create_all(described)

        upgraded, wanted = shape(database), shape(described)

    assert upgraded == wanted


def test_no_format_is_skipped():
    assert sorted(STEPS) == list(range(schema.FORMAT_VERSION))


def test_upgrade_twice_changes_nothing(database):
    upgrade(database)
    before = shape(database)
    database.rollback()

    upgrade(database)

    assert shape(database) == before


def test_failed_step_leaves_old_format(database):
    opening.driver(database).execute("CREATE TABLE push (a)")

    with pytest.raises(OperationalError, match="push already exists"):
        upgrade(database)

    assert format_of(database) == 0
    assert inspect(database).get_table_names() == ["push"]


def test_old_sqlite_can_open_tables(database):
    upgrade(database)

    statements = opening.driver(database).execute("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL").fetchall()
    assert not [statement for (statement,) in statements if "STRICT" in statement]
