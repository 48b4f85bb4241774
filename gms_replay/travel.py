"""Which values of a visit are identities, and where they travel; see docs/architecture.md, "Identities".

Strategy: whatever the app says is indexed once, by its values; then each value that GMS told is looked up there. What
GMS gave first and the app used later, whole, is an identity, whatever its field is called; so is what stands in a field
that is known to hold one.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from urllib.parse import parse_qsl, unquote

from gms_replay import fields, gms, instants
from gms_replay.gms import Kind, Path
from gms_replay.identities import is_mappable
from gms_replay.model import Direction, Headers
from gms_replay.occurrences import Finder
from gms_replay.rules import Rules
from gms_replay.sessions import Session, Told, Visited
from gms_replay.spans import leaves, spans


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stood: "field ticketNo", "path segment", "cookie JSESSIONID"."""

    exchange_id: int
    where: str


class Reason(StrEnum):
    """Why a value that looks like an identity is told as it was recorded."""

    TOO_SHORT = "too short, or without a digit"
    SAID_FIRST = "the app said it first"
    EXEMPT = "exempt by the rules file"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A value that GMS told `told` times, first at `given`, and the app said at `travels`, after that.

    `by_field`: the field that makes it an identity; None where its travel does. `left`: why it is none; None if it is.
    """

    value: str
    by_field: str | None
    given: Place
    told: int
    travels: tuple[Place, ...]
    left: Reason | None


@dataclass(slots=True)
class _Said:
    """When the app said a value, and where it used it. `is_exempt`: it stood where the rules let no identity be."""

    first_us: int
    is_exempt: bool = False
    in_field_us: int | None = None
    uses: list[tuple[int, Place]] = field(default_factory=list)

    def used_after(self, at_us: int) -> tuple[Place, ...]:
        return tuple(place for used_us, place in self.uses if used_us > at_us)


@dataclass(slots=True)
class _Given:
    """A value that GMS told, of what was said of it. `is_ruled`: a field of the rules file's has it."""

    at_us: int
    place: Place
    told: int = 0
    by_field: str | None = None
    is_ruled: bool = False
    is_exempt: bool = False
    is_word: bool = False


def find(session: Session, told: Iterable[Told], rules: Rules) -> tuple[Candidate, ...]:
    """The identities of a visit, and what only looks like one, in the order in which they were told.

    `told`: what GMS told the app in it.
    """
    said = _index(session, rules)
    given: dict[str, _Given] = {}
    for at_us, place, path, value in _leaves_told(session, told):
        _note(given, said, rules, at_us, place, path, value)
    judged = (_judged(value, one, said.get(value)) for value, one in given.items())
    return tuple(sorted((one for one in judged if one), key=lambda one: given[one.value].at_us))


def carriers(told: Iterable[Told], values: Iterable[str]) -> dict[str, Counter[str]]:
    """In which fields, and how often, GMS told values as a part of something longer: of a URL, of a `tag`."""
    finder = Finder(values)
    found: dict[str, Counter[str]] = {}
    for text in told:
        for span in text.values:
            for one in finder.find(text.raw, span.start, span.end):
                if (one.start, one.end) != (span.start, span.end):
                    found.setdefault(one.value, Counter())[_named(span.path)] += 1
    return found


def _note(
    given: dict[str, _Given], said: dict[str, _Said], rules: Rules, at_us: int, place: Place, path: Path, value: str
) -> None:
    is_known, is_exempt = gms.is_identity(path), rules.is_exempt(path)
    by_field = is_known or rules.is_identity(path)
    if not value or not (by_field or is_exempt or value in said):
        return
    one = given.setdefault(value, _Given(at_us, place))
    if at_us < one.at_us:
        one.at_us, one.place = at_us, place
    one.told += 1
    if by_field and not one.is_ruled:
        one.is_ruled = not is_known
        one.by_field = _name(path) if one.is_ruled or one.by_field is None else one.by_field
    one.is_exempt = one.is_exempt or is_exempt
    one.is_word = one.is_word or gms.is_word(path) or rules.instant_class(path) is not None


def _judged(value: str, given: _Given, said: _Said | None) -> Candidate | None:
    """What is to become of a value; None where it does not even look like an identity."""
    travels = said.used_after(given.at_us) if said else ()
    if given.by_field is None and (not travels or given.is_word or not _is_opaque(value)):
        return None
    left: Reason | None = None
    if given.is_exempt or (said is not None and said.is_exempt):
        left = Reason.EXEMPT
    elif not is_mappable(value):
        left = Reason.TOO_SHORT
    elif said is not None and not given.is_ruled:
        # In a path stands what GMS gave, also where nobody recorded when: of fields that hold identities this is known.
        first_us = said.first_us if given.by_field is None else said.in_field_us
        left = Reason.SAID_FIRST if first_us is not None and first_us <= given.at_us else None
    return Candidate(value, given.by_field, given.place, given.told, travels, left)


def _is_opaque(value: str) -> bool:
    """Whether a value says nothing by itself."""
    return "://" not in value and instants.read(value) is None


# What GMS told.


def _leaves_told(session: Session, told: Iterable[Told]) -> Iterator[tuple[int, Place, Path, str]]:
    for one in session:
        if response := one.exchange.response:
            for sort, name, value in _told_headers(response.headers):
                # Of Comet's headers only cookies are replayed.
                if sort == "cookie" or one.operation.kind is not Kind.COMET:
                    yield response.started_at_us, Place(one.exchange.id, f"{sort} {name}"), (name,), value
    for text in told:
        for path, value in leaves(text.raw, text.values):
            yield text.at_us, Place(text.exchange_id, _named(path)), path, value


def _told_headers(headers: Headers) -> Iterator[tuple[str, str, str]]:
    for name, value in headers:
        if (lower := name.lower()) == "set-cookie":
            cookie, _, content = value.partition(";")[0].partition("=")
            yield "cookie", cookie.strip(), content.strip()
        elif not gms.is_plain_header(lower):
            yield "header", name, value


def _named(path: Path) -> str:
    return f"field {_dotted(path)}" if path else "body"


def _name(path: Path) -> str:
    return next(step for step in reversed(path) if isinstance(step, str))


def _dotted(path: Path) -> str:
    """The keys before a value: in which place of a list it stands says nothing."""
    return ".".join(step for step in path if isinstance(step, str))


# What the app said.


def _index(session: Session, rules: Rules) -> dict[str, _Said]:
    """What the app said, by its values, of those that could be an identity that travels."""
    index: dict[str, _Said] = {}
    for one in session:
        for at_us, sort, name, value in _said(one):
            if not is_mappable(value):
                continue
            path = tuple(name.split("."))
            said = index.setdefault(value, _Said(at_us))
            said.first_us = min(said.first_us, at_us)
            if sort != "path segment":
                said.in_field_us = at_us if said.in_field_us is None else min(said.in_field_us, at_us)
            is_plain = gms.is_plain_header(name.lower()) if sort == "header" else gms.is_word(path)
            said.is_exempt = said.is_exempt or rules.is_exempt(path)
            if not is_plain:
                said.uses.append((at_us, Place(one.exchange.id, f"{sort} {name}".rstrip())))
    return index


def _said(one: Visited) -> Iterator[tuple[int, str, str, str]]:
    """When, in what (a "path segment", a "query field"), under which name the app said which value."""
    request = one.exchange.request
    at_us = request.started_at_us
    path, _, query = request.target.partition("?")
    for segment in path.split("/"):
        yield at_us, "path segment", "", unquote(segment)
    for name, value in parse_qsl(query, keep_blank_values=True):
        for inner, leaf in _leaves_said(name, value):
            yield at_us, "query field", inner, leaf
    for name, value in request.headers:
        if name.lower() == "cookie":
            for pair in value.split(";"):
                cookie, _, content = pair.partition("=")
                yield at_us, "cookie", cookie.strip(), content.strip()
        else:
            yield at_us, "header", name, value
    if one.operation.kind is not Kind.COMET:
        for name, value in fields.read("", request.headers, request.body.plain).items():
            for inner, leaf in _leaves_said(name, value):
                yield at_us, "body field", inner, leaf
    for heard in one.heard:
        message = heard.message
        if message.direction is Direction.TO_SERVER:
            for at, leaf in leaves(message.raw, spans(message.raw)):
                yield message.at_us, f"{message.channel} field", _dotted(at), leaf


def _leaves_said(name: str, value: str) -> Iterator[tuple[str, str]]:
    """A field, and those of JSON in it."""
    yield name, value
    if value.lstrip()[:1] in ("{", "["):
        text = value.encode("utf-8", "backslashreplace")
        for path, leaf in leaves(text, spans(text), 1):
            yield f"{name}.{_dotted(path)}", leaf
