"""The Bayeux grammar: frames, messages, channels, errors. Bayeux 1.0, sections 2 to 5.

A frame is what one HTTP body or one WebSocket message carries: an array of messages, or a single one.
`parse` keeps each message's own bytes beside its fields, because what is recorded is played back as it was written.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from urllib.parse import parse_qs

from gms_replay.errors import BayeuxError

HANDSHAKE = "/meta/handshake"
CONNECT = "/meta/connect"
SUBSCRIBE = "/meta/subscribe"
UNSUBSCRIBE = "/meta/unsubscribe"
DISCONNECT = "/meta/disconnect"

_LONGEST_CHANNEL = 1000
"""Many times what GMS has: a server keeps each that a client subscribes to."""

SESSION_UNKNOWN = "402::session_unknown"
"""What CometD's server says of a `clientId` that it does not know (or no longer)."""

_JSON = json.JSONDecoder()
_BLANKS = " \t\r\n"
_STRING = r'"[^"\\]*(?:\\.[^"\\]*)*"?'
"""Also one that does not end: else it would be looked for anew from each quote in it."""
_STRING_OR_BRACKET = re.compile(rf"{_STRING}|[{{}}\[\]]", re.DOTALL)
_BROWSER = re.compile(r"(?:^|; *)BAYEUX_BROWSER=(?P<value>[^;]+)")
_DEEPEST = 100
"""Python reads and writes JSON by recursion; what is near its limit could be read, and then not be answered."""
_STRING_OR_MARK = re.compile(rf"{_STRING}|[{{}}]|,(?=\s*[}}\]])", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Parsed:
    """One message: its JSON as it stood in the frame, and its fields."""

    raw: bytes
    fields: dict[str, Any]

    @property
    def channel(self) -> str:
        """The channel, or "" where it is missing or no text."""
        channel = self.fields.get("channel")
        return channel if isinstance(channel, str) else ""

    @property
    def client_id(self) -> str:
        """The id of the client that says it, or "" where it is missing or no text."""
        client_id = self.fields.get("clientId")
        return client_id if isinstance(client_id, str) else ""

    def part(self, name: str) -> dict[str, Any]:
        """An object among its fields, as `ext` or `advice`; empty where there is none."""
        part = self.fields.get(name)
        return part if isinstance(part, dict) else {}

    @property
    def is_event(self) -> bool:
        """True for a message that carries data to subscribers, false for replies and publish acknowledgements."""
        return not is_meta(self.channel) and "data" in self.fields


def parse_recorded(frame: bytes) -> tuple[Parsed, ...]:
    """The messages of a frame that a peer let pass: commas before a closing bracket and raw line breaks are forgiven.

    The vendor's article prints such frames. Each message's `raw` is as it stood; what is no
    UTF-8 there, no message can say. Raises BayeuxError for any other flaw.
    """
    try:
        return parse(frame)
    except BayeuxError:
        text = frame.decode("utf-8", "replace")
        found = tuple(_forgiven(text[start:end]) for start, end in _objects(text))
        if not found:
            raise
        return found


def parse(frame: bytes) -> tuple[Parsed, ...]:
    """The messages of a frame, in order. Raises BayeuxError for anything but JSON objects."""
    text = _decoded(frame)
    messages, at = _frame(text, _skip(text, 0))
    if at != len(text):
        raise BayeuxError(f"text after the frame at character {at}: one JSON value is expected")
    return tuple(messages)


def parse_streamed(frames: bytes) -> tuple[Parsed, ...]:
    """The messages of frames that follow one another, as in an answer that goes on. Raises BayeuxError as `parse`."""
    text = _decoded(frames)
    messages, at = _frame(text, _skip(text, 0))
    while at != len(text):
        further, at = _frame(text, at)
        messages += further
    return tuple(messages)


def _decoded(frame: bytes) -> str:
    try:
        text = frame.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BayeuxError(f"not UTF-8 at byte {error.start}: a Bayeux frame is JSON in UTF-8") from None
    # What opens otherwise is no frame anyway, and may be a file.
    if text.lstrip()[:1] in ("{", "[") and is_deeper(text, _DEEPEST):
        raise BayeuxError(f"nested deeper than {_DEEPEST} levels: no client needs that")
    return text


def _frame(text: str, at: int) -> tuple[list[Parsed], int]:
    """The messages of the frame that stands there, and where the next would."""
    if text[at : at + 1] != "[":
        message, at = _object(text, at)
        return [message], _skip(text, at)
    messages, at = _array(text, at + 1)
    return messages, _skip(text, at)


def is_deeper(text: str, than: int) -> bool:
    """Whether JSON, well-formed or not, is nested deeper than so many levels."""
    if text.count("[") + text.count("{") <= than:
        return False
    steps = (token[0] for token in _STRING_OR_BRACKET.finditer(text))
    return max(accumulate(1 if step in "[{" else -1 if step in "]}" else 0 for step in steps), default=0) > than


def _array(text: str, at: int) -> tuple[list[Parsed], int]:
    messages: list[Parsed] = []
    at = _skip(text, at)
    if text[at : at + 1] == "]":
        return messages, at + 1
    while True:
        message, at = _object(text, at)
        messages.append(message)
        at = _skip(text, at)
        if text[at : at + 1] == "]":
            return messages, at + 1
        if text[at : at + 1] != ",":
            raise BayeuxError(f"expected a comma or the array's end at character {at}")
        at = _skip(text, at + 1)


def _object(text: str, at: int) -> tuple[Parsed, int]:
    try:
        value, end = _JSON.raw_decode(text, at)
    except (ValueError, RecursionError) as error:
        raise BayeuxError(f"not JSON: {error}") from None
    if not isinstance(value, dict):
        raise BayeuxError(f"a message is a JSON object, not {text[at:end][:40]!r}, at character {at}")
    return Parsed(text[at:end].encode("utf-8"), value), end


def _objects(text: str) -> Iterator[tuple[int, int]]:
    """Where the outermost objects of a text stand."""
    depth = start = 0
    for token in _STRING_OR_MARK.finditer(text):
        if token[0] == "{":
            start = start if depth else token.start()
            depth += 1
        elif token[0] == "}" and depth:
            depth -= 1
            if not depth:
                yield start, token.end()


def _forgiven(raw: str) -> Parsed:
    mended = _STRING_OR_MARK.sub(lambda token: "" if token[0] == "," else token[0], raw)
    try:
        fields = json.loads(mended, strict=False)
    except (ValueError, RecursionError) as error:
        raise BayeuxError(f"not JSON: {error}") from None
    return Parsed(raw.encode("utf-8"), fields)


def _skip(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def posted(body: bytes) -> tuple[bytes, ...]:
    """The frames of a POST's body: itself, or what a form calls `message` (Bayeux 1.0, section 6.1)."""
    if not body.startswith(b"message="):
        return (body,)
    form = parse_qs(body.decode("utf-8", "replace"))
    return tuple(frame.encode("utf-8", "surrogatepass") for frame in form.get("message", ()))


def is_meta(channel: str) -> bool:
    """True for the protocol's own channels (Bayeux 1.0, section 2.2.1)."""
    return channel == "/meta" or channel.startswith("/meta/")


def is_service(channel: str) -> bool:
    """True for channels by which a client and the server talk alone (Bayeux 1.0, section 2.2.2)."""
    return channel.startswith("/service/")


def may_be_subscribed_to(channel: str) -> bool:
    """Whether it is a channel, none of the protocol's own (Bayeux 1.0, section 2.2.1), and not too long."""
    return channel.startswith("/") and 1 < len(channel) <= _LONGEST_CHANNEL and not is_meta(channel)


def why_unpublishable(channel: str) -> str:
    """The error of whoever publishes on a channel where nobody can; "" where everybody can."""
    if not channel:
        return "400::channel_missing"
    if not channel.startswith("/") or len(channel) > _LONGEST_CHANNEL:
        return "405::channel_invalid"
    return f"404:{channel}:channel_unknown" if is_meta(channel) else ""


def matches(subscription: str, channel: str) -> bool:
    """Whether a subscription, perhaps with `*` or `**` at its end, takes in a channel (Bayeux 1.0, section 2.2)."""
    if subscription.endswith("/**"):
        return channel.startswith(subscription[:-2]) and len(channel) > len(subscription) - 2
    if subscription.endswith("/*"):
        parent, slash, name = channel.rpartition("/")
        return parent + slash == subscription[:-1] and name != ""
    return subscription == channel


def subscriptions_to(channel: str) -> tuple[str, ...]:
    """All that whoever is to hear of this channel may have subscribed to: those with which `matches` agrees."""
    slashes = [at for at, sign in enumerate(channel) if sign == "/" and at + 1 < len(channel)]
    parent = [channel[: slashes[-1]] + "/*"] if slashes and channel[-1] != "/" else []
    return (channel, *parent, *(channel[:at] + "/**" for at in slashes))


def frame(messages: Iterable[bytes]) -> bytes:
    """Messages, each already JSON, as one frame."""
    return b"[" + b",".join(messages) + b"]"


def dump(fields: dict[str, Any]) -> bytes:
    """One message as JSON, in the order of its fields, without blanks."""
    # A lone surrogate has no UTF-8; Python's stand-in for it, \udXXX, is JSON's own escape.
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")


def reply(message: Parsed, **fields: Any) -> dict[str, Any]:
    """The reply to a message: its channel, then `fields`.

    Between them what it repeats: the message's `id`, of any type, and its `subscription`, on any channel (as CometD's
    BayeuxServerImpl); neither where the message has none.
    """
    repeated = {"id": message.fields["id"]} if "id" in message.fields else {}
    if (asked := message.fields.get("subscription")) is not None:
        repeated["subscription"] = asked
    return {"channel": message.fields.get("channel")} | repeated | fields


def browser(cookies: str) -> str | None:
    """The browser that a request comes from, as CometD tells them apart, by what its header `Cookie` holds."""
    cookie = _BROWSER.search(cookies)
    return cookie["value"] if cookie else None


def milliseconds(value: object, otherwise: int) -> int:
    """A duration that a peer sent; anything but a sane number counts as not sent."""
    if isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 86_400_000:
        return int(value)
    return otherwise
