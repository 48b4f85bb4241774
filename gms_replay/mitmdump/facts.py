"""What mitmproxy showed, told as our nouns."""

from gms_replay.mitmdump.codings import decoded
from gms_replay.mitmdump.seen import Answer, Asked, Ended, Fields
from gms_replay.model import Body, Headers, Outcome, Request, Response, header


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


def _text(wire: bytes) -> str:
    return wire.decode("iso-8859-1")
