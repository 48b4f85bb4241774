"""All that is left to chance, each in a source of its own.

A source is named after what it is for and the number of that, as the app's requests count it: the first service's
queue, the second chat's words. So what one draws never depends on when another draws, and equal requests in equal
order get equal names, words and identities, however fast they come.
"""

from random import Random

from gms_replay.simulator.cast import ARTICLE, Cast, draw
from gms_replay.simulator.clock import Pace


class Chance:
    """The sources of a seed; without a seed they are new each time, and only the agent is always the article's."""

    def __init__(self, seed: int | None, *, quick: bool) -> None:
        self._seeded = seed is not None
        self._seed = Random().getrandbits(64) if seed is None else seed
        self._quick = quick

    def source(self, what: str, *numbers: int) -> Random:
        """The source of that name, from its beginning."""
        return Random(f"{self._seed} {what} {numbers}")

    def pace(self, what: str, *numbers: int, takes: float = 1.0) -> Pace:
        """Somebody's pace; of a slow one, who `takes` so many times as long."""
        return Pace(quick=self._quick, random=self.source(f"{what} pace", *numbers), takes=takes)

    def cast(self, number: int) -> Cast:
        """Who answers that chat, and in which words."""
        return draw(self.source("cast", number)) if self._seeded else ARTICLE
