import json

import pytest

from gms_replay import bayeux
from gms_replay.simulator import acknowledgement
from gms_replay.simulator.acknowledgement import Batches
from gms_replay.simulator.mailbox import Letter

ONE, TWO, THREE = (Letter("/_genesys", text, "c1", None) for text in (b"1", b"2", b"3"))


def message(**fields):
    (parsed,) = bayeux.parse(json.dumps({"channel": "/meta/connect", **fields}).encode())
    return parsed


def batches(*fillings):
    told = Batches()
    for letters in fillings:
        told.begin()
        told.fill(letters)
    return told


@pytest.mark.parametrize(
    ("fields", "asked"),
    [
        ({"ext": {"ack": True}}, True),
        ({"ext": {"ack": False}}, False),
        ({"ext": {"ack": 1}}, False),
        ({"ext": True}, False),
        ({}, False),
    ],
)
def test_only_true_asks(fields, asked):
    assert acknowledgement.asked_for(message(**fields)) is asked


def test_numbers_count_from_one():
    told = Batches()
    assert [told.begin() for _ in range(3)] == [1, 2, 3]


def test_lost_goes_before_new():
    told = batches([ONE])
    told.begin()
    assert told.fill([TWO]) == [ONE, TWO]


@pytest.mark.parametrize(
    ("number", "left"),
    [(0, [ONE, TWO, THREE]), (1, [TWO, THREE]), (2, [THREE]), (3, []), (99, []), (-1, [ONE, TWO, THREE])],
)
def test_what_came_before_is_acknowledged_too(number, left):
    told = batches([ONE], [TWO], [THREE])
    told.acknowledge(message(ext={"ack": number}))
    assert told.outstanding == left


@pytest.mark.parametrize("fields", [{}, {"ext": {}}, {"ext": {"ack": "1"}}, {"ext": {"ack": True}}, {"ext": [1]}])
def test_saying_nothing_acknowledges_nothing(fields):
    told = batches([ONE])
    told.acknowledge(message(**fields))
    assert told.outstanding == [ONE]
