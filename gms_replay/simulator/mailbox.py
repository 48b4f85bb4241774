"""A user's mail: what was published for the user, whoever of the user's sessions reads it, and whenever."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True, eq=False, slots=True)
class Letter:
    """What was published. `position`: how many lines of `chat` whoever reads it has; None where it tells none."""

    channel: str
    event: bytes
    chat: str
    position: int | None


class Mailbox:
    """Letters in the order of their coming. They are kept when they have been read, for an app that asks again.

    `takes` says of a channel whether the reader has subscribed to it.
    """

    def __init__(self) -> None:
        self._letters: list[Letter] = []
        self._unread: set[Letter] = set()

    def post(self, letter: Letter) -> None:
        self._letters.append(letter)
        self._unread.add(letter)

    def waits_for(self, takes: Callable[[str], bool]) -> bool:
        """Whether there is anything to read."""
        return any(takes(letter.channel) for letter in self._unread)

    def take(self, takes: Callable[[str], bool]) -> list[Letter]:
        """Read all there is."""
        taken = [letter for letter in self._letters if letter in self._unread and takes(letter.channel)]
        self._unread.difference_update(taken)
        return taken

    def put_back(self, letters: Iterable[Letter]) -> None:
        """These were not read after all."""
        self._unread.update(set(letters).intersection(self._letters))

    def rewind(self, position: int) -> None:
        """The reader has so many lines of the latest chat, whatever was taken: what comes after is to be read again."""
        for letter in self._letters:
            if letter.position is not None and letter.chat == self._letters[-1].chat:
                (self._unread.add if letter.position > position else self._unread.discard)(letter)
