"""What can be chosen about the simulated GMS."""

from collections.abc import Callable
from dataclasses import dataclass

from gms_replay.simulator.clock import wall_us


@dataclass(frozen=True, slots=True)
class Settings:
    """How the simulated GMS behaves.

    `quick` turns the agent's seconds into tens of milliseconds. `trailing_comma` tells one dialog as the vendor's
    article prints it, which no JSON parser takes. `seed` makes identities and delays repeat. `now_us` is its clock.
    """

    quick: bool = False
    trailing_comma: bool = False
    seed: int | None = None
    poll_timeout_s: float = 30.0
    max_interval_s: float = 10.0
    now_us: Callable[[], int] = wall_us
