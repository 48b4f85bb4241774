"""What extensions add to messages, in `ext`: acknowledgement, the server's time, how much of a chat an app has.

After CometD's AcknowledgedMessagesExtension and TimesyncExtension; the last is GMS's own.
"""

from dataclasses import dataclass, field

from gms_replay.bayeux import Parsed

# How far off a client's idea of our clock may be before it is told, in ms (TimesyncExtension).
_ACCURACY_MS = 25
_BEYOND = 1 << 63


@dataclass(slots=True)
class Batches:
    """What the answers to a client's connects carried, as numbers of events, until it says that it has them."""

    last: int = 0
    unacknowledged: dict[int, frozenset[int]] = field(default_factory=dict)

    @property
    def outstanding(self) -> frozenset[int]:
        """All that the client may not have."""
        return frozenset().union(*self.unacknowledged.values())

    def close(self, numbers: frozenset[int]) -> int:
        """Ends a batch, and gives the number that its answer tells."""
        self.last += 1
        if numbers:
            self.unacknowledged[self.last] = numbers
        return self.last

    def acknowledge(self, last: int) -> tuple[frozenset[int], frozenset[int]]:
        """What the client has, and what it has not and has to be told again, when it names the last batch it got."""
        batches, self.unacknowledged = self.unacknowledged, {}
        had = (numbers for batch, numbers in batches.items() if batch <= last)
        lost = (numbers for batch, numbers in batches.items() if batch > last)
        return frozenset().union(*had), frozenset().union(*lost)


def asks_for_acknowledgement(handshake: Parsed) -> bool:
    return handshake.part("ext").get("ack") is True


def acknowledged(connect: Parsed) -> int | None:
    """The last batch that the client got; None where it does not say."""
    return _whole(connect.part("ext").get("ack"))


def transcript_position(disconnect: Parsed) -> int | None:
    """Up to where an app that goes to the background has the chat's transcript; None where it does not say."""
    position = disconnect.part("ext").get("transcriptPosition")
    if isinstance(position, str) and position.isascii() and position.isdigit() and len(position) < 10:
        return int(position)
    return _whole(position)


def timesync(message: Parsed, now_ms: int) -> dict[str, int] | None:
    """What a reply tells of the time: the client's `tc`, ours as `ts`, both in ms; None for a client that knows.

    A client that has an idea of its lag `l` and offset `o` is told how far off (`a`) it is.
    """
    asked = message.part("ext").get("timesync")
    if not isinstance(asked, dict) or (client_ms := _whole(asked.get("tc"))) is None:
        return None
    told = {"tc": client_ms, "ts": now_ms, "p": 0}
    lag_ms, offset_ms = _whole(asked.get("l")), _whole(asked.get("o"))
    if lag_ms is None or offset_ms is None:
        return told
    off_ms = client_ms + offset_ms + lag_ms - now_ms
    return None if lag_ms and abs(off_ms) < _ACCURACY_MS else told | {"a": off_ms}


def _whole(value: object) -> int | None:
    """A whole number of 64 bits, as CometD's server has them: a longer one may be read, and then not be written."""
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_BEYOND <= value < _BEYOND else None
