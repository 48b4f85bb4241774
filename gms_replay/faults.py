"""What a bad GMS does, by rule; see docs/architecture.md, "Faults".

    [[faults]]
    on = "send"                 # an operation ("send", "dialog connect"), a channel ("/meta/connect", "/_genesys"),
                                # "comet", "push", or "any" request
    do = "error"                # what happens to it
    session = "alice"           # whose: as gms_session has it; without it, everybody's
    times = [3]                 # which, counted from 1 in each session; or first, every, count, chance
    status = 503

A rule decides by seed, rule, session and count alone, so that the same session meets the same faults each time,
whatever runs beside it. How rules are written, `fault_rules` knows; what becomes of whom they strike, `mishaps`.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from enum import StrEnum
from hashlib import blake2b
from typing import Any

from gms_replay import bayeux

ANY = "any"
COMET = "comet"
PUSH = "push"

_DRAWN = 1 << 64


class Do(StrEnum):
    """What happens. DELAY to LOSE concern one answer, message or push, FORGET a Bayeux client, ALIAS a chat."""

    DELAY = "delay"
    ERROR = "error"
    RESET = "reset"
    CUT = "cut"
    GARBAGE = "garbage"
    HANG = "hang"
    REFUSE = "refuse"
    FORGET = "forget"
    ALIAS = "alias"
    DOUBLE = "double"
    REORDER = "reorder"
    LOSE = "lose"


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. `session` and `visit` are None where it is everybody's, `times` empty where the rest decides which.

    `first`, `every`: from which on, and each how manieth; `count`: at most so often in a session. `delay_ms` is None
    where it was not said, `after_bytes` for half of the body, `advice` for none at all. `status_code`: chat version
    2's, told with HTTP's 200; `status` is HTTP's otherwise. `exception`, `message`: words of the error, None for ours.
    """

    on: str
    do: Do
    session: str | None = None
    visit: int | None = None
    times: frozenset[int] = frozenset()
    first: int = 1
    every: int = 1
    count: int | None = None
    chance: float = 1
    delay_ms: float | None = None
    jitter_ms: float = 0
    status: int = 503
    status_code: int | None = None
    exception: str | None = None
    message: str | None = None
    after_bytes: int | None = None
    advice: str | None = None

    def is_for(self, session: str, visit: int) -> bool:
        """Whether it concerns a session of that name, which plays that visit."""
        return self.session in (None, session) and self.visit in (None, visit)

    def names(self, what: Collection[str]) -> bool:
        """Whether it concerns what is called so, by any of these names; its own channel may end in `*` or `**`."""
        return self.on in what or ("*" in self.on and any(map(self._takes_in, what)))

    def _takes_in(self, channel: str) -> bool:
        return bayeux.is_meta(channel) == bayeux.is_meta(self.on) and bayeux.matches(self.on, channel)

    def strikes(self, number: int, struck: int, draw: float) -> bool:
        """Whether it strikes the `number`th that it concerns in a session, where it has struck so often.

        `draw` is from 0 up to, but not including, 1.
        """
        if self.times:
            return number in self.times
        is_turn = number >= self.first and (number - self.first) % self.every == 0
        return is_turn and (self.count is None or struck < self.count) and draw < self.chance

    def delay_us(self, draw: float) -> int:
        """How long the delay is: at least `delay_ms`, at most `jitter_ms` more."""
        return round(((self.delay_ms or 0) + draw * self.jitter_ms) * 1000)

    def as_json(self) -> dict[str, Any]:
        """The rule as it may be said, with what counts, and without what it need not say."""
        said = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name) != one.default}
        whose = [str(said.pop(name)) for name in ("session", "visit") if name in said]
        said |= {"session": ":".join(whose)} if whose else {}
        said |= {"times": sorted(self.times)} if self.times else {}
        # An error has a status, whether or not it was said.
        said |= {"status": self.status} if self.do == Do.ERROR and self.status_code is None else {}
        return said

    def __str__(self) -> str:
        return f"{self.do} on {self.on}"


@dataclass(frozen=True, slots=True)
class TellFaults:
    """Tells the rule of that number, or all, where it is None."""

    number: int | None = None


@dataclass(frozen=True, slots=True)
class AddFault:
    """Adds a rule."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class DropFaults:
    """Takes the rule of that number away, or all, where it is None."""

    number: int | None


@dataclass(frozen=True, slots=True)
class Strike:
    """A fault that happens. `delay_us`: after how long; `drawn`: what is seeded about it."""

    fault: Fault
    delay_us: int
    drawn: bytes


class Faults:
    """The rules that hold, and whom they struck. `seed`: what chance is drawn from."""

    def __init__(self, rules: Iterable[Fault] = (), seed: int = 0) -> None:
        self._seed = seed
        self.rules: dict[int, Fault] = {}
        """Those that hold, by their numbers."""
        self._struck: dict[int, Counter[str]] = {}
        self._ever = 0
        for rule in rules:
            self.add(rule)

    @property
    def idle(self) -> tuple[str, ...]:
        """A line for each rule that struck nobody."""
        return tuple(
            f"fault {number} ({rule}) struck nobody"
            for number, rule in self.rules.items()
            if not self._struck[number].total()
        )

    def obey(self, wanted: TellFaults | AddFault | DropFaults) -> dict[str, Any]:
        """Does what a tester wants; what he is told."""
        if isinstance(wanted, AddFault):
            return self._one_told(self.add(wanted.fault))
        if isinstance(wanted, DropFaults):
            return {"dropped": self._drop(wanted.number)}
        return {"faults": [self._one_told(number) for number in self._of(wanted.number)]}

    def add(self, rule: Fault) -> int:
        """Puts a rule behind the others, and gives its number, from 1: no other ever has it."""
        self._ever += 1
        self.rules[self._ever] = rule
        self._struck[self._ever] = Counter()
        return self._ever

    def _drop(self, number: int | None) -> list[int]:
        """Takes a rule away, if it is there, or all; their numbers. What they struck stays struck."""
        gone = self._of(number)
        for one in gone:
            del self.rules[one], self._struck[one]
        return gone

    def _of(self, number: int | None) -> list[int]:
        return [one for one in self.rules if number in (None, one)]

    def forget(self) -> None:
        """All sessions are forgotten: nobody was struck yet."""
        for struck in self._struck.values():
            struck.clear()

    def note(self, number: int, session: str) -> None:
        """A rule has struck a session."""
        self._struck[number][session] += 1

    def drawn(self, rule: Fault, session: str, number: int) -> bytes:
        """What is drawn for the `number`th that a rule concerns in a session: 64 bytes, always the same."""
        key = json.dumps([self._seed, rule.as_json(), session, number])
        return blake2b(key.encode("utf-8", "replace")).digest()

    def _one_told(self, number: int) -> dict[str, Any]:
        """A rule, with its number, how often it struck, and whom."""
        struck = self._struck[number]
        told = {"struck": struck.total(), "sessions": dict(struck)}
        return {"number": number} | self.rules[number].as_json() | told


def share(drawn: bytes) -> float:
    """Eight drawn bytes as a number from 0 up to, but not including, 1."""
    return (int.from_bytes(drawn[:8]) >> 11) * 2048 / _DRAWN
