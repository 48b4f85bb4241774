"""What of a visit is compared with another: what comes in an order, piece by piece, and what is told of states.

Strategy: polls, and the frames that carry a chat's lines, come as often as they come, so they are states; a chat's
lines are pieces, whatever told them.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from gms_replay import bodies, causes, gms, lines
from gms_replay.alignment import Alike
from gms_replay.bodies import BODY, LINES, Branch, Node
from gms_replay.gms import Kind, Operation
from gms_replay.grades import CONTENT_TYPE, FORM, STATUS
from gms_replay.likeness import Leaf
from gms_replay.model import Direction, header
from gms_replay.privacy import WITHHELD
from gms_replay.sessions import Session
from gms_replay.spans import Sort, plain_text, spans


@dataclass(frozen=True, slots=True)
class Piece:
    """Something that comes in an order. `place`: what it is, in words.

    `waited_us`: how long it took, after `since`; where that differs, waits say nothing. `timed_as`: in which series.
    """

    place: str
    at_us: int
    node: Node
    waited_us: int | None = None
    since: str = ""
    timed_as: str = ""
    is_typing: bool = False

    @property
    def alike(self) -> Alike:
        return Alike((self.place, bodies.outlined(self.node)), self.place)

    def alike_by(self, worded: bodies.Worded) -> Alike:
        """The same, where of values others things may be in common."""
        return Alike((self.place, bodies.outlined(self.node, worded)), self.place)


def asked(session: Session) -> Iterator[Piece]:
    """What the app asked, by what it said, but for polls; of what is published what acts. A repetition counts once."""
    acts = [(done.at_us, done.operation, done.said) for done in causes.acts_of(session)]
    others = [(one.at_us, one.operation, one.said) for one in session if one.operation.act is None]
    for at_us, operation, said in sorted([*acts, *others], key=lambda one: one[0]):
        if not _is_aside(operation.kind):
            yield _request(operation, at_us, said)


def polls(session: Session) -> list[Piece]:
    """What the app asked again and again, each once, in any order: by what it said, but for its place in the chat."""
    found: dict[tuple[str, str], Piece] = {}
    for one in session:
        if one.operation.kind in gms.POLLED:
            said = {name: text for name, text in one.said.items() if name not in bodies.POSITIONS}
            piece = _request(one.operation, one.at_us, said)
            found.setdefault((piece.place, bodies.shown(piece.node)), piece)
    return list(found.values())


def _request(operation: Operation, at_us: int, said: Mapping[str, str]) -> Piece:
    node = Branch({name: Leaf((name,), text, Sort.STRING) for name, text in sorted(said.items())})
    return Piece(f"request {operation}", at_us, node)


def _is_aside(kind: Kind) -> bool:
    return kind in gms.POLLED or kind in (Kind.COMET, Kind.PREFLIGHT, Kind.TYPING)


def answers(session: Session) -> Iterator[Piece]:
    """The answers to that: status, content type and fields."""
    for one in session:
        response = one.exchange.response
        if response is None or _is_aside(one.operation.kind):
            continue
        node = Branch({STATUS: Leaf((STATUS,), str(response.status), Sort.NUMBER)})
        if sort := header(response.headers, "content-type"):
            # Neither case nor spaces matter (RFC 9110, section 8.3.1).
            node[CONTENT_TYPE] = Leaf((CONTENT_TYPE,), "".join(sort.lower().split()), Sort.STRING)
        node[FORM] = Leaf((FORM,), _form(response.body.plain), Sort.STRING)
        node[BODY] = bodies.tree(response.body.plain, LINES if one.operation.kind in gms.TELLS_LINES else ())
        place = str(one.operation)
        yield Piece(place, response.started_at_us, node, response.started_at_us - one.at_us, place, place)


def _form(body: bytes) -> str:
    """Whether what looks like JSON is: not every app reads what is not, whatever it says."""
    if body == WITHHELD.encode():
        return WITHHELD
    try:
        if body.lstrip()[:1] in (b"{", b"["):
            json.loads(body)
    except (ValueError, RecursionError):
        return "JSON with mistakes"
    return "well-formed"


def _heard(session: Session) -> Iterator[tuple[str, int, bytes]]:
    """What was told over Comet, each once: a message with an id of its own may come again."""
    seen: set[str] = set()
    for one in session:
        for heard in one.heard:
            message = heard.message
            if message.direction is not Direction.TO_CLIENT or not heard.parsed.is_event:
                continue
            data = heard.parsed.fields.get("data")
            own = data.get("id") if isinstance(data, dict) else None
            if not isinstance(own, str):
                yield message.channel, message.at_us, message.raw
            elif own not in seen:
                seen.add(own)
                yield message.channel, message.at_us, message.raw


def _tells_chat(raw: bytes) -> bool:
    return any(b'"%s"' % name.encode() in raw for name in LINES)


def events(session: Session) -> dict[str, list[Piece]]:
    """By channel what is told over Comet and is no chat's, and what is refused there."""
    found: dict[str, list[Piece]] = {}
    for channel, at_us, raw in _heard(session):
        if not _tells_chat(raw):
            found.setdefault(channel, []).append(Piece(f"message on {channel}", at_us, bodies.tree(raw)))
    for one in session:
        for heard in one.heard:
            fields = heard.parsed.fields
            if heard.message.direction is Direction.TO_CLIENT and fields.get("successful") is False:
                error = Leaf(("error",), str(fields.get("error", "")).partition(":")[0], Sort.STRING)
                refusal = Piece(f"refusal on {heard.message.channel}", heard.message.at_us, error)
                found.setdefault(heard.message.channel, []).append(refusal)
    return found


@dataclass(frozen=True, slots=True)
class State:
    """What is told of something as often as it is asked. `tells_chat`: its lines too, which others tell as well."""

    nodes: tuple[Node, ...] = ()
    tells_chat: bool = False


def states(session: Session) -> dict[str, State]:
    """By what tells it: what was true whenever it was told."""
    found: dict[tuple[str, bool], list[Node]] = {}
    for one in session:
        response = one.exchange.response
        if response is not None and one.operation.kind in gms.POLLED:
            status = Leaf((STATUS,), str(response.status), Sort.NUMBER)
            node = Branch({STATUS: status, BODY: bodies.tree(response.body.plain, LINES)})
            found.setdefault((str(one.operation), one.operation.kind in gms.TELLS_LINES), []).append(node)
    for channel, _, raw in _heard(session):
        if _tells_chat(raw):
            found.setdefault((f"chat on {channel}", True), []).append(bodies.tree(raw, LINES))
    return {place: State(tuple(nodes), tells_chat) for (place, tells_chat), nodes in found.items()}


def lines_of(old: Session, new: Session) -> tuple[list[Piece], list[Piece]]:
    """The chats' lines as Comet told them; by REST where it told none in either: answers hold what is left over."""
    was, now = list(_of_texts(old, _pages(old))), list(_of_texts(new, _pages(new)))
    if was or now:
        return was, now
    return list(_of_texts(old, _answered(old))), list(_of_texts(new, _answered(new)))


def _pages(session: Session) -> Iterator[tuple[int, bytes]]:
    return ((at_us, raw) for _, at_us, raw in _heard(session))


def _answered(session: Session) -> Iterator[tuple[int, bytes]]:
    for one in session:
        if (response := one.exchange.response) and one.operation.kind in gms.TELLS_LINES:
            yield response.started_at_us, response.body.plain


def _of_texts(session: Session, texts: Iterable[tuple[int, bytes]]) -> Iterator[Piece]:
    acts = [(done.at_us, str(done.operation)) for done in causes.acts_of(session)]
    seen: set[tuple[object, ...]] = set()
    last = (0, "")
    for at_us, text in texts:
        for line in lines.read(text, tuple(spans(text))):
            if line.key in seen:
                continue
            seen.add(line.key)
            spoken = {"nickname": line.nickname, "text": line.text}
            node = Branch()
            for name, span in spoken.items():
                said = plain_text(text[span.start : span.end]) if span else ""
                node[name] = Leaf((name,), said, Sort.STRING)
            since_us, since = max([last, *(one for one in acts if one[0] <= at_us)])
            waited = None if line.is_client or not since_us else at_us - since_us
            place = f"chat {line.party} {line.kind}"
            yield Piece(place, at_us, node, waited, since, "chat lines", "Typing" in line.kind)
            last = (at_us, place)
