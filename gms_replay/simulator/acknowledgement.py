"""Acknowledgement in `ext.ack`, as CometD's AcknowledgedMessagesExtension has it.

A client asks for it in its handshake. From then on it is told events with the replies to its connects only, each reply
has a number, and each connect says the last number that the client got.
"""

from collections.abc import Sequence

from gms_replay.bayeux import Parsed
from gms_replay.simulator.mailbox import Letter


class Batches:
    """What one session was told, by the number of the reply that it came with, until the client says that it has it."""

    def __init__(self) -> None:
        self._last = 0
        self._told: list[tuple[int, Letter]] = []

    @property
    def outstanding(self) -> list[Letter]:
        """All that the client may not have."""
        return [letter for _, letter in self._told]

    def begin(self) -> int:
        """The number of the next reply to a connect."""
        self._last += 1
        return self._last

    def fill(self, letters: Sequence[Letter]) -> list[Letter]:
        """What goes with that reply, when these are new: first what was told before and not acknowledged."""
        self._told += [(self._last, letter) for letter in letters]
        return self.outstanding

    def acknowledge(self, connect: Parsed) -> None:
        """Forget what the client has."""
        number = connect.part("ext").get("ack")
        if isinstance(number, int) and not isinstance(number, bool):
            self._told = [(batch, letter) for batch, letter in self._told if batch > number]


def asked_for(handshake: Parsed) -> bool:
    return handshake.part("ext").get("ack") is True
