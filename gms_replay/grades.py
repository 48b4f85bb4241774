"""How much two recordings differ: the grades, and what is said of one difference."""

from dataclasses import dataclass
from enum import StrEnum

STATUS = "HTTP status"
CONTENT_TYPE = "header content-type"
TIME = "time taken"
FORM = "form of the body"
"""Paths of what is no field, each with a space, so that none is taken for one."""


class Grade(StrEnum):
    """What became of something, in the order of severity: what an app surely notices comes last."""

    EQUAL = "equal"
    VOLATILE = "volatile"
    NEW_FIELD = "new field"
    SLOWER = "slower"
    EXTRA = "extra"
    OTHER_ORDER = "other order"
    OTHER_VALUE = "other value"
    OTHER_TYPE = "other type"
    MISSING_FIELD = "missing field"
    MISSING = "missing"

    @property
    def severity(self) -> int:
        """Its place in that order, from 0."""
        return _SEVERITY[self]

    @property
    def option(self) -> str:
        """As it is written in a command."""
        return self.replace(" ", "-")


_SEVERITY = {grade: place for place, grade in enumerate(Grade)}


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference, found `count` times.

    `where`: in a user's words, with the number where it was found first ("dialog get-dialog-start-chat 1"); `place`:
    the same without the number, as the rules file names it. `path`: inside the body, by dots, "*" for any place in a
    list; "" for the whole; or one of those above. `expected`, `actual`: short texts, None where there is nothing.
    """

    grade: Grade
    where: str
    place: str
    path: str
    expected: str | None
    actual: str | None
    note: str = ""
    count: int = 1

    @property
    def rule(self) -> str:
        """The rule that lets it be."""
        return f"{self.place}: {self.path}".rstrip()


def worst(grades: list[Grade]) -> Grade:
    """The severest, `EQUAL` of none."""
    return max(grades, key=lambda grade: grade.severity, default=Grade.EQUAL)
