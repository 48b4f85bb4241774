from pathlib import Path

import pytest

from gms_replay.cassette.reader import read
from gms_replay.model import Direction, Redaction
from gms_replay.redact import opening
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules

SECRET = b'{"token":"hunter-4711"}'


def told(wish: Wish) -> bytes:
    redactor = opening.redactor(wish)
    return SECRET if redactor is None else redactor.message(SECRET, Direction.TO_SERVER)


def test_key_of_ones_own_tells_the_same_again() -> None:
    assert told(Wish(key=b"k" * 16)) == told(Wish(Redaction.TYPED, b"k" * 16)) != told(Wish(key=b"l" * 16))


def test_drawn_keys_differ() -> None:
    assert len({told(Wish()), told(Wish()), told(Wish(Redaction.OFF))}) == 3
    assert told(Wish(Redaction.OFF)) == SECRET


@pytest.mark.parametrize(
    ("wish", "redaction"),
    [
        (Wish(), Redaction.ON),
        (Wish(Redaction.TYPED), Redaction.TYPED),
        (Wish(rules=Rules(types=True)), Redaction.TYPED),
        (Wish(Redaction.OFF, rules=Rules(types=True)), Redaction.OFF),
    ],
)
def test_what_a_run_says(wish: Wish, redaction: Redaction, tmp_path: Path) -> None:
    cassette = tmp_path / "visit.sqlite"

    writer = opening.writer(
        opening.redactor(wish), cassette, started_at_us=1, mode="regular", upstream=None, versions=()
    )
    writer.close()

    assert [run.redaction for run in read(cassette).runs] == [redaction]
