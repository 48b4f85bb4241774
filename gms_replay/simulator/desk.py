"""The chat desk: what an app does by REST with its chat of version 1."""

from collections.abc import Callable
from typing import Any

from gms_replay.simulator.call import Answer, Call, json_answer
from gms_replay.simulator.comet import Comet
from gms_replay.simulator.ids import Ids, frame_id
from gms_replay.simulator.reception import Reception
from gms_replay.simulator.refusals import RefusalError, Wrong
from gms_replay.simulator.services import Service
from gms_replay.simulator.transcript1 import State, Transcript1
from gms_replay.simulator.verbose import beside

CHANNEL = "/_genesys"


class Desk:
    """All chats of version 1, by service ID. An app that asks for `notify_by=comet` is told each line over Comet too.

    One that asks for `_verbose=true` is told more, in answers and over Comet.
    """

    def __init__(self, comet: Comet, ids: Ids, reception: Reception) -> None:
        self._comet = comet
        self._ids = ids
        self._reception = reception
        self._transcripts: dict[str, Transcript1] = {}
        self._users: dict[str, str] = {}

    def start(self, call: Call, service: Service) -> Answer:
        """Start the chat of a service; while it lasts, starting it again only tells its state."""
        fields = call.fields()
        transcript = self._transcripts.get(service.id)
        if transcript is None or transcript.chat.ended:
            transcript = self._open(call, service, fields)
        return json_answer(transcript.told(State.CONNECTED, 0))

    def send(self, call: Call, service: Service) -> Answer:
        """The client says something."""
        fields = call.fields()
        transcript = self._living(service)
        if "message" not in fields:
            raise RefusalError(400, Wrong.REQUEST, "Parameter message is missing")
        before = transcript.chat.position
        transcript.chat.client_writes(fields["message"])
        return json_answer(transcript.told(State.TRANSCRIPT, _position(fields, before)))

    def refresh(self, call: Call, service: Service) -> Answer:
        """The lines after `transcriptPosition`, all where it is not given."""
        fields = call.fields()
        transcript = self._known(service)
        return json_answer(transcript.told(transcript.state, _position(fields, 0)))

    def typing(self, call: Call, service: Service) -> Answer:
        """The client starts or stops typing, which only the agent sees."""
        fields = call.fields()
        transcript = self._living(service)
        return json_answer(transcript.told(State.TRANSCRIPT, _position(fields, transcript.chat.position)))

    def disconnect(self, call: Call, service: Service) -> Answer:
        """The client leaves; once more does no harm."""
        fields = call.fields()
        transcript = self._known(service)
        before = transcript.chat.position
        transcript.chat.client_leaves()
        return json_answer(transcript.told(State.DISCONNECTED, _position(fields, before)))

    def _open(self, call: Call, service: Service, fields: dict[str, str]) -> Transcript1:
        chat, number = self._reception.open(_nickname(fields))
        more: dict[str, Any] = {}
        if fields.get("_verbose", "").lower() == "true":
            more = beside(call.base_url, service.id, self._ids.chat_user(), self._ids.secure_key())
        transcript = Transcript1(chat, self._ids.chat_session(), more)
        if fields.get("notify_by", "").lower() == "comet":
            self._forget_old_news(call.user)
            self._comet.chat_begins(call.caller)
            self._users[service.id] = call.user
            chat.listen(self._teller(transcript, service.id, call.user, number))
        self._transcripts[service.id] = transcript
        return transcript

    def _forget_old_news(self, user: str) -> None:
        # What an ended chat said and nobody fetched is of no use to the app's next one.
        own = [service_id for service_id, owner in self._users.items() if owner == user]
        if all(self._transcripts[service_id].chat.ended for service_id in own):
            self._comet.forget_mail(user)

    def _teller(self, transcript: Transcript1, service_id: str, user: str, number: int) -> Callable[[int], None]:
        source = self._reception.source("frames", number)

        def tell(after: int) -> None:
            tag = f"service.chat.refresh.{service_id}"
            told = {"message": transcript.told(transcript.state, after), "id": frame_id(source), "tag": tag}
            position = transcript.chat.position
            self._comet.publish(user, CHANNEL, told, position if position > after else None)

        return tell

    def _known(self, service: Service) -> Transcript1:
        transcript = self._transcripts.get(service.id)
        if transcript is None:
            raise RefusalError(404, Wrong.CHAT_NOT_FOUND, f"Service {service.id} has no chat")
        return transcript

    def _living(self, service: Service) -> Transcript1:
        transcript = self._known(service)
        if transcript.chat.ended or transcript.chat.client_left:
            raise RefusalError(400, Wrong.CHAT_ENDED, f"The chat of service {service.id} has ended")
        return transcript


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
