"""The latest few of what a session is told: an app may go on for ever, and no session is to grow with it."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(kept: dict[K, V], key: K, value: V, most: int) -> list[K]:
    """Makes something the latest of so many; returns what is forgotten for it, the oldest."""
    kept.pop(key, None)
    kept[key] = value
    forgotten = list(kept)[: max(0, len(kept) - most)]
    for one in forgotten:
        del kept[one]
    return forgotten
