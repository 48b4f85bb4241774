import pytest
from sqlalchemy import Column, MetaData, Table, insert, select, text

from gms_replay.cassette import opening
from gms_replay.cassette.schema import Pairs, WireText

notes = Table("notes", MetaData(), Column("pairs", Pairs), Column("word", WireText))


@pytest.fixture
def database():
    with opening.connect_memory() as connection:
        notes.create(connection)
        yield connection


def test_pairs_are_json_text(database):
    database.execute(insert(notes), {"pairs": (("Set-Cookie", "a=\xff"), ("set-cookie", ""))})

    assert (
        database.execute(text("SELECT pairs FROM notes")).scalar() == '[["Set-Cookie", "a=\xff"], ["set-cookie", ""]]'
    )
    assert database.execute(select(notes.c.pairs)).scalar() == (("Set-Cookie", "a=\xff"), ("set-cookie", ""))


@pytest.mark.parametrize("found", ["{}", "[1]", '[["a"]]', '[["a", 1]]', '["ab"]', "["])
def test_other_json_is_refused(database, found):
    database.execute(text("INSERT INTO notes (pairs) VALUES (:found)"), {"found": found})

    with pytest.raises(ValueError, match=r"not a list of \[name, value\] pairs|Expecting"):
        database.execute(select(notes.c.pairs)).scalar()


@pytest.mark.parametrize(("word", "kept"), [("\ud800", r"\ud800"), ("a\0\U0001f600", "a\0\U0001f600"), (None, None)])
def test_wire_text_survives(database, word, kept):
    database.execute(insert(notes), {"word": word})

    assert database.execute(select(notes.c.word)).scalar() == kept
