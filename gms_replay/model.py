"""The nouns: what a cassette holds, as values.

Instants are integer microseconds since 1970-01-01 UTC; their names end in `_us`.
Headers and request targets are text of one character per byte (ISO 8859-1), so that any bytes survive.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import NamedTuple, Protocol

Headers = tuple[tuple[str, str], ...]
"""Names and values in the order of the wire, duplicates kept, names in the letter case they came in."""

_SET_ANEW = frozenset(
    {
        "connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
        "transfer-encoding", "upgrade", "content-length",
    }
)  # fmt: skip
"""Hop-by-hop headers (RFC 9110, section 7.6.1) and the length, which is counted."""


FRAMES_PROVIDER = "apns"
"""Whom frames tell: only Apple's binary protocol is no HTTP."""


class Direction(StrEnum):
    """Which way something went."""

    TO_SERVER = "to-server"
    TO_CLIENT = "to-client"


class Transport(StrEnum):
    """How a Bayeux message travelled; the values are Bayeux's connection types."""

    LONG_POLLING = "long-polling"
    CALLBACK_POLLING = "callback-polling"
    WEBSOCKET = "websocket"


class Redaction(StrEnum):
    """What of a run's traffic was replaced by stand-ins before it was stored: nothing, secrets, what was typed, too."""

    OFF = "off"
    ON = "on"
    TYPED = "typed"


@dataclass(frozen=True, slots=True)
class Body:
    """A body without its transfer coding (chunks), with its content coding (gzip).

    `decoded` is the body with the content coding undone; None where there is no coding, or where it does not decode.
    """

    wire: bytes = b""
    decoded: bytes | None = None

    @property
    def plain(self) -> bytes:
        """The bytes to read: decoded where they could be, else as they were on the wire."""
        return self.wire if self.decoded is None else self.decoded


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request, as it went on to the server.

    `host` and `port` are where it was sent; what the app asked for by name stands in the Host header.
    `ended_at_us` is None for a request whose body was cut off. `client` is the app's end, "address:port".
    """

    method: str
    scheme: str
    host: str
    port: int
    target: str
    http_version: str
    headers: Headers
    body: Body
    started_at_us: int
    ended_at_us: int | None
    client: str = ""

    @property
    def asked_at_us(self) -> int:
        """When the server had all of it, as far as it got."""
        return self.started_at_us if self.ended_at_us is None else self.ended_at_us


@dataclass(frozen=True, slots=True)
class Response:
    """One HTTP answer. `ended_at_us` is None where it was cut off after its head."""

    status: int
    reason: str
    http_version: str
    headers: Headers
    body: Body
    started_at_us: int
    ended_at_us: int | None

    @property
    def is_refusal(self) -> bool:
        return self.status >= 400


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an exchange ended: with an answer, with an error, or with an answer that an error cut off."""

    at_us: int
    response: Response | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request with its outcome; without one it was under way when the recording stopped."""

    id: int
    run_id: int
    request: Request
    outcome: Outcome | None = None

    @property
    def response(self) -> Response | None:
        return self.outcome.response if self.outcome else None

    @property
    def unfinished(self) -> bool:
        return self.outcome is None


@dataclass(frozen=True, slots=True)
class Message:
    """One Bayeux message. `raw` is its JSON as it stood in the frame; `index` its place there, from 0.

    `exchange_id` names what carried it: the exchange of the poll, or the one that opened the WebSocket.
    On the channel "" is what a WebSocket carried that is no Bayeux message: `raw` is what it was, perhaps no JSON.
    `at_us`: when its last byte had passed the recorder; where an answer came at once, when that began.
    """

    id: int
    exchange_id: int
    direction: Direction
    transport: Transport
    at_us: int
    index: int
    channel: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Push:
    """One notification seen on its way to a device. `payload` is what the provider was told, as it was.

    `exchange_id` names the request that carried it, None where it was no HTTP.
    """

    id: int
    run_id: int
    exchange_id: int | None
    provider: str
    at_us: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Socket:
    """One WebSocket, opened by the exchange of that id. `closed_at_us` is None where nobody saw it close."""

    exchange_id: int
    opened_at_us: int
    closed_at_us: int | None = None
    close_code: int | None = None
    close_reason: str = ""
    closed_by: Direction | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """One connection that carries pushes in Apple's binary protocol (`apns`), which is no HTTP.

    `host` and `port` are the provider's end, `client` is GMS's, "address:port".
    """

    id: int
    run_id: int
    host: str
    port: int
    client: str
    opened_at_us: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One frame of such a connection, or bytes of it that are none: `raw` is what passed, its TLS undone.

    `at_us`: when its last byte had passed the recorder.
    """

    id: int
    connection_id: int
    direction: Direction
    at_us: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Run:
    """One uninterrupted recording. `mode` is mitmproxy's; `versions` are (program, version) pairs."""

    id: int
    started_at_us: int
    mode: str
    upstream: str | None
    versions: tuple[tuple[str, str], ...]
    redaction: Redaction = Redaction.OFF


class Outline(NamedTuple):
    """What of requests in the same words is known without reading them through; `body` is the one to read.

    `named`: the first value of the header that was wanted, None where there is none. `places`: for each request, when
    the server had it, as far as it got, and its exchange's id.
    """

    method: str
    target: str
    named: str | None
    body: bytes
    places: list[tuple[int, int]]


def outlined(asked: Iterable[tuple[tuple[int, int], tuple[str, str, str | None, bytes]]]) -> Iterator[Outline]:
    """The outlines of requests, each with its place."""
    found: dict[tuple[str, str, str | None, bytes], list[tuple[int, int]]] = {}
    for place, words in asked:
        if known := found.get(words):
            known.append(place)
        else:
            found[words] = [place]
    return (Outline(*words, places) for words, places in found.items())


class Carried(NamedTuple):
    """What of a Bayeux message is known without reading it; its direction is `is_told` for one to the app."""

    message_id: int
    exchange_id: int
    is_told: bool
    raw: bytes


class Facts(Protocol):
    """Facts that can be looked through before they are read: a Recording, or a file with one."""

    def outlines(self, header_name: str) -> Iterable[Outline]:
        """All requests with one of their headers, in any order."""

    def answers_with(self, parts: Collection[bytes]) -> Iterable[tuple[int, bytes]]:
        """The bodies, to read, of the answers that hold one of these, with their exchanges' ids."""

    def carried(self) -> Iterable[Carried]:
        """All Bayeux messages, in the order of their ids."""

    def part(self, exchange_ids: Sequence[int], message_ids: Sequence[int]) -> "Recording":
        """These exchanges and messages, each in the order of their ids."""

    def providers(self) -> frozenset[str]:
        """Whom pushes were told to."""

    def pushed_with(self, parts: Collection[bytes]) -> "Recording":
        """The pushes that hold one of these, with what carried them: exchanges, or all frames of their connections."""


@dataclass(frozen=True)
class Recording:
    """All facts of a cassette, each kind in the order of its ids."""

    runs: tuple[Run, ...] = ()
    exchanges: tuple[Exchange, ...] = ()
    messages: tuple[Message, ...] = ()
    pushes: tuple[Push, ...] = ()
    sockets: tuple[Socket, ...] = ()
    connections: tuple[Connection, ...] = ()
    frames: tuple[Frame, ...] = ()

    def outlines(self, header_name: str) -> Iterable[Outline]:
        """All requests with one of their headers."""
        requests = ((exchange.id, exchange.request) for exchange in self.exchanges)
        return outlined(
            ((one.asked_at_us, number), (one.method, one.target, header(one.headers, header_name), one.body.plain))
            for number, one in requests
        )

    def answers_with(self, parts: Collection[bytes]) -> Iterator[tuple[int, bytes]]:
        """The bodies of the answers that hold one of these."""
        for exchange in self.exchanges:
            if exchange.response and any(part in exchange.response.body.plain for part in parts):
                yield exchange.id, exchange.response.body.plain

    def carried(self) -> Iterator[Carried]:
        """What is known of each Bayeux message without reading it."""
        for message in self.messages:
            if message.channel:
                is_told = message.direction is Direction.TO_CLIENT
                yield Carried(message.id, message.exchange_id, is_told, message.raw)

    def part(self, exchange_ids: Sequence[int], message_ids: Sequence[int]) -> "Recording":
        """These exchanges and messages, each in the order of their ids."""
        exchanges, messages = self._by_id
        return Recording(
            exchanges=tuple(exchanges[number] for number in sorted(exchange_ids)),
            messages=tuple(messages[number] for number in sorted(message_ids)),
        )

    def providers(self) -> frozenset[str]:
        """Whom pushes were told to."""
        return frozenset([*(push.provider for push in self.pushes), *(FRAMES_PROVIDER for _ in self.frames)])

    def pushed_with(self, parts: Collection[bytes]) -> "Recording":
        """The pushes that hold one of these, with what carried them: exchanges, or all frames of their connections."""
        found = tuple(push for push in self.pushes if any(part in push.payload for part in parts))
        carried = self.part([push.exchange_id for push in found if push.exchange_id is not None], ())
        held = {frame.connection_id for frame in self.frames if any(part in frame.raw for part in parts)}
        frames = tuple(frame for frame in self.frames if frame.connection_id in held)
        return Recording(exchanges=carried.exchanges, pushes=found, frames=frames)

    @cached_property
    def _by_id(self) -> tuple[dict[int, Exchange], dict[int, Message]]:
        return {one.id: one for one in self.exchanges}, {one.id: one for one in self.messages}


def header(headers: Headers, name: str) -> str | None:
    """The first value of a header, whatever letter case its name has."""
    wanted = name.lower()
    for key, value in headers:
        if key == wanted or key.lower() == wanted:
            return value
    return None


def end_to_end(headers: Headers) -> Headers:
    """The headers that go on with a message that is sent anew, names in lower case."""
    return tuple((name.lower(), value) for name, value in headers if name.lower() not in _SET_ANEW)


def for_any_page(headers: Headers) -> Headers:
    """Of an answer's headers those that go on, but for what the server granted to pages of its own origins."""
    return tuple((name, value) for name, value in end_to_end(headers) if not name.startswith("access-control-"))
