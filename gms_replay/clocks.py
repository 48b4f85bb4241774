"""What time it is in a session; see docs/architecture.md, "Clocks".

Strategy: a session lives by three times, all in microseconds UTC, all made of the wall's. Patience waits by the wall's
own, what Bayeux waits for by the protocol's, and what is due by the story's. With the real clock they are one until a
tester lets the story jump (`jump`). With the virtual clock the protocol's stands, and the story's jumps ahead of it.
`put_forward` moves all three, `jump` the story alone.
"""

from dataclasses import dataclass
from enum import StrEnum

from gms_replay.acts import MissingAct
from gms_replay.timeline import Shift


class Clock(StrEnum):
    """How time passes in a session.

    REAL: as by the wall. VIRTUAL: it stands, and jumps to what is due next when the app waits for something.
    """

    REAL = "real"
    VIRTUAL = "virtual"


@dataclass(frozen=True, slots=True)
class Pacing:
    """How stories are told in time.

    `now_us`: the instant at which every session starts for its app; None for the time at which it really does.
    `speed`: how many times faster than recorded. `missing_act`: what becomes of a story that waits for an act in vain.
    `shift`: by what time slots move.
    """

    now_us: int | None = None
    speed: float = 1.0
    missing_act: MissingAct = MissingAct.GO_ON
    clock: Clock = Clock.REAL
    shift: Shift = Shift.EXACT

    def paced_us(self, recorded_us: int) -> int:
        """How long something takes that took so long when it was recorded."""
        return round(recorded_us / self.speed)


class SessionTime:
    """The times of one session, which was opened at `opened_at_us` by the wall."""

    def __init__(self, pacing: Pacing, opened_at_us: int) -> None:
        self.stands = pacing.clock is Clock.VIRTUAL
        self.jumped_us = 0
        self._ahead_us = 0 if pacing.now_us is None else pacing.now_us - opened_at_us
        self._opened_at_us = opened_at_us

    def patience_us(self, wall_us: int) -> int:
        """The time by which patience waits."""
        return wall_us + self._ahead_us

    def protocol_us(self, wall_us: int) -> int:
        """The time by which polls and clients expire."""
        return (self._opened_at_us if self.stands else wall_us) + self._ahead_us

    def story_us(self, wall_us: int) -> int:
        """The time by which the story is told, and which the app is told."""
        return self.protocol_us(wall_us) + self.jumped_us

    def told_us(self, protocol_us: int) -> int:
        """What the app is told for the protocol's time."""
        return protocol_us + self.jumped_us

    def wall_us(self, patience_us: int) -> int:
        """What the wall shows when patience has waited till then."""
        return patience_us - self._ahead_us

    def story_at_us(self, patience_us: int, wall_us: int) -> int:
        """Where the story is when patience has waited till then, which is not later than now."""
        return self.story_us(wall_us) if self.stands else patience_us + self.jumped_us

    def patience_at_us(self, story_us: int, wall_us: int) -> int:
        """Till when patience has waited when the story is there, which is not later than now."""
        return self.patience_us(wall_us) if self.stands else story_us - self.jumped_us

    def jump(self, to_us: int, wall_us: int) -> None:
        """Makes it that late in the story, and no later for whatever waits."""
        self.jumped_us += max(0, to_us - self.story_us(wall_us))

    def put_forward(self, by_us: int) -> None:
        """Lets so much time pass at once, for all."""
        self._ahead_us += by_us


def earlier(one_us: int | None, other_us: int | None) -> int | None:
    """The earlier of two, of which there may be one, or none."""
    if one_us is None or other_us is None:
        return other_us if one_us is None else one_us
    return min(one_us, other_us)
