"""A recording told as a person would: who did what, in order, with offsets from the session's start."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from operator import itemgetter

from gms_replay import apns, bayeux, chat2, findings, gms, httpcb, instants, pushes, sessions
from gms_replay.apns import Refusal, Sent
from gms_replay.fields import Fields
from gms_replay.formats import chat2 as chat2_told
from gms_replay.formats.chat2 import Told
from gms_replay.gms import Kind, Path
from gms_replay.instants import SECOND_US
from gms_replay.model import Direction, Exchange, Frame, Message, Recording, Run, Transport
from gms_replay.pushes import Derived, Notification
from gms_replay.sessions import Heard, Session, Visited
from gms_replay.spans import texts

_NOTICES = {
    "Notice.Joined": "joins",
    "Notice.Left": "leaves",
    "Notice.TypingStarted": "starts typing",
    "Notice.TypingStopped": "stops typing",
}
_TYPING = ("Notice.TypingStarted", "Notice.TypingStopped")
_META = {
    bayeux.HANDSHAKE: "shakes hands",
    bayeux.SUBSCRIBE: "subscribes to",
    bayeux.UNSUBSCRIBE: "unsubscribes from",
    bayeux.DISCONNECT: "disconnects",
}
# A token is a secret, and as long as a line.
_DEVICE_SHOWN = 8
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Texts = dict[Path, str]
"""What stands at each path of a body, whether it parses or not."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that somebody did, without what would break a terminal's line.

    `is_poll`: the app asks for a state, or waits for news, as it does again and again. `told`: the line of a chat that
    this is, where others may be the same.
    """

    at_us: int
    who: str
    text: str
    is_typing: bool = False
    is_poll: bool = False
    told: Told | None = None


def tell(recording: Recording, name: str) -> Iterator[str]:
    """The lines: a head with counts, then every session, then what belongs to none."""
    found = sessions.split(recording)
    counts = (
        count(len(recording.runs), "run"),
        count(len(found), "session"),
        count(len(recording.exchanges), "exchange"),
        count(len(recording.messages), "Bayeux message"),
        *([count(len(recording.pushes), "push", "pushes")] if recording.pushes else []),
        *([count(len(recording.sockets), "socket")] if recording.sockets else []),
        *([count(len(recording.frames), "APNs frame")] if recording.frames else []),
    )
    yield f"{plain(name)}: {', '.join(counts)}"
    yield from (_run(run) for run in recording.runs)
    if not recording.runs:
        yield "  nothing was recorded; where the recorder was killed, keep the file that ends in -wal beside this one"
    pushed = pushes.find(recording, found)
    for number, (session, of_visit) in enumerate(zip(found, pushed.of_visits, strict=True), start=1):
        yield ""
        yield from _session(number, session, of_visit)
    told = {one.exchange.id for session in found for one in session}
    told |= {one.exchange_id for of_visit in pushed.of_visits for one in of_visit if one.exchange_id is not None}
    others = [(one.request.started_at_us, _besides(one)) for one in recording.exchanges if one.id not in told]
    others += [(one.at_us, _pushes(one)) for one in pushed.others if one.frame_id is not None]
    if others:
        yield ""
        yield "besides:"
        yield from (f"  {moment(at_us)}  {text}" for at_us, text in sorted(others, key=itemgetter(0)))


def acts(exchange: Exchange, messages: tuple[Message, ...]) -> tuple[Line, ...]:
    """What one exchange, with messages that it carried, tells by itself; nothing for preflights and quiet polls."""
    visits = sessions.split(Recording(exchanges=(exchange,), messages=messages))
    if visits:
        return _in_order(visits[0])
    operation = httpcb.operation(exchange)
    if operation and operation.kind is Kind.PREFLIGHT:
        return ()
    if operation and operation.kind is Kind.PUSH:
        pushed = pushes.read_exchange(gms.PUSH_PROVIDERS[operation.name], exchange)
        return (Line(pushed.at_us, "GMS", _pushes(pushed)),)
    return (Line(exchange.request.started_at_us, "app", _besides(exchange)),)


def framed(frame: Frame) -> Line:
    """What one frame of Apple's binary protocol tells by itself."""
    said = apns.read(frame.raw)
    if isinstance(said, Sent) and frame.direction is Direction.TO_SERVER:
        return Line(frame.at_us, "GMS", plain(f"pushes {_addressed(pushes.read_frame(frame, said))}"))
    if isinstance(said, Refusal) and frame.direction is Direction.TO_CLIENT:
        return Line(frame.at_us, "APNs", _last_word(said))
    return Line(frame.at_us, "", f"no APNs frame: {count(len(frame.raw), 'byte')}, kept")


def _last_word(said: Refusal) -> str:
    if said.status == apns.SHUTDOWN:
        return f"shuts down after push {said.identifier}"
    return f"refuses push {said.identifier} with {said.status}, {said.name}"


def _run(run: Run) -> str:
    tools = ", ".join(f"{program} {version}" for program, version in run.versions)
    upstream = f" to {run.upstream}" if run.upstream else ""
    return f"  recorded {moment(run.started_at_us)} ({run.mode}{upstream}; {tools})"


def _session(number: int, session: Session, pushed: Iterable[Notification | Derived]) -> Iterator[str]:
    yield heading(number, session)
    start_us = session[0].at_us
    wakes = [Line(one.at_us, "GMS", _pushes(one)) for one in pushed]
    for line in sorted([*wakes, *_in_order(session)], key=lambda line: line.at_us):
        yield f"  {(line.at_us - start_us) / SECOND_US:+9.3f} s  {line.who:4}  {line.text}"


def heading(number: int, session: Session) -> str:
    """What tells a session from others: its number, its start, its user and services."""
    user = sessions.user_of(session)
    services = dict.fromkeys(one.operation.service_id for one in session if one.operation.service_id)
    named = [f"user {user}"] if user else []
    named += [f"service {service}" for service in services if service]
    return f"session {number}, {moment(session[0].at_us)}: {shown(', '.join(named)) or 'no id'}"


def described(one: Notification | Derived) -> str:
    """What a push says, to whom, and what became of it."""
    if isinstance(one, Derived):
        return f"{one.action}: derived, for the app asks for it"
    return f"{_addressed(one)}: {_became(one)}"


def _addressed(one: Notification) -> str:
    device = f", device {_device(one.device)}" if one.device else ""
    return f"{one.action or 'what names no action'} by {one.provider}{device}"


def _became(one: Notification) -> str:
    result = one.result
    if result is None:
        # What is taken in Apple's binary protocol gets no answer.
        return "no answer" if one.frame_id is None else "not known to be refused"
    if result.reason is None:
        return "accepted"
    return result.reason if result.status is None else f"refused with {result.status}, {result.reason}"


def _pushes(one: Notification | Derived) -> str:
    return plain(f"pushes {described(one)}")


def _device(device: str) -> str:
    if "://" in device:
        # A server of the user's own: what may be secret stands in the query.
        return device.partition("?")[0]
    return f"{device[:_DEVICE_SHOWN]}{'…' * (len(device) > _DEVICE_SHOWN)}"


def _in_order(session: Session) -> tuple[Line, ...]:
    found = [line for one in session for line in lines(one)]
    told: set[Told] = set()
    once = []
    for line in sorted(found, key=lambda line: line.at_us):
        if line.told is None or line.told not in told:
            once.append(replace(line, text=shown(line.text)))
        told |= {line.told} if line.told else set()
    return tuple(once)


def lines(one: Visited) -> Iterator[Line]:
    """What one exchange of a visit tells, and the messages that it carried, with whatever they hold."""
    response = one.exchange.response
    told = texts(response.body.plain) if response else {}
    trouble = refusal(one, told) + ending(one.exchange)
    kind = one.operation.kind
    if kind is not Kind.COMET:
        is_typing = kind is Kind.TYPING and not trouble
        yield Line(one.at_us, "app", f"{_did(one, told)}{trouble}", is_typing, is_poll=kind in gms.POLLED)
        if response and one.operation.version == "2":
            yield from _sayings(response.started_at_us, response.body.plain)
        return
    polls = [heard for heard in one.heard if heard.message.channel == bayeux.CONNECT]
    if trouble and (polls or not one.heard):
        yield Line(one.at_us, "app", f"polls{trouble}", is_poll=True)
    for heard in one.heard:
        yield from _said_over_comet(heard, trouble) if _is_asked(heard) else _told_over_comet(heard)


def _sayings(at_us: int, body: bytes) -> Iterator[Line]:
    return (Line(at_us, "GMS", one.text, one.is_typing, told=one.told) for one in chat2_told.sayings(body))


def _said_over_comet(heard: Heard, trouble: str) -> Iterator[Line]:
    message, fields = heard.message, heard.parsed.fields
    if (did := _META.get(message.channel)) is not None:
        # What became of a socket is no answer to what was said over it.
        lost = trouble if message.transport is not Transport.WEBSOCKET else ""
        yield Line(message.at_us, "app", f"Comet: {did} {fields.get('subscription', '')}".rstrip() + lost)
    elif (operation := chat2.published(fields)) is not None:
        did = chat2_told.published(operation, texts(_data(heard)))
        yield Line(message.at_us, "app", f"Comet: {did}", operation.kind is Kind.TYPING)
    elif heard.parsed.is_event:
        yield Line(message.at_us, "app", f"Comet: publishes on {message.channel}")


def _data(heard: Heard) -> bytes:
    return bayeux.dump(heard.parsed.fields["data"])


def _did(one: Visited, told: Texts) -> str:
    tell = _TELLERS.get(one.operation.kind)
    return tell(one, one.said, told) if tell else f"{one.exchange.request.method} {one.exchange.request.target}"


def refusal(one: Visited, told: Texts) -> str:
    """How an answer refuses, after a colon; "" where it does not."""
    response = one.exchange.response
    if response is not None and (refused := chat2_told.refused(one.operation, response)):
        return f": {refused}"
    if response is None or not response.is_refusal:
        return ""
    reason = told.get(("message",)) or response.reason
    return f": refused with {response.status}" + (f", {reason}" if reason else "")


def _is_asked(heard: Heard) -> bool:
    return heard.message.direction is Direction.TO_SERVER


def shown(text: str) -> str:
    """A text of somebody else's on one line, without what would move a terminal's cursor or has no UTF-8."""
    return plain(" ".join(text.split()))


def plain(text: str) -> str:
    """A text with escapes for what would break its line, move a terminal's cursor, or has no UTF-8."""
    return "".join(character if character.isprintable() else f"\\u{ord(character):04x}" for character in text)


def _starts(one: Visited, said: Fields, told: Texts) -> str:
    wish = f" for {said['_desired_time']}" if said.get("_desired_time") else ""
    service = f": service {told['_id',]}" if ("_id",) in told else ""
    dialog = f", {told_dialog(told)}" if ("_action",) in told else ""
    return f"starts callback {one.operation.name}{wish}{service}{dialog}"


def _looks_up(one: Visited, said: Fields, told: Texts) -> str:
    times = [value for path, value in told.items() if path[-1:] == ("_desired_time",)]
    shown = f", for {', '.join(times)}" if times else ""
    return f"looks up callbacks of {one.operation.name}: {len(times)}{shown}"


def _moves(one: Visited, said: Fields, told: Texts) -> str:
    to = f" to {said['_new_desired_time']}" if said.get("_new_desired_time") else ""
    return f"moves callback {one.operation.name}{to}"


def _availability(one: Visited, said: Fields, told: Texts) -> str:
    slots = [str(path[0]) for path in told if len(path) == 1 and instants.read(str(path[0])) is not None]
    shown = f": {count(len(slots), 'slot')}, {slots[0]} to {slots[-1]}" if slots else ""
    return f"asks when {one.operation.name} is free{shown}"


def _queue(one: Visited, said: Fields, told: Texts) -> str:
    return f"asks for its place in the queue: {told.get(('_position',), '?')}"


def _dialog(one: Visited, said: Fields, told: Texts) -> str:
    return f"acts {one.operation.name}: {told_dialog(told)}"


def told_dialog(told: Texts) -> str:
    """The dialog in an answer."""
    label = told.get(("_label",)) or told.get(("_text",))
    shown = f" “{label}”" if label else ""
    expires = f", expires {told['_expires',]}" if ("_expires",) in told else ""
    return f"{told.get(('_action',), 'no dialog')}{shown}{expires}"


def _requests(one: Visited, said: Fields, told: Texts) -> str:
    if one.operation.version == "2":
        chat = f": chat {told['chatId',]}" if ("chatId",) in told else ""
        return f"requests a chat with {one.operation.name}{chat}"
    return f"requests a chat: service {told.get(('_id',), '?')}"


def _sends(one: Visited, said: Fields, told: Texts) -> str:
    return f"says “{said.get('message', '')}”"


_TELLERS: dict[Kind, Callable[[Visited, Fields, Texts], str]] = {
    Kind.START_CALLBACK: _starts,
    Kind.AVAILABILITY: _availability,
    Kind.QUEUE_POSITION: _queue,
    Kind.DIALOG: _dialog,
    Kind.SEND: _sends,
    Kind.CANCEL_CALLBACK: lambda one, said, told: f"cancels callback {one.operation.name}",
    Kind.UPDATE_CALLBACK: _moves,
    Kind.QUERY_CALLBACK: _looks_up,
    Kind.REQUEST_CHAT: _requests,
    Kind.START_CHAT: lambda one, said, told: f"starts the chat: {told.get(('chatIxnState',), 'no state')}",
    Kind.REFRESH: lambda one, said, told: f"refreshes from line {said.get('transcriptPosition', '0')}",
    Kind.TYPING: lambda one, said, told: "starts typing" if one.operation.name == "startTyping" else "stops typing",
    Kind.DISCONNECT_CHAT: lambda one, said, told: "leaves the chat",
}


def _told_over_comet(heard: Heard) -> Iterator[Line]:
    if not heard.parsed.is_event:
        return
    at_us = heard.message.at_us
    data = heard.parsed.fields.get("data")
    if chat2.is_told(heard.parsed.fields):
        if refused := chat2_told.refusal(_data(heard)):
            yield Line(at_us, "GMS", f"Comet: {refused}")
        yield from _sayings(at_us, _data(heard))
        return
    message = data.get("message") if isinstance(data, dict) else None
    if not isinstance(message, dict):
        yield Line(at_us, "GMS", f"Comet: an event on {heard.message.channel}")
        return
    lines = message.get("transcriptToShow")
    for line in lines if isinstance(lines, list) else ():
        if isinstance(line, list) and len(line) == 5 and all(isinstance(item, str) for item in line):
            kind, speaker, text, _, party = line
            did = _NOTICES.get(kind) or f"says “{text}”"
            yield Line(at_us, "GMS", f"{speaker} ({party}) {did}", is_typing=kind in _TYPING)
    if message.get("chatIxnState") == "DISCONNECTED":
        yield Line(at_us, "GMS", "the chat is over (DISCONNECTED)")


def _besides(exchange: Exchange) -> str:
    request = exchange.request
    asked = f"{request.method} {request.scheme}://{request.host}:{request.port}{request.target}"
    return shown(f"{asked} ({httpcb.operation(exchange) or 'not GMS'}){ending(exchange)}")


def ending(exchange: Exchange) -> str:
    """What kept an exchange from its end, after a dash; "" for one that ended well."""
    why = findings.ending(exchange)
    return f" — {why}" if why else ""


def moment(at_us: int) -> str:
    """An instant for people, whole seconds; any number gives some text."""
    try:
        return f"{_EPOCH + timedelta(microseconds=at_us):%Y-%m-%d %H:%M:%S} UTC"
    except OverflowError:
        return f"{at_us} µs after 1970"


def count(number: int, one: str, many: str = "") -> str:
    """A number and its noun, which may have a plural of its own."""
    return f"{number} {one if number == 1 else many or one + 's'}"
