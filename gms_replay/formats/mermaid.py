"""The visits of a recording as sequence diagrams, which GitHub draws where a Markdown file has them (Mermaid).

Strategy: one diagram for each session, in Markdown, for a file of Mermaid's own holds one diagram only. What apps poll
is folded into loops, for a diagram is to be looked at; nothing else is left out. Letters, digits and plain signs go as
they are, all else as Mermaid's entities (`#59;`), so that nothing that people typed ends a line, begins a comment, or
is HTML (Mermaid's "Sequence diagrams", "Entity codes to escape characters").
"""

import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter

from gms_replay import bayeux, pushes, sessions
from gms_replay.formats.chat2 import Told
from gms_replay.formats.tale import count, described, ending, heading, lines, plain, refusal, shown, told_dialog
from gms_replay.gms import POLLED, Kind
from gms_replay.instants import SECOND_US
from gms_replay.model import Direction, Recording
from gms_replay.pushes import Derived, Notification
from gms_replay.sessions import Session, Visited
from gms_replay.spans import texts

_PLAIN = frozenset(" .,+-()/_=?!'“”„…—@")
_MARKUP = frozenset("\\`*_[]<>#&|~!$")
_LINE_AT_MOST = 60
_TEXT_AT_MOST = 400
_DIAGRAM_AT_MOST = 40_000
"""Mermaid draws no text of more than 50,000 characters (its option `maxTextSize`, which GitHub leaves alone)."""

_APP, _GMS, _DEVICE = "app", "GMS", "device"
_PROVIDERS = {"apns": "Apple", "fcm": "Google"}
_ASKS, _ANSWERS, _TELLS, _LOSES = "->>", "-->>", "-)", "--x"


@dataclass(frozen=True, slots=True)
class _Arrow:
    """One arrow. `polled`: what is asked for, where that is asked again and again; then `answer` is its answer."""

    at_us: int
    by: str
    sign: str
    to: str
    text: str
    polled: tuple[str, ...] = ()
    answer: str = ""
    told: Told | None = None


def tell(recording: Recording, name: str) -> Iterator[str]:
    """The lines of a Markdown file with a diagram for each session; of a long one with several."""
    found = sessions.split(recording)
    pushed = pushes.find(recording, found).of_visits
    yield f"# {_markdown(plain(name))}"
    for number, (session, of_visit) in enumerate(zip(found, pushed, strict=True), start=1):
        yield ""
        yield f"## {_markdown(heading(number, session))}"
        yield from _diagrams(session, of_visit)
    if not found:
        yield ""
        yield "No session was recorded."


def _diagrams(session: Session, pushed: Iterable[Notification | Derived]) -> Iterator[str]:
    arrows = _once([*(arrow for one in session for arrow in _arrows(one)), *map(_push, pushed)])
    names = dict.fromkeys([_APP, _GMS, *(name for one in arrows for name in (one.by, one.to))])
    head = ["", "```mermaid", "sequenceDiagram", *(f"    participant {name}" for name in names)]
    size = 0
    yield from head
    for block in [_comet(session), *_blocks(arrows, session[0].at_us)]:
        size += sum(map(len, block))
        if size > _DIAGRAM_AT_MOST:
            size = sum(map(len, block))
            yield "```"
            yield from head
        yield from block
    yield "```"


def _comet(session: Session) -> list[str]:
    """How the app listened: the polls that wait for what GMS tells are no arrows of their own."""
    asked = [heard.message for one in session for heard in one.heard if heard.message.direction is Direction.TO_SERVER]
    polls = [message for message in asked if message.channel == bayeux.CONNECT]
    if not polls:
        return []
    by = ", ".join(dict.fromkeys(str(message.transport) for message in polls))
    return [f"    Note over {_APP},{_GMS}: {_text(f'Comet by {by}: ' + count(len(polls), 'poll'))}"]


def _once(arrows: Iterable[_Arrow]) -> list[_Arrow]:
    """In order of time, each line of a chat once."""
    told: set[Told] = set()
    kept = []
    for one in sorted(arrows, key=attrgetter("at_us")):
        if one.told is None or one.told not in told:
            kept.append(one)
        told |= {one.told} if one.told else set()
    return kept


def _arrows(one: Visited) -> Iterator[_Arrow]:
    is_comet = one.operation.kind is Kind.COMET
    if not is_comet:
        yield from _exchange(one)
    for line in lines(one):
        if line.who != _APP:
            yield _Arrow(line.at_us, _GMS, _TELLS, _APP, shown(line.text), told=line.told)
        elif is_comet:
            yield _Arrow(line.at_us, _APP, _ASKS, _GMS, shown(line.text))


def _exchange(one: Visited) -> Iterator[_Arrow]:
    said, response = one.said.get("message"), one.exchange.response
    asks = f"{one.operation} “{said}”" if one.operation.kind is Kind.SEND else str(one.operation)
    answer = _answer(one) if response else f"no answer{ending(one.exchange)}"
    sign = _ANSWERS if response and not ending(one.exchange) else _LOSES
    if sign is _ANSWERS and one.operation.kind in POLLED:
        yield _Arrow(one.at_us, _APP, _ASKS, _GMS, shown(asks), one.operation.key, shown(answer))
        return
    yield _Arrow(one.at_us, _APP, _ASKS, _GMS, shown(asks))
    outcome = one.exchange.outcome
    ended_us = response.started_at_us if response else outcome.at_us if outcome else one.at_us
    yield _Arrow(ended_us, _GMS, sign, _APP, shown(answer))


def _answer(one: Visited) -> str:
    response = one.exchange.response
    assert response is not None
    told = texts(response.body.plain)
    if refused := refusal(one, told):
        return refused.removeprefix(": ")
    places = [("_position",), ("chatIxnState",), ("chatId",), ("_id",)]
    named = next((f"{path[0]} {told[path]}" for path in places if told.get(path)), "")
    shows = [told_dialog(told)] if ("_action",) in told else []
    return ", ".join([str(response.status), *shows, *([named] if named and not shows else [])])


def _push(one: Notification | Derived) -> _Arrow:
    to = _DEVICE if isinstance(one, Derived) else _PROVIDERS.get(one.provider, _DEVICE)
    return _Arrow(one.at_us, _GMS, _TELLS, to, shown(f"pushes {described(one)}"))


def _blocks(arrows: Sequence[_Arrow], start_us: int) -> Iterator[list[str]]:
    """The lines of each arrow, and of all polls that come one after another."""
    for polled, group in groupby(arrows, key=attrgetter("polled")):
        some = list(group)
        if not polled:
            yield from ([_line(one, _offset(one, start_us))] for one in some)
            continue
        answers = ", then ".join(dict.fromkeys(one.answer for one in some))
        first, last = _offset(some[0], start_us), _offset(some[-1], start_us)
        pair = [_line(some[0], first), f"    {_GMS}{_ANSWERS}{_APP}: {_text(answers)}"]
        loop = f"    loop {_text(f'{len(some)} times, until {last}')}"
        yield [loop, *(f"    {line}" for line in pair), "    end"] if len(some) > 1 else pair


def _line(one: _Arrow, offset: str) -> str:
    return f"    {one.by}{one.sign}{one.to}: {_text(f'{offset} {one.text}')}"


def _offset(one: _Arrow, start_us: int) -> str:
    return f"{(one.at_us - start_us) / SECOND_US:+.3f} s"


def _text(text: str) -> str:
    """A text of one line as Mermaid reads it, broken where it is long."""
    cut = text if len(text) <= _TEXT_AT_MOST else f"{text[:_TEXT_AT_MOST]}…"
    return (
        "<br/>".join("".join(map(_sign, line)) for line in textwrap.wrap(cut, _LINE_AT_MOST, break_on_hyphens=False))
        or "-"
    )


def _sign(character: str) -> str:
    return character if character.isalnum() or character in _PLAIN else f"#{ord(character)};"


def _markdown(text: str) -> str:
    """A text in which no sign means anything to Markdown (CommonMark 0.31, section 2.4)."""
    return "".join(f"\\{character}" if character in _MARKUP else character for character in text)
