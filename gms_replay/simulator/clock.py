"""The time of day, its notations, and the pace of a human agent."""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
DAY_US = 24 * 60 * MINUTE_US

_QUICK = 0.02


def wall_us() -> int:
    """Now, in microseconds since 1970."""
    return time.time_ns() // 1000


def iso_seconds(at_us: int) -> str:
    """An instant as `2014-05-02T16:27:38Z`."""
    return datetime.fromtimestamp(at_us // SECOND_US, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def iso_millis(at_us: int) -> str:
    """An instant as `2014-05-02T16:30:00.000Z`."""
    return f"{iso_seconds(at_us)[:-1]}.{at_us // 1000 % 1000:03d}Z"


def from_iso(text: str) -> int:
    """The instant that a text tells, taken as UTC where it names no zone. Raises ValueError."""
    told = datetime.fromisoformat(text)
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    since = told - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * SECOND_US + since.microseconds


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When appointments are kept, every day alike: minutes after midnight UTC, the first in, the last out."""

    opens_min: int = 8 * 60
    closes_min: int = 18 * 60

    def hold(self, at_us: int) -> bool:
        """Whether the office is open at an instant."""
        return self.opens_min <= at_us % DAY_US // MINUTE_US < self.closes_min


class Pace:
    """How long a person takes, never twice the same; quick: fifty times faster. A slow one `takes` times as long."""

    def __init__(self, *, quick: bool, random: Random, takes: float = 1.0) -> None:
        self._factor = takes * (_QUICK if quick else 1.0)
        self._random = random

    async def pause(self, about_s: float) -> None:
        """Let about so many seconds of a person's time pass."""
        await asyncio.sleep(about_s * self._factor * self._random.uniform(0.7, 1.3))
