"""A recording compiled into stories: items, what each waits for, and the acts of the app.

Strategy: the acts of the app are the only causes (docs/architecture.md, "Causes"). Each item remembers, for every kind
of act, how many had happened before it and when the last of them did; whoever plays the story needs no more to know
when the item is due, however the app's own pace differs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

from gms_replay import bayeux, derived, gms, instants, sessions
from gms_replay.errors import StoryError
from gms_replay.fields import Said
from gms_replay.gms import Act, Kind
from gms_replay.items import Answer, Cause, CometSettings, Event, State, compiled_headers
from gms_replay.model import Direction, Headers, Recording, header
from gms_replay.rewrite import Compiler, Recorded, authority
from gms_replay.rules import Rules
from gms_replay.sessions import Session, Visited
from gms_replay.spans import Sort, plain_text, spans
from gms_replay.timeline import Fences, Shift, Timeline
from gms_replay.timeslots import Told, grid_us
from gms_replay.transcript import Page, Transcript


@dataclass(frozen=True, eq=False)
class Story:
    """One visit, ready to be played as often as wanted.

    `number`: its place among the visits of its recording, from 1. `start_us`: when its first request had been asked.
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
    recorded: Recorded
    grid_us: int
    comet: CometSettings

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
    told = _told(session)
    recorded = _recorded(session, told, rules)
    compiler = Compiler(recorded, rules)
    acts = _acts(session)
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    answers = [_answer(index, one, compiler) for index, one in enumerate(one for one in rest if _is_whole(one))]
    states = _states(answers, acts, session[0].at_us)
    events = _events(session, acts, compiler)
    polled = (state for said in states for state in said)
    if news := derived.messages(answers, polled, partial(_causes, acts)):
        events[derived.CHANNEL] = (*events.get(derived.CHANNEL, ()), *news)
    events = {channel: _spaced(told) for channel, told in events.items()}
    return Story(
        number=number,
        rules=rules,
        start_us=session[0].at_us,
        user=next((one.user for one in session if one.user), None),
        answers=(*answers, *derived.refreshes(answers)),
        unanswered=tuple(one for one in rest if not _is_whole(one)),
        events=events,
        states=states,
        service_ids=frozenset(one.operation.service_id for one in rest if one.operation.service_id),
        recorded=recorded,
        grid_us=grid_us(told, rules),
        comet=_comet_settings(session, compiler),
    )


def _is_whole(one: Visited) -> bool:
    outcome = one.exchange.outcome
    return outcome is not None and outcome.response is not None and outcome.error is None


def _is_taken(one: Visited) -> bool:
    response = one.exchange.response
    return _is_whole(one) and response is not None and not response.is_refusal


def _answer(index: int, one: Visited, compiler: Compiler) -> Answer:
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
    )


def _acts(session: Session) -> list[tuple[int, Act]]:
    """When the app acted, and how. An act that was repeated because its answer never came counts once.

    A start that GMS did not take began nothing: it may even be another's who gave no name.
    """
    acts: list[tuple[int, Act]] = []
    lost: set[tuple[tuple[str, ...], Said]] = set()
    for one in session:
        act = one.operation.act
        if act is None or (act is Act.START and not _is_taken(one)):
            continue
        asked = (one.operation.key, frozenset(one.said.items()))
        if asked not in lost:
            acts.append((one.at_us, act))
        lost.discard(asked)
        if not _is_whole(one):
            lost.add(asked)
    return acts


def _causes(acts: Iterable[tuple[int, Act]], before_us: int) -> tuple[Cause, ...]:
    causes: dict[Act, Cause] = {}
    for at_us, act in acts:
        if at_us <= before_us:
            count = causes[act].count + 1 if act in causes else 1
            causes[act] = Cause(act, count, at_us)
    return tuple(causes.values())


def _events(session: Session, acts: list[tuple[int, Act]], compiler: Compiler) -> dict[str, tuple[Event, ...]]:
    """The messages of each channel; those with an id of their own once, however often the app had to be told."""
    heard = (heard for one in session for heard in one.heard if heard.message.direction is Direction.TO_CLIENT)
    events: dict[str, list[Event]] = {}
    numbered: set[bytes] = set()
    for one in sorted(heard, key=lambda heard: (heard.message.at_us, heard.message.id)):
        message = one.message
        if one.parsed.is_event and message.raw not in numbered:
            if gms.message_id(one.parsed.fields):
                numbered.add(message.raw)
            told = events.setdefault(message.channel, [])
            causes = _causes(acts, message.at_us)
            position = gms.transcript_position(one.parsed.fields)
            told.append(Event(message.channel, message.at_us, 0, causes, position, message.raw, compiler))
    return {channel: tuple(told) for channel, told in events.items()}


def _spaced(events: Iterable[Event]) -> tuple[Event, ...]:
    """Messages in order of time, with how far each is from the one before it."""
    ordered = sorted(events, key=lambda event: event.at_us)
    before = [*ordered[:1], *ordered]
    return tuple(replace(one, gap_us=one.at_us - last.at_us) for one, last in zip(ordered, before, strict=False))


def _states(answers: Iterable[Answer], acts: list[tuple[int, Act]], start_us: int) -> tuple[tuple[State, ...], ...]:
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
            causes = _causes(acts, now_us)
            middle_us = (asked_us[operation] + now_us) // 2 if operation in asked_us else start_us
            at_us = max([middle_us, *(cause.at_us for cause in causes)])
            gap_us = at_us - told[-1].at_us if told else 0
            done = {*_counts(causes)} - {*_counts(told[-1].causes)} if told else set()
            if done:
                at_once = answer.operation.kind in gms.CHANGED_BY_ACTS
                slow = [cause for cause in causes if (cause.act, cause.count) in done and not at_once]
                causes = tuple(cause if cause in slow else replace(cause, at_us=at_us) for cause in causes)
                gap_us = 0
            told.append(State(at_us, gap_us, bool(done), causes, answer))
            asked_us[operation] = now_us
    return tuple(tuple(said) for said in states.values())


def _counts(causes: Iterable[Cause]) -> Iterator[tuple[Act, int]]:
    return ((cause.act, cause.count) for cause in causes)


def _recorded(session: Session, told: list[Told], rules: Rules) -> Recorded:
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    bases = [one.operation.base for one in rest or session]
    return Recorded(
        authorities=frozenset(place for one in session for place in _authorities(one)),
        base=Counter(bases).most_common(1)[0][0],
        identities=frozenset(_identities(told, rules)),
        started_us=_started_us(told),
    )


def _authorities(one: Visited) -> Iterator[str]:
    request = one.exchange.request
    yield authority(request.scheme, f"{request.host}:{request.port}")
    if host := header(request.headers, "host"):
        yield authority(request.scheme, host)


def _told_texts(session: Session) -> Iterator[bytes]:
    """What GMS told the app: bodies of answers, and messages; Comet's answers are told by their messages."""
    for one in session:
        if one.operation.kind is not Kind.COMET and (response := one.exchange.response):
            yield response.body.plain
        for heard in one.heard:
            if heard.message.direction is Direction.TO_CLIENT:
                yield heard.message.raw


def _told(session: Session) -> list[Told]:
    return [(span, text[span.start : span.end]) for text in _told_texts(session) for span in spans(text)]


def _identities(told: list[Told], rules: Rules) -> Iterator[str]:
    for span, value in told:
        if span.sort is Sort.STRING and rules.is_identity(span.path):
            yield plain_text(value)


def _started_us(told: list[Told]) -> int | None:
    for span, value in told:
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
