"""The lines of a chat in a text that GMS told, in version 1 and in version 2, whether the text parses or not.

Version 1 has lists of five under `transcriptToShow` (type, nickname, text, seconds, party), version 2 objects under
`messages` (GMS.md, section 3).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gms_replay import gms
from gms_replay.gms import Path
from gms_replay.spans import Sort, Span, plain_text

_COLUMNS = ("type", "nickname", "text", "n", "party")
_MARKS = (b'"transcriptToShow"', b'"messages"')
_NESTED = {"nickname": "nickname", "type": "party"}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a chat. `key` is equal where it is told again; `nickname` and `text` are where they stand, if strings.

    `is_message`: it holds words of somebody's, and is no notice. `kind` and `party` are GMS's words for it.
    """

    key: tuple[object, ...]
    is_client: bool
    is_message: bool
    nickname: Span | None
    text: Span | None
    kind: str
    party: str


@dataclass(slots=True)
class _Chat:
    """What a text tells of one chat: its lines, each as spans by their names, and what stands beside them."""

    lines: dict[int, dict[str, Span]] = field(default_factory=dict)
    beside: dict[str, Span] = field(default_factory=dict)


def read(text: bytes, values: Sequence[Span]) -> Iterator[Line]:
    """The lines in a text whose values stand there, in order."""
    if not any(mark in text for mark in _MARKS):
        return
    chats: dict[Path, _Chat] = {}
    for span in values:
        if span.sort is not Sort.KEY and (place := _place(span.path)) is not None:
            chat, number, name = place
            chats.setdefault(chat, _Chat()).lines.setdefault(number, {})[name] = span
    for span in values:
        if (owner := chats.get(span.path[:-1])) is not None and span.sort is not Sort.KEY:
            owner.beside[str(span.path[-1])] = span
    for found in chats.values():
        yield from _lines(text, found)


def is_line(path: Path) -> bool:
    """Whether what stands at a path belongs to a line."""
    return _place(path) is not None


def _place(path: Path) -> tuple[Path, int, str] | None:
    """The chat's place, the number of the line in it, and what of the line stands at a path."""
    match path:
        case (*chat, "transcriptToShow", int(number), int(column)) if column < len(_COLUMNS):
            return tuple(chat), number, _COLUMNS[column]
        case (*chat, "messages", int(number), str(name)):
            return tuple(chat), number, name
        case (*chat, "messages", int(number), "from", str(name)) if name in _NESTED:
            return tuple(chat), number, _NESTED[name]
    return None


def _lines(text: bytes, chat: _Chat) -> Iterator[Line]:
    def value(spans: dict[str, Span], name: str) -> str:
        return plain_text(text[spans[name].start : spans[name].end]) if name in spans else ""

    position = gms.position(value(chat.beside, "transcriptPosition"))
    first = -1 if position is None else position - len(chat.lines)
    again: Counter[tuple[str, str, str]] = Counter()
    for place, spans in enumerate(chat.lines.values()):
        kind, party = value(spans, "type"), value(spans, "party")
        if "index" in spans:
            key: tuple[object, ...] = (value(spans, "index"), value(spans, "utcTime"))
        elif first >= 0:
            key = (value(chat.beside, "chatSessionId"), first + place)
        else:
            said = (value(spans, "n"), party, value(spans, "text"))
            again[said] += 1
            key = (*said, again[said])
        yield Line(
            key,
            is_client=party in ("CLIENT", "Client"),
            is_message=kind.partition(".")[0] == "Message",
            nickname=_string(spans.get("nickname")),
            text=_string(spans.get("text")),
            kind=kind,
            party=party,
        )


def _string(span: Span | None) -> Span | None:
    return span if span is not None and span.sort is Sort.STRING else None
