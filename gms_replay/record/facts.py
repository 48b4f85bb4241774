"""What was seen, told as our nouns."""

from gms_replay import bayeux, jsonp
from gms_replay.errors import BayeuxError
from gms_replay.model import Body, Headers, Outcome, Request, Response, Transport, header
from gms_replay.record.codings import decoded
from gms_replay.record.protocol import Answer, Asked, Ended, Fields

Found = tuple[int, str, bytes]
"""A Bayeux message: its place in its frame, its channel, and its JSON as it stood there."""


def instant_us(timestamp_s: float) -> int:
    """A time of mitmproxy's as one of ours."""
    return round(timestamp_s * 1_000_000)


def request(told: Asked) -> Request:
    headers = _request_headers(told)
    return Request(
        method=_text(told.method),
        scheme=_text(told.scheme),
        host=told.host,
        port=told.port,
        target=_text(told.path),
        http_version=_text(told.http_version),
        headers=headers,
        body=body(told.body, headers),
        started_at_us=instant_us(told.started_at_s),
        ended_at_us=None if told.ended_at_s is None else instant_us(told.ended_at_s),
        client=client(told.peer),
    )


def outcome(told: Ended) -> Outcome:
    """How an exchange ended."""
    return Outcome(instant_us(told.at_s), None if told.answer is None else response(told.answer), told.error)


def response(told: Answer) -> Response:
    named = headers(told.fields)
    return Response(
        status=told.status,
        reason=_text(told.reason),
        http_version=_text(told.http_version),
        headers=named,
        body=body(told.body, named),
        started_at_us=instant_us(told.started_at_s),
        ended_at_us=None if told.ended_at_s is None else instant_us(told.ended_at_s),
    )


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


def headers(fields: Fields) -> Headers:
    # Here and nowhere else calls are counted: twenty texts an exchange.
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in fields])


def body(wire: bytes | None, headers: Headers) -> Body:
    return Body() if wire is None else Body(wire, decoded(wire, headers))


def _request_headers(told: Asked) -> Headers:
    named = headers(told.fields)
    if told.authority and header(named, "host") is None:
        # HTTP/2 names the server outside its headers; told in HTTP/1's form that is Host (RFC 9113, section 8.3.1).
        return (("host", _text(told.authority)), *named)
    return named


def client(peer: tuple[str | int, ...]) -> str:
    """The other end of a connection: "address:port"."""
    address, port = str(peer[0]), peer[1]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_text(channel: str) -> bool:
    # JSON can escape half a surrogate pair, which no cassette can hold.
    return channel != "" and not any("\ud800" <= character <= "\udfff" for character in channel)


def _text(wire: bytes) -> str:
    return wire.decode("iso-8859-1")
