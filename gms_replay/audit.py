"""Where a recording says what time it is: what each instant will be told as, or why it is left alone.

Strategy: what is told is found by the compiler that the player uses, and told by the same memory, as if every session
began at a given instant and every answer were asked for in the recorded order. Whatever else looks like an instant, or
stands where one is expected, is listed with the reason why it stays.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gms_replay import fields, gms, httpcb, instants, sessions
from gms_replay.causes import is_whole
from gms_replay.gms import InstantClass, Kind, Path
from gms_replay.instants import Style
from gms_replay.model import Direction, Exchange, Headers, Recording, Response
from gms_replay.rewrite import Compiler, ElapsedSlot, Hit, InstantSlot, Telling
from gms_replay.rules import Rules
from gms_replay.sessions import Heard, Session, Visited
from gms_replay.spans import Sort, plain_text, spans, texts
from gms_replay.story import Story, compile_stories
from gms_replay.timeline import Shift

_DURATION = re.compile(r"-?\d{1,9}(?:\.\d+)?|-?P(?=[\dT])[\dA-Z.,]+", re.ASCII)
_NUMBERS = (Style.EPOCH_S, Style.EPOCH_MS)


class Fate(StrEnum):
    """What becomes of an instant; those that somebody should look at come first."""

    UNREADABLE = "unreadable"
    UNKNOWN_FIELD = "unknown field"
    UNKNOWN_HEADER = "unknown header"
    INSIDE_TEXT = "inside a text"
    UNKNOWN_NUMBER = "unknown number"
    CALENDAR = "calendar"
    EVENT = "event"
    ELAPSED = "seconds since start"
    ASKED = "asked"
    LIVE = "live"
    KEPT = "keep"
    DURATION = "duration"
    NOT_REPLAYED = "not replayed"


DOUBTFUL = (Fate.UNREADABLE, Fate.UNKNOWN_FIELD, Fate.UNKNOWN_HEADER, Fate.INSIDE_TEXT, Fate.UNKNOWN_NUMBER)
"""What stays as recorded though it may be an instant, so that it may be wrong on replay."""

TOLD = (Fate.CALENDAR, Fate.EVENT, Fate.ELAPSED)


class Part(StrEnum):
    """What of an exchange."""

    REQUEST = "request"
    REQUEST_HEADER = "request header"
    ANSWER = "answer"
    ANSWER_HEADER = "answer header"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text stands. `session`: the visit's number, None for what is nobody's.

    `part`: a Part of the exchange, or the channel of the message, after "published on " where the app sent it.
    """

    session: int | None
    exchange_id: int
    message_id: int | None
    operation: str
    part: str


@dataclass(frozen=True, slots=True)
class Sighting:
    """One value, as recorded, and what becomes of it. `told`: what it will be told as, where that is known."""

    place: Place
    path: Path
    recorded: str
    fate: Fate
    told: str | None = None

    @property
    def is_header(self) -> bool:
        return self.place.part in (Part.REQUEST_HEADER, Part.ANSWER_HEADER)

    @property
    def field(self) -> str:
        """Its path, in which list positions and instants are alike."""
        steps = ("[]" if isinstance(step, int) else "*" if instants.parse(step) else step for step in self.path)
        return ".".join(steps).replace(".[]", "[]")

    @property
    def name(self) -> str:
        """By what a rules file would name its field; "" where nothing does."""
        names = (step for step in reversed(self.path) if isinstance(step, str) and instants.parse(step) is None)
        return next(names, "")


@dataclass(frozen=True, slots=True)
class Group:
    """Values with one fate in one field of one operation's, or in one header of any."""

    example: Sighting
    count: int


@dataclass(frozen=True, slots=True)
class Moved:
    """How far one visit's instants move. `start_us`: when it was recorded."""

    session: int
    start_us: int
    shift_us: int
    calendar_shift_us: int


@dataclass(frozen=True, slots=True)
class Audit:
    """What becomes of a recording's instants in sessions that start at `now_us`; in the order of the recording."""

    now_us: int
    moved: tuple[Moved, ...]
    sightings: tuple[Sighting, ...]

    @property
    def groups(self) -> tuple[Group, ...]:
        """The same, by fate, those first that somebody should look at."""
        found: dict[tuple[Fate, str, str, str], Group] = {}
        for one in self.sightings:
            key = (one.fate, "" if one.is_header else one.place.operation, one.place.part, one.field)
            found[key] = Group(found[key].example, found[key].count + 1) if key in found else Group(one, 1)
        order = list(Fate)
        return tuple(sorted(found.values(), key=lambda group: order.index(group.example.fate)))


def audit(recording: Recording, rules: Rules, now_us: int, shift: Shift) -> Audit:
    """Looks through all of a recording."""
    visits = sessions.split(recording)
    tellers = [_Teller(story, now_us, shift) for story in (compile_stories(recording, rules) if visits else ())]
    told = [sighting for teller, visit in zip(tellers, visits, strict=True) for sighting in teller.visit(visit)]
    visited = {one.exchange.id for visit in visits for one in visit}
    rest = (exchange for exchange in recording.exchanges if exchange.id not in visited)
    nobodys = [sighting for exchange in rest for sighting in _unplayed(exchange, rules)]
    return Audit(now_us, tuple(teller.moved for teller in tellers), (*told, *nobodys))


class _Teller:
    """One session that is told a story from its beginning to its end."""

    def __init__(self, story: Story, now_us: int, shift: Shift) -> None:
        self._number = story.number
        self._rules = story.rules
        self._compiler = Compiler(story.recorded, story.rules)
        self._timeline = story.timeline(now_us, shift)
        self._shift_us = self._timeline.shift_us(story.start_us, now_us)
        self._told: dict[int, int] = {}
        self.moved = Moved(story.number, story.start_us, self._shift_us, self._timeline.calendar_shift_us)

    def visit(self, visit: Session) -> Iterator[Sighting]:
        for one in visit:
            place = Place(self._number, one.exchange.id, None, str(one.operation), Part.REQUEST)
            yield from _in_headers(one.exchange.request.headers, replace(place, part=Part.REQUEST_HEADER))
            if one.operation.kind is Kind.COMET:
                yield from self._comet(one, place)
            else:
                yield from self._asked(one.said, replace(place, part=Part.REQUEST))
                yield from self._answer(one, place)

    def _answer(self, one: Visited, place: Place) -> Iterator[Sighting]:
        response = one.exchange.response
        if response is None:
            return
        if not is_whole(one):
            yield from _unplayed_answer(response, self._rules, place)
            return
        yield from self._headers(response.headers, replace(place, part=Part.ANSWER_HEADER))
        yield from self._text(response.body.plain, replace(place, part=Part.ANSWER))

    def _comet(self, one: Visited, place: Place) -> Iterator[Sighting]:
        """What Bayeux carries; of Comet's answers only the cookies that came with a handshake are told."""
        headers = one.exchange.response.headers if one.exchange.response else ()
        cookies = tuple((name, value) for name, value in headers if name.lower() == "set-cookie")
        yield from self._headers(cookies, replace(place, part=Part.ANSWER_HEADER))
        others = tuple((name, value) for name, value in headers if name.lower() != "set-cookie")
        yield from _in_headers(others, replace(place, part=Part.ANSWER_HEADER))
        for heard in one.heard:
            message = heard.message
            here = replace(place, message_id=message.id, part=message.channel)
            if not heard.parsed.is_event:
                yield from _live(heard, self._rules, here)
            elif message.direction is Direction.TO_CLIENT:
                yield from self._text(message.raw, here)
            else:
                said = {".".join(map(str, path)): value for path, value in texts(message.raw).items()}
                yield from self._asked(said, replace(here, part=f"published on {message.channel}"))

    def _asked(self, said: fields.Fields, place: Place) -> Iterator[Sighting]:
        for name, value in said.items():
            path, parsed = tuple(name.split(".")), instants.parse(value)
            if parsed is None or self._rules.is_free(name):
                continue
            told_us = self._told.get(parsed[0])
            told = None if told_us is None else instants.render(told_us, parsed[1])
            kept = self._rules.is_kept(path)
            yield Sighting(place, path, value, Fate.KEPT if kept else Fate.ASKED, None if kept else told)

    def _headers(self, headers: Headers, place: Place) -> Iterator[Sighting]:
        for name, value in headers:
            text = value.encode("latin-1")
            hits = _by_start(self._compiler.header_hits(name, value))
            for start, (end, slot) in hits.items():
                told = slot.render(self._tell(hits)).decode("latin-1")
                yield Sighting(place, (name.lower(),), text[start:end].decode("latin-1"), _fate(slot), told)
            if not hits:
                yield from _in_headers(((name, value),), place, Fate.UNKNOWN_HEADER)

    def _text(self, text: bytes, place: Place) -> Iterator[Sighting]:
        hits = _by_start(self._compiler.hits(text))
        telling = self._tell(hits)
        for span in spans(text):
            value = text[span.start : span.end]
            if span.start in hits:
                _, slot = hits[span.start]
                recorded, told = value.decode("latin-1"), slot.render(telling).decode("latin-1")
                yield Sighting(place, span.path, recorded, _fate(slot), told)
            elif fate := _left_alone(span.path, plain_text(value), span.sort, self._rules):
                yield Sighting(place, span.path, plain_text(value), fate)

    def _tell(self, hits: "_Hits") -> Telling:
        needed = {instant for _, slot in hits.values() for instant in slot.instants}
        told = self._timeline.tell(needed, self._shift_us)
        for (kind, recorded_us), told_us in told.items():
            if kind is InstantClass.CALENDAR or recorded_us not in self._told:
                self._told[recorded_us] = told_us
        return Telling(told, "", "", "", {})


_Hits = dict[int, tuple[int, InstantSlot | ElapsedSlot]]


def _by_start(hits: Iterable[Hit]) -> _Hits:
    """The slots that tell of time, by where they begin, with where they end."""
    return {start: (end, slot) for start, end, slot in hits if isinstance(slot, InstantSlot | ElapsedSlot)}


def _fate(slot: InstantSlot | ElapsedSlot) -> Fate:
    if isinstance(slot, ElapsedSlot):
        return Fate.ELAPSED
    return Fate.CALENDAR if slot.instant[0] is InstantClass.CALENDAR else Fate.EVENT


def _left_alone(path: Path, text: str, sort: Sort, rules: Rules) -> Fate | None:
    """Why what stands there is told as recorded; None for what has nothing to do with time."""
    is_key = sort is Sort.KEY
    found = instants.parse(text)
    if rules.is_kept(path[:-1] if is_key else path):
        return Fate.KEPT if found else None
    if not is_key and text and sort is not Sort.WORD:
        if rules.instant_class(path) is not None:
            return Fate.DURATION if _DURATION.fullmatch(text) else Fate.UNREADABLE
        if gms.is_duration(path):
            return Fate.DURATION
    if found is None or not path:
        return Fate.INSIDE_TEXT if _inside(text) else None
    if found[1].style not in _NUMBERS:
        return Fate.UNKNOWN_FIELD
    # Which has a meaning that we know: an id, or what somebody typed.
    is_known = gms.is_elapsed(path) or rules.is_identity(path) or rules.is_free(str(path[-1]))
    return None if is_known else Fate.UNKNOWN_NUMBER


def _inside(text: str) -> list[str]:
    """The instants in a text, in notations that nothing else looks like."""
    return [found[0] for found in instants.ANYWHERE.finditer(text) if instants.parse(found[0])]


def _in_headers(headers: Headers, place: Place, fate: Fate = Fate.NOT_REPLAYED) -> Iterator[Sighting]:
    for name, value in headers:
        is_number = name.lower() in gms.INSTANT_HEADERS and instants.parse(value) is not None
        for found in [value] if is_number else _inside(value):
            yield Sighting(place, (name.lower(),), found, fate)


def _live(heard: Heard, rules: Rules, place: Place) -> Iterator[Sighting]:
    """What Bayeux says for itself, which is not replayed: instants are told by the session's clock."""
    for path, text in texts(heard.message.raw).items():
        if gms.is_duration(path):
            yield Sighting(place, path, text, Fate.DURATION)
        elif instants.parse(text) and (rules.instant_class(path) or _inside(text)):
            yield Sighting(place, path, text, Fate.LIVE)


def _unplayed(exchange: Exchange, rules: Rules) -> Iterator[Sighting]:
    """What is no part of any visit: pushes, and what is not GMS."""
    request = exchange.request
    operation = httpcb.operation(exchange)
    place = Place(None, exchange.id, None, str(operation or "not GMS"), Part.REQUEST)
    yield from _in_headers(request.headers, replace(place, part=Part.REQUEST_HEADER))
    yield from _in_text(request.body.plain, rules, replace(place, part=Part.REQUEST))
    if exchange.response is not None:
        yield from _unplayed_answer(exchange.response, rules, place)


def _unplayed_answer(response: Response, rules: Rules, place: Place) -> Iterator[Sighting]:
    yield from _in_headers(response.headers, replace(place, part=Part.ANSWER_HEADER))
    yield from _in_text(response.body.plain, rules, replace(place, part=Part.ANSWER))


def _in_text(text: bytes, rules: Rules, place: Place) -> Iterator[Sighting]:
    for span in spans(text):
        said = plain_text(text[span.start : span.end])
        if _inside(said) or (rules.instant_class(span.path) and instants.parse(said)):
            yield Sighting(place, span.path, said, Fate.NOT_REPLAYED)
