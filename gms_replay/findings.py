"""What a recording holds that is unfinished, not understood, or left unclassified.

None of it is damage: all of it is replayed as it was recorded, as far as anything can be.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from gms_replay import bayeux, chat2, gms, httpcb, jsonp, privacy, pushes, refusals
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError
from gms_replay.gms import Kind
from gms_replay.model import Body, Direction, Exchange, Frame, Headers, Message, Recording, header
from gms_replay.sessions import Session, Visited
from gms_replay.spans import texts


class Sort(StrEnum):
    """What kind of finding."""

    UNFINISHED = "unfinished"
    NOT_UNDERSTOOD = "not understood"
    UNCLASSIFIED = "left unclassified"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth knowing. `exchange_id` is None where no exchange carried it; `operation` may be ""."""

    sort: Sort
    exchange_id: int | None
    operation: str
    text: str


_KNOWN_CHANNELS = ("/_genesys", "/service/chatV2/*", "/2/chat-ntf")
_BEGINS_CHAT = frozenset({Kind.START_CHAT, Kind.REQUEST_CHAT})
_ASKS_ONLY = frozenset({Kind.START_CALLBACK, Kind.AVAILABILITY})
_OVER = ((("chatIxnState",), "DISCONNECTED"), (("chatEnded",), "true"))
_CUT_OFF = "cut off"
_Read = Callable[[bytes], tuple[Parsed, ...]]


def find(recording: Recording, visits: tuple[Session, ...]) -> tuple[Finding, ...]:
    """All findings, by sort, then in the order in which things were recorded. `visits` are the recording's own."""
    asked = [_Asked(exchange, httpcb.operation(exchange)) for exchange in recording.exchanges]
    names = {one.exchange.id: one.name for one in asked}
    return (
        *(finding for one in asked for finding in _unfinished(one)),
        *_open_sockets(recording),
        *(finding for number, visit in enumerate(visits, start=1) for finding in _open_visit(number, visit)),
        *(finding for one in asked for finding in _bodies(one)),
        *_messages(recording, names),
        *_frames(recording),
        *(finding for one in asked for finding in _unrecognised(one)),
        *_homeless_pushes(recording, visits),
        *_unknown_channels(recording),
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    exchange: Exchange
    operation: gms.Operation | None

    @property
    def name(self) -> str:
        return str(self.operation or "not GMS")

    def finding(self, sort: Sort, text: str) -> Finding:
        return Finding(sort, self.exchange.id, self.name, text)


def ending(exchange: Exchange) -> str:
    """What kept an exchange from its end; "" for one that ended well."""
    if exchange.unfinished:
        return "never answered: under way when the recording stopped"
    if exchange.outcome is not None and exchange.outcome.error is not None:
        return f"{_CUT_OFF if exchange.response else 'never answered'}: {exchange.outcome.error}"
    return ""


def _unfinished(one: _Asked) -> Iterator[Finding]:
    if why := ending(one.exchange):
        yield one.finding(Sort.UNFINISHED, why)
    elif one.exchange.response is None:
        yield one.finding(Sort.UNFINISHED, "ended without an answer, and without an error")
    elif one.exchange.request.ended_at_us is None:
        yield one.finding(Sort.UNFINISHED, "the request's body was cut off")


def _open_sockets(recording: Recording) -> Iterator[Finding]:
    for socket in recording.sockets:
        if socket.closed_at_us is None:
            yield Finding(Sort.UNFINISHED, socket.exchange_id, str(Kind.COMET), "WebSocket that nobody saw close")


def _open_visit(number: int, visit: Session) -> Iterator[Finding]:
    begun = [one for one in visit if _succeeded(one)]
    chats = [(one, one.operation) for one in begun if one.operation.kind in _BEGINS_CHAT]
    if any(map(_names_chat, visit)):
        chats += [(one, said) for one in begun for said in _published(one) if said.kind in _BEGINS_CHAT]
    if chats and not any(_is_over(one) for one in visit):
        text = f"session {number}: a chat begins here and is never DISCONNECTED"
        yield Finding(Sort.UNFINISHED, chats[0][0].exchange.id, str(chats[0][1]), text)
    # One that is answered with a dialog may be done with: it said what to dial.
    callbacks = [one for one in begun if one.operation.kind is Kind.START_CALLBACK and not _shows_dialog(one)]
    if callbacks and all(one.operation.kind in _ASKS_ONLY for one in visit):
        text = f"session {number}: a callback begins here and nothing comes of it"
        yield Finding(Sort.UNFINISHED, callbacks[-1].exchange.id, str(callbacks[-1].operation), text)


def _shows_dialog(one: Visited) -> bool:
    response = one.exchange.response
    return response is not None and ("_action",) in texts(response.body.plain)


def _published(one: Visited) -> Iterator[gms.Operation]:
    """What the app asked for over Comet."""
    said = (heard for heard in one.heard if heard.message.direction is Direction.TO_SERVER)
    return (operation for heard in said if (operation := chat2.published(heard.parsed.fields)))


def _names_chat(one: Visited) -> bool:
    """Whether GMS told over Comet of a chat of version 2: it may have refused what the app published."""
    told = (heard.parsed.fields for heard in one.heard if heard.message.direction is Direction.TO_CLIENT)
    return any(chat2.is_told(fields) and gms.session_ids(fields["data"]) for fields in told)


def _succeeded(one: Visited) -> bool:
    return one.exchange.response is not None and not chat2.refuses(one.operation, one.exchange.response)


def _is_over(one: Visited) -> bool:
    asked = [one.operation, *_published(one)]
    if _succeeded(one) and any(operation.kind is Kind.DISCONNECT_CHAT for operation in asked):
        return True
    bodies = [heard.message.raw for heard in one.heard]
    if one.operation.kind is not Kind.COMET and one.exchange.response:
        bodies.append(one.exchange.response.body.plain)
    return any((path[-1:], value) in _OVER for body in bodies for path, value in texts(body).items())


def _bodies(one: _Asked) -> Iterator[Finding]:
    request, response = one.exchange.request, one.exchange.response
    is_comet = one.operation is not None and one.operation.kind is Kind.COMET
    if request.ended_at_us is not None:
        for text in _problems(request.headers, request.body, _posted if is_comet else None):
            yield one.finding(Sort.NOT_UNDERSTOOD, f"request: {text}")
    if response is not None and not ending(one.exchange):
        speaks_bayeux = is_comet and response.status == 200
        for text in _problems(response.headers, response.body, _answered if speaks_bayeux else None):
            yield one.finding(Sort.NOT_UNDERSTOOD, f"answer: {text}")


def _posted(body: bytes) -> tuple[Parsed, ...]:
    return tuple(message for frame in bayeux.posted(body) for message in bayeux.parse(frame))


def _answered(body: bytes) -> tuple[Parsed, ...]:
    return bayeux.parse_streamed(jsonp.frame(body))


def _problems(headers: Headers, body: Body, read: _Read | None) -> Iterator[str]:
    """What is wrong with a body; `read` gives its messages, None where it carries none."""
    coding = (header(headers, "content-encoding") or "").strip()
    if body.wire == privacy.WITHHELD.encode():
        yield f"withheld: the content coding {coding} did not undo, and nobody could say whether secrets are in it"
        return
    if coding.lower() not in ("", "identity") and body.wire and body.decoded is None:
        replayed = "its messages are replayed as far as they could be read" if read else "replayed as it is"
        yield f"the content coding {coding} does not undo; {replayed}"
        return
    text = body.plain.strip()
    if not text:
        return
    if read:
        yield from _frame_problems(body.plain, read)
    elif text[:1] in b"{[" or "json" in (header(headers, "content-type") or "").lower():
        try:
            json.loads(body.plain)
        except (ValueError, RecursionError) as error:
            yield f"JSON that does not parse ({_one_line(error)}); replayed all the same"


def _frame_problems(body: bytes, read: _Read) -> Iterator[str]:
    try:
        messages = read(body)
    except BayeuxError as error:
        yield f"breaks the Bayeux grammar ({_one_line(error)})"
        return
    for index, message in enumerate(messages):
        if not message.channel:
            yield f"Bayeux message {index} names no channel"


def _messages(recording: Recording, names: dict[int, str]) -> Iterator[Finding]:
    """What is wrong with messages; of those that name no channel one for each WebSocket, which may speak no Bayeux."""
    leavers = {one.exchange_id for one in recording.messages if _says_goodbye(one, Direction.TO_SERVER)}
    nameless = Counter(message.exchange_id for message in recording.messages if not message.channel)
    for message in recording.messages:
        if message.channel:
            yield from _message(message, names)
            if _says_goodbye(message, Direction.TO_CLIENT) and message.exchange_id not in leavers:
                text = f"message {message.id}: the server ends the Comet session by itself, which is not replayed"
                yield Finding(Sort.UNCLASSIFIED, message.exchange_id, names.get(message.exchange_id, ""), text)
        elif count := nameless.pop(message.exchange_id, 0):
            further = f"; so are {count - 1} more that came with it" if count > 1 else ""
            for finding in _message(message, names):
                yield replace(finding, text=f"{finding.text}; kept as it was, and not replayed{further}")


def _message(message: Message, names: dict[int, str]) -> Iterator[Finding]:
    try:
        parsed = bayeux.parse_recorded(message.raw)
    except BayeuxError as error:
        text = f"message {message.id} breaks the Bayeux grammar ({_one_line(error)})"
    else:
        if len(parsed) == 1 and message.channel:
            return
        text = f"message {message.id} " + ("names no channel" if len(parsed) == 1 else "is not one message")
    yield Finding(Sort.NOT_UNDERSTOOD, message.exchange_id, names.get(message.exchange_id, ""), text)


def _frames(recording: Recording) -> Iterator[Finding]:
    """What is wrong with frames that are no HTTP; one for all bytes that a connection has of no frame, each way."""
    understood = refusals.understand(recording.frames)
    for frame, refusal in understood.orphans:
        text = f"APNs frame {frame.id} refuses push {refusal.identifier} ({refusal.name}), which fits none of "
        text += f"connection {frame.connection_id}'s; no push is told as refused by it"
        yield Finding(Sort.NOT_UNDERSTOOD, None, str(Kind.PUSH), text)
    rest: dict[tuple[int, Direction], list[Frame]] = {}
    for frame in understood.rest:
        rest.setdefault((frame.connection_id, frame.direction), []).append(frame)
    for (connection_id, direction), frames in rest.items():
        size_bytes = sum(len(frame.raw) for frame in frames)
        text = f"connection {connection_id}, {direction}: {size_bytes} bytes from APNs frame {frames[0].id} on are no "
        is_withheld = all(frame.raw == privacy.WITHHELD.encode() for frame in frames)
        kept = "withheld, for they may hold secrets" if is_withheld else "kept as they were"
        text += f"frames of Apple's protocol; {kept}"
        yield Finding(Sort.NOT_UNDERSTOOD, None, str(Kind.PUSH), text)


def _says_goodbye(message: Message, direction: Direction) -> bool:
    return (message.channel, message.direction) == (bayeux.DISCONNECT, direction)


def _unrecognised(one: _Asked) -> Iterator[Finding]:
    request = one.exchange.request
    if one.operation is None:
        yield one.finding(Sort.UNCLASSIFIED, f"{request.method} {request.target}: no request of GMS's")
    elif one.operation.kind is Kind.OTHER:
        text = f"{request.method} {request.target}: below GMS's paths, but no operation that we know"
        yield one.finding(Sort.UNCLASSIFIED, text)


def _homeless_pushes(recording: Recording, visits: tuple[Session, ...]) -> Iterator[Finding]:
    for push in pushes.find(recording, visits).others:
        fact = f"push {push.push_id}" if push.frame_id is None else f"APNs frame {push.frame_id}"
        text = f"{fact} to {push.provider} names no service of any session"
        yield Finding(Sort.UNCLASSIFIED, push.exchange_id, str(Kind.PUSH), text)


def _unknown_channels(recording: Recording) -> Iterator[Finding]:
    seen: dict[str, list[Message]] = {}
    for message in recording.messages:
        if message.channel and not bayeux.is_meta(message.channel):
            seen.setdefault(message.channel, []).append(message)
    for channel, messages in seen.items():
        if not any(bayeux.matches(known, channel) for known in _KNOWN_CHANNELS):
            text = f"channel {channel}, from here on: neither Bayeux's own nor one of GMS's that we know"
            text += f" ({len(messages)} message{'s' * (len(messages) != 1)})"
            yield Finding(Sort.UNCLASSIFIED, messages[0].exchange_id, str(Kind.COMET), text)


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
