"""What mitmproxy shows of traffic, as it was: bytes, and seconds since 1970. Nothing is worked out.

These are values of their own, for the process that makes facts of them (`facts`) has no mitmproxy.
"""

from typing import NamedTuple

Fields = tuple[tuple[bytes, bytes], ...]
"""Header names and values, as `mitmproxy.http.Headers.fields` has them."""


class Asked(NamedTuple):
    """A request has passed, or was cut off inside its body.

    `number` is told again with all that belongs to this exchange. `carries` is what `carriage.carried` gives.
    `body` is None where it was streamed; `peer` begins with address and port.
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


Seen = Asked | Answering | Piece | Ended | Upgraded | Frame | Closed | Connected | Passed | Disconnected
"""What is shown of exchanges and connections, each in its order."""
