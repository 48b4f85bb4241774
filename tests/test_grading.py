"""Two recordings, graded."""

from dataclasses import replace

import pytest

from gms_replay import grading
from gms_replay.grades import Grade
from gms_replay.leniency import Leniency
from gms_replay.model import Body, Exchange, Recording
from tests.factories import visit


def _changed(old: bytes, new: bytes) -> Recording:
    """The usual visit, with other words in GMS's answers."""
    recording = visit()
    assert any(one.response and old in one.response.body.plain for one in recording.exchanges)
    return replace(recording, exchanges=tuple(_with(one, old, new) for one in recording.exchanges))


def _with(one: Exchange, old: bytes, new: bytes) -> Exchange:
    if not (one.outcome and one.response):
        return one
    body = Body(one.response.body.plain.replace(old, new))
    return replace(one, outcome=replace(one.outcome, response=replace(one.response, body=body)))


def test_same_is_equal() -> None:
    found = grading.compare(visit(), visit(), Leniency())

    assert (found.worst, found.differences) == (Grade.EQUAL, ())
    assert found.compared["answers"] > 0


@pytest.mark.parametrize(
    ("new", "grades"),
    [
        (b'"_action":"Other"', {Grade.OTHER_VALUE}),
        (b'"_action":1', {Grade.OTHER_TYPE}),
        (b'"_deed":"StartChat"', {Grade.MISSING_FIELD, Grade.NEW_FIELD}),
    ],
)
def test_changed_field_is_graded(new: bytes, grades: set[Grade]) -> None:
    old = next(form for form in (b'"_action":"StartChat"', b'"_action": "StartChat"') if _holds(form))
    found = grading.compare(visit(), _changed(old, new), Leniency())

    assert {one.grade for one in found.differences} == grades


def test_learned_is_volatile() -> None:
    old = next(form for form in (b'"_action":"StartChat"', b'"_action": "StartChat"') if _holds(form))
    changed = _changed(old, b'"_action":"Other"')
    learned = Leniency().learned(grading.compare(visit(), changed, Leniency()).differences)

    assert grading.compare(visit(), changed, learned).worst is Grade.VOLATILE


def _holds(form: bytes) -> bool:
    return any(one.response and form in one.response.body.plain for one in visit().exchanges)
