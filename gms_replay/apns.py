"""Apple's binary protocol for pushes, as GMS before 8.5.228.02 speaks it: frames, and what they say.

A sender's frames begin with their command: 0 is a token and a payload, 1 adds identifier and expiry, 2 is a list of
items. The provider speaks only to refuse: one frame of command 8, after which it closes the connection. What was sent
after the push that it names is thrown away. All numbers are big-endian. Names are those of Apple's "Binary Provider
API" and "Legacy Notification Format" (Local and Remote Notification Programming Guide, appendices A and B).

Strategy: a frame is cut out of its stream by its outer lengths alone, so what is odd inside one costs no other. Where
not even these can be, nobody knows where the next frame begins, and all that follows is kept as it came.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from struct import Struct

from gms_replay.model import Direction

PORT = 2195
FEEDBACK_PORT = 2196
"""Where Apple tells of tokens that are gone, in another format."""

LARGEST_FRAME = 64 << 10
"""A payload has 2 KiB at most: what claims to be longer than this is no frame."""

SHUTDOWN = 10
"""The status that refuses nothing: the identifier is that of the last push that was taken."""

_SIMPLE, _ENHANCED, _ITEMS, _REFUSAL = 0, 1, 2, 8
_COMMANDS = {Direction.TO_SERVER: (_SIMPLE, _ENHANCED, _ITEMS), Direction.TO_CLIENT: (_REFUSAL,)}
_STATUSES = {
    1: "ProcessingError",
    2: "MissingDeviceToken",
    3: "MissingTopic",
    4: "MissingPayload",
    5: "InvalidTokenSize",
    6: "InvalidTopicSize",
    7: "InvalidPayloadSize",
    8: "InvalidToken",
    SHUTDOWN: "Shutdown",
    128: "ProtocolError",
    255: "Unknown",
}

_LENGTH = Struct(">H")
_LENGTH_OF_ITEMS = Struct(">BI")
_ITEM = Struct(">BH")
_IDENTIFIED = Struct(">BII")
_REFUSED = Struct(">BBI")
_TOKEN, _PAYLOAD, _IDENTIFIER, _EXPIRY, _PRIORITY = range(1, 6)
_NUMBER_BYTES = {_IDENTIFIER: 4, _EXPIRY: 4, _PRIORITY: 1}
_TOKEN_BYTES = 32
_LONGEST_PART = (1 << 16) - 1


Rewrite = Callable[[bytes], bytes]
"""Gives what is to stand where something else stood."""


@dataclass(frozen=True, slots=True)
class Sent:
    """A push. `identifier`: what a refusal would call it; `expires_at_s`: since 1970, 0 for a push that is tried once.

    What a frame does not say, or not in its size, is None; a token or payload that is missing is empty.
    """

    command: int
    identifier: int | None
    expires_at_s: int | None
    token: bytes
    payload: bytes
    priority: int | None


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why the provider closes. `identifier` names the push that it refuses, or the last that it took (SHUTDOWN)."""

    status: int
    identifier: int

    @property
    def name(self) -> str:
        """The status in words, written as the reasons of the protocol that came after are."""
        return _STATUSES.get(self.status, f"status {self.status}")


class Framer:
    """Frames from the bytes of one direction, split anyhow.

    From where no frame can be, all is given as it comes. At most LARGEST_FRAME bytes wait for the rest of theirs.
    """

    def __init__(self, direction: Direction) -> None:
        self._commands = _COMMANDS[direction]
        self._waiting = bytearray()
        self.is_broken = False
        """Whether nobody knows any more where frames begin."""

    def take(self, piece: bytes) -> Iterator[bytes]:
        """What is whole, or broken, with this piece."""
        self._waiting += piece
        while self._waiting:
            length = self._next()
            if length > len(self._waiting):
                return
            yield self._give(length)

    def rest(self) -> bytes:
        """What waits in vain for its rest; nothing more comes."""
        return self._give(len(self._waiting))

    def _next(self) -> int:
        """How long what comes next is, at the least."""
        if not self.is_broken:
            if self._waiting[0] in self._commands and (length := _length(self._waiting)) <= LARGEST_FRAME:
                return length
            self.is_broken = True
        return len(self._waiting)

    def _give(self, length: int) -> bytes:
        given = bytes(self._waiting[:length])
        del self._waiting[:length]
        return given


def is_ours(start: bytes | bytearray) -> bool | None:
    """Whether a connection that begins so, from the client's side, speaks this protocol; None while that is open.

    Its first frame has to be whole, with a token of today's length and a payload in JSON. Less would not do: frames of
    Cassandra's protocol begin as those of command 2.
    """
    if not start:
        return None
    length = _length(start)
    if start[0] not in _COMMANDS[Direction.TO_SERVER] or length > LARGEST_FRAME:
        return False
    return _is_usual(bytes(start[:length])) if length <= len(start) else None


def read(raw: bytes) -> Sent | Refusal | None:
    """What a frame says; None for bytes that are anything but one whole frame."""
    if not raw or len(raw) != _length(raw):
        return None
    match raw[0]:
        case 0:
            return Sent(_SIMPLE, None, None, *_token_and_payload(raw, 1), None)
        case 1:
            _, identifier, expires_at_s = _IDENTIFIED.unpack_from(raw)
            return Sent(_ENHANCED, identifier, expires_at_s, *_token_and_payload(raw, _IDENTIFIED.size), None)
        case 2:
            return _of_items(raw)
        case 8:
            _, status, identifier = _REFUSED.unpack(raw)
            return Refusal(status, identifier)
    return None


def rewritten(raw: bytes, token: Rewrite, payload: Rewrite) -> bytes | None:
    """A sender's frame with another token and payload, perhaps cut off in the middle; None for bytes that begin none.

    Its lengths are those of what is in it now, and of what was cut off; None where that is more than they can say.
    """
    if not raw or raw[0] not in _COMMANDS[Direction.TO_SERVER]:
        return None
    if raw[0] == _ITEMS:
        return _rewritten_items(raw, {_TOKEN: token, _PAYLOAD: payload})
    told, at = raw[: _head_bytes(raw[0])], _head_bytes(raw[0])
    for write in (token, payload):
        size, content = _sized(raw, at)
        if size is None:
            return told + raw[at:]
        now = write(content)
        if (size_now := size + len(now) - len(content)) > _LONGEST_PART:
            return None
        told += _LENGTH.pack(size_now) + now
        at += _LENGTH.size + len(content)
    return told if at == len(raw) else None


def _rewritten_items(raw: bytes, writes: dict[int, Rewrite]) -> bytes | None:
    head = _LENGTH_OF_ITEMS.size
    if len(raw) < head:
        return raw
    told, at = b"", head
    while at + _ITEM.size <= len(raw):
        number, size = _ITEM.unpack_from(raw, at)
        content = raw[at + _ITEM.size : at + _ITEM.size + size]
        now = writes[number](content) if number in writes else content
        if (size_now := size + len(now) - len(content)) > _LONGEST_PART:
            return None
        told += _ITEM.pack(number, size_now) + now
        at += _ITEM.size + len(content)
    length = _LENGTH_OF_ITEMS.unpack_from(raw)[1]
    return _LENGTH_OF_ITEMS.pack(_ITEMS, length + len(told) + head - at) + told + raw[at:]


def _sized(raw: bytes, at: int) -> tuple[int | None, bytes]:
    """How long a part is said to be, and what of it is there; None where not even its length is."""
    if len(raw) < at + _LENGTH.size:
        return None, b""
    size = _LENGTH.unpack_from(raw, at)[0]
    return size, raw[at + _LENGTH.size : at + _LENGTH.size + size]


def _length(raw: bytes | bytearray) -> int:
    """How long the frame is that begins here, if one does; while its lengths are not all there, where the next ends."""
    if raw[0] == _REFUSAL:
        return _REFUSED.size
    if raw[0] == _ITEMS:
        size = _LENGTH_OF_ITEMS.size
        return size if len(raw) < size else size + _LENGTH_OF_ITEMS.unpack_from(raw)[1]
    at = _head_bytes(raw[0])
    for _ in range(2):
        end = at + _LENGTH.size
        if len(raw) < end:
            return end
        at = end + _LENGTH.unpack_from(raw, at)[0]
    return at


def _head_bytes(command: int) -> int:
    return _IDENTIFIED.size if command == _ENHANCED else 1


def _token_and_payload(raw: bytes, at: int) -> tuple[bytes, bytes]:
    token_at = at + _LENGTH.size
    payload_at = token_at + _LENGTH.unpack_from(raw, at)[0] + _LENGTH.size
    return raw[token_at : payload_at - _LENGTH.size], raw[payload_at:]


def _of_items(raw: bytes) -> Sent | None:
    items = _items(raw)
    if items is None:
        return None
    said = {number: content for number, content in items if _has_its_size(number, content)}
    identifier, expires_at_s, priority = (
        int.from_bytes(said[number], "big") if number in said else None for number in _NUMBER_BYTES
    )
    return Sent(_ITEMS, identifier, expires_at_s, said.get(_TOKEN, b""), said.get(_PAYLOAD, b""), priority)


def _items(raw: bytes) -> list[tuple[int, bytes]] | None:
    """What a frame is made of, by number; None where that does not add up to it."""
    found = []
    at = _LENGTH_OF_ITEMS.size
    while at + _ITEM.size <= len(raw):
        number, size = _ITEM.unpack_from(raw, at)
        at += _ITEM.size
        found.append((number, raw[at : at + size]))
        at += size
    return found if at == len(raw) else None


def _has_its_size(number: int, content: bytes) -> bool:
    return len(content) == _NUMBER_BYTES.get(number, len(content))


def _is_usual(raw: bytes) -> bool:
    sent = read(raw)
    if not isinstance(sent, Sent) or len(sent.token) != _TOKEN_BYTES or not sent.payload.startswith(b"{"):
        return False
    items = _items(raw) if sent.command == _ITEMS else None
    return all(_TOKEN <= number <= _PRIORITY and _has_its_size(number, content) for number, content in items or ())
