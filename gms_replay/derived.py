"""What stands for what an app may ask by other means than the recorded one.

A chat that was recorded over Comet gets an answer to `/refresh`, and one that was recorded by `/refresh` gets messages.
Version 1 only: in version 2 who listens over Comet begins the chat there, too.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import blake2b

from gms_replay import bayeux
from gms_replay.causes import Cause
from gms_replay.echoes import Echoes
from gms_replay.gms import Kind
from gms_replay.items import Answer, Event, State
from gms_replay.transcript import Page

CHANNEL = "/_genesys"

_HEAD = b'{"data":{"message":'


def refreshes(answers: Sequence[Answer]) -> Iterator[Answer]:
    """An answer to `/refresh` for each chat that nobody asked for it; until something is told, it is the start's."""
    asked = {answer.operation.service_id for answer in answers if answer.operation.kind is Kind.REFRESH}
    index = len(answers)
    for start in answers:
        service_id = start.operation.service_id
        is_begun = start.operation.kind is Kind.START_CHAT and not start.is_refusal
        if is_begun and service_id not in asked:
            asked.add(service_id)
            operation = replace(start.operation, kind=Kind.REFRESH, name="refresh")
            path = start.target.partition("?")[0].rstrip("/")
            yield replace(start, index=index, operation=operation, target=f"{path}/refresh", fields={}, is_derived=True)
            index += 1


def messages(
    answers: Sequence[Answer],
    states: Iterable[State],
    told: Iterable[Event],
    causes: Callable[[int], tuple[Cause, ...]],
) -> tuple[Event, ...]:
    """What an app would have been told over Comet of chats for which it did not want that, one message for each news.

    `told`: what it was told there all the same. `causes`: those of an item of that time. How far messages are apart is
    left to who puts them among others.
    """
    heard = {event.position[0] for event in told if event.position}
    unheard = {
        answer.operation.service_id
        for answer in answers
        if answer.operation.kind is Kind.START_CHAT and answer.fields.get("notify_by", "").lower() != "comet"
    }
    polled = {state.answer.index: state for state in states}
    pages = [
        (polled[answer.index].at_us if answer.index in polled else answer.at_us, answer, answer.page)
        for answer in answers
        if answer.operation.service_id in unheard and answer.page is not None and answer.page.chat not in heard
    ]
    events: list[Event] = []
    last: dict[str, tuple[int, bool]] = {}
    for at_us, answer, page in sorted(pages, key=lambda one: (one[0], one[1].index)):
        position, is_over = last.get(page.chat, (0, False))
        ends = page.is_over and not is_over
        # Who starts a chat has the lines of that answer.
        is_start = answer.operation.kind is Kind.START_CHAT
        if not is_start and (page.position > position or ends):
            state = polled.get(answer.index)
            raw, words = _message(answer.operation.service_id or "", page, position)
            place = (page.chat, page.position) if page.position > position else None
            waits_for = state.causes if state else causes(at_us)
            events.append(Event(CHANNEL, at_us, 0, waits_for, place, raw, answer.compiler, words, is_derived=True))
        last[page.chat] = max(position, page.position), is_over or page.is_over
    return tuple(events)


def _message(service_id: str, page: Page, after: int) -> tuple[bytes, Echoes]:
    """A frame's message as GMS tells it; its `id` is drawn from what it says."""
    tag = bayeux.dump({"tag": f"service.chat.refresh.{service_id}"})[1:-1]
    told, echoes = page.cut(after)
    number = blake2b(told, digest_size=16).hexdigest().encode()
    raw = _HEAD + told + b',"id":"%s",%s},"channel":"%s"}' % (number, tag, CHANNEL.encode())
    return raw, {at + len(_HEAD): echo for at, echo in echoes.items()}
