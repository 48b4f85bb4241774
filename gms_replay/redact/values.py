"""A value that is private as a whole: what stands for it, and that it is known from then on.

Strategy: what a value is decides, beside its kind. Ids that GMS gave, instants and words that say nothing stay; user
and password, and what is written with percent signs, are opened; all else is `standins`'.
"""

import re
from urllib.parse import quote, unquote

from gms_replay import leaks, marks
from gms_replay.privacy import Kind
from gms_replay.redact.memory import Memory
from gms_replay.redact.standins import StandIns, is_instant

_NOTHING = frozenset({"", "true", "false", "null", "undefined", "none", "0"})
_ESCAPE = re.compile(r"%[0-9A-F]{2}")
_LOWER_ESCAPE = re.compile(r"%(?:[0-9][a-f]|[a-f][0-9a-f])")
_TOPICS = "/topics/"


class Values:
    """Values by one key; `region` as `StandIns` has it. `keeps_stand_ins`: whether what looks like one stays."""

    def __init__(self, key: bytes, region: str | None = None, *, keeps_stand_ins: bool = False) -> None:
        self.stand_ins = StandIns(key, region)
        self.keeps_stand_ins = keeps_stand_ins
        self.memory = Memory()

    def remember(self, value: str, kind: Kind) -> None:
        """Know a secret from now on, wherever it stands."""
        value = value.strip()
        if kind is Kind.BASIC and (told := marks.user_and_password(value)):
            for one, of_kind in zip(told, (Kind.USER, Kind.CREDENTIAL), strict=True):
                self.remember(one, of_kind)
        if kind is Kind.CREDENTIAL and (part := leaks.behind_scheme(value)):
            self.remember(value[part.start : part.end], part.kind)
            return
        other = self.told(value, kind)
        if other == value:
            return
        bare, other = value.removeprefix(marks.scheme(value)), other.removeprefix(marks.scheme(other))
        self.memory.learn(bare, other, kind)
        if "%" in bare and (plain := unquote(bare)) != bare:
            self.remember(plain, kind)
        if kind is Kind.PHONE or self.stand_ins.is_number(bare):
            self._learn_phone(bare, other)
        if kind is Kind.DEVICE and marks.is_hex(bare):
            for write in (str.lower, str.upper):
                self.memory.learn(write(bare), write(other), kind)

    def told(self, value: str, kind: Kind) -> str:
        """What stands for what is private by its place; itself where it is an id, an instant or nothing at all."""
        bare = value.strip()
        if bare.lower() in _NOTHING or is_instant(bare):
            return value
        if kind is Kind.DEVICE and bare.startswith(_TOPICS):
            return value
        # Before what GMS gave: what was replaced once is so wherever it stands, or links would break.
        if (known := self.memory.known(bare)) is not None:
            return value.replace(bare, known)
        if self.memory.is_kept(bare):
            return value
        if kind is Kind.BASIC:
            return value.replace(bare, self._basic(bare))
        if self.is_done(bare):
            return value
        if kind is Kind.CREDENTIAL and (part := leaks.behind_scheme(bare)):
            told = self.told(bare[part.start : part.end], part.kind)
            return value.replace(bare, bare[: part.start] + told + bare[part.end :])
        if "%" in bare and (plain := unquote(bare, errors="surrogateescape")) != bare:
            return value.replace(bare, _escaped(bare, self.stand_ins.of(plain)))
        return value.replace(bare, self.stand_ins.of(bare))

    def is_done(self, value: str) -> bool:
        """Whether a value stays, as it is a stand-in; what is too short to be told from one is so, too."""
        return self.keeps_stand_ins and (marks.is_stand_in(value) or not marks.can_be_marked(value))

    def _learn_phone(self, value: str, told: str) -> None:
        if national := self.stand_ins.national(value, told):
            self.memory.learn_phone(*national)

    def _basic(self, value: str) -> str:
        told = marks.user_and_password(value)
        is_done = told is not None and all(map(self.is_done, told))
        return value if is_done else self.stand_ins.basic(value)


def _escaped(like: str, value: str) -> str:
    """A value with percent signs as another is written: what that has bare is so, and its letter case counts."""
    bare = "".join({one for one in like if not one.isalnum() and one != "%"})
    told = quote(value, safe=bare, errors="surrogateescape")
    return _ESCAPE.sub(lambda found: found[0].lower(), told) if _LOWER_ESCAPE.search(like) else told
