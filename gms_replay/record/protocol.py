"""What the proxy and its writer process say to each other.

What goes to the writer is what mitmproxy showed, as it was: bytes, and seconds since 1970. Whatever takes time is left
for the other process, because Python runs one thread at a time, and the proxy's is the one that traffic waits for.
"""

from pathlib import Path
from typing import NamedTuple

from gms_replay import model
from gms_replay.cassette.extent import Limits, Progress
from gms_replay.model import Exchange, Message

Fields = tuple[tuple[bytes, bytes], ...]
"""Header names and values, as `mitmproxy.http.Headers.fields` has them."""

COMET = "comet"


class Begin(NamedTuple):
    """The first word. `mode`, `upstream` and `versions` are those of `model.Run`.

    `is_watched`: whether the proxy wants to hear how far the recording is, and what was recorded.
    """

    cassette: Path
    limits: Limits
    mode: str
    upstream: str | None
    versions: tuple[tuple[str, str], ...]
    is_watched: bool


class Asked(NamedTuple):
    """A request has passed, or was cut off inside its body.

    `number` is told again with all that belongs to this exchange. `carries` is COMET, the provider of the push that it
    is, or nothing. `body` is None where it was streamed; `peer` begins with address and port.
    """

    number: int
    carries: str
    method: bytes
    scheme: bytes
    host: str
    port: int
    path: bytes
    http_version: bytes
    authority: bytes
    fields: Fields
    body: bytes | None
    started_at_s: float
    ended_at_s: float | None
    peer: tuple[str | int, ...]


class Answer(NamedTuple):
    """An answer, perhaps cut off after its head. `body` is None where it was, or will be, told piece by piece."""

    status: int
    reason: bytes
    http_version: bytes
    fields: Fields
    body: bytes | None
    started_at_s: float
    ended_at_s: float | None


class Answering(NamedTuple):
    """The head of an answer has passed whose body is told piece by piece."""

    number: int
    head: Answer


class Piece(NamedTuple):
    """A piece of such a body has passed."""

    number: int
    at_s: float
    content: bytes


class Ended(NamedTuple):
    """An exchange ended, with an answer, an error or both. `goes_on`: it is a WebSocket from now on."""

    number: int
    at_s: float
    answer: Answer | None
    error: str | None
    goes_on: bool


class Upgraded(NamedTuple):
    """A WebSocket is open."""

    number: int
    at_s: float


class Frame(NamedTuple):
    """A frame of a WebSocket has passed."""

    number: int
    is_from_client: bool
    at_s: float
    content: bytes


class Closed(NamedTuple):
    """A WebSocket is closed."""

    number: int
    at_s: float
    code: int | None
    reason: str
    is_by_client: bool


class Connected(NamedTuple):
    """A connection carries pushes that are no HTTP. `number` is told again with all that passes over it.

    It is none of an exchange's. `peer` begins with the client's address and port.
    """

    number: int
    host: str
    port: int
    peer: tuple[str | int, ...]
    at_s: float


class Passed(NamedTuple):
    """Some bytes have passed over such a connection."""

    number: int
    is_from_client: bool
    at_s: float
    content: bytes


class Disconnected(NamedTuple):
    """Such a connection is closed or lost."""

    number: int


class Flush(NamedTuple):
    """Whoever has this number wants to hear when all that was told before is on disk."""

    number: int


Seen = Asked | Answering | Piece | Ended | Upgraded | Frame | Closed | Connected | Passed | Disconnected
"""What the writer hears after `Begin`, in lists, until its input ends; `Flush` may stand between."""


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
