"""What stands for what somebody typed.

Strategy: for addresses and numbers what stands for them everywhere, so that nobody takes them for true ones; for the
rest, as if it were one text, letters.
"""

import re
from collections.abc import Callable, Iterator
from itertools import chain, islice
from typing import NamedTuple

from gms_replay import leaks, privacy
from gms_replay.privacy import Kind, Part
from gms_replay.redact.standins import StandIns

_ATTEMPTS = 10
_LONG_NUMBER = re.compile(r"(?<![\w.,+-])\d(?:[ -]?\d){12,18}(?!\w)", re.ASCII)
"""Of as many digits as a card's."""


class _Piece(NamedTuple):
    start: int
    end: int
    told: str


def told(value: str, stand_ins: StandIns, *, known: Callable[[str], str | None], is_done: Callable[[str], bool]) -> str:
    """A typed text with stand-ins. `known`: what stands already for a value; `is_done`: what stays, as it is one."""

    def stand_in(was: str) -> str:
        return was if is_done(was) else known(was) or stand_ins.of(was)

    pieces = [_Piece(*span, stand_in(value[slice(*span)])) for span in _looks(value)]
    if not pieces:
        return value if is_done(value) else stand_ins.typed(value)
    starts, ends = [0, *(piece.end for piece in pieces)], [*(piece.start for piece in pieces), len(value)]
    between = [value[start:end] for start, end in zip(starts, ends, strict=True)]
    rest = "".join(between)
    letters = iter(rest if is_done(rest) else stand_ins.letters(rest))
    drawn = ["".join(islice(letters, len(one))) for one in between]
    return _without_leaks("".join(chain(*zip(drawn, [*(piece.told for piece in pieces), ""], strict=True))), stand_ins)


def _looks(value: str) -> Iterator[tuple[int, int]]:
    """What would be known by its looks, also if it were drawn; of two at one place the longer."""
    # What is drawn for a long number may be a card's.
    long = (Part(*found.span(), Kind.CREDENTIAL) for found in _LONG_NUMBER.finditer(value))
    parts, at = (*privacy.userinfo(value), *privacy.looks(value), *long), 0
    for part in sorted(parts, key=lambda part: (part.start, -part.end)):
        if part.start >= at:
            at = part.end
            yield part.start, part.end


def _without_leaks(text: str, stand_ins: StandIns) -> str:
    """Digits of neighbours may make a card's number that neither was."""
    for _ in range(_ATTEMPTS):
        leak = next((one for one in leaks.in_text(text) if one.is_secret), None)
        if leak is None:
            break
        text = text[: leak.start] + stand_ins.of(leak.value) + text[leak.end :]
    return text
