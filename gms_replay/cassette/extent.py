"""How far a recording is, and how far a file of it may get."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may grow to before the next one is begun; None for no limit. The age is that of its last run."""

    size_bytes: int | None = None
    age_us: int | None = None

    def reached(self, size_bytes: int, age_us: int) -> bool:
        if self.size_bytes is not None and size_bytes >= self.size_bytes:
            return True
        return self.age_us is not None and age_us >= self.age_us


@dataclass(frozen=True, slots=True)
class Tally:
    """How much was told, and when some of it was last put on disk; None before."""

    exchanges: int = 0
    messages: int = 0
    pushes: int = 0
    frames: int = 0
    committed_at_us: int | None = None

    def __add__(self, other: "Tally") -> "Tally":
        commits = [at_us for at_us in (self.committed_at_us, other.committed_at_us) if at_us is not None]
        return Tally(
            self.exchanges + other.exchanges,
            self.messages + other.messages,
            self.pushes + other.pushes,
            self.frames + other.frames,
            max(commits, default=None),
        )


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a recording is: counts of all its files since it began, but `run_id`, `size_bytes` of the current one.

    `committed_at_us` is when facts were last put on disk, None before; `waiting` is how many are not there yet.
    """

    path: Path
    run_id: int
    exchanges: int
    messages: int
    pushes: int
    frames: int
    size_bytes: int
    committed_at_us: int | None
    waiting: int
