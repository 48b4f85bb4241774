"""The latest few of what strangers may add to for ever: neither a session nor the player is to grow with it."""

from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


def keep(kept: dict[K, V], key: K, value: V, most: int) -> None:
    """Makes something the latest of so many; for it the oldest is forgotten, if there were as many."""
    kept.pop(key, None)
    kept[key] = value
    if len(kept) > most:
        del kept[next(iter(kept))]
