"""The messages that a story tells on its channels: each once, however often the recorded app had to be told."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from gms_replay import chat1, chat2, transcript
from gms_replay.causes import Causes
from gms_replay.echoes import Echoes
from gms_replay.items import Event, Texts
from gms_replay.model import Direction, Message
from gms_replay.sessions import Session
from gms_replay.transcript import Page


def of_session(session: Session, causes: Causes, texts: Texts) -> dict[str, tuple[Event, ...]]:
    """The messages of each channel, each once, however often the app had to be told."""
    heard = (heard for one in session for heard in one.heard if heard.message.direction is Direction.TO_CLIENT)
    events: dict[str, list[Event]] = {}
    heard_of = _Heard(texts)
    for one in sorted(heard, key=lambda heard: (heard.message.at_us, heard.message.id)):
        message = one.message
        news = heard_of.news(message, one.parsed.fields) if one.parsed.is_event else None
        if news is not None:
            told = events.setdefault(message.channel, [])
            waits_for = causes.of(message.at_us)
            position = _position(one.parsed.fields)
            told.append(Event(message.channel, message.at_us, 0, waits_for, position, news[0], texts.compiler, news[1]))
    return {channel: tuple(told) for channel, told in events.items()}


def spaced(events: Iterable[Event]) -> tuple[Event, ...]:
    """Messages in order of time, with how far each is from the one before it."""
    ordered = sorted(events, key=lambda event: event.at_us)
    before = [*ordered[:1], *ordered]
    return tuple(replace(one, gap_us=one.at_us - last.at_us) for one, last in zip(ordered, before, strict=False))


class _Heard:
    """What an app was told so far, part of it perhaps again, because it had been away.

    Version 1 of chats tells the same once more, with the same id; version 2 puts lines together anew.
    """

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self._numbered: set[bytes] = set()
        self._lines: Counter[str] = Counter()
        self._over: set[str] = set()

    def news(self, message: Message, fields: dict[str, Any]) -> tuple[bytes, Echoes] | None:
        """A message without what was told before, and where the app's words stand in it; None where nothing is left."""
        raw, echoes = message.raw, self._texts.echoes(message.exchange_id, message.id)
        if chat1.message_id(fields):
            is_again = raw in self._numbered
            self._numbered.add(raw)
            return None if is_again else (raw, echoes)
        page = transcript.read(raw, self._texts.compiler, echoes) if chat2.is_told(fields) else None
        # One without lines answers what the app has just done.
        if page is None or not page.chat or not page.numbers:
            return raw, echoes
        told, ends = self._lines[page.chat], page.is_over and page.chat not in self._over
        self._lines[page.chat] = max(told, *page.numbers)
        self._over |= {page.chat} if ends else set()
        if min(page.numbers) > told:
            return raw, echoes
        return _cut(raw, page, told) if ends or max(page.numbers) > told else None


def _cut(raw: bytes, page: Page, after: int) -> tuple[bytes, Echoes]:
    """A message that holds a page, with the lines only that come after one."""
    before, _, rest = raw.partition(page.text)
    text, echoes = page.cut(after)
    return before + text + rest, {at + len(before): echo for at, echo in echoes.items()}


def _position(fields: dict[str, Any]) -> tuple[str, int] | None:
    return chat1.transcript_position(fields) or chat2.transcript_position(fields)
