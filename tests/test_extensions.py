import json

import pytest

from gms_replay.bayeux import Parsed, parse
from gms_replay.extensions import Batches, acknowledged, asks_for_acknowledgement, timesync, transcript_position


def message(**fields: object) -> Parsed:
    (parsed,) = parse(json.dumps({"channel": "/meta/connect"} | fields).encode())
    return parsed


def test_batches_are_acknowledged_up_to_a_number() -> None:
    batches = Batches()
    assert [batches.close(frozenset(numbers)) for numbers in ({1}, {2, 3}, set(), {4})] == [1, 2, 3, 4]
    assert batches.outstanding == {1, 2, 3, 4}

    assert batches.acknowledge(2) == ({1, 2, 3}, {4})
    assert batches.outstanding == frozenset()
    assert batches.close(frozenset({4})) == 5


@pytest.mark.parametrize(
    ("ext", "asks"), [({"ack": True}, True), ({"ack": 1}, False), ({"ack": False}, False), ({}, False), ("ack", False)]
)
def test_acknowledgement_is_asked_for(ext: object, asks: bool) -> None:
    assert asks_for_acknowledgement(message(ext=ext)) is asks


@pytest.mark.parametrize(
    ("ext", "last"), [({"ack": 3}, 3), ({"ack": 0}, 0), ({"ack": True}, None), ({"ack": "3"}, None), (None, None)]
)
def test_last_batch_is_named(ext: object, last: int | None) -> None:
    assert acknowledged(message(ext=ext)) == last


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"tc": 900}, {"tc": 900, "ts": 1000, "p": 0}),
        ({"tc": 900, "l": 0, "o": 0}, {"tc": 900, "ts": 1000, "p": 0, "a": -100}),
        ({"tc": 900, "l": 10, "o": 90}, None),
        ({"tc": 900, "l": 10, "o": 66}, None),
        ({"tc": 900, "l": 10, "o": 65}, {"tc": 900, "ts": 1000, "p": 0, "a": -25}),
        ({"tc": "900"}, None),
        ({"tc": 1 << 63}, None),
        ({"tc": int("9" * 4300), "l": int("9" * 4300), "o": int("9" * 4300)}, None),
        ({}, None),
        ([], None),
        (None, None),
    ],
)
def test_time_is_told(asked: object, told: dict[str, int] | None) -> None:
    assert timesync(message(ext={"timesync": asked}), 1000) == told


@pytest.mark.parametrize(
    ("told", "position"),
    [
        ("12", 12),
        (12, 12),
        ("0", 0),
        ("", None),
        ("-1", None),
        ("1" * 10, None),
        ("\u0663", None),
        (True, None),
        ([], None),
    ],
)
def test_app_says_what_it_has(told: object, position: int | None) -> None:
    assert transcript_position(message(ext={"transcriptPosition": told})) == position
