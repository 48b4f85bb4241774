"""The alias of the chat server that a chat is on: it "may change" within a session, say the vendor's API pages.

Here it changes once, when the chat has so many lines as the chat's own source of chance says: three to six, of which
only the shortest chats have fewer. An app is to send the alias that it was told last. The one before is still taken
for ten seconds, counted from the first answer by REST that told the new one, for requests that were on their way. What
was only told over Comet does not count: an app that was away has not read it.
"""

from collections.abc import Callable
from random import Random

from gms_replay.simulator.clock import SECOND_US

_GRACE_US = 10 * SECOND_US


class Aliases:
    """Both aliases of one chat, each three digits as the vendor's `117`. A position is how many lines the chat has."""

    def __init__(self, random: Random, now_us: Callable[[], int]) -> None:
        self._first, self._second = (str(number) for number in random.sample(range(100, 1000), 2))
        self._changes_at = random.randint(3, 6)
        self._now_us = now_us
        self._answered_at_us: int | None = None

    def at(self, position: int) -> str:
        """The alias that is told there."""
        return self._first if position < self._changes_at else self._second

    def answered(self, position: int) -> None:
        """An answer by REST has told the alias of that position."""
        if self._answered_at_us is None and position >= self._changes_at:
            self._answered_at_us = self._now_us()

    def takes(self, alias: str, position: int) -> bool:
        """Whether a client may send that alias now."""
        if alias == self.at(position):
            return True
        is_late = self._answered_at_us is not None and self._now_us() - self._answered_at_us > _GRACE_US
        return alias == self._first and not is_late
