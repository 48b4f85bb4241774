"""The chat desk: what an app does with its chat by REST, and the agent that it gets."""

from collections.abc import Callable, Mapping
from itertools import count
from typing import Any

from gms_replay.simulator.agent import attend
from gms_replay.simulator.call import Answer, Call, json_answer
from gms_replay.simulator.chance import Chance
from gms_replay.simulator.chat import Chat, Party, State
from gms_replay.simulator.comet import Comet
from gms_replay.simulator.ids import Ids, frame_id
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Service
from gms_replay.simulator.tasks import Tasks
from gms_replay.simulator.verbose import beside

CHANNEL = "/_genesys"


class Desk:
    """All chats, by service ID. An app that asks for `notify_by=comet` is told each line over Comet too.

    One that asks for `_verbose=true` is told more, in answers and over Comet.
    """

    def __init__(self, comet: Comet, ids: Ids, chance: Chance, tasks: Tasks, now_us: Callable[[], int]) -> None:
        self._comet = comet
        self._ids = ids
        self._chance = chance
        self._tasks = tasks
        self._now_us = now_us
        self._numbers = count(1)
        self._chats: dict[str, Chat] = {}
        self._users: dict[str, str] = {}

    def start(self, call: Call, service: Service) -> Answer:
        """Start the chat of a service; while it lasts, starting it again only tells its state."""
        fields = call.fields()
        chat = self._chats.get(service.id)
        if chat is None or chat.ended:
            chat = self._open(call, service, fields)
        return json_answer(chat.told(State.CONNECTED, 0))

    def send(self, call: Call, service: Service) -> Answer:
        """The client says something."""
        fields = call.fields()
        chat = self._living(service)
        if "message" not in fields:
            raise RefusalError(400, Wrong.REQUEST, "Parameter message is missing")
        before = chat.position
        chat.client_writes(fields["message"])
        return json_answer(chat.told(State.TRANSCRIPT, _position(fields, before)))

    def refresh(self, call: Call, service: Service) -> Answer:
        """The lines after `transcriptPosition`, all where it is not given."""
        fields = call.fields()
        chat = self._known(service)
        return json_answer(chat.told(_state(chat), _position(fields, 0)))

    def typing(self, call: Call, service: Service) -> Answer:
        """The client starts or stops typing, which only the agent sees."""
        fields = call.fields()
        chat = self._living(service)
        return json_answer(chat.told(State.TRANSCRIPT, _position(fields, chat.position)))

    def disconnect(self, call: Call, service: Service) -> Answer:
        """The client leaves; once more does no harm."""
        fields = call.fields()
        chat = self._known(service)
        before = chat.position
        if not chat.ended:
            chat.client_leaves()
        return json_answer(chat.told(State.DISCONNECTED, _position(fields, before)))

    def _open(self, call: Call, service: Service, fields: dict[str, str]) -> Chat:
        number = next(self._numbers)
        tell: Callable[[dict[str, Any]], None] = _tell_nobody
        if fields.get("notify_by", "").lower() == "comet":
            self._forget_old_news(call.user)
            self._comet.chat_begins(call.caller)
            self._users[service.id] = call.user
            tell = self._teller(service.id, call.user, number)
        more: Mapping[str, Any] = {}
        if fields.get("_verbose", "").lower() == "true":
            more = beside(call.base_url, service.id, self._ids.chat_user(), self._ids.secure_key())
        chat = Chat(self._ids.chat_session(), Party(_nickname(fields), "CLIENT"), self._now_us, tell, more)
        self._chats[service.id] = chat
        self._tasks.begin(attend(chat, self._chance.pace("agent", number), self._chance.cast(number)))
        return chat

    def _forget_old_news(self, user: str) -> None:
        # What an ended chat said and nobody fetched is of no use to the app's next one.
        if all(self._chats[service_id].ended for service_id, owner in self._users.items() if owner == user):
            self._comet.forget_mail(user)

    def _teller(self, service_id: str, user: str, number: int) -> Callable[[dict[str, Any]], None]:
        source = self._chance.source("frames", number)

        def tell(message: dict[str, Any]) -> None:
            tag = f"service.chat.refresh.{service_id}"
            told = {"message": message, "id": frame_id(source), "tag": tag}
            position = int(message["transcriptPosition"]) if message["transcriptToShow"] else None
            self._comet.publish(user, CHANNEL, told, position)

        return tell

    def _known(self, service: Service) -> Chat:
        chat = self._chats.get(service.id)
        if chat is None:
            raise RefusalError(404, Wrong.CHAT_NOT_FOUND, f"Service {service.id} has no chat")
        return chat

    def _living(self, service: Service) -> Chat:
        chat = self._known(service)
        if chat.ended or chat.client_left:
            raise RefusalError(400, Wrong.CHAT_ENDED, f"The chat of service {service.id} has ended")
        return chat


def _tell_nobody(message: dict[str, Any]) -> None:
    """For an app that reads its chat by `/refresh`."""


def _state(chat: Chat) -> State:
    return State.DISCONNECTED if chat.ended else State.TRANSCRIPT


def _nickname(fields: dict[str, str]) -> str:
    names = f"{fields.get('firstName', '')} {fields.get('lastName', '')}".strip()
    return fields.get("userDisplayName") or names or "Anonymous"


def _position(fields: dict[str, str], default: int) -> int:
    text = fields.get("transcriptPosition", "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise RefusalError(400, Wrong.REQUEST, f"transcriptPosition is no number: {text}")
    return int(text)
