"""The order of grades."""

from gms_replay.grades import Grade, worst


def test_missing_is_worst() -> None:
    assert worst([Grade.VOLATILE, Grade.MISSING, Grade.OTHER_VALUE]) is Grade.MISSING


def test_nothing_is_equal() -> None:
    assert worst([]) is Grade.EQUAL
