"""A whole recording without its secrets, made of one that has some.

Strategy: all of it is looked through before any of it is told, so that what is known from one fact is replaced in those
before it, too. What a run has that was redacted already are stand-ins: they stay.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from gms_replay import privacy
from gms_replay.model import Direction, Exchange, Frame, Message, Push, Recording, Redaction, Run, Socket
from gms_replay.redact import opening
from gms_replay.redact.redactor import Redactor
from gms_replay.redact.wishes import Wish

_ORDER = tuple(Redaction)


@dataclass(frozen=True, slots=True)
class Redacted:
    """A recording, how many of its facts had secrets in them, and of how many something could not be read."""

    recording: Recording
    changed: int
    withheld: int


def redact(recording: Recording, wish: Wish, *, again: bool = False) -> Redacted:
    """A recording as it is wished; `again`: also what a run has that is redacted as far already."""
    who = opening.redactor(wish)
    if who is None:
        return Redacted(recording, 0, 0)
    wanted = {run.id for run in recording.runs if again or _is_less(run.redaction, who.redaction)}
    task = _Task(recording, who, wanted)
    task.learn()
    told = task.told()
    return Redacted(told, _changed(recording, told), _withheld(told) - _withheld(recording))


class _Task:
    """One recording, whose runs, of those ids, are redacted."""

    def __init__(self, recording: Recording, who: Redactor, wanted: set[int]) -> None:
        self._recording = recording
        self._who = who
        self._wanted = wanted
        self._redacted = {run.id for run in recording.runs if run.redaction is not Redaction.OFF}
        self._runs = {one.id: one.run_id for one in recording.exchanges}
        self._lines = {one.id: one.run_id for one in recording.connections}

    def learn(self) -> None:
        """Look through all that is to be redacted."""
        for run in self._recording.runs:
            if self._takes(run.id) and run.upstream:
                self._who.learn_text(run.upstream)
        for exchange in self._recording.exchanges:
            if self._takes(exchange.run_id):
                self._who.learn_request(exchange.request)
                if exchange.outcome:
                    self._who.learn_outcome(exchange.outcome)
        for message in self._recording.messages:
            if self._takes(self._runs[message.exchange_id]):
                self._who.learn_message(message.raw, message.direction)
        for push in self._recording.pushes:
            if self._takes(push.run_id):
                self._who.learn_message(push.payload, Direction.TO_SERVER)
        for frame in self._recording.frames:
            if self._takes(self._lines[frame.connection_id]):
                self._who.learn_frame(frame.raw, frame.direction)
        for socket in self._recording.sockets:
            if self._takes(self._runs[socket.exchange_id]):
                self._who.learn_text(socket.close_reason)

    def told(self) -> Recording:
        """The recording with stand-ins."""
        return replace(
            self._recording,
            runs=tuple(map(self._run, self._recording.runs)),
            exchanges=tuple(map(self._exchange, self._recording.exchanges)),
            messages=tuple(map(self._message, self._recording.messages)),
            pushes=tuple(map(self._push, self._recording.pushes)),
            sockets=tuple(map(self._socket, self._recording.sockets)),
            frames=tuple(map(self._frame, self._recording.frames)),
        )

    def _takes(self, run_id: int) -> bool:
        """Whether what a run has is to be redacted; if so, what stays in it is settled."""
        self._who.keep_stand_ins(run_id in self._redacted)
        return run_id in self._wanted

    def _run(self, run: Run) -> Run:
        if not self._takes(run.id):
            return run
        redaction = self._who.redaction if _is_less(run.redaction, self._who.redaction) else run.redaction
        return replace(run, redaction=redaction, upstream=run.upstream and self._who.text(run.upstream))

    def _exchange(self, one: Exchange) -> Exchange:
        if not self._takes(one.run_id):
            return one
        outcome = one.outcome and self._who.outcome(one.outcome)
        return replace(one, request=self._who.request(one.request), outcome=outcome)

    def _message(self, one: Message) -> Message:
        if not self._takes(self._runs[one.exchange_id]):
            return one
        raw = self._who.message(one.raw, one.direction)
        return replace(one, raw=raw, channel=self._who.channel(one.channel))

    def _push(self, one: Push) -> Push:
        return replace(one, payload=self._who.push(one.payload)) if self._takes(one.run_id) else one

    def _socket(self, one: Socket) -> Socket:
        is_taken = self._takes(self._runs[one.exchange_id])
        return replace(one, close_reason=self._who.text(one.close_reason)) if is_taken else one

    def _frame(self, one: Frame) -> Frame:
        is_taken = self._takes(self._lines[one.connection_id])
        return replace(one, raw=self._who.frame(one.raw, one.direction)) if is_taken else one


def _is_less(one: Redaction, other: Redaction) -> bool:
    return _ORDER.index(one) < _ORDER.index(other)


_KINDS: tuple[Callable[[Recording], tuple[object, ...]], ...] = (
    lambda one: one.exchanges,
    lambda one: one.messages,
    lambda one: one.pushes,
    lambda one: one.sockets,
    lambda one: one.frames,
)


def _changed(was: Recording, now: Recording) -> int:
    return sum(old != new for kind in _KINDS for old, new in zip(kind(was), kind(now), strict=True))


def _withheld(recording: Recording) -> int:
    return sum(raw == privacy.WITHHELD.encode() for raw in _bodies(recording))


def _bodies(recording: Recording) -> Iterator[bytes]:
    for one in recording.exchanges:
        yield one.request.body.wire
        if one.response:
            yield one.response.body.wire
    for frame in recording.frames:
        yield frame.raw
