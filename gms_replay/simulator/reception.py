"""Where a chat begins, of whichever version: it gets the next number, and with the number its agent."""

from collections.abc import Callable
from itertools import count
from random import Random

from gms_replay.simulator.agent import attend
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.chat import Chat, Party
from gms_replay.simulator.tasks import Tasks
from gms_replay.simulator.versions import CURRENT, Version


class Reception:
    """Opens chats. What is left to chance in one is drawn by its number, which counts the chats of both versions."""

    def __init__(self, chance: Chance, tasks: Tasks, now_us: Callable[[], int], version: Version = CURRENT) -> None:
        self._chance = chance
        self._tasks = tasks
        self._now_us = now_us
        self._version = version
        self._numbers = count(1)

    def open(self, nickname: str) -> tuple[Chat, int]:
        """A new chat, and its number. The agent is called, and comes when the app has had its answer."""
        number = next(self._numbers)
        chat = Chat(Party(nickname, "CLIENT"), self._now_us, self._version.untold)
        pace = self._chance.pace("agent", number, takes=self._version.agents_take)
        self._tasks.begin(attend(chat, pace, self._chance.cast(number)))
        return chat, number

    def source(self, what: str, number: int) -> Random:
        """A source of chance of that chat's."""
        return self._chance.source(what, number)
