"""A text that is an instant is printed back as it stood, and any instant in its notation is read again as that."""

from collections.abc import Iterator

from gms_replay import instants
from gms_replay.instants import SECOND_US, Style

_FIRST_US = -62_000_000_000_000_000
_LAST_US = 253_000_000_000_000_000
"""Some years from where calendars of four digits begin and end: what is beyond is told as their ends."""


def one_input(data: bytes) -> None:
    """Raises AssertionError where the invariant breaks, and whatever `instants` raises. Eight bytes say when."""
    text = data[8:].decode("utf-8", "replace")
    other_us = min(max(int.from_bytes(data[:8], "big", signed=True), _FIRST_US), _LAST_US)
    for candidate in (text, *(found[0] for found in instants.ANYWHERE.finditer(text))):
        parsed = instants.parse(candidate)
        if parsed is None:
            continue
        at_us, notation = parsed
        assert instants.render(at_us, notation) == candidate
        assert instants.read(candidate) == at_us
        told = instants.render(other_us, notation)
        again = instants.parse(told)
        if notation.style in (Style.EPOCH_S, Style.EPOCH_MS):
            # What has not so many digits is a duration, a port, a count.
            continue
        assert again is not None, f"{candidate!r}: {told!r} is no instant"
        assert instants.render(again[0], notation) == told
        assert abs(again[0] - other_us) < 60 * SECOND_US


def seeds() -> Iterator[bytes]:
    """One of each notation, from a day of summer time on."""
    when = (1_772_614_800_000_000).to_bytes(8, "big")
    for text in (
        "2014-05-02T16:30:00.000Z", "2014-05-02T16:30:00+02:00", "2014-05-02 16:30",
        "2014-05-02T16:30:00.123456789-0330", "Fri, 02 May 2014 16:30:00 GMT", "Fri, 02-May-2014 16:30:00 UTC",
        "Fri, 2 May 2014 16:30:00 +0200",
        "Fri May 02 16:30:00 UTC 2014", "1399048058", "1399048058000",
    ):  # fmt: skip
        yield when + text.encode()
