"""A recording compiled into stories: items, what each waits for, and the acts of the app.

Strategy: the acts of the app are the only causes (docs/architecture.md, "Causes"). Each item remembers, for every kind
of act, how many had happened before it and when the last of them did; whoever plays the story needs no more to know
when the item is due, however the app's own pace differs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from typing import Any

from gms_replay import bayeux, chat2, derived, echoes, gms, instants, sessions, transcript, travel
from gms_replay.causes import Cause, Causes, Done, acts_of, is_whole
from gms_replay.echoes import Echoes, Source, Spoken, TextKey
from gms_replay.errors import StoryError
from gms_replay.gms import Act, Kind
from gms_replay.items import Answer, CometSettings, Event, State, compiled_headers
from gms_replay.model import Direction, Headers, Recording, header
from gms_replay.publications import Key
from gms_replay.rewrite import Compiler, Recorded, authority
from gms_replay.rules import Rules
from gms_replay.sessions import Session, Told, Visited
from gms_replay.spans import Sort, plain_text
from gms_replay.timeline import Fences, Shift, Timeline
from gms_replay.timeslots import Value, grid_us
from gms_replay.transcript import Page, Transcript

_NO_ECHOES: Echoes = {}


@dataclass(frozen=True, eq=False)
class Story:
    """One visit, ready to be played as often as wanted.

    `number`: its place among the visits of its recording, from 1. `start_us`: when its first request had been asked.
    `service_ids`: what an app may show to say that this is its visit. `published`: how often it did what over Comet.
    `echoed`: the requests whose words GMS repeats.
    """

    number: int
    rules: Rules
    start_us: int
    user: str | None
    answers: tuple[Answer, ...]
    unanswered: tuple[Visited, ...]
    events: dict[str, tuple[Event, ...]]
    states: tuple[tuple[State, ...], ...]
    service_ids: frozenset[str]
    published: Counter[Key]
    echoed: frozenset[Source]
    recorded: Recorded
    grid_us: int
    comet: CometSettings

    @property
    def begins_over_comet(self) -> bool:
        """Whether its app shook hands before it asked by REST for what opens a visit."""
        openings = (one for one in self.answers if one.operation.kind in gms.OPENINGS)
        return bool(self.events) and all(one.at_us - one.latency_us > self.comet.at_us for one in openings)

    @cached_property
    def by_operation(self) -> dict[tuple[str, ...], list[Answer]]:
        """The answers by what they are to: `Operation.key`."""
        found: dict[tuple[str, ...], list[Answer]] = {}
        for answer in self.answers:
            found.setdefault(answer.operation.key, []).append(answer)
        return found

    @cached_property
    def fences(self) -> Fences:
        """The time slots that keep instants in their place, from all bodies of the story.

        Not from headers: `Date` stands beside a `_desired_time` of now in every answer, and would drag all later
        instants along to where the grid puts that slot.
        """
        bodies = [answer.body for answer in self.answers]
        bodies += [event.body for events in self.events.values() for event in events]
        return Fences(body.instants for body in bodies)

    def timeline(self, now_us: int | None, shift: Shift) -> Timeline:
        """What one more session will have been told of time: nothing yet.

        `now_us`: the instant at which it starts for its app, where that is pinned.
        """
        pinned_us = None if now_us is None else now_us - self.start_us
        return Timeline(grid_us=self.grid_us, pinned_shift_us=pinned_us, fences=self.fences, shift=shift)

    @cached_property
    def transcripts(self) -> dict[str, Transcript]:
        """The chats, by their ids."""
        told: dict[str, list[Page]] = {}
        for _, page in self._pages():
            told.setdefault(page.chat, []).append(page)
        return {chat: Transcript(pages) for chat, pages in told.items()}

    @cached_property
    def chats(self) -> dict[str, frozenset[str]]:
        """The ids of the chats of each service; in version 2 a chat is its own."""
        found: dict[str, set[str]] = {}
        for service_id, page in self._pages():
            found.setdefault(service_id or page.chat, set()).add(page.chat)
        return {service: frozenset(chats) for service, chats in found.items()}

    def _pages(self) -> Iterator[tuple[str | None, Page]]:
        """All that tell of chats, and of whose; messages first, because each tells its lines alone."""
        for event in (event for events in self.events.values() for event in events):
            if event.page is not None:
                yield event.page.service_id, event.page
        for answer in self.answers:
            if answer.page is not None:
                yield answer.operation.service_id, answer.page


def compile_stories(recording: Recording, rules: Rules | None = None) -> tuple[Story, ...]:
    """The stories of a recording, the earliest first. Raises StoryError where there is nothing to play."""
    visits = enumerate(sessions.split(recording), start=1)
    stories = tuple(_compile(number, session, rules or Rules()) for number, session in visits)
    if not stories:
        raise StoryError(
            "the cassette holds no GMS traffic of an app's: record a visit first; where the recorder was killed, "
            "keep the file that ends in -wal beside it"
        )
    return stories


def _compile(number: int, session: Session, rules: Rules) -> Story:
    told = list(sessions.told(session))
    values = list(_values(told))
    recorded = _recorded(session, told, values, rules)
    compiler = Compiler(recorded, rules)
    acts = acts_of(session)
    causes = Causes(acts)
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    whole = [one for one in rest if is_whole(one)]
    repeated = echoes.find(told, _spoken(whole, acts), rules)
    answers = [_answer(index, one, compiler, repeated) for index, one in enumerate(whole)]
    states = _states(answers, causes, session[0].at_us)
    events = _events(session, causes, compiler, repeated)
    polled, told_there = chain.from_iterable(states), chain.from_iterable(events.values())
    if news := derived.messages(answers, polled, told_there, causes.of):
        events[derived.CHANNEL] = (*events.get(derived.CHANNEL, ()), *news)
    events = {channel: _spaced(heard) for channel, heard in events.items()}
    return Story(
        number=number,
        rules=rules,
        start_us=session[0].at_us,
        user=sessions.user_of(session),
        answers=(*answers, *derived.refreshes(answers)),
        unanswered=tuple(one for one in rest if not is_whole(one)),
        events=events,
        states=states,
        service_ids=frozenset(_shown(rest, values)),
        published=Counter(done.operation.key for done in acts if done.operation.method == gms.PUBLISHED),
        echoed=frozenset(echo.source for found in repeated.values() for echo in found.values()),
        recorded=recorded,
        grid_us=grid_us(values, rules),
        comet=_comet_settings(session, compiler),
    )


def _answer(index: int, one: Visited, compiler: Compiler, repeated: Mapping[TextKey, Echoes]) -> Answer:
    request, response = one.exchange.request, one.exchange.response
    assert response is not None, "only whole exchanges become answers"
    return Answer(
        index=index,
        operation=one.operation,
        method=request.method,
        target=request.target,
        fields=one.said,
        at_us=response.started_at_us,
        latency_us=max(0, response.started_at_us - one.at_us),
        response=response,
        compiler=compiler,
        echoes=repeated.get((one.exchange.id, None), _NO_ECHOES),
    )


def _spoken(answered: Iterable[Visited], acts: Iterable[Done]) -> Iterator[Spoken]:
    """What the app said, apart from where it only asked for a state."""
    for place, done in enumerate(done for done in acts if done.act is Act.SEND):
        yield Spoken(done.at_us, (Kind.SEND, place), done.said)
    for index, one in enumerate(answered):
        if one.operation.kind not in gms.POLLED | {Kind.SEND}:
            yield Spoken(one.at_us, (one.operation.kind, index), one.said)
    for done in acts:
        if done.act is not Act.SEND and done.operation.method == gms.PUBLISHED:
            yield Spoken(done.at_us, (done.operation.kind, echoes.UNANSWERED), done.said)


def _events(
    session: Session, causes: Causes, compiler: Compiler, repeated: Mapping[TextKey, Echoes]
) -> dict[str, tuple[Event, ...]]:
    """The messages of each channel, each once, however often the app had to be told."""
    heard = (heard for one in session for heard in one.heard if heard.message.direction is Direction.TO_CLIENT)
    events: dict[str, list[Event]] = {}
    heard_of = _Heard(compiler)
    for one in sorted(heard, key=lambda heard: (heard.message.at_us, heard.message.id)):
        message = one.message
        words = repeated.get((message.exchange_id, message.id), _NO_ECHOES)
        news = heard_of.news(message.raw, one.parsed.fields, words) if one.parsed.is_event else None
        if news is not None:
            told = events.setdefault(message.channel, [])
            waits_for = causes.of(message.at_us)
            position = _position(one.parsed.fields)
            told.append(Event(message.channel, message.at_us, 0, waits_for, position, news[0], compiler, news[1]))
    return {channel: tuple(told) for channel, told in events.items()}


def _spaced(events: Iterable[Event]) -> tuple[Event, ...]:
    """Messages in order of time, with how far each is from the one before it."""
    ordered = sorted(events, key=lambda event: event.at_us)
    before = [*ordered[:1], *ordered]
    return tuple(replace(one, gap_us=one.at_us - last.at_us) for one, last in zip(ordered, before, strict=False))


class _Heard:
    """What an app was told so far, part of it perhaps again, because it had been away.

    Version 1 of chats tells the same once more, with the same id; version 2 puts lines together anew.
    """

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._numbered: set[bytes] = set()
        self._lines: Counter[str] = Counter()
        self._over: set[str] = set()

    def news(self, raw: bytes, fields: dict[str, Any], echoes: Echoes) -> tuple[bytes, Echoes] | None:
        """A message without what was told before, and where the app's words stand in it; None where nothing is left."""
        if gms.message_id(fields):
            is_again = raw in self._numbered
            self._numbered.add(raw)
            return None if is_again else (raw, echoes)
        page = transcript.read(raw, self._compiler, echoes) if chat2.is_told(fields) else None
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
    return gms.transcript_position(fields) or chat2.transcript_position(fields)


def _states(answers: Iterable[Answer], causes: Causes, start_us: int) -> tuple[tuple[State, ...], ...]:
    """The states of each polled operation. Between two polls nobody saw when it changed: the middle is least wrong.

    A state that follows an act waits for that act, not for the recorded time since the state before: where that is not
    over yet, the app would be told the old state.
    """
    states: dict[tuple[str, ...], list[State]] = {}
    asked_us: dict[tuple[str, ...], int] = {}
    for answer in answers:
        if answer.operation.kind in gms.POLLED:
            operation, now_us = answer.operation.key, answer.at_us - answer.latency_us
            told = states.setdefault(operation, [])
            waits_for = causes.of(now_us)
            middle_us = (asked_us[operation] + now_us) // 2 if operation in asked_us else start_us
            at_us = max([middle_us, *(cause.at_us for cause in waits_for)])
            gap_us = at_us - told[-1].at_us if told else 0
            done = {*_counts(waits_for)} - {*_counts(told[-1].causes)} if told else set()
            if done:
                at_once = answer.operation.kind in gms.CHANGED_BY_ACTS
                slow = [cause for cause in waits_for if (cause.act, cause.count) in done and not at_once]
                waits_for = tuple(cause if cause in slow else replace(cause, at_us=at_us) for cause in waits_for)
                gap_us = 0
            told.append(State(at_us, gap_us, bool(done), waits_for, answer))
            asked_us[operation] = now_us
    return tuple(tuple(said) for said in states.values())


def _counts(causes: Iterable[Cause]) -> Iterator[tuple[Act, int]]:
    return ((cause.act, cause.count) for cause in causes)


def _recorded(session: Session, told: list[Told], values: Iterable[Value], rules: Rules) -> Recorded:
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    bases = [one.operation.base for one in rest or session]
    return Recorded(
        authorities=frozenset(place for one in session for place in _authorities(one)),
        base=Counter(bases).most_common(1)[0][0],
        identities=frozenset(one.value for one in travel.find(session, told, rules) if one.left is None),
        started_us=_started_us(values),
    )


def _authorities(one: Visited) -> Iterator[str]:
    request = one.exchange.request
    yield authority(request.scheme, f"{request.host}:{request.port}")
    if host := header(request.headers, "host"):
        yield authority(request.scheme, host)


def _values(told: Iterable[Told]) -> Iterator[Value]:
    return ((span, text.raw[span.start : span.end]) for text in told for span in text.values)


def _shown(rest: Iterable[Visited], values: Iterable[Value]) -> Iterator[str]:
    """What a further request may name to say whose it is: in its path, or among what chat version 2 has it show."""
    yield from (one.operation.service_id for one in rest if one.operation.service_id)
    for span, value in values:
        if span.sort is Sort.STRING and span.path[-1:] and span.path[-1] in gms.SHOWN_FIELDS:
            yield plain_text(value)


def _started_us(values: Iterable[Value]) -> int | None:
    for span, value in values:
        if span.path[-1:] == ("startedAt",) and (found := _instant_us(value)) is not None:
            return found
    return None


def _instant_us(value: bytes) -> int | None:
    return instants.read(value.decode("latin-1"))


def _comet_settings(session: Session, compiler: Compiler) -> CometSettings:
    advice: dict[str, Any] = {}
    headers: Headers = ()
    timestamp: Callable[[int], str] | None = None
    at_us = session[0].at_us
    for one in session:
        for heard in one.heard:
            said = heard.parsed.fields
            is_shaken = said.get("channel") == bayeux.HANDSHAKE and said.get("successful") is True
            if heard.message.direction is Direction.TO_CLIENT and is_shaken:
                if one.exchange.response and not headers:
                    headers, at_us = one.exchange.response.headers, one.at_us
                if isinstance(said.get("advice"), dict):
                    advice = advice or said["advice"]
                written = said.get("timestamp")
                if isinstance(written, str) and (found := instants.parse(written)) is not None:
                    timestamp = partial(instants.render, notation=found[1])
    shown = tuple((name, value) for name, value in headers if name.lower() == "set-cookie")
    return CometSettings(at_us, advice, compiled_headers(compiler, shown), timestamp)
