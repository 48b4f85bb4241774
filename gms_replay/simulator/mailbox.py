"""What was published for one user, and who has read how much of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

Wanted = Callable[[str], bool]
"""Whether a reader takes what is on a channel."""


@dataclass(frozen=True, slots=True)
class Letter:
    """What was published. `position`: how many lines of `chat` whoever reads it has; None where it tells none."""

    number: int
    channel: str
    event: bytes
    chat: str
    position: int | None


@dataclass(slots=True)
class Mailbox:
    """One user's. `posted` are all letters, `unread` those that nobody has taken, both in order."""

    posted: list[Letter] = field(default_factory=list)
    unread: list[Letter] = field(default_factory=list)

    def post(self, channel: str, event: bytes, chat: str, position: int | None) -> None:
        letter = Letter(len(self.posted), channel, event, chat, position)
        self.posted.append(letter)
        self.unread.append(letter)

    def has(self, wanted: Wanted) -> bool:
        """Whether there is something for a reader."""
        return any(wanted(letter.channel) for letter in self.unread)

    def take(self, wanted: Wanted) -> list[Letter]:
        """All that there is for a reader."""
        taken = [letter for letter in self.unread if wanted(letter.channel)]
        self.unread = [letter for letter in self.unread if not wanted(letter.channel)]
        return taken

    def put_back(self, letters: list[Letter]) -> None:
        """These were not read after all."""
        self.unread = sorted([*self.unread, *letters], key=lambda letter: letter.number)

    def read_to(self, position: int) -> None:
        """Whatever was taken: so many lines of the chat that was heard of last were read, and no more."""
        last = self.posted[-1].chat if self.posted else ""
        self.unread = [
            letter
            for letter in self.posted
            if (
                letter.position > position
                if letter.position is not None and letter.chat == last
                else letter in self.unread
            )
        ]
