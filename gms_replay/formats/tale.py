"""A recording told as a person would: who did what, in order, with offsets from the session's start."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from gms_replay import bayeux, gms, sessions
from gms_replay.fields import Fields
from gms_replay.gms import Kind, Path
from gms_replay.instants import SECOND_US
from gms_replay.model import Direction, Exchange, Recording, Run
from gms_replay.sessions import Heard, Session, Visited
from gms_replay.spans import texts

_NOTICES = {
    "Notice.Joined": "joins",
    "Notice.Left": "leaves",
    "Notice.TypingStarted": "starts typing",
    "Notice.TypingStopped": "stops typing",
}
_META = {
    bayeux.HANDSHAKE: "shakes hands",
    bayeux.SUBSCRIBE: "subscribes to",
    bayeux.UNSUBSCRIBE: "unsubscribes from",
    bayeux.DISCONNECT: "disconnects",
}

Texts = dict[Path, str]
"""What stands at each path of a body, whether it parses or not."""


def tell(recording: Recording, name: str) -> Iterator[str]:
    """The lines: a head with counts, then every session, then what belongs to none."""
    found = sessions.split(recording)
    counts = (
        _count(len(recording.runs), "run"),
        _count(len(found), "session"),
        _count(len(recording.exchanges), "exchange"),
        _count(len(recording.messages), "Bayeux message"),
        *([_count(len(recording.pushes), "push", "pushes")] if recording.pushes else []),
        *([_count(len(recording.sockets), "socket")] if recording.sockets else []),
    )
    yield f"{name}: {', '.join(counts)}"
    yield from (_run(run) for run in recording.runs)
    if not recording.runs:
        yield "  nothing was recorded; where the recorder was killed, keep the file that ends in -wal beside this one"
    for number, session in enumerate(found, start=1):
        yield ""
        yield from _session(number, session)
    told = {one.exchange.id for session in found for one in session}
    others = [exchange for exchange in recording.exchanges if exchange.id not in told]
    if others:
        yield ""
        yield "besides:"
        yield from (f"  {_when(exchange)}  {_shown(_asked(exchange) + _ending(exchange))}" for exchange in others)


def _run(run: Run) -> str:
    tools = ", ".join(f"{program} {version}" for program, version in run.versions)
    upstream = f" to {run.upstream}" if run.upstream else ""
    return f"  recorded {_moment(run.started_at_us)} ({run.mode}{upstream}; {tools})"


def _session(number: int, session: Session) -> Iterator[str]:
    user = next((one.user for one in session if one.user), None)
    services = dict.fromkeys(one.operation.service_id for one in session if one.operation.service_id)
    named = [f"user {user}"] if user else []
    named += [f"service {service}" for service in services if service]
    yield f"session {number}, {_moment(session[0].at_us)}: {_shown(', '.join(named)) or 'no id'}"
    start_us = session[0].at_us
    lines = [line for one in session for line in _lines(one)]
    for at_us, who, line in sorted(lines, key=lambda line: line[0]):
        yield f"  {(at_us - start_us) / SECOND_US:+9.3f} s  {who:4}  {_shown(line)}"


def _lines(one: Visited) -> Iterator[tuple[int, str, str]]:
    if one.operation.kind is not Kind.COMET:
        yield one.at_us, "app", f"{_did(one)}{_ending(one.exchange)}"
        return
    lost = _ending(one.exchange)
    polls = [heard for heard in one.heard if heard.message.channel == bayeux.CONNECT]
    if lost and (polls or not one.heard):
        yield one.at_us, "app", f"polls{lost}"
    for heard in one.heard:
        if heard.message.direction is Direction.TO_SERVER:
            if (did := _META.get(heard.message.channel)) is not None:
                yield heard.message.at_us, "app", f"Comet: {did} {heard.parsed.fields.get('subscription', '')}".rstrip()
            elif heard.parsed.is_event:
                yield heard.message.at_us, "app", f"Comet: publishes on {heard.message.channel}"
        elif heard.parsed.is_event:
            yield from ((heard.message.at_us, "GMS", line) for line in _chat(heard))


def _did(one: Visited) -> str:
    said = one.said
    response = one.exchange.response
    told = texts(response.body.plain) if response else {}
    tell = _TELLERS.get(one.operation.kind)
    did = tell(one, said, told) if tell else f"{one.exchange.request.method} {one.exchange.request.target}"
    if response and response.status >= 400:
        did += f": refused with {response.status}, {told.get(('message',), response.reason)}"
    return did


def _shown(text: str) -> str:
    """A text of somebody else's on one line, without what would move a terminal's cursor or has no UTF-8."""
    line = " ".join(text.split())
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in line)


def _starts(one: Visited, said: Fields, told: Texts) -> str:
    wish = f" for {said['_desired_time']}" if said.get("_desired_time") else ""
    return f"starts callback {one.operation.name}{wish}: service {told.get(('_id',), '?')}"


def _availability(one: Visited, said: Fields, told: Texts) -> str:
    slots = [str(path[0]) for path in told if len(path) == 1]
    shown = f"{slots[0]} to {slots[-1]}" if slots else "none"
    return f"asks when {one.operation.name} is free: {_count(len(slots), 'slot')}, {shown}"


def _queue(one: Visited, said: Fields, told: Texts) -> str:
    return f"asks for its place in the queue: {told.get(('_position',), '?')}"


def _dialog(one: Visited, said: Fields, told: Texts) -> str:
    label = told.get(("_label",)) or told.get(("_text",))
    shown = f" “{label}”" if label else ""
    expires = f", expires {told['_expires',]}" if ("_expires",) in told else ""
    return f"acts {one.operation.name}: {told.get(('_action',), 'no dialog')}{shown}{expires}"


def _sends(one: Visited, said: Fields, told: Texts) -> str:
    return f"says “{said.get('message', '')}”"


_TELLERS: dict[Kind, Callable[[Visited, Fields, Texts], str]] = {
    Kind.START_CALLBACK: _starts,
    Kind.AVAILABILITY: _availability,
    Kind.QUEUE_POSITION: _queue,
    Kind.DIALOG: _dialog,
    Kind.SEND: _sends,
    Kind.CANCEL_CALLBACK: lambda one, said, told: f"cancels callback {one.operation.name}",
    Kind.UPDATE_CALLBACK: lambda one, said, told: f"moves callback {one.operation.name}",
    Kind.REQUEST_CHAT: lambda one, said, told: f"requests a chat: service {told.get(('_id',), '?')}",
    Kind.START_CHAT: lambda one, said, told: f"starts the chat: {told.get(('chatIxnState',), 'no state')}",
    Kind.REFRESH: lambda one, said, told: f"refreshes from line {said.get('transcriptPosition', '0')}",
    Kind.TYPING: lambda one, said, told: "starts typing" if one.operation.name == "startTyping" else "stops typing",
    Kind.DISCONNECT_CHAT: lambda one, said, told: "leaves the chat",
}


def _chat(heard: Heard) -> Iterator[str]:
    data = heard.parsed.fields.get("data")
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict):
        yield f"Comet: an event on {heard.message.channel}"
        return
    lines = message.get("transcriptToShow")
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, list) and len(line) == 5 and all(isinstance(item, str) for item in line):
            kind, speaker, text, _, party = line
            yield f"{speaker} ({party}) {_NOTICES.get(kind) or f'says “{text}”'}"
    if message.get("chatIxnState") == "DISCONNECTED":
        yield "the chat is over (DISCONNECTED)"


def _asked(exchange: Exchange) -> str:
    request = exchange.request
    operation = gms.recognise(request.method, request.target, request.body.plain)
    return (
        f"{request.method} {request.scheme}://{request.host}:{request.port}{request.target} ({operation or 'not GMS'})"
    )


def _ending(exchange: Exchange) -> str:
    """What kept an exchange from its end; nothing for one that ended well."""
    if exchange.unfinished:
        return " — never answered: under way when the recording stopped"
    if exchange.outcome is not None and exchange.outcome.error is not None:
        cut = "cut off" if exchange.response else "never answered"
        return f" — {cut}: {exchange.outcome.error}"
    return ""


def _when(exchange: Exchange) -> str:
    return _moment(exchange.request.started_at_us)


def _moment(at_us: int) -> str:
    return f"{datetime.fromtimestamp(at_us / SECOND_US, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
