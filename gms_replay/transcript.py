"""The lines of a chat, whatever told them: answers by REST, or messages over Comet.

Strategy: each page (an answer or message that tells of a chat) is cut into what stands before its lines, the lines, and
what stands after. So any page can be told with other lines than its own, byte for byte as they were recorded: an app
that asks from another position, or by other means, than the recorded one gets just the lines that it lacks.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

from gms_replay import chat1, gms
from gms_replay.echoes import Echo, Echoes
from gms_replay.fields import Fields
from gms_replay.rewrite import Compiler, Template
from gms_replay.spans import Extent, Sort, Span, extent, plain_text, spans


@dataclass(frozen=True, slots=True)
class _Version:
    """Where a page has what, side by side. `ahead`: the place it names is the last line's and so many more."""

    lines: str
    place: str
    chat: str
    number: str | None
    ahead: int
    over: tuple[str, str]


_VERSIONS = (
    _Version("transcriptToShow", "transcriptPosition", "chatSessionId", None, 0, ("chatIxnState", "DISCONNECTED")),
    _Version("messages", "nextPosition", "chatId", "index", 1, ("chatEnded", "true")),
)


@dataclass(frozen=True, eq=False)
class Page:
    """What one answer or message tells of a chat: `text`, perhaps a part of it.

    `position`: the number of the chat's last line by then, from 1. `is_over`: it says that nothing more comes.
    `numbers`: those of its own lines, `lines` where these stand. `service_id`: whose chat it is, if the tag of a Comet
    message says so.
    """

    chat: str
    service_id: str | None
    position: int
    is_over: bool
    numbers: tuple[int, ...]
    text: bytes
    lines: Extent
    compiler: Compiler
    echoes: Echoes

    @cached_property
    def whole(self) -> Template:
        return self.compiler.body(self.text, self.echoes)

    @cached_property
    def parts(self) -> tuple[Template, ...]:
        """What stands before the lines, each of them, and what stands after."""
        cuts = ((0, self.lines.start + 1), *self.lines.inside, (self.lines.end - 1, len(self.text)))
        return self.compiler.parts(self.text, cuts, self.echoes)

    def cut(self, after: int) -> tuple[bytes, Echoes]:
        """Its text with those of its lines only that come after one, and where the app's words stand in that."""
        lines = zip(self.numbers, self.lines.inside, strict=True)
        kept = [place for number, place in lines if number > after]
        text = b""
        echoes: dict[int, Echo] = {}
        for place, (start, end) in enumerate([(0, self.lines.start + 1), *kept, (self.lines.end - 1, len(self.text))]):
            # Between lines stands a comma.
            text += b"," if 1 < place <= len(kept) else b""
            moved_by = len(text) - start
            echoes |= {at + moved_by: echo for at, echo in self.echoes.items() if start <= at < end}
            text += self.text[start:end]
        return text, echoes


def asked_after(version: str, said: Fields) -> int:
    """The number of the last line that an app has which refreshes, by what it says."""
    version_ahead = _VERSIONS[version == "2"].ahead
    position = gms.position(said.get("transcriptPosition"))
    return max(0, (position or 0) - version_ahead)


def read(text: bytes, compiler: Compiler, echoes: Echoes) -> Page | None:
    """The page that a body or a message tells, None where it tells none. `echoes`: where words of the app's stand."""
    found = list(spans(text))
    keys = {span.path: span for span in found if span.sort is Sort.KEY}
    values = {span.path: plain_text(text[span.start : span.end]) for span in found if span.sort is not Sort.KEY}
    for path, key in keys.items():
        version = next((one for one in _VERSIONS if one.lines == path[-1]), None)
        lines = extent(text, key) if version else None
        if version is None or lines is None or text[lines.start : lines.start + 1] != b"[":
            continue
        place = gms.position(values.get((*path[:-1], version.place)))
        if place is None:
            continue
        last, count = place - version.ahead, len(lines.inside)
        named = [gms.position(values.get((*path, at, version.number or ""))) for at in range(count)]
        # Version 1 numbers none: they are the last.
        numbers = named if version.number else range(last - count + 1, last + 1)
        if any(number is None or number < 1 for number in numbers):
            continue
        told = tuple(number for number in numbers if number is not None)
        beside = path[:-1]
        is_over = values.get((*beside, version.over[0])) == version.over[1]
        service_id = chat1.service_of_tag(values.get((*beside[:-1], "tag"), ""))
        page = Page(
            values.get((*beside, version.chat), ""), service_id, last, is_over, told, text, lines, compiler, echoes
        )
        # Around it a Comet message may have something else.
        return _within(page, keys[beside]) if beside in keys else page
    return None


def _within(page: Page, key: Span) -> Page:
    """The page that stands behind a key."""
    around = extent(page.text, key)
    if around is None:
        return page
    start, lines = around.start, page.lines
    inside = tuple((first - start, last - start) for first, last in lines.inside)
    return replace(
        page,
        text=page.text[start : around.end],
        lines=Extent(lines.start - start, lines.end - start, inside),
        echoes={at - start: echo for at, echo in page.echoes.items()},
    )


class Transcript:
    """The lines of one chat, from all its pages."""

    def __init__(self, pages: Iterable[Page]) -> None:
        lines: dict[int, Template] = {}
        for page in pages:
            for number, line in zip(page.numbers, page.parts[1:-1], strict=True):
                lines.setdefault(number, line)
        self._lines = dict(sorted(lines.items()))

    def told(self, page: Page, after: int) -> Template:
        """A page with all lines up to its last that come after one, whichever page told them."""
        wanted = {number: line for number, line in self._lines.items() if after < number <= page.position}
        if tuple(wanted) == page.numbers:
            return page.whole
        between = [part for line in wanted.values() for part in (_COMMA, line)][1:]
        return joined(page.parts[0], *between, page.parts[-1])


_COMMA = Template((b",",), frozenset())


def joined(*templates: Template) -> Template:
    """One template of several that follow one another."""
    instants = frozenset(instant for template in templates for instant in template.instants)
    return Template(tuple(piece for template in templates for piece in template.pieces), instants)
