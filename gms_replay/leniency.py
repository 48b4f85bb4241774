"""What may differ between two recordings: by rule, or learned from two of the same GMS."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import Self

from gms_replay.grades import TIME, Difference, Grade
from gms_replay.instants import SECOND_US
from gms_replay.rules import Rules

_BACK = {
    Grade.MISSING: Grade.EXTRA,
    Grade.EXTRA: Grade.MISSING,
    Grade.MISSING_FIELD: Grade.NEW_FIELD,
    Grade.NEW_FIELD: Grade.MISSING_FIELD,
}
"""What the same difference is the other way round."""


@dataclass(frozen=True, slots=True)
class Leniency:
    """What is no difference. `volatile`: places as `Difference.rule` tells them, perhaps with `*`.

    `known`: differences that were learned, each by its grade and place: such a one may be again, either way round.

    Something is slower that takes more than `slower_factor` times as long, and `slower_floor_us` longer. `spreads_us`:
    by how much waits differed where nothing had changed, by what was waited for: that, times the factor, may be again.
    `compares_requests`: whether what the app asks counts, too.
    """

    volatile: Collection[str] = ()
    slower_factor: float = 2.0
    slower_floor_us: int = 1_000_000
    compares_requests: bool = True
    rules: Rules = field(default_factory=Rules)
    known: frozenset[tuple[Grade, str]] = frozenset()
    spreads_us: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def by(cls, rules: Rules, *, slower_factor: float | None = None, compares_requests: bool = True) -> Self:
        """As a rules file says; a factor of one's own counts before the file's."""
        usual = cls()
        floor_s = rules.slower_floor_s
        return cls(
            rules.volatile,
            slower_factor or rules.slower_factor or usual.slower_factor,
            usual.slower_floor_us if floor_s is None else round(floor_s * SECOND_US),
            compares_requests,
            rules,
        )

    def slowness(self, kind: str, was_us: int, now_us: int) -> Grade:
        """EQUAL, SLOWER, or VOLATILE where it is slower, but by no more than may be. `kind`: what was waited for."""
        longer_us = now_us - was_us
        if now_us <= was_us * self.slower_factor or longer_us <= self.slower_floor_us:
            return Grade.EQUAL
        return Grade.VOLATILE if longer_us <= self.spreads_us.get(kind, 0) * self.slower_factor else Grade.SLOWER

    def judged(self, found: Difference) -> Difference:
        """A difference, volatile where it may be."""
        rule = found.rule
        if (found.grade, rule) in self.known or any(rule == one or fnmatchcase(rule, one) for one in self.volatile):
            return replace(found, grade=Grade.VOLATILE)
        return found

    def learned(self, found: Iterable[Difference], spreads_us: Mapping[str, int]) -> "Leniency":
        """The same, and what differs there may differ so again; waits by as much as there."""
        known = {(grade, one.rule) for one in found if one.path != TIME for grade in (one.grade, _BACK.get(one.grade))}
        widest_us = {kind: max(us, self.spreads_us.get(kind, 0)) for kind, us in spreads_us.items()}
        return replace(
            self,
            known=self.known | {(grade, rule) for grade, rule in known if grade},
            spreads_us={**self.spreads_us, **widest_us},
        )
