"""A comparison as JUnit's XML, as Jenkins and GitLab read it: each difference is a case, failed from a grade on."""

import re
from xml.etree import ElementTree

from gms_replay.grades import Grade
from gms_replay.grading import Comparison

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no room for (section 2.2)."""


def to_xml(comparison: Comparison, least: Grade) -> str:
    """The document. A visit without differences is one case that passed; `least`: the least grade that fails."""
    root = ElementTree.Element("testsuites")
    for row in comparison.rows:
        name = f"session {row.old or 'none'} and {row.new or 'none'}"
        failed = sum(one.grade.severity >= least.severity for one in row.differences)
        sums = {"tests": str(max(1, len(row.differences))), "failures": str(failed), "errors": "0", "skipped": "0"}
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **sums})
        if not row.differences:
            ElementTree.SubElement(suite, "testcase", {"classname": name, "name": "no difference"})
        for one in row.differences:
            said = _plain(f"{one.where} {one.path}".rstrip())
            case = ElementTree.SubElement(suite, "testcase", {"classname": name, "name": f"{said}: {one.grade}"})
            if one.grade.severity >= least.severity:
                message = {"message": f"{one.grade}: {said}", "type": str(one.grade)}
                failure = ElementTree.SubElement(case, "failure", message)
                failure.text = _plain(f"expected: {one.expected}\nactual: {one.actual}\n{one.note}")
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
