"""What of GMS a request, its answer or a WebSocket's frame carries: Bayeux messages, a push, or nothing.

Whoever makes facts of traffic asks here, whether the traffic passes or a file tells it.
"""

import re
from collections.abc import Callable

from gms_replay import apns, bayeux, gms, httpcb, jsonp
from gms_replay.errors import BayeuxError
from gms_replay.model import Headers, Request, Response, Transport

COMET = "comet"

Found = tuple[int, str, bytes]
"""A Bayeux message: its place in its frame, its channel, and its JSON as it stood there."""


def operation(method: str, target: str, said: Callable[[], tuple[Headers, bytes]]) -> gms.Operation | None:
    """What a request is to GMS, or the push that it is; None for a stranger's.

    `said` gives its headers and plain body; it is asked only where the path says nothing.
    """
    # Only where the path says nothing do body and query count.
    named = gms.recognise(method, target.partition("?")[0], b"")
    if named is None and method == "POST":
        headers, body = said()
        return httpcb.recognise(method, target, headers, body)
    if named is None and "jsonp=" in target:
        return gms.recognise(method, target, b"")
    return named


def is_wanted(named: gms.Operation | None, hosts: re.Pattern[str] | None, host: str, port: int) -> bool:
    """Whether a request is one to keep: `hosts` is searched in host:port; None keeps what looks like GMS."""
    if hosts is None:
        return named is not None
    return hosts.search(f"{host}:{port}") is not None


def is_wanted_connection(hosts: re.Pattern[str] | None, host: str, port: int) -> bool | None:
    """Whether a connection that is no HTTP is one to keep; None where its bytes have to tell (`apns.is_ours`)."""
    if port == apns.FEEDBACK_PORT:
        return False
    if hosts is not None:
        return hosts.search(f"{host}:{port}") is not None
    return port == apns.PORT or None


def carried(named: gms.Operation | None) -> str:
    """COMET, the provider of the push that a request is, or nothing."""
    if named is None:
        return ""
    if named.kind is gms.Kind.COMET:
        return COMET
    return gms.PUSH_PROVIDERS[named.name] if named.kind is gms.Kind.PUSH else ""


def polled(request: Request) -> tuple[Transport, tuple[bytes, ...]]:
    """How a request to a Comet server carries its frames, and the frames."""
    called = jsonp.asked(request.target) if request.method == "GET" else None
    if called:
        return Transport.CALLBACK_POLLING, called.frames
    return Transport.LONG_POLLING, bayeux.posted(request.body.plain)


def told(transport: Transport, response: Response) -> bytes:
    """The frame that answers such a request."""
    body = response.body.plain
    return jsonp.frame(body) if transport is Transport.CALLBACK_POLLING else body


def messages(frame: bytes) -> tuple[Found, ...]:
    """The Bayeux messages of a frame that name a channel; none where it is no Bayeux."""
    try:
        return tuple(
            (index, parsed.channel, parsed.raw)
            for index, parsed in enumerate(bayeux.parse_recorded(frame))
            if _is_text(parsed.channel)
        )
    except BayeuxError:
        return ()


def framed(frame: bytes) -> tuple[Found, ...]:
    """The messages of a WebSocket's frame, and on the channel "" what else it holds: nothing else keeps its bytes."""
    try:
        found = bayeux.parse_recorded(frame)
    except BayeuxError:
        return ((0, "", frame),)
    return tuple(
        (index, parsed.channel if _is_text(parsed.channel) else "", parsed.raw) for index, parsed in enumerate(found)
    )


def _is_text(channel: str) -> bool:
    # JSON can escape half a surrogate pair, which no cassette can hold.
    return channel != "" and not any("\ud800" <= character <= "\udfff" for character in channel)
