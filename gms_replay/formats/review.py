"""A recording as text for whoever reviews a change of it: what `git diff` shows of a cassette.

Strategy: two recordings of the same visit read alike, and what GMS or the app says otherwise stands out, a line for
each field. So what differs with each recording is left out (times, how often was polled) or named by its place:
identities by the order in which they come, instants and the server's address as such. `jsonl` has all of it, and nearly
every line of it differs.
"""

import re
from collections.abc import Iterator

from gms_replay import gms, instants, pushes, sessions, travel
from gms_replay.fields import Fields
from gms_replay.formats.tale import described, ending, lines, shown
from gms_replay.gms import POLLED, Kind, Path
from gms_replay.model import Direction, Recording, header
from gms_replay.rules import Rules
from gms_replay.sessions import Heard, Session, Visited
from gms_replay.spans import texts

_INSTANT, _ELAPSED, _SERVER, _ID = "<instant>", "<seconds>", "<GMS>", "<id>"


_Said = list[str | tuple[Path, str]]
"""A head, and beneath it what is said, field by field."""

_Block = tuple[int, _Said]
"""When something was said, and what."""


def tell(recording: Recording) -> Iterator[str]:
    """The lines: what was said in each session, in order, and what else was recorded."""
    found = sessions.split(recording)
    pushed = pushes.find(recording, found)
    for number, (session, of_visit) in enumerate(zip(found, pushed.of_visits, strict=True), start=1):
        yield f"session {number}, user {shown(sessions.user_of(session) or 'unknown')}"
        wakes: list[_Block] = [(one.at_us, [f"GMS pushes {described(one)}"]) for one in of_visit]
        yield from _once(_Veil(session), [*wakes, *_blocks(session)])
    told = {one.exchange.id for session in found for one in session}
    others = [one for one in recording.exchanges if one.id not in told]
    if others:
        yield "besides"
        yield from sorted({f"  {shown(f'{one.request.method} {one.request.target}')}" for one in others})


def _once(veil: "_Veil", blocks: list[_Block]) -> Iterator[str]:
    """The lines of the blocks in order of time; of equal ones that follow one another, as polls are, the first."""
    before: list[str] = []
    for _, said in sorted(blocks, key=lambda block: block[0]):
        block: list[str] = []
        for one in said:
            line = f"  {veil.text(one)}" if isinstance(one, str) else f"    {veil.field(*one)}"
            if [line] != block[-1:]:
                block.append(line)
        if block != before:
            yield from block
        before = block


def _blocks(session: Session) -> Iterator[_Block]:
    for one in session:
        if one.operation.kind is Kind.COMET:
            for line in lines(one):
                if line.who == "app":
                    yield line.at_us, [f"app {line.text}"]
            for heard in one.heard:
                if _is_told(heard):
                    yield heard.message.at_us, _event(heard)
        elif one.operation.kind in POLLED:
            # Asked and answered in one, so that equal polls are equal blocks.
            yield one.at_us, [*_asked(one), *_answered(one)]
        else:
            yield one.at_us, _asked(one)
            response = one.exchange.response
            yield response.started_at_us if response else one.at_us, _answered(one)


def _is_told(heard: Heard) -> bool:
    return heard.parsed.is_event and heard.message.direction is Direction.TO_CLIENT


def _event(heard: Heard) -> _Said:
    told = [(path, text) for path, text in texts(heard.message.raw).items() if path[:1] == ("data",)]
    # Each frame has an id of its own, so that a number would say of all later ones that they differ.
    fields = [(path[1:], _ID if path == ("data", "id") else text) for path, text in told]
    return [f"GMS tells on {heard.message.channel}", *fields]


def _asked(one: Visited) -> _Said:
    said: Fields = one.said
    return [f"app asks: {one.operation}", *(((name,), value) for name, value in said.items())]


def _answered(one: Visited) -> _Said:
    response = one.exchange.response
    if response is None:
        return [f"GMS answers nothing{ending(one.exchange)}"]
    return [f"GMS answers {response.status}{ending(one.exchange)}", *texts(response.body.plain).items()]


class _Veil:
    """Names what is another with each recording by what it is."""

    def __init__(self, session: Session) -> None:
        found = travel.find(session, list(sessions.told(session)), Rules())
        self._names: dict[str, str] = {}
        self._identities = _any_of({one.value for one in found if one.left is None})
        hosts = {header(one.exchange.request.headers, "host") for one in session}
        self._servers = _any_of({f"{scheme}://{host}" for host in hosts if host for scheme in ("http", "https")})

    def field(self, path: Path, text: str) -> str:
        name = ".".join(self.text(str(step)) for step in path)
        if gms.is_elapsed(path):
            return f"{name}: {_ELAPSED}"
        if gms.instant_class(path) and instants.parse(text):
            return f"{name}: {_INSTANT}"
        return f"{name}: {self._name(text) if gms.is_identity(path) and text else self.text(text)}"

    def text(self, text: str) -> str:
        # The vendor's own URLs are broken over lines.
        plain = self._servers.sub(_SERVER, shown(text))
        return self._identities.sub(lambda found: self._name(found[0]), instants.ANYWHERE.sub(_INSTANT, plain))

    def _name(self, identity: str) -> str:
        return self._names.setdefault(identity, f"<id {len(self._names) + 1}>")


def _any_of(values: set[str]) -> re.Pattern[str]:
    """What finds any of the values between other than letters and digits, the longest first; nothing, where none is."""
    some = "|".join(map(re.escape, sorted(values, key=lambda value: (-len(value), value)))) or "(?!)"
    return re.compile(rf"(?<![0-9A-Za-z])(?:{some})(?![0-9A-Za-z])")
