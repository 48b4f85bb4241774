"""What goes into the player, and what comes out of it. The front ends carry both; they judge neither."""

from dataclasses import dataclass
from typing import NamedTuple

from gms_replay.model import Exchange, Headers

NOBODY = "-"
"""An app, or a host, that is not known: it is not near, as without any address it would be this very process."""


class Asked(NamedTuple):
    """A request of the app's. `target`: path and query as asked; `peer`: the app's address, without its port.

    `forwarded_prefix`: what a proxy in front of us took off the path, "" if nothing. `http_version`: as on the wire.
    """

    method: str
    scheme: str
    target: str
    headers: Headers
    body: bytes
    peer: str = ""
    forwarded_prefix: str = ""
    http_version: str = "HTTP/1.1"


class RequestArrived(NamedTuple):
    """A whole request came in. `request_id` is the front end's, and unique."""

    request_id: int
    asked: Asked


@dataclass(frozen=True, slots=True)
class SocketOpened:
    """The app wants a WebSocket, by this request. `socket_id` is the front end's, and no request's."""

    socket_id: int
    asked: Asked


@dataclass(frozen=True, slots=True)
class TextArrived:
    """A whole message came over a WebSocket."""

    socket_id: int
    text: bytes


@dataclass(frozen=True, slots=True)
class PeerGone:
    """The app hung up before the answer to this request had been sent to its end; or the WebSocket of this id ended."""

    request_id: int


@dataclass(frozen=True, slots=True)
class Woke:
    """The time that `next_wakeup_us` named has come."""


Event = RequestArrived | SocketOpened | TextArrived | PeerGone | Woke


class Respond(NamedTuple):
    """Answers a request, or refuses a WebSocket. Names of headers are in lower case; the front end adds the length.

    `missed`: what was asked, without our own additions, where the cassette has no answer and this says so. `cut_at`:
    after so many bytes of the body the connection is closed; None where all of it goes out.
    """

    request_id: int
    status: int
    headers: Headers
    body: bytes
    missed: Asked | None = None
    cut_at: int | None = None


@dataclass(frozen=True, slots=True)
class Break:
    """Ends the connection of the request, or the WebSocket, of that id, without a word. `resets`: as TCP resets it."""

    carrier_id: int
    resets: bool


@dataclass(frozen=True, slots=True)
class AcceptSocket:
    """Opens the WebSocket that was asked for."""

    socket_id: int


@dataclass(frozen=True, slots=True)
class SendText:
    """Sends a message over a WebSocket."""

    socket_id: int
    text: bytes


UNEXPECTED = 1011
"""What CometD's server closes with where a frame does not parse, or something fails."""


@dataclass(frozen=True, slots=True)
class CloseSocket:
    """Closes a WebSocket, with a code of RFC 6455, section 7.4. `reason`: the front end tells as much as fits."""

    socket_id: int
    code: int
    reason: str


class SendPush(NamedTuple):
    """A push for the device of a session's app, which plays that visit; `at_us`: when it is due, in the story's time.

    `provider`: who carried the recorded one, None for one that was derived; `device`: as this app, or else the
    recording, names it; `payload`: what it gets to read; `headers`: what APNs is told beside it. `number`: its place
    among all that were told, from 1; 0 before it is.
    """

    session: str
    visit: int
    at_us: int
    provider: str | None
    device: str | None
    service_id: str | None
    action: str | None
    headers: Headers
    payload: bytes
    number: int = 0


class DropPushes(NamedTuple):
    """A session is no more: none of its pushes is to go that has not gone yet."""

    session: str


class PushTaken(NamedTuple):
    """A push came in from whoever sends them, and was answered: for whoever records. Its exchange has no id yet."""

    provider: str
    exchange: Exchange


JSON: Headers = (("content-type", "application/json;charset=UTF-8"),)
"""What the player's own answers, those that nobody recorded, are headed with."""

TEXT: Headers = (("content-type", "text/plain;charset=UTF-8"),)
"""What those are headed with that people read."""


@dataclass(frozen=True, slots=True)
class Noted:
    """Something that whoever runs the server should read: a miss, an act too many, a patience that ran out.

    `missed`: the request that is a miss, for a front end that has it answered elsewhere; None for all else.
    """

    text: str
    missed: int | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """Something that is as it should be, and that whoever wonders may read: who plays what."""

    text: str


Action = Respond | Break | AcceptSocket | SendText | CloseSocket | SendPush | DropPushes | PushTaken | Noted | Logged
