"""An answer that comes in pieces, perhaps without end: its messages as they come, and what is kept of its body.

The proxy keeps nothing of it. The writer process keeps, until it ends, as many bytes of its body as `LARGEST_BODY`, and
the beginning of the one message that is not whole yet, up to as many again. So of an endless answer all messages are
told, and the body is its beginning.
"""

import re
from collections.abc import Iterator

from gms_replay import carriage
from gms_replay.mitmdump import facts
from gms_replay.mitmdump.codings import undoing
from gms_replay.mitmdump.seen import Answer, Piece

LARGEST_BODY = 16 << 20
"""In bytes: more than any poll brings, and little enough to hold."""

# A piece that was sent together with the head passes a moment later; an answer in one piece has one time.
_WITH_HEAD_S = 0.02

_OUTSIDE = re.compile(rb"\{")
_INSIDE = re.compile(rb'["{}]')
_IN_STRING = re.compile(rb'["\\]')


class Trickle:
    """One such answer. `is_script`: its messages stand in a call, which nobody can read before its end."""

    def __init__(self, head: Answer, *, is_script: bool, most_bytes: int = LARGEST_BODY) -> None:
        self.head = head
        self.last_at_s = head.started_at_s
        """When the last of it passed."""
        self.has_told = False
        """Whether it told messages as they came; else they are those of the whole body, if it has any."""
        self._undo = None if is_script else undoing(facts.headers(head.fields))
        self._most_bytes = most_bytes
        self._objects = Objects(most_bytes)
        self._body = bytearray()
        self._length = 0
        self._count = 0

    @property
    def tells_all(self) -> bool:
        """Whether all its messages are told, however much of the body is kept."""
        return self._undo is not None and not self._objects.has_given_up

    @property
    def body(self) -> bytes:
        """What has passed so far, as it was on the wire."""
        return bytes(self._body)

    @property
    def is_cut(self) -> bool:
        """Whether the body is longer than what is kept of it."""
        return self._length > self._most_bytes

    def take(self, piece: Piece) -> tuple[float, list[carriage.Found]]:
        """When a piece passed, and the messages that became whole by it."""
        came_with_head = not self._length and piece.at_s - self.head.started_at_s < _WITH_HEAD_S
        at_s = self.head.started_at_s if came_with_head else piece.at_s
        self.last_at_s = piece.at_s
        self._length += len(piece.content)
        self._body += piece.content[: self._most_bytes - len(self._body)]
        if self._undo is None:
            return at_s, []
        found = []
        for index, raw in enumerate(self._objects.take(self._undo(piece.content)), start=self._count):
            found += [(index, channel, message) for _, channel, message in carriage.messages(raw)]
            self._count = index + 1
        self.has_told = self.has_told or bool(found)
        return at_s, found


class Objects:
    """Finds the outermost JSON objects of a text that is still coming: where each ends, whatever stands between them.

    Bytes will do: in UTF-8 no other character has those of a bracket. An object beyond `most_bytes` is the last:
    what comes after it is not looked at.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._text = bytearray()
        self._at = 0
        self._start = 0
        self._depth = 0
        self._in_string = False
        self.has_given_up = False

    def take(self, piece: bytes) -> list[bytes]:
        """The objects that this piece completes, as they stand."""
        if self.has_given_up:
            return []
        self._text += piece
        found = list(self._whole())
        self._forget()
        return found

    def _whole(self) -> Iterator[bytes]:
        while mark := self._marks().search(self._text, self._at):
            self._at = mark.end()
            match mark[0]:
                case b"\\":
                    # What is escaped may be still to come.
                    self._at += 1
                case b'"':
                    self._in_string = not self._in_string
                case b"{":
                    self._start = self._start if self._depth else mark.start()
                    self._depth += 1
                case _:
                    self._depth -= 1
                    if not self._depth:
                        yield bytes(self._text[self._start : self._at])
        self._at = max(self._at, len(self._text))

    def _marks(self) -> re.Pattern[bytes]:
        if self._in_string:
            return _IN_STRING
        return _INSIDE if self._depth else _OUTSIDE

    def _forget(self) -> None:
        """Whatever was looked at, and belongs to no object that goes on."""
        passed = self._start if self._depth else len(self._text)
        del self._text[:passed]
        self._at -= passed
        self._start = 0
        if len(self._text) > self._most_bytes:
            self._text.clear()
            self.has_given_up = True
