"""The desk for chat version 2: one chat, by REST and over Comet (the vendor's API pages, chat version 2).

Over Comet an app publishes what it wants on `/service/chatV2/{service}`, and hears there, unsubscribed, in the Bayeux
session that has published there last: each line in a frame of its own, which is the answer to whoever has written it;
and a frame without lines where there is none. An app that shakes hands anew publishes `requestNotifications` with the
position that it has come to, and is told the rest in one frame. So a chat begun by REST can be heard over Comet, too.
"""

from collections.abc import Callable
from typing import Any

from gms_replay.simulator.aliases import Aliases
from gms_replay.simulator.call import Answer, Call, json_answer
from gms_replay.simulator.comet import Tell
from gms_replay.simulator.fields import text_fields
from gms_replay.simulator.ids import Ids
from gms_replay.simulator.operations2 import Fields, needed, perform
from gms_replay.simulator.reception import Reception
from gms_replay.simulator.refusals2 import ChatError, Code
from gms_replay.simulator.seat import Seat
from gms_replay.simulator.transcript2 import is_over

_CHANNELS = "/service/chatV2/"

_COMET_OPERATIONS = {
    "requestNotifications": "refresh",
    "sendMessage": "send",
    "startTyping": "startTyping",
    "stopTyping": "stopTyping",
    "pushUrl": "pushUrl",
    "updateNickname": "updateNickname",
    "customNotice": "customNotice",
    "disconnect": "disconnect",
}

_NOTHING_SHOWN = {"userId": "", "secureKey": "", "alias": ""}


class Desk2:
    """All chats of version 2. Their services need no configuration, and nobody reads the `userData` given to them."""

    def __init__(self, ids: Ids, reception: Reception, now_us: Callable[[], int]) -> None:
        self._ids = ids
        self._reception = reception
        self._now_us = now_us
        self._by_id: dict[str, Seat] = {}
        self._by_key: dict[str, Seat] = {}

    def request(self, call: Call, service: str) -> Answer:
        """Start a chat by REST."""
        fields = _given(call.fields())
        try:
            return _answer(self._open(service, fields), 1)
        except ChatError as error:
            return json_answer(error.told())

    def take(self, call: Call, service: str, chat_id: str, operation: str) -> Answer:
        """Do in a chat what is asked for by REST, for whoever shows all of its credentials."""
        fields = _given(call.fields())
        try:
            seat = self._by_id.get(chat_id)
            if seat is None or seat.service != service:
                raise ChatError(Code.CHAT_UNKNOWN, f"There is no chat {chat_id}")
            seat.admit(_NOTHING_SHOWN | fields | {"chatId": chat_id})
            return _answer(seat, perform(seat.chat, operation, fields))
        except ChatError as error:
            return json_answer(error.told())

    def hear(self, channel: str, data: Any, tell: Tell) -> None:
        """Do what a Bayeux session publishes that it wants; on other channels nobody listens."""
        if channel.startswith(_CHANNELS):
            fields = _given(text_fields(data)) if isinstance(data, dict) else {}
            try:
                self._comply(channel.removeprefix(_CHANNELS), fields, tell)
            except ChatError as error:
                tell(error.told())

    def _comply(self, service: str, fields: Fields, tell: Tell) -> None:
        wanted = fields.get("operation", "")
        if wanted == "requestChat":
            seat = self._open(service, fields)
            seat.tell = tell
            tell(seat.told(1))
        elif wanted in _COMET_OPERATIONS:
            _perform_aloud(self._shown(service, fields), _COMET_OPERATIONS[wanted], fields, tell)
        else:
            raise ChatError(Code.OPERATION, f"There is no operation {wanted}")

    def _shown(self, service: str, fields: Fields) -> Seat:
        """The chat of a secure key, which is all that most apps show over Comet."""
        seat = self._by_key.get(fields.get("secureKey", ""))
        if seat is None or seat.service != service:
            raise ChatError(Code.CREDENTIALS, "secureKey is wrong")
        seat.admit(fields)
        return seat

    def _open(self, service: str, fields: Fields) -> Seat:
        nickname = _nickname(fields)
        chat, number = self._reception.open(nickname)
        seat = Seat(
            service,
            chat,
            self._ids.chat_session(),
            self._ids.chat_user(),
            self._ids.secure_key(),
            Aliases(self._reception.source("alias", number), self._now_us),
        )
        chat.listen(seat.tell_news)
        self._by_id[seat.chat_id] = self._by_key[seat.secure_key] = seat
        return seat


def _answer(seat: Seat, start: int) -> Answer:
    seat.aliases.answered(seat.chat.position)
    return json_answer(seat.told(start))


def _perform_aloud(seat: Seat, operation: str, fields: Fields, tell: Tell) -> None:
    if not is_over(seat.chat):
        seat.tell = tell
    before = seat.chat.position
    start = perform(seat.chat, operation, fields)
    # A new line has been told by now.
    if seat.chat.position == before:
        tell(seat.told(start))


def _nickname(fields: Fields) -> str:
    names = f"{fields.get('firstName', '')} {fields.get('lastName', '')}".strip()
    return names if names and "nickname" not in fields else needed(fields, "nickname")


def _given(fields: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in fields.items() if value}
