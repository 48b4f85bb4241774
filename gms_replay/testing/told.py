"""Transcripts that a test compares by `==`, and what is said where they differ."""

from dataclasses import dataclass
from typing import Self

from gms_replay.diff import Comparison, Transcript, compare
from gms_replay.timeline import Shift

# pytest shows eight lines, unless it is asked for more.
_SHOWN = 5
_LONGEST = 80


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Told(Transcript):
    """What an app was told. Two are equal when both apps were told the same (`diff.compare`).

    That is: the same requests and answers, and the same messages on each channel, in order; identities, hosts and what
    was redacted are compared by place, instants by their common shift. `shift`: by what time slots were moved.
    """

    shift: Shift = Shift.EXACT

    @classmethod
    def of(cls, transcript: Transcript, shift: Shift = Shift.EXACT) -> Self:
        told = transcript.origin, transcript.started_at_us, transcript.answers, transcript.channels, transcript.hidden
        return cls(*told, shift)

    def __eq__(self, other: object) -> bool:
        return _compared(self, other).equal if isinstance(other, Transcript) else NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        messages = sum(map(len, self.channels.values()))
        return f"<transcript: {len(self.answers)} answers, {messages} messages>"


def explained(actual: Transcript, expected: Transcript) -> list[str]:
    """Where two transcripts differ, a few lines for people; the first differences come first."""
    differences = _compared(actual, expected).differences
    count = len(differences)
    if not count:
        return ["transcripts are equal"]
    lines = [f"transcripts differ in {count} place{'s' * (count != 1)}; got is the left one:"]
    for one in differences[:_SHOWN]:
        lines.append(f"{one.where}: got {_shown(one.actual)}, expected {_shown(one.expected)}")
    if count > _SHOWN:
        lines.append(f"and {count - _SHOWN} more")
    return lines


def _compared(actual: Transcript, expected: Transcript) -> Comparison:
    shifts = {one.shift for one in (actual, expected) if isinstance(one, Told)}
    return compare(expected, actual, Shift.WEEKS if Shift.WEEKS in shifts else Shift.EXACT)


def _shown(text: str | None) -> str:
    if text is None:
        return "nothing"
    return repr(text) if len(text) <= _LONGEST else f"{text[:_LONGEST]!r}…"
