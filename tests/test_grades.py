"""The order of grades."""

from dataclasses import replace

from gms_replay.grades import Difference, Grade, worst


def test_missing_is_worst() -> None:
    assert worst([Grade.VOLATILE, Grade.MISSING, Grade.OTHER_VALUE]) is Grade.MISSING


def test_nothing_is_equal() -> None:
    assert worst([]) is Grade.EQUAL


def test_grades_are_written_as_in_commands() -> None:
    assert Grade.OTHER_VALUE.option == str(Grade.OTHER_VALUE).replace(" ", "-")
    assert " " not in Grade.OTHER_VALUE.option


def test_difference_names_the_rule_that_lets_it_be() -> None:
    one = Difference(Grade.OTHER_VALUE, "dialog 1", "dialog", "a.b", "1", "2")

    assert (one.rule, replace(one, path="").rule) == ("dialog: a.b", "dialog:")
