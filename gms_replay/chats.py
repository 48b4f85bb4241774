"""What has happened by now in the chats of a session, for an app that asks by `/refresh`; see docs/architecture.md.

Strategy: whatever tells of a chat (a message that is due, a state that is reached, an answer that is given) brings it
so far, whether the app hears it or not. An app that asks gets the newest page, with the lines that it lacks.
"""

from gms_replay import transcript
from gms_replay.fields import Fields
from gms_replay.gms import TELLS_LINES, Kind
from gms_replay.items import Answer, Event
from gms_replay.rewrite import Template
from gms_replay.story import Story
from gms_replay.transcript import Page


class Chats:
    """The chats of one session of a story."""

    def __init__(self, story: Story) -> None:
        self._story = story
        self._happened: list[tuple[Answer | Event, int]] = []
        self._newest: dict[str, tuple[Page, int]] = {}
        self._seen: set[Page] = set()

    def happened(self, item: Answer | Event, shift_us: int) -> None:
        """Something that may tell of a chat has happened, told with that shift."""
        # Most apps never refresh: nothing is read before one does.
        if isinstance(item, Event) or item.operation.kind in TELLS_LINES:
            self._happened.append((item, shift_us))

    def knows(self, refresh: Answer) -> bool:
        """Whether anything has happened in the chat that an answer to `/refresh` is of."""
        return self._page(refresh) is not None

    def has_news(self, refresh: Answer, said: Fields) -> bool:
        """Whether the app, by what it says, lacks a line, or has not been told how it stands."""
        found = self._page(refresh)
        after = transcript.asked_after(refresh.operation.version, said)
        return found is not None and (found[0].position > after or found[0] not in self._seen)

    def news(self, answer: Answer, said: Fields) -> tuple[Template, int] | None:
        """What an app is told that refreshes, with its shift; None for another answer, and where nothing is known."""
        is_told = answer.operation.kind is Kind.REFRESH and not answer.is_refusal
        found = self._page(answer) if is_told else None
        if found is None:
            return None
        page, shift_us = found
        self._seen.add(page)
        after = transcript.asked_after(answer.operation.version, said)
        return self._story.transcripts[page.chat].told(page, after), shift_us

    def _page(self, refresh: Answer) -> tuple[Page, int] | None:
        """The newest page of the chat, or of the last one, where its service had several."""
        for item, shift_us in self._happened:
            page = item.page
            if page is not None and (
                page.chat not in self._newest or page.position >= self._newest[page.chat][0].position
            ):
                self._newest.pop(page.chat, None)
                self._newest[page.chat] = page, shift_us
        self._happened.clear()
        chats = self._story.chats.get(refresh.operation.service_id or "", ())
        return next((found for chat, found in reversed(self._newest.items()) if chat in chats), None)
