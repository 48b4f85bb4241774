"""A comparison as JUnit's XML: as the Jenkins xUnit plugin's schema has it, and as a reader of such files sees it."""

from xml.etree import ElementTree

import junitparser
import pytest
from factories import CALLBACK, ORDER, SERVICE, Tape, visit

from gms_replay import grading
from gms_replay.formats.junit import to_xml
from gms_replay.grades import Difference, Grade
from gms_replay.grading import Check, Comparison, Row
from gms_replay.leniency import Leniency

# Of junit-10.xsd what may stand in an element: its children, its attributes, and of these what has to.
SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": ({"testsuite"}, {"name", "time", "tests", "failures", "errors"}, set()),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors", "group", "time", "skipped", "timestamp", "hostname", "id", "package"},
        {"name", "tests", "failures", "errors"},
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"}, {"name", "time", "classname", "group"}, {"name"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}  # fmt: skip
MISSING = Difference(Grade.MISSING, "send 1", "send", "", "a\x00<", None)
OTHER = Difference(Grade.OTHER_VALUE, "send 1", "send", "b", "1", "2", "a note")
MILD = Difference(Grade.VOLATILE, "send 2", "send", "c", "1", "2")


def graded() -> Comparison:
    checks = (
        Check("answers", "send 1", (MISSING, OTHER)),
        Check("answers", "send 2", (MILD,)),
        Check("messages on /a\x1b", "\ud800", ()),
    )
    return Comparison((Row(1, 1, checks),))


def changed() -> Comparison:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    return grading.compare(visit(), tape.recording(), Leniency())


def wrong(element: ElementTree.Element) -> list[str]:
    """Where a document breaks the schema."""
    children, may, must = SCHEMA[element.tag]
    names, tags = set(element.attrib), {child.tag for child in element}
    found = [f"{element.tag}: {one}" for one in (names - may) | (must - names) | (tags - children)]
    if element.tag in ("testsuites", "testsuite", "testcase") and (element.text or "").strip():
        found.append(f"{element.tag}: text")
    return found + [one for child in element for one in wrong(child)]


@pytest.mark.parametrize("comparison", [graded(), changed(), Comparison(())], ids=["graded", "changed", "nothing"])
def test_keeps_to_the_schema(comparison: Comparison) -> None:
    assert wrong(ElementTree.fromstring(to_xml(comparison, Grade.NEW_FIELD))) == []


def test_what_was_compared_is_a_case() -> None:
    read = junitparser.JUnitXml.fromstring(to_xml(graded(), Grade.OTHER_VALUE))
    (suite,) = read
    cases = list(suite)

    assert (read.tests, read.failures, suite.name, suite.tests, suite.failures) == (3, 1, "session 1 and 1", 3, 1)
    assert [(one.classname, one.name, one.is_failure) for one in cases] == [
        ("session 1 and 1.answers", "send 1", True),
        ("session 1 and 1.answers", "send 2", False),
        ("session 1 and 1.messages on /a\ufffd", "\ufffd", False),
    ]
    (failure,) = cases[0].result
    assert (failure.type, failure.message) == ("missing", "missing; other value b")
    assert failure.text == (
        "missing: send 1\nexpected: a\ufffd<\nactual: nothing\n\n"
        "other value: send 1 b (a note)\nexpected: 1\nactual: 2"
    )  # fmt: skip
    assert cases[1].system_out == "volatile: send 2 c\nexpected: 1\nactual: 2"


def test_milder_ones_are_output() -> None:
    (suite,) = junitparser.JUnitXml.fromstring(to_xml(graded(), Grade.MISSING))
    case = next(iter(suite))

    assert (case.result[0].message, case.system_out[:11]) == ("missing", "other value")
    assert [one.is_failure for one in suite] == [True, False, False]
