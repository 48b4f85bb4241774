"""A recording compiled into stories: items, what each waits for, and the acts of the app.

Strategy: the acts of the app are the only causes (docs/architecture.md, "Causes"). Each item remembers, for every kind
of act, how many had happened before it and when the last of them did; whoever plays the story needs no more to know
when the item is due, however the app's own pace differs.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import gcd
from typing import Any

from gms_replay import bayeux, echoes, gms, instants, sessions, travel
from gms_replay.echoes import Echoes, Source, Spoken, TextKey
from gms_replay.errors import StoryError
from gms_replay.fields import Fields, Said
from gms_replay.gms import Act, InstantClass, Kind, Operation
from gms_replay.instants import SECOND_US
from gms_replay.model import Direction, Headers, Recording, Response, header
from gms_replay.rewrite import Compiler, Recorded, Template, authority
from gms_replay.rules import Rules
from gms_replay.sessions import Session, Told, Visited
from gms_replay.spans import Sort, Span
from gms_replay.timeline import Fences

_GRIDS_US = tuple(minutes * 60 * SECOND_US for minutes in (120, 60, 30, 20, 15, 10, 5, 1))
_SET_ANEW = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding",
        "upgrade", "content-length",
    }
)  # fmt: skip
"""Hop-by-hop headers (RFC 9110, section 7.6.1) and the length, which is counted."""

_NO_ECHOES: Echoes = {}


@dataclass(frozen=True, slots=True)
class Cause:
    """An item waits until the app has done `count` acts of this kind, then for as long as it came after `at_us`."""

    act: Act
    count: int
    at_us: int


@dataclass(frozen=True)
class Answer:
    """A recorded answer, for a request of that meaning. `at_us`: when it began; `latency_us` after the request."""

    index: int
    operation: Operation
    method: str
    target: str
    fields: Fields
    at_us: int
    latency_us: int
    response: Response
    compiler: Compiler
    echoes: Echoes

    @cached_property
    def body(self) -> Template:
        return self.compiler.body(self.response.body.plain, self.echoes)

    @cached_property
    def headers(self) -> tuple[tuple[str, Template], ...]:
        return compiled_headers(self.compiler, self.response.headers)


@dataclass(frozen=True)
class Event:
    """A recorded message to the app on a channel that is not the protocol's own, `gap_us` after the one before it.

    `position`: the chat, and how many lines of it the app has after this; None where it tells none.
    """

    channel: str
    at_us: int
    gap_us: int
    causes: tuple[Cause, ...]
    position: tuple[str, int] | None
    raw: bytes
    compiler: Compiler
    echoes: Echoes

    @cached_property
    def body(self) -> Template:
        return self.compiler.body(self.raw, self.echoes)


@dataclass(frozen=True, slots=True)
class State:
    """What something that apps poll says from `at_us` on, `gap_us` after the state before it, until the next.

    `follows_act`: the app acted in between, so that whatever else was said before is no longer true.
    """

    at_us: int
    gap_us: int
    follows_act: bool
    causes: tuple[Cause, ...]
    answer: Answer


@dataclass(frozen=True)
class CometSettings:
    """What the recorded server said of itself when the app shook hands, which it asked for at `at_us`.

    `timestamp` writes an instant as it did in its replies; None where it did not.
    """

    at_us: int
    advice: dict[str, Any]
    headers: tuple[tuple[str, Template], ...]
    timestamp: Callable[[int], str] | None


@dataclass(frozen=True, eq=False)
class Story:
    """One visit, ready to be played as often as wanted.

    `number`: its place among the visits of its recording, from 1. `start_us`: when its first request had been asked.
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
    echoed: frozenset[Source]
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


def compiled_headers(compiler: Compiler, headers: Headers) -> tuple[tuple[str, Template], ...]:
    """The headers that are replayed, names in lower case, in order, duplicates kept."""
    kept = ((name.lower(), value) for name, value in headers)
    return tuple(
        (name, compiler.header(name, value))
        for name, value in kept
        if name not in _SET_ANEW and not name.startswith("access-control-")
    )


def _compile(number: int, session: Session, rules: Rules) -> Story:
    told = list(sessions.told(session))
    recorded = _recorded(session, told, rules)
    compiler = Compiler(recorded, rules)
    acting = list(_acting(session))
    acts = [(one.at_us, act) for one, act in acting]
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    whole = [one for one in rest if _is_whole(one)]
    repeated = echoes.find(told, _spoken(whole, [one for one, act in acting if act is Act.SEND]), rules)
    answers = [_answer(index, one, compiler, repeated) for index, one in enumerate(whole)]
    return Story(
        number=number,
        rules=rules,
        start_us=session[0].at_us,
        user=sessions.user_of(session),
        answers=tuple(answers),
        unanswered=tuple(one for one in rest if not _is_whole(one)),
        events=_events(session, acts, compiler, repeated),
        states=_states(answers, acts, session[0].at_us),
        service_ids=frozenset(one.operation.service_id for one in rest if one.operation.service_id),
        echoed=frozenset(echo.source for found in repeated.values() for echo in found.values()),
        recorded=recorded,
        grid_us=_grid_us(told, rules),
        comet=_comet_settings(session, compiler),
    )


def _is_whole(one: Visited) -> bool:
    outcome = one.exchange.outcome
    return outcome is not None and outcome.response is not None and outcome.error is None


def _is_taken(one: Visited) -> bool:
    response = one.exchange.response
    return _is_whole(one) and response is not None and not response.is_refusal


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


def _acting(session: Session) -> Iterator[tuple[Visited, Act]]:
    """Where the app acted, and how. An act that was repeated because its answer never came counts once.

    A start that GMS did not take began nothing: it may even be another's who gave no name.
    """
    lost: set[tuple[tuple[str, ...], Said]] = set()
    for one in session:
        act = one.operation.act
        if act is None or (act is Act.START and not _is_taken(one)):
            continue
        asked = (one.operation.key, frozenset(one.said.items()))
        if asked not in lost:
            yield one, act
        lost.discard(asked)
        if not _is_whole(one):
            lost.add(asked)


def _spoken(answered: Iterable[Visited], sends: Iterable[Visited]) -> Iterator[Spoken]:
    """What the app said, apart from where it only asked for a state."""
    for place, one in enumerate(sends):
        yield Spoken(one.at_us, (Kind.SEND, place), one.said)
    for index, one in enumerate(answered):
        if one.operation.kind not in gms.POLLED | {Kind.SEND}:
            yield Spoken(one.at_us, (one.operation.kind, index), one.said)


def _causes(acts: Iterable[tuple[int, Act]], before_us: int) -> tuple[Cause, ...]:
    causes: dict[Act, Cause] = {}
    for at_us, act in acts:
        if at_us <= before_us:
            count = causes[act].count + 1 if act in causes else 1
            causes[act] = Cause(act, count, at_us)
    return tuple(causes.values())


def _events(
    session: Session, acts: list[tuple[int, Act]], compiler: Compiler, repeated: Mapping[TextKey, Echoes]
) -> dict[str, tuple[Event, ...]]:
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
            gap_us = message.at_us - told[-1].at_us if told else 0
            causes = _causes(acts, message.at_us)
            position = gms.transcript_position(one.parsed.fields)
            echoes = repeated.get((message.exchange_id, message.id), _NO_ECHOES)
            told.append(Event(message.channel, message.at_us, gap_us, causes, position, message.raw, compiler, echoes))
    return {channel: tuple(told) for channel, told in events.items()}


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


def _recorded(session: Session, told: Iterable[Told], rules: Rules) -> Recorded:
    rest = [one for one in session if one.operation.kind is not Kind.COMET]
    bases = [one.operation.base for one in rest or session]
    return Recorded(
        authorities=frozenset(place for one in session for place in _authorities(one)),
        base=Counter(bases).most_common(1)[0][0],
        identities=frozenset(one.value for one in travel.find(session, told, rules) if one.left is None),
        started_us=_started_us(told),
    )


def _authorities(one: Visited) -> Iterator[str]:
    request = one.exchange.request
    yield authority(request.scheme, f"{request.host}:{request.port}")
    if host := header(request.headers, "host"):
        yield authority(request.scheme, host)


def _values(told: Iterable[Told]) -> Iterator[tuple[Span, bytes]]:
    return ((span, text.raw[span.start : span.end]) for text in told for span in text.values)


def _started_us(told: Iterable[Told]) -> int | None:
    for span, value in _values(told):
        if span.path[-1:] == ("startedAt",) and (found := _instant_us(value)) is not None:
            return found
    return None


def _instant_us(value: bytes) -> int | None:
    return instants.read(value.decode("latin-1"))


def _grid_us(told: Iterable[Told], rules: Rules) -> int:
    """What the recorded time slots are multiples of, two hours at most; a second where there are none."""
    slots: set[int] = set()
    for span, value in _values(told):
        is_slot = span.sort is Sort.KEY or (
            "slots" in span.path and rules.instant_class(span.path) is InstantClass.CALENDAR
        )
        if is_slot and (found := _instant_us(value)) is not None:
            slots.add(found)
    if not slots:
        return SECOND_US
    common_us = gcd(*slots)
    return next((grid_us for grid_us in _GRIDS_US if common_us % grid_us == 0), SECOND_US)


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
