"""When the app acted, and how long it has waited for what it did not do; see docs/architecture.md, "Causes"."""

from dataclasses import dataclass, field
from enum import StrEnum

from gms_replay.gms import Act

PATIENCE_US = 10_000_000
"""How long an app may wait for what an act of its own has to cause, before the story goes on without the act."""


class MissingAct(StrEnum):
    """What becomes of a story that waits for an act which the app does not do, when its patience is over.

    WAIT: it waits for ever. GO_ON: it goes on as if the act had been done. MISS: it waits for ever, and says so.
    """

    WAIT = "wait"
    GO_ON = "go-on"
    MISS = "miss"


@dataclass(slots=True)
class Acts:
    """When each act of one kind happened. `given_up` of them the app has not done, and may still do."""

    happened_at_us: list[int] = field(default_factory=list)
    given_up: int = 0

    def happen(self, at_us: int) -> None:
        if self.given_up:
            self.given_up -= 1
        else:
            self.happened_at_us.append(at_us)

    def give_up(self, at_us: int) -> None:
        """Goes on as if the next had been done."""
        self.happened_at_us.append(at_us)
        self.given_up += 1


@dataclass(frozen=True, slots=True)
class Lack:
    """An act that the app does not do, the `place`th of its kind. `ends_at_us`: how long patience waits for it."""

    ends_at_us: int
    act: Act
    place: int

    def __str__(self) -> str:
        return f"{self.act} {self.place}"


@dataclass(slots=True)
class Patience:
    """How long the app has waited since the story last moved: in held polls, or by asking again and again.

    Asking again within the patience is waiting; asking once is not.
    """

    moved_at_us: int
    waited_us: int = 0
    polling_since_us: int | None = None
    asking_since_us: int | None = None
    asked_at_us: int = 0
    skipped_us: int = 0

    def move(self, at_us: int) -> None:
        self.moved_at_us = max(self.moved_at_us, at_us)
        self.waited_us = 0

    def poll(self, is_polled: bool, now_us: int) -> None:
        """Notes whether the app is waiting from now on."""
        if is_polled and self.polling_since_us is None:
            self.polling_since_us = now_us
        elif not is_polled and self.polling_since_us is not None:
            self.waited_us += max(0, now_us - max(self.polling_since_us, self.moved_at_us))
            self.polling_since_us = None

    def ask(self, now_us: int) -> None:
        """Notes that the app asked for a state, which is answered at once."""
        if self.asking_since_us is None or now_us - self.asked_at_us - self.skipped_us > PATIENCE_US:
            self.asking_since_us = now_us
        self.asked_at_us, self.skipped_us = now_us, 0

    def put_forward(self, by_us: int) -> None:
        """So much time passes at once: who asks after it, as before it, has waited through it."""
        self.skipped_us += by_us

    @property
    def ends_at_us(self) -> int | None:
        """When it is over: in the middle of a held poll, or with the question that came too late; None if never."""
        if self.polling_since_us is not None:
            return max(self.polling_since_us, self.moved_at_us) + PATIENCE_US - self.waited_us
        if self.asking_since_us is not None:
            is_over = self.asked_at_us - max(self.asking_since_us, self.moved_at_us) >= PATIENCE_US
            return self.asked_at_us if is_over else None
        return None


class Lacking:
    """What becomes of a story that lacks an act, by that rule, once patience is over."""

    def __init__(self, rule: MissingAct, patience: Patience) -> None:
        self._rule = rule
        self._patience = patience
        self._missed: tuple[Act, int] | None = None

    def of(self, missing: tuple[Act, int] | None) -> Lack | None:
        """What the story is stuck for, where it does not wait for that for ever."""
        if missing is None or missing == self._missed or self._rule is MissingAct.WAIT:
            return None
        ends_at_us = self._patience.ends_at_us
        return None if ends_at_us is None else Lack(ends_at_us, *missing)

    def end(self, lack: Lack) -> tuple[bool, str]:
        """Patience is over: whether the story goes on without, and what to say of it."""
        if self._rule is MissingAct.MISS:
            self._missed = lack.act, lack.place
            return False, f"miss: the story waits for {lack}, which the app does not do"
        self._patience.move(lack.ends_at_us)
        return True, f"went on without {lack}, which the app never did"
