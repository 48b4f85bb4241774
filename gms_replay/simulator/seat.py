"""The client's place in a chat of version 2."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gms_replay.simulator import transcript2
from gms_replay.simulator.aliases import Aliases
from gms_replay.simulator.chat import Chat
from gms_replay.simulator.comet import Tell
from gms_replay.simulator.refusals2 import ChatError, Code


@dataclass(eq=False, slots=True)
class Seat:
    """A chat, and what its client is known by. `tell`: the Bayeux session that hears of it; None while none does."""

    service: str
    chat: Chat
    chat_id: str
    user_id: str
    secure_key: str
    aliases: Aliases
    tell: Tell | None = None

    def told(self, start: int) -> dict[str, Any]:
        """The chat from a position on, as REST answers and frames tell it alike."""
        return {
            "statusCode": 0,
            "alias": self.aliases.at(self.chat.position),
            "userId": self.user_id,
            "secureKey": self.secure_key,
            "chatId": self.chat_id,
            **transcript2.told(self.chat, start),
        }

    def tell_news(self, after: int) -> None:
        """Tell what is new after so many lines; whoever has left, or has heard the end, hears no more."""
        if self.tell:
            self.tell(self.told(after + 1))
        if transcript2.is_over(self.chat):
            self.tell = None

    def admit(self, shown: Mapping[str, str]) -> None:
        """Look at what a client shows of its credentials. Raises ChatError where one is not this chat's."""
        for name, own in (("chatId", self.chat_id), ("userId", self.user_id), ("secureKey", self.secure_key)):
            if shown.get(name, own) != own:
                raise ChatError(Code.CREDENTIALS, f"{name} is wrong")
        if "alias" in shown and not self.aliases.takes(shown["alias"], self.chat.position):
            raise ChatError(Code.CREDENTIALS, "alias is wrong: use the one that was told last")
