"""The device of one app: what it is called, and what it is told."""

from gms_replay.events import SendPush
from gms_replay.fields import Fields
from gms_replay.gms import DEVICE_FIELDS
from gms_replay.items import Pushed
from gms_replay.pushes import Derived
from gms_replay.story import Story
from gms_replay.translation import Translation


class Device:
    """The device of the app that plays a story in a session of that name."""

    def __init__(self, session: str, story: Story, translation: Translation) -> None:
        self._session = session
        self._story = story
        self._translation = translation
        self._name: str | None = None

    def hear(self, said: Fields) -> None:
        """Takes note of what the app calls its device, where it says so."""
        self._name = next((said[field] for field in DEVICE_FIELDS if said.get(field)), self._name)

    def told(self, item: Pushed, shift_us: int, at_us: int) -> SendPush:
        """A push that is due, with the shift with which it is told."""
        seen = item.seen
        return SendPush(
            session=self._session,
            visit=self._story.number,
            at_us=at_us,
            provider=None if isinstance(seen, Derived) else seen.provider,
            device=self._name or item.device,
            service_id=seen.service_id and self._translation.identity(seen.service_id),
            action=seen.action,
            headers=self._translation.headers(item.headers, shift_us),
            payload=self._translation.text(item.body, shift_us),
        )
