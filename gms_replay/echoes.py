"""What the app said and GMS repeats: names, subjects, the text of messages; see docs/architecture.md, "Echoes".

Strategy: a value that GMS told is an echo only where nothing else can be meant: in a field of the same name as the
app's, or in a line of a chat that the client wrote. Such a place is kept with who said it, request and fields; when the
story is played, what this app said in that request goes there. Sends are counted, because what an app says first comes
back first, whichever recorded answer it got.
"""

from bisect import bisect_right
from collections import deque
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from gms_replay import gms, lines
from gms_replay.fields import Fields
from gms_replay.gms import Kind
from gms_replay.lines import Line
from gms_replay.rules import Rules
from gms_replay.sessions import Told
from gms_replay.spans import Sort, Span, plain_text

_NAMES = (
    ("nickname",),
    ("userDisplayName",),
    ("firstName", "lastName"),
    ("lastName", "firstName"),
    ("firstName",),
    ("lastName",),
)
"""What GMS may make a nickname of, the likeliest first."""
_MESSAGE = "message"

UNANSWERED = -1

Source = tuple[Kind, int]
"""A request of the app's: its kind, and its place: of sends which one it is, from 0; of others its answer's index.

UNANSWERED where it has no answer of its own, as what is published over Comet.
"""


@dataclass(frozen=True, slots=True)
class Spoken:
    """What the app said in a request that was asked at `at_us`."""

    at_us: int
    source: Source
    said: Fields


@dataclass(frozen=True, slots=True)
class Echo:
    """Words that repeat what the app said in those fields of a request, joined by blanks."""

    source: Source
    fields: tuple[str, ...]

    def words(self, memory: Mapping[Source, Fields]) -> str | None:
        """The words of the app that `memory` is of; None where it has not said any."""
        said = memory.get(self.source, {})
        words = [said[name] for name in self.fields if name in said]
        return " ".join(filter(None, words)) if words else None


Echoes = Mapping[int, Echo]
"""By the place in a text at which the repeated words begin."""

TextKey = tuple[int, int | None]
"""A text that GMS told: the exchange that carried it, and the message's id if it was one."""


class Memory:
    """What one app has said. `wanted`: the requests whose words come back, and which of their fields those are.

    Nothing else is kept; how long such words may be, `limits` says.
    """

    def __init__(self, wanted: Mapping[Source, Collection[str]]) -> None:
        self.said: dict[Source, Fields] = {}
        self._wanted = wanted
        self._sends = 0

    def hear(self, kind: Kind, index: int | None, said: Fields) -> bool:
        """Keeps what is wanted of a request that gets the answer of that index, or none; False where it is not."""
        if kind is Kind.SEND:
            index, self._sends = self._sends, self._sends + 1
        source = (kind, UNANSWERED if index is None else index)
        names = self._wanted.get(source)
        if names is None:
            return False
        self.said[source] = {name: said[name] for name in names if name in said}
        return True


def find(told: Iterable[Told], spoken: Iterable[Spoken], rules: Rules) -> dict[TextKey, Echoes]:
    """The echoes in what GMS told, text by text."""
    words = _Words(sorted(spoken, key=lambda one: one.at_us), rules)
    found = ((text, dict(words.repeated(text))) for text in sorted(told, key=lambda text: text.at_us))
    return {(text.exchange_id, text.message_id): echoes for text, echoes in found if echoes}


def sources(found: Iterable[Echoes]) -> dict[Source, set[str]]:
    """The requests that echoes repeat, and which of their fields."""
    repeated: dict[Source, set[str]] = {}
    for echo in chain.from_iterable(one.values() for one in found):
        repeated.setdefault(echo.source, set()).update(echo.fields)
    return repeated


@dataclass(slots=True)
class _Sayings:
    """Who said the same words, in the order of time."""

    at_us: list[int] = field(default_factory=list)
    echoes: list[Echo] = field(default_factory=list)

    def add(self, one: Spoken, fields: tuple[str, ...]) -> None:
        self.at_us.append(one.at_us)
        self.echoes.append(Echo(one.source, fields))

    def last_before(self, at_us: int) -> Echo | None:
        place = bisect_right(self.at_us, at_us)
        return self.echoes[place - 1] if place else None


class _Words:
    """What the app said in a recording, and which of its messages have come back so far."""

    def __init__(self, spoken: Sequence[Spoken], rules: Rules) -> None:
        self._fields: dict[tuple[str, str], _Sayings] = {}
        self._names: dict[str, _Sayings] = {}
        self._sends: dict[str, deque[tuple[int, Echo]]] = {}
        self._lines: dict[tuple[object, ...], Echo | None] = {}
        for one in spoken:
            self._hear(one, rules)

    def repeated(self, text: Told) -> Iterator[tuple[int, Echo]]:
        """Where in a text the app's words stand, and whose."""
        for span in text.values:
            name = span.path[-1] if span.path else None
            if span.sort is Sort.STRING and isinstance(name, str) and not lines.is_line(span.path):
                sayings = self._fields.get((name, _words(text, span)))
                if sayings and (echo := sayings.last_before(text.at_us)):
                    yield span.start, echo
        for line in lines.read(text.raw, text.values):
            if line.is_client:
                yield from self._line(text, line)

    def _hear(self, one: Spoken, rules: Rules) -> None:
        names = {name.rpartition(".")[2]: name for name, words in one.said.items() if words}
        for name, full in names.items():
            if name in gms.SAID_FIELDS and not rules.is_identity((name,)):
                self._fields.setdefault((name, one.said[full]), _Sayings()).add(one, (full,))
        composed: dict[str, tuple[str, ...]] = {}
        for parts in _NAMES:
            if all(part in names for part in parts):
                fields = tuple(names[part] for part in parts)
                composed.setdefault(" ".join(one.said[name] for name in fields), fields)
        for name, fields in composed.items():
            self._names.setdefault(name, _Sayings()).add(one, fields)
        if one.source[0] is Kind.SEND and _MESSAGE in names:
            name = names[_MESSAGE]
            self._sends.setdefault(one.said[name], deque()).append((one.at_us, Echo(one.source, (name,))))

    def _line(self, text: Told, line: Line) -> Iterator[tuple[int, Echo]]:
        names = self._names.get(_words(text, line.nickname)) if line.nickname else None
        if line.nickname and names and (echo := names.last_before(text.at_us)):
            yield line.nickname.start, echo
        if line.text and line.is_message and (echo := self._message(text, line, _words(text, line.text))):
            yield line.text.start, echo

    def _message(self, text: Told, line: Line, words: str) -> Echo | None:
        """The send that a line repeats: of those with the same words the first that has not come back."""
        key = (words, *line.key)
        if key not in self._lines:
            sends = self._sends.get(words)
            is_said = sends and sends[0][0] <= text.at_us
            self._lines[key] = sends.popleft()[1] if sends and is_said else None
        return self._lines[key]


def _words(text: Told, span: Span) -> str:
    return plain_text(text.raw[span.start : span.end])
