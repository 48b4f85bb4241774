"""What may differ between two recordings: by rule, or learned from two of the same GMS."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Self

from gms_replay.grades import Difference, Grade
from gms_replay.instants import SECOND_US
from gms_replay.rules import Rules


@dataclass(frozen=True, slots=True)
class Leniency:
    """What is no difference. `volatile`: places as `Difference.rule` tells them, perhaps with `*`.

    Something is slower that takes more than `slower_factor` times as long, and `slower_floor_us` longer.
    `compares_requests`: whether what the app asks counts, too.
    """

    volatile: Collection[str] = ()
    slower_factor: float = 2.0
    slower_floor_us: int = 1_000_000
    compares_requests: bool = True

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
        )

    def is_slower(self, was_us: int, now_us: int) -> bool:
        return now_us > was_us * self.slower_factor and now_us - was_us > self.slower_floor_us

    def judged(self, found: Difference) -> Difference:
        """A difference, volatile where it may be."""
        rule = found.rule
        if any(rule == one or fnmatchcase(rule, one) for one in self.volatile):
            return replace(found, grade=Grade.VOLATILE)
        return found

    def learned(self, found: Iterable[Difference]) -> "Leniency":
        """The same, and all that differs there may differ."""
        rules = frozenset(one.rule for one in found)
        return replace(self, volatile=frozenset(self.volatile) | rules)
