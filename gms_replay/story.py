"""A recording compiled into stories: items, what each waits for, and the acts of the app.

Strategy: the acts of the app are the only causes (docs/architecture.md, "Causes"). Each item remembers, for every kind
of act, how many had happened before it and when the last of them did; whoever plays the story needs no more to know
when the item is due, however the app's own pace differs.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from itertools import chain
from typing import Any

from gms_replay import (
    bayeux,
    derived,
    echoes,
    gms,
    instants,
    messages,
    pushes,
    sessions,
    travel,
    visits,
)
from gms_replay.causes import Cause, Causes, Done, acts_of, is_whole
from gms_replay.echoes import Source, Spoken
from gms_replay.errors import StoryError
from gms_replay.gms import Act, Kind, Operation
from gms_replay.items import Answer, CometSettings, Event, Pushed, Read, State, Texts, compiled_headers
from gms_replay.model import Direction, Facts, Headers, header
from gms_replay.payloads import for_device
from gms_replay.publications import Key
from gms_replay.pushes import Derived, Notification
from gms_replay.rewrite import Compiler, Recorded, authority
from gms_replay.rules import Rules
from gms_replay.sessions import Session, Visited
from gms_replay.timeline import Fences, Shift, Timeline
from gms_replay.timeslots import Value, grid_us
from gms_replay.transcript import Page, Transcript
from gms_replay.visits import Visit


@dataclass(frozen=True, eq=False)
class Story:
    """One visit, ready to be played as often as wanted. What of it nobody asks for is not read, nor compiled.

    `number`: its place among the visits of its recording, from 1.
    """

    number: int
    visit: Visit
    rules: Rules

    @property
    def start_us(self) -> int:
        """When its first request had been asked."""
        return self.visit.start_us

    @property
    def begins_over_comet(self) -> bool:
        """Whether its app shook hands before it asked by REST for what opens a visit."""
        if all(one.operation.kind is not Kind.COMET for one in self.visit.askings):
            return False
        openings = (one for one in self._recorded_answers if one.operation.kind in gms.OPENINGS)
        return bool(self.events) and all(one.at_us - one.latency_us > self.comet.at_us for one in openings)

    @cached_property
    def _session(self) -> Session:
        return sessions.read(self.visit)

    @cached_property
    def _rest(self) -> list[Visited]:
        return [one for one in self._session if one.operation.kind is not Kind.COMET]

    @cached_property
    def _whole(self) -> list[Visited]:
        return [one for one in self._rest if is_whole(one)]

    @cached_property
    def _acts(self) -> list[Done]:
        return acts_of(self._session)

    @cached_property
    def _causes(self) -> Causes:
        return Causes(self._acts)

    @cached_property
    def _texts(self) -> Texts:
        return Texts(self._read)

    def _read(self) -> Read:
        """Reads what was told, once for all that is looked for in it."""
        told = list(sessions.told(self._session))
        values = [(span, text.raw[span.start : span.end]) for text in told for span in text.values]
        recorded = Recorded(
            authorities=frozenset(place for one in self._session for place in _authorities(one)),
            base=self.visit.base,
            identities=frozenset(one.value for one in travel.find(self._session, told, self.rules) if one.left is None),
            started_us=_started_us(values),
        )
        repeated = echoes.find(told, _spoken(self._whole, self._acts), self.rules)
        return Read(recorded, Compiler(recorded, self.rules), repeated, grid_us(values, self.rules))

    @property
    def recorded(self) -> Recorded:
        return self._texts.read.recorded

    @property
    def grid_us(self) -> int:
        """What its time slots are multiples of."""
        return self._texts.read.grid_us

    @cached_property
    def echoed(self) -> Mapping[Source, Collection[str]]:
        """The requests whose words GMS repeats, and the fields in which those are."""
        return echoes.sources(self._texts.read.echoes.values())

    @cached_property
    def _recorded_answers(self) -> tuple[Answer, ...]:
        return tuple(_answer(index, one, self._texts) for index, one in enumerate(self._whole))

    @cached_property
    def answers(self) -> tuple[Answer, ...]:
        """All answers, by their indexes."""
        return (*self._recorded_answers, *derived.refreshes(self._recorded_answers))

    def last_answer(self, method: str, target: str) -> Answer | None:
        """The last recorded answer to such a request; None where none ever came."""
        same = (one for one in reversed(self._recorded_answers) if (one.method, one.target) == (method, target))
        return next(same, None)

    @cached_property
    def unanswered(self) -> tuple[Visited, ...]:
        """The requests that got no answer, or not all of it."""
        return tuple(one for one in self._rest if not is_whole(one))

    @cached_property
    def _by_operation(self) -> dict[tuple[str, ...], list[Answer]]:
        found: dict[tuple[str, ...], list[Answer]] = {}
        for answer in self.answers:
            found.setdefault(answer.operation.key, []).append(answer)
        return found

    def answers_to(self, operation: Operation) -> Sequence[Answer]:
        """The answers to requests for the same thing."""
        is_asked = operation.kind is Kind.REFRESH or operation.key in self.visit.operations
        return self._by_operation.get(operation.key, ()) if is_asked else ()

    @cached_property
    def published(self) -> Counter[Key]:
        """How often its app did what over Comet."""
        return Counter(done.operation.key for done in self._acts if done.operation.method == gms.PUBLISHED)

    @cached_property
    def states(self) -> tuple[tuple[State, ...], ...]:
        """What each thing that apps poll said, one after the other."""
        return _states(self._recorded_answers, self._causes, self.start_us)

    @cached_property
    def events(self) -> dict[str, tuple[Event, ...]]:
        """The messages of each channel, in order of time."""
        events = messages.of_session(self._session, self._causes, self._texts)
        polled, told_there = chain.from_iterable(self.states), chain.from_iterable(events.values())
        if news := derived.messages(self._recorded_answers, polled, told_there, self._causes.of):
            events[derived.CHANNEL] = (*events.get(derived.CHANNEL, ()), *news)
        return {channel: messages.spaced(heard) for channel, heard in events.items()}

    @cached_property
    def comet(self) -> CometSettings:
        return _comet_settings(self._session, self._texts)

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
    def notifications(self) -> tuple[Notification | Derived, ...]:
        """What GMS told the device, or presumably did, the earliest first; also what the provider refused."""
        return self._seen or self._derived

    @cached_property
    def _derived(self) -> tuple[Derived, ...]:
        may_derive = not self._seen and pushes.may_be_derived(self.visit.facts.providers())
        return tuple(pushes.derive(self._session)) if may_derive else ()

    @cached_property
    def _seen(self) -> tuple[Notification, ...]:
        return pushes.seen(self.visit.facts, self._session)

    @cached_property
    def pushes(self) -> tuple[Pushed, ...]:
        """Those that were seen, and reached the device, as far as anybody knows."""
        return self._pushed(pushes.arrived(self._seen))

    @cached_property
    def presumed_pushes(self) -> tuple[Pushed, ...]:
        """Those that are derived."""
        return self._pushed(self._derived)

    def _pushed(self, arrived: Sequence[Notification | Derived]) -> tuple[Pushed, ...]:
        texts = self._texts
        # What is derived came before the request that it is derived from, which is an act.
        at_us = [one.at_us - isinstance(one, Derived) for one in arrived]
        gaps_us = [now_us - before_us for before_us, now_us in zip([*at_us[:1], *at_us], at_us, strict=False)]
        return tuple(
            Pushed(at_us, gap_us, self._causes.of(at_us), one, for_device(one), texts.compiler)
            for one, at_us, gap_us in zip(arrived, at_us, gaps_us, strict=True)
        )

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


def compile_stories(facts: Facts, rules: Rules | None = None) -> tuple[Story, ...]:
    """The stories of a recording, the earliest first. Raises StoryError where there is nothing to play."""
    said = rules or Rules()
    stories = tuple(Story(number, visit, said) for number, visit in enumerate(visits.split(facts), start=1))
    if not stories:
        raise StoryError("no app's visit to a GMS is in it")
    return stories


def _answer(index: int, one: Visited, texts: Texts) -> Answer:
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
        exchange_id=one.exchange.id,
        texts=texts,
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


def _authorities(one: Visited) -> Iterator[str]:
    request = one.exchange.request
    yield authority(request.scheme, f"{request.host}:{request.port}")
    if host := header(request.headers, "host"):
        yield authority(request.scheme, host)


def _started_us(values: Iterable[Value]) -> int | None:
    for span, value in values:
        if span.path[-1:] == ("startedAt",) and (found := _instant_us(value)) is not None:
            return found
    return None


def _instant_us(value: bytes) -> int | None:
    return instants.read(value.decode("latin-1"))


def _comet_settings(session: Session, texts: Texts) -> CometSettings:
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
    told = compiled_headers(texts.compiler, shown) if shown else ()
    return CometSettings(at_us, advice, told, timestamp)
