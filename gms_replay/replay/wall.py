"""The wall's clock, by which whatever plays is woken."""

import time


def wall_clock_us() -> int:
    """Microseconds since 1970 UTC."""
    return time.time_ns() // 1000
