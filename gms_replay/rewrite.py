"""Bodies and headers compiled once into literal bytes and slots; rendering joins them.

Strategy: a slot stands where something must be told anew: an instant, seconds since a chat's start, the base of a URL
of GMS's own, an identity, words of the app's. All between the slots is replayed byte for byte, well-formed or not.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from gms_replay import gms, instants
from gms_replay.base_url import DEFAULT_PORTS
from gms_replay.echoes import Echo, Echoes, Source
from gms_replay.fields import Fields
from gms_replay.gms import InstantClass
from gms_replay.instants import SECOND_US, Notation
from gms_replay.occurrences import Finder, Writer, in_json
from gms_replay.rules import Rules
from gms_replay.spans import Sort, Span, plain_text, spans
from gms_replay.timeline import Instant, elapsed_s
from gms_replay.timeslots import local_times

_URL = re.compile(rb"(?P<scheme>https?):(?:\\?/){2}(?P<authority>[^\s\"'<>\\/?#]+)", re.IGNORECASE)
_URL_PART_ENDS = rb"(?=[\s\"'<>\\/?#]|$)"
_ELAPSED = re.compile(rb"0|[1-9]\d{0,8}")


@dataclass(frozen=True, slots=True)
class Telling:
    """What one rendering puts into the slots.

    `instants`: recorded to told, for all that the template names. `origin`: "http://host:port", and a path prefix if
    the server stands behind one. `base`: "/genesys", as asked. `comet_segment`: what precedes the base in
    `_comet_url`. `identities`: recorded to told; one that is missing stays as recorded. `said`: what this app said.
    """

    instants: Mapping[Instant, int]
    origin: str
    base: str
    comet_segment: str
    identities: Mapping[str, str]
    said: Mapping[Source, Fields] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InstantSlot:
    instant: Instant
    notation: Notation

    @property
    def instants(self) -> tuple[Instant, ...]:
        """What it needs told."""
        return (self.instant,)

    def render(self, telling: Telling) -> bytes:
        return instants.render(telling.instants[self.instant], self.notation).encode()


@dataclass(frozen=True, slots=True)
class ElapsedSlot:
    """Seconds from a chat's start to a line of it; both instants are told like any other."""

    started: Instant
    line: Instant

    @property
    def instants(self) -> tuple[Instant, ...]:
        """What it needs told."""
        return (self.started, self.line)

    def render(self, telling: Telling) -> bytes:
        return b"%d" % elapsed_s(telling.instants[self.started], telling.instants[self.line])


@dataclass(frozen=True, slots=True)
class UrlSlot:
    """Scheme and host of a URL of GMS's own, and its base path where that follows (`has_base`)."""

    has_base: bool
    is_comet: bool
    escaped: bool

    def render(self, telling: Telling) -> bytes:
        segment = telling.comet_segment if self.is_comet else ""
        url = telling.origin + segment + (telling.base if self.has_base else "")
        return (url.replace("/", "\\/") if self.escaped else url).encode("latin-1", "replace")


@dataclass(frozen=True, slots=True)
class IdentitySlot:
    """A value as read, and `raw` as it stood there, which is kept unless the value is told otherwise, by `write`."""

    recorded: str
    raw: bytes
    write: Writer

    def render(self, telling: Telling) -> bytes:
        told = telling.identities.get(self.recorded, self.recorded)
        return self.raw if told == self.recorded else self.write(told)


@dataclass(frozen=True, slots=True)
class EchoSlot:
    """Words of the app in a JSON string, `raw` as they stood there. `otherwise`: what is told where it said none."""

    echo: Echo
    recorded: str
    raw: bytes
    otherwise: "Template"

    @property
    def instants(self) -> Iterable[Instant]:
        """What it needs told."""
        return self.otherwise.instants

    def render(self, telling: Telling) -> bytes:
        words = self.echo.words(telling.said)
        if words is None:
            return self.otherwise.render(telling)
        return self.raw if words == self.recorded else in_json(words)


Slot = InstantSlot | ElapsedSlot | UrlSlot | IdentitySlot | EchoSlot

Hit = tuple[int, int, Slot]
"""Where a slot stands in a text, from and to, in bytes."""


@dataclass(frozen=True, slots=True)
class Template:
    """Literal bytes and slots in turn. `instants`: what the slots need told, in no order."""

    pieces: tuple[bytes | Slot, ...]
    instants: frozenset[Instant]

    @property
    def is_literal(self) -> bool:
        return all(isinstance(piece, bytes) for piece in self.pieces)

    def render(self, telling: Telling) -> bytes:
        return b"".join(piece if isinstance(piece, bytes) else piece.render(telling) for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a recording's texts are searched for.

    `authorities`: the hosts that are GMS, as "host:port" in lower case. `base`: "/genesys". `identities`: values that
    further sessions are told otherwise. `started_us`: the chat's start, for lines of a text that does not name it.
    """

    authorities: frozenset[str]
    base: str
    identities: frozenset[str]
    started_us: int | None = None


def authority(scheme: str, host_and_port: str) -> str:
    """A host with its port spelt out, in lower case: what `Recorded.authorities` holds."""
    host = host_and_port.lower()
    if host.rpartition(":")[2].isdigit():
        return host
    return f"{host}:{DEFAULT_PORTS[scheme.lower()]}"


class Compiler:
    """Compiles the texts of one recorded session."""

    def __init__(self, recorded: Recorded, rules: Rules) -> None:
        self._recorded = recorded
        self._rules = rules
        self._base = re.compile(re.escape(recorded.base).replace("/", r"\\?/").encode("latin-1") + _URL_PART_ENDS)
        self._identity = Finder(recorded.identities)

    def body(self, text: bytes, echoes: Echoes | None = None) -> Template:
        """A body or a message: JSON, whether it parses or not, or any other text."""
        return _template(text, self.hits(text, echoes))

    def parts(self, text: bytes, cuts: Iterable[tuple[int, int]], echoes: Echoes | None = None) -> tuple[Template, ...]:
        """What stands between the ends of each cut of such a text, read as part of it."""
        hits = list(self.hits(text, echoes))
        return tuple(
            _template(
                text[start:end], [(at - start, to - start, slot) for at, to, slot in hits if start <= at and to <= end]
            )
            for start, end in cuts
        )

    def hits(self, text: bytes, echoes: Echoes | None = None) -> Iterator[Hit]:
        """The slots of a body or a message, in order of place; they may overlap."""
        found = list(spans(text))
        started = self._started(text, found)
        local = self._local_times(text, found)
        for span in found:
            slots = [local[span.start]] if span.start in local else self._slots(text, span, started)
            echo = echoes.get(span.start) if echoes and span.sort is Sort.STRING else None
            yield from slots if echo is None else [(span.start, span.end, _echo_slot(text, span, echo, slots))]

    def header(self, name: str, value: str) -> Template:
        """A header's value."""
        return _template(value.encode("latin-1"), self.header_hits(name, value))

    def header_hits(self, name: str, value: str) -> Iterator[Hit]:
        """The slots of a header's value, in no order; they may overlap."""
        text = value.encode("latin-1")
        if name.lower() in gms.INSTANT_HEADERS:
            yield from _instant(0, len(text), value, InstantClass.EVENT)
            for found in instants.ANYWHERE.finditer(value):
                yield from _instant(found.start(), found.end(), found[0], InstantClass.EVENT)
        yield from self._urls(text, 0, len(text), "")
        yield from self._identities(text, 0, len(text))

    def _started(self, text: bytes, found: Iterable[Span]) -> int | None:
        for span in found:
            if span.path[-1:] == ("startedAt",) and span.sort is Sort.STRING:
                parsed = instants.parse(text[span.start : span.end].decode("latin-1"))
                return parsed[0] if parsed else None
        return self._recorded.started_us

    def _local_times(self, text: bytes, found: Iterable[Span]) -> dict[int, Hit]:
        """The local times that are told by their UTC times, by where they begin; the others move like UTC times."""
        return {
            one.span.start: (one.span.start, one.span.end, InstantSlot((kind, one.at_us), one.notation))
            for one in local_times(text, found)
            if self._rules.instant_class(one.span.path) and (kind := self._rules.instant_class(one.utc))
        }

    def _slots(self, text: bytes, span: Span, started_us: int | None) -> Iterable[Hit]:
        value = text[span.start : span.end]
        is_key = span.sort is Sort.KEY
        kind = self._rules.key_class(span.path) if is_key else self._rules.instant_class(span.path)
        if kind is not None:
            return _instant(span.start, span.end, value.decode("latin-1"), kind)
        if gms.is_elapsed(span.path) and started_us is not None and _ELAPSED.fullmatch(value):
            line = (InstantClass.EVENT, started_us + int(value) * SECOND_US)
            return [(span.start, span.end, ElapsedSlot((InstantClass.EVENT, started_us), line))]
        if span.sort is Sort.NUMBER:
            # A piece of one is none: 12345678.5 is an amount.
            return [hit for hit in self._identities(text, span.start, span.end) if hit[:2] == (span.start, span.end)]
        name = str(span.path[-1]) if span.path else ""
        if name in gms.USER_FIELDS and span.sort is Sort.STRING:
            return [(span.start, span.end, IdentitySlot(plain_text(value), value, in_json))]
        return [*self._urls(text, span.start, span.end, name), *self._identities(text, span.start, span.end)]

    def _urls(self, text: bytes, start: int, end: int, field: str) -> Iterator[Hit]:
        for found in _URL.finditer(text, start, end):
            place = authority(found["scheme"].decode(), found["authority"].decode("latin-1"))
            if place in self._recorded.authorities or gms.is_gms_url(field):
                base = self._base.match(text, found.end(), end)
                slot = UrlSlot(base is not None, field == "_comet_url", escaped=b"\\/" in found[0])
                yield found.start(), base.end() if base else found.end(), slot

    def _identities(self, text: bytes, start: int, end: int) -> Iterator[Hit]:
        for found in self._identity.find(text, start, end):
            slot = IdentitySlot(found.value, text[found.start : found.end], found.write)
            yield found.start, found.end, slot


def _echo_slot(text: bytes, span: Span, echo: Echo, slots: Iterable[tuple[int, int, Slot]]) -> EchoSlot:
    raw = text[span.start : span.end]
    inside = [(start - span.start, end - span.start, slot) for start, end, slot in slots]
    return EchoSlot(echo, plain_text(raw), raw, _template(raw, inside))


def _instant(start: int, end: int, text: str, kind: InstantClass) -> list[Hit]:
    parsed = instants.parse(text)
    return [(start, end, InstantSlot((kind, parsed[0]), parsed[1]))] if parsed else []


def _template(text: bytes, hits: Iterable[Hit]) -> Template:
    pieces: list[bytes | Slot] = []
    needed: set[Instant] = set()
    at = 0
    for start, end, slot in sorted(hits, key=lambda hit: hit[0]):
        if start < at:
            continue
        if start > at:
            pieces.append(text[at:start])
        pieces.append(slot)
        at = end
        if isinstance(slot, InstantSlot | ElapsedSlot | EchoSlot):
            needed.update(slot.instants)
    if at < len(text):
        pieces.append(text[at:])
    return Template(tuple(pieces), frozenset(needed))
