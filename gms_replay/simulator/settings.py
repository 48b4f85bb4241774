"""What can be chosen about the simulated GMS."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gms_replay.simulator.clock import OfficeHours, wall_us


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulated GMS behaves.

    `quick` turns people's seconds into tens of milliseconds. `trailing_comma` tells one dialog as the vendor's article
    prints it, which no JSON parser takes. With a `seed` identities, names, words, queues and delays repeat, and differ
    from those of other seeds; without, the agent is the article's. `services` are the names of callbacks that are
    configured; any, where there are none. `office_hours` are those of appointments. `now_us` is its clock.
    """

    quick: bool = False
    trailing_comma: bool = False
    seed: int | None = None
    services: frozenset[str] = frozenset()
    office_hours: OfficeHours = field(default_factory=OfficeHours)
    poll_timeout_s: float = 30.0
    max_interval_s: float = 10.0
    now_us: Callable[[], int] = wall_us
