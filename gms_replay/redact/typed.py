"""What stands for what somebody typed.

Strategy: for addresses and numbers what stands for them everywhere, so that nobody takes them for true ones; for the
rest, as if it were one text, letters.
"""

from collections.abc import Callable
from itertools import chain, islice

from gms_replay import leaks, marks, privacy
from gms_replay.redact.standins import StandIns

_ATTEMPTS = 10


def told(value: str, stand_ins: StandIns, *, known: Callable[[str], str | None], is_done: Callable[[str], bool]) -> str:
    """A typed text with stand-ins. `known`: what stands already for a value; `is_done`: what stays, as it is one."""

    def stand_in(was: str) -> str:
        return was if is_done(was) else known(was) or stand_ins.of(was)

    # What would be known by its looks, also if it were drawn: what is drawn for a long number may be a card's.
    looks = privacy.apart([*privacy.userinfo(value), *privacy.looks(value), *privacy.long_numbers(value)])
    if not looks:
        return value if is_done(value) else stand_ins.typed(value)
    between = marks.between(value, [(part.start, part.end) for part in looks])
    rest = "".join(between)
    letters = iter(rest if is_done(rest) else stand_ins.letters(rest))
    drawn = ["".join(islice(letters, len(one))) for one in between]
    kept = [stand_in(value[part.start : part.end]) for part in looks]
    return _without_leaks("".join(chain(*zip(drawn, [*kept, ""], strict=True))), stand_ins)


def _without_leaks(text: str, stand_ins: StandIns) -> str:
    """Digits of neighbours may make a card's number that neither was."""
    for _ in range(_ATTEMPTS):
        leak = next((one for one in leaks.in_text(text) if one.is_secret), None)
        if leak is None:
            break
        text = text[: leak.start] + stand_ins.of(leak.value) + text[leak.end :]
    return text
