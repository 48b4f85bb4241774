"""What the proxy and its writer process say to each other.

What goes to the writer after `Begin` is what mitmproxy showed (`Seen`), in lists, until its input ends; `Flush` may
stand between. Whatever takes time is left for the other process, because Python runs one thread at a time, and the
proxy's is the one that traffic waits for.
"""

from pathlib import Path
from typing import NamedTuple

from gms_replay import model
from gms_replay.cassette.extent import Limits, Progress
from gms_replay.model import Exchange, Message
from gms_replay.redact.wishes import Wish


class Begin(NamedTuple):
    """The first word. `mode`, `upstream` and `versions` are those of `model.Run`; `wish`: what is to be replaced.

    `is_watched`: whether the proxy wants to hear how far the recording is, and what was recorded.
    `is_durable`: whether each commit waits for the disk.
    """

    cassette: Path
    limits: Limits
    mode: str
    upstream: str | None
    versions: tuple[tuple[str, str], ...]
    is_watched: bool
    wish: Wish
    is_durable: bool = False


class Flush(NamedTuple):
    """Whoever has this number wants to hear when all that was told before is on disk."""

    number: int


class Begun(NamedTuple):
    """A run was begun in a file: the first thing that is said, and again for each further file."""

    cassette: Path
    run_id: int


class Recorded(NamedTuple):
    """An exchange has ended, with its Bayeux messages; or a WebSocket brought messages, with what opened it."""

    exchange: Exchange
    messages: tuple[Message, ...]


class Framed(NamedTuple):
    """A frame has passed over a connection, or bytes of it that are none."""

    frame: model.Frame


class Flushed(NamedTuple):
    """All that was told before the `Flush` of this number is on disk."""

    number: int


class Failed(NamedTuple):
    """Facts cannot be written; those and all later ones are lost."""

    reason: str


Report = Begun | Progress | Recorded | Framed | Flushed | Failed
"""What the writer says; `Progress`, `Recorded` and `Framed` only where it is watched."""
