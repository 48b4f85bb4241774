"""Chats of version 2 on a tape, by REST and over Comet, and an app that holds one over Comet."""

import json
from typing import Any

import factories
from driver import App
from factories import CLIENT, Tape

CHANNEL = "/service/chatV2/support"
CHAT = "0001JaBBFDMA00B7"
KEY = "8d2f6a0c41b75e93"
USER_ID = "00755366B31F0021"
REST = "/genesys/2/chat/support"
ONE_CHAT = f"{REST}/{CHAT}"
HELLO, REPLY, BYE, LEFT = "Hello.", "How may I help?", "Bye.", ""
Fields = dict[str, Any]


def told(*lines: tuple[int, str], chat: str = CHAT, key: str = KEY, **fields: Any) -> Fields:
    """What GMS answers, with these lines: (index, text), where a text of "" is somebody's leaving."""
    return {
        "statusCode": 0,
        "alias": "117",
        "userId": USER_ID,
        "secureKey": key,
        "chatId": chat,
        "nextPosition": lines[-1][0] + 1 if lines else 1,
        "chatEnded": False,
        "messages": [_line(*line) for line in lines],
    } | fields


def failed(status: int = 2, advice: str = "secureKey is wrong") -> Fields:
    """What GMS answers where it refuses."""
    return {"statusCode": status, "chatEnded": False, "errors": [{"code": 202, "advice": advice}]}


def event(told: Fields, channel: str = CHANNEL) -> bytes:
    """A frame with it."""
    return json.dumps({"channel": channel, "data": told}).encode()


def publish(
    tape: Tape, at_s: float, operation: str, *, client: str = CLIENT, channel: str = CHANNEL, **data: Any
) -> None:
    """What an app publishes, and its reply."""
    said = {"channel": channel, "clientId": client, "id": f"p{at_s:g}", "data": {"operation": operation} | data}
    tape.comet(at_s, [said], [{"channel": channel, "id": said["id"], "successful": True}], takes_s=0)


def record_chat(
    tape: Tape, after_s: float = 0, *, client: str = CLIENT, chat: str = CHAT, key: str = KEY, channel: str = CHANNEL
) -> None:
    """A chat over Comet: begun at 1 s, joined at 2, hello at 5 and its echo, a reply at 7, bye at 9, over at 10."""

    def frame(*lines: tuple[int, str], **fields: Any) -> bytes:
        return event(told(*lines, chat=chat, key=key, **fields), channel)

    tape.open_comet(after_s, client=client)
    publish(tape, after_s + 1, "requestChat", client=client, channel=channel, nickname="Stan")
    tape.poll(after_s + 1.1, 0.9, frame((1, "Stan joins")), client=client)
    publish(tape, after_s + 5, "sendMessage", client=client, channel=channel, message=HELLO, secureKey=key)
    tape.poll(after_s + 2.1, 3.1, frame((2, HELLO)), client=client)
    tape.poll(after_s + 5.3, 1.7, frame((3, REPLY)), client=client)
    publish(tape, after_s + 9, "disconnect", client=client, channel=channel, secureKey=key)
    tape.poll(after_s + 7.1, 2.9, frame((4, LEFT), chatEnded=True), client=client)


def recorded_chat() -> Tape:
    tape = Tape()
    record_chat(tape)
    return tape


class Chatter(App):
    """An app that holds its chat over Comet."""

    key = ""

    def say(self, operation: str, *, channel: str = CHANNEL, **data: Any) -> list[Fields]:
        """Publishes, with the key that it was told; keeps the events that came with the reply, and tells all."""
        shown = {"secureKey": self.key} if self.key and operation != "requestChat" else {}
        message = {"channel": channel, "clientId": self.client_id, "data": {"operation": operation} | shown | data}
        answer = self.bayeux(message)
        self.heard += [(self.seconds, one) for one in answer if "data" in one]
        return answer

    def request_chat(self, within_s: float = 2) -> None:
        """Asks for a chat, and hears its beginning."""
        self.say("requestChat", nickname="Ann")
        self.listen(within_s)
        self.key = self.data[-1]["secureKey"]

    @property
    def data(self) -> list[Fields]:
        """What the frames held."""
        return [message["data"] for _, message in self.heard]

    @property
    def lines(self) -> list[str]:
        return [line.get("text", "") for data in self.data for line in data.get("messages", ())]


def _line(index: int, text: str) -> Fields:
    said = {"text": text} if text else {}
    kind = "Message" if text else "ParticipantLeft"
    who = {"nickname": "Kristi", "participantId": 2, "type": "Agent"}
    return {"from": who, "index": index, **said, "type": kind, "utcTime": factories.START_US // 1000 + index * 1000}
