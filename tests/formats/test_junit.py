"""A comparison as JUnit's XML."""

from xml.etree import ElementTree

from gms_replay.formats.junit import to_xml
from gms_replay.grades import Difference, Grade
from gms_replay.grading import Comparison, Row


def test_fails_from_grade_on() -> None:
    found = (
        Difference(Grade.MISSING, "send 1", "send", "", "a\x00<", None),
        Difference(Grade.VOLATILE, "send 2", "send", "", "a", "b"),
    )
    suite = ElementTree.fromstring(to_xml(Comparison((Row(1, 1, found),)), Grade.NEW_FIELD))[0]

    assert (suite.attrib["tests"], suite.attrib["failures"], len(suite.findall("testcase/failure"))) == ("2", "1", 1)
