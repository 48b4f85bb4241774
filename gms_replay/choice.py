"""Which of the answers that fit a request an app gets; see docs/architecture.md, "States"."""

from collections.abc import Set
from typing import NamedTuple

from gms_replay.chats import Chats
from gms_replay.fields import Fields, Meaning
from gms_replay.gms import POLLED, Kind, Operation
from gms_replay.items import Answer, Event
from gms_replay.match import Ranked
from gms_replay.rewrite import Template
from gms_replay.story import Story


class Pending(NamedTuple):
    """An answer on its way: `asked` is the operation and the body that asked for it.

    `news`: where it is of a chat, what is told of that, instead of what was recorded, with its shift.
    """

    request_id: int
    answer: Answer
    due_at_us: int
    asked: Meaning
    accepts: str
    news: tuple[Template, int] | None = None


class Choice:
    """The answers that one app got, and how far what it polls has come."""

    def __init__(self, story: Story) -> None:
        self._chats = Chats(story)
        self._states: dict[int, int] = {}
        self._given: set[int] = set()
        self._seen: set[int] = set()

    @property
    def given(self) -> Set[int]:
        """The answers that the app got, by their indexes; there will be more."""
        return self._given

    def reach(self, state: Answer, shift_us: int) -> None:
        """The story has come to what this answer says, which is told with that shift from now on."""
        self._states[state.index] = shift_us
        self.happen(state, shift_us)

    def happen(self, item: Answer | Event, shift_us: int) -> None:
        """Something that may tell of a chat has happened."""
        self._chats.happened(item, shift_us)

    def shift_us(self, answer: Answer) -> int | None:
        """The shift of a state that the story has come to; None for any other answer."""
        return self._states.get(answer.index)

    def of(self, operation: Operation, right: list[Ranked]) -> tuple[Answer, bool]:
        """For what is polled the state of the story, else the first that was not given yet; and whether there was none.

        Then it is the last that is given again.
        """
        if operation.kind in POLLED:
            # What the story has not come to yet is told to nobody, unless there is nothing else to tell.
            reached = [one for one in right if one.answer.index in self._states]
            best = [one.answer for one in reached if one.remarks == reached[0].remarks]
            return best[-1] if best else min((one.answer for one in right), key=lambda answer: answer.index), False
        unused = [one.answer for one in right if one.answer.index not in self._given]
        if unused:
            return unused[0], False
        return max((one.answer for one in right), key=lambda answer: answer.index), True

    def is_news(self, answer: Answer, said: Fields) -> bool:
        """Whether the app was not told this state yet, and the story has come to it."""
        if answer.operation.kind is Kind.REFRESH and self._chats.knows(answer):
            return self._chats.has_news(answer, said)
        return answer.index in self._states and answer.index not in self._seen

    def give(self, answer: Answer, said: Fields) -> tuple[Template, int] | None:
        """The app gets it; what it is told of a chat instead, by what it says, and with which shift."""
        self._given.add(answer.index)
        self._seen.add(answer.index)
        return self._chats.news(answer, said)

    def lose(self, answer: Answer) -> None:
        """The app hung up before it had it."""
        self._seen.discard(answer.index)
