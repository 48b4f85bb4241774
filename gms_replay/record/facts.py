"""mitmproxy's flows told as our nouns."""

from mitmproxy.connection import Client
from mitmproxy.http import HTTPFlow
from mitmproxy.http import Message as HttpMessage
from mitmproxy.http import Request as HttpRequest
from mitmproxy.http import Response as HttpResponse
from mitmproxy.websocket import WebSocketData

from gms_replay import bayeux
from gms_replay.errors import BayeuxError
from gms_replay.model import Body, Direction, Headers, Outcome, Request, Response, header
from gms_replay.record.codings import decoded
from gms_replay.record.tap import Tap


def instant_us(timestamp_s: float) -> int:
    """A time of mitmproxy's as one of ours."""
    return round(timestamp_s * 1_000_000)


def request(flow: HTTPFlow) -> Request:
    """The request of a flow, as it goes on to the server."""
    told = flow.request
    headers = _request_headers(told)
    ended_at_s = told.timestamp_end
    return Request(
        method=_text(told.data.method),
        scheme=_text(told.data.scheme),
        host=told.host,
        port=told.port,
        target=_text(told.data.path),
        http_version=_text(told.data.http_version),
        headers=headers,
        body=_body(told.raw_content, headers),
        started_at_us=instant_us(told.timestamp_start),
        ended_at_us=None if ended_at_s is None else instant_us(ended_at_s),
        client=_client(flow.client_conn),
    )


def outcome(flow: HTTPFlow, tap: Tap | None) -> Outcome:
    """How a flow ended: with its answer, or with an error, perhaps inside its answer. `tap` saw what was streamed."""
    response = None if flow.response is None else _response(flow.response, tap)
    if flow.error:
        return Outcome(instant_us(flow.error.timestamp), response, flow.error.msg)
    return Outcome(_passed_at_us(flow), response)


def _passed_at_us(flow: HTTPFlow) -> int:
    last = flow.response or flow.request
    return instant_us(last.timestamp_start if last.timestamp_end is None else last.timestamp_end)


def upgraded_at_us(flow: HTTPFlow) -> int:
    """When the answer had passed that made a WebSocket of a flow."""
    return _passed_at_us(flow)


def close(socket: WebSocketData) -> tuple[int, int | None, str, Direction]:
    """When a WebSocket was closed, with which code and reason, and from which side."""
    by = Direction.TO_SERVER if socket.closed_by_client else Direction.TO_CLIENT
    return instant_us(socket.timestamp_end or 0), socket.close_code, socket.close_reason or "", by


def messages(frame: bytes) -> tuple[tuple[int, bayeux.Parsed], ...]:
    """The Bayeux messages of a frame that name a channel, with their places in it; none where it is no Bayeux."""
    try:
        return tuple(
            (index, parsed) for index, parsed in enumerate(bayeux.parse_recorded(frame)) if _is_text(parsed.channel)
        )
    except BayeuxError:
        return ()


def _response(told: HttpResponse, tap: Tap | None) -> Response:
    headers = _headers(told)
    ended_at_s = told.timestamp_end
    wire = told.raw_content if told.raw_content is not None or tap is None else tap.body
    return Response(
        status=told.status_code,
        reason=_text(told.data.reason),
        http_version=_text(told.data.http_version),
        headers=headers,
        body=_body(wire, headers),
        started_at_us=instant_us(told.timestamp_start),
        ended_at_us=None if ended_at_s is None else instant_us(ended_at_s),
    )


def _request_headers(told: HttpRequest) -> Headers:
    headers = _headers(told)
    if told.authority and header(headers, "host") is None:
        # HTTP/2 names the server outside its headers; told in HTTP/1's form that is Host (RFC 9113, section 8.3.1).
        return (("host", _text(told.data.authority)), *headers)
    return headers


def _headers(told: HttpMessage) -> Headers:
    # Here and nowhere else calls are counted: twenty texts an exchange.
    return tuple([(name.decode("latin-1"), value.decode("latin-1")) for name, value in told.headers.fields])


def _body(wire: bytes | None, headers: Headers) -> Body:
    return Body() if wire is None else Body(wire, decoded(wire, headers))


def _client(client: Client) -> str:
    address, port = client.peername[:2]
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _is_text(channel: str) -> bool:
    # JSON can escape half a surrogate pair, which no cassette can hold.
    return channel != "" and not any("\ud800" <= character <= "\udfff" for character in channel)


def _text(wire: bytes) -> str:
    return wire.decode("iso-8859-1")
