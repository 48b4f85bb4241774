"""A comparison as JUnit's XML, as Jenkins and GitLab read it: what was compared is a case each, failed from a grade on.

The elements and attributes are those of the Jenkins xUnit plugin's `junit-10.xsd`.
"""

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from gms_replay.grades import Difference, Grade
from gms_replay.grading import Check, Comparison

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no room for (section 2.2)."""


def to_xml(comparison: Comparison, least: Grade) -> str:
    """The document: a suite for each pair of visits. `least`: the least grade that fails; milder ones are output."""
    checks = [check for row in comparison.rows for check in row.checks]
    root = ElementTree.Element("testsuites", _sums(checks, least))
    for row in comparison.rows:
        name = f"session {row.old or 'none'} and {row.new or 'none'}"
        suite = ElementTree.SubElement(root, "testsuite", {"name": name, **_sums(row.checks, least), "skipped": "0"})
        for check in row.checks:
            _case(suite, name, check, least)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def _sums(checks: Sequence[Check], least: Grade) -> dict[str, str]:
    failures = sum(check.grade.severity >= least.severity for check in checks)
    return {"tests": str(len(checks)), "failures": str(failures), "errors": "0"}


def _case(suite: ElementTree.Element, session: str, check: Check, least: Grade) -> None:
    names = {"classname": _plain(f"{session}.{check.sort}"), "name": _plain(check.where)}
    case = ElementTree.SubElement(suite, "testcase", names)
    failed = [one for one in check.differences if one.grade.severity >= least.severity]
    mild = [one for one in check.differences if one not in failed]
    if failed:
        said = "; ".join(f"{one.grade} {one.path}".rstrip() for one in failed)
        failure = ElementTree.SubElement(case, "failure", {"message": _plain(said), "type": str(check.grade)})
        failure.text = _told(failed)
    if mild:
        ElementTree.SubElement(case, "system-out").text = _told(mild)


def _told(differences: Sequence[Difference]) -> str:
    texts = []
    for one in differences:
        head = f"{one.grade}: {one.where} {one.path}".rstrip() + (f" ({one.note})" if one.note else "")
        texts.append(f"{head}\nexpected: {_side(one.expected)}\nactual: {_side(one.actual)}")
    return _plain("\n\n".join(texts))


def _side(text: str | None) -> str:
    return "nothing" if text is None else text


def _plain(text: str) -> str:
    return _FORBIDDEN.sub("\ufffd", text)
