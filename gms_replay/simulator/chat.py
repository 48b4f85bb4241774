"""One chat: who does what in it, and when. How that is told is its version's (`transcript1`, `transcript2`)."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto


class Kind(Enum):
    """What somebody does in a chat."""

    WROTE = auto()
    TYPING_STARTED = auto()
    TYPING_STOPPED = auto()
    JOINED = auto()
    LEFT = auto()
    PUSHED_URL = auto()
    SENT_NOTICE = auto()
    RENAMED = auto()


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody in the chat: the name others see, and AGENT or CLIENT."""

    nickname: str
    role: str


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that somebody did. `text`: the words, the URL or the notice; "" where it has none."""

    kind: Kind
    party: Party
    text: str
    at_us: int


class Chat:
    """A transcript that grows line by line. Who listens is told of each line, and of the end, as it comes.

    The first line is the client's arrival, which nobody is told of: it is in the answer that starts the chat. Lines of
    `untold` kinds stand in the transcript alone.
    """

    def __init__(self, client: Party, now_us: Callable[[], int], untold: frozenset[Kind] = frozenset()) -> None:
        self.client = client
        self.ended = False
        self.client_left = False
        self.lines: list[Line] = []
        self._now_us = now_us
        self._untold = untold
        self._tell: Callable[[int], None] = _tell_nobody
        self._heard: asyncio.Queue[str | None] = asyncio.Queue()
        self._append(Kind.JOINED, client, "")

    @property
    def position(self) -> int:
        """How many lines there are."""
        return len(self.lines)

    def listen(self, tell: Callable[[int], None]) -> None:
        """From now on `tell` is called with the position after which there is something new, perhaps only the end."""
        self._tell = tell

    def notice(self, kind: Kind, party: Party) -> None:
        """Add what somebody does."""
        self._add(kind, party, "")

    def write(self, party: Party, text: str) -> None:
        """Add what somebody says."""
        self._add(Kind.WROTE, party, text)

    def client_writes(self, text: str) -> None:
        """Add what the client says, for the agent to read."""
        self.write(self.client, text)
        self._heard.put_nowait(text)

    def client_shows(self, kind: Kind, text: str) -> None:
        """Add a URL or a notice of the client's, which the agent does not answer."""
        self._add(kind, self.client, text)

    def client_renames(self, nickname: str) -> None:
        """The client is called so from now on."""
        self.client = replace(self.client, nickname=nickname)
        self.notice(Kind.RENAMED, self.client)

    def client_leaves(self) -> None:
        """The client goes; the agent will notice. Once more, or after the end, does no harm."""
        if not (self.client_left or self.ended):
            self.client_left = True
            self.notice(Kind.LEFT, self.client)
            self._heard.put_nowait(None)

    async def next_heard(self) -> str | None:
        """What the client says next; None when it has left."""
        return await self._heard.get()

    def end(self) -> None:
        """Close the chat and tell so."""
        self.ended = True
        self._tell(self.position)

    def _add(self, kind: Kind, party: Party, text: str) -> None:
        self._append(kind, party, text)
        if kind not in self._untold:
            self._tell(self.position - 1)

    def _append(self, kind: Kind, party: Party, text: str) -> None:
        self.lines.append(Line(kind, party, text, self._now_us()))


def _tell_nobody(after: int) -> None:
    """For an app that reads its chat by `/refresh`."""
