"""mitmproxy's flows, as the writer process is told of them: references to what never changes, nothing worked out."""

from mitmproxy.connection import Server
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.tcp import TCPFlow, TCPMessage
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from gms_replay.mitmdump.seen import (
    Answer,
    Answering,
    Asked,
    Closed,
    Connected,
    Disconnected,
    Ended,
    Frame,
    Passed,
    Upgraded,
)


def asked(number: int, carries: str, flow: HTTPFlow) -> Asked:
    """The request of a flow, as it goes on to the server."""
    told = flow.request.data
    return Asked(
        number,
        carries,
        told.method,
        told.scheme,
        told.host,
        told.port,
        told.path,
        told.http_version,
        told.authority,
        told.headers.fields,
        told.content,
        told.timestamp_start,
        told.timestamp_end,
        flow.client_conn.peername,
    )


def answering(number: int, response: Response) -> Answering:
    """The head of an answer, whose body is still to come."""
    return Answering(number, _answer(response))


def ended(number: int, flow: HTTPFlow) -> Ended:
    """How a flow ended."""
    error = flow.error
    at_s = error.timestamp if error else _passed_at_s(flow)
    answer = _answer(flow.response) if flow.response else None
    return Ended(number, at_s, answer, error.msg if error else None, flow.websocket is not None)


def upgraded(number: int, flow: HTTPFlow) -> Upgraded:
    """The answer that made a WebSocket of a flow has passed."""
    return Upgraded(number, _passed_at_s(flow))


def frame(number: int, told: WebSocketMessage) -> Frame:
    return Frame(number, told.from_client, told.timestamp, told.content)


def closed(number: int, socket: WebSocketData) -> Closed:
    return Closed(
        number, socket.timestamp_end or 0.0, socket.close_code, socket.close_reason or "", bool(socket.closed_by_client)
    )


def connected(number: int, flow: TCPFlow) -> Connected:
    """A flow whose bytes are told from now on."""
    host, port = address(flow.server_conn)
    return Connected(number, host, port, flow.client_conn.peername, flow.timestamp_created)


def passed(number: int, told: TCPMessage) -> Passed:
    return Passed(number, told.from_client, told.timestamp, told.content)


def disconnected(number: int) -> Disconnected:
    return Disconnected(number)


def address(server: Server) -> tuple[str, int]:
    """Where a server is, as it was asked for."""
    host, port = (server.address or ("unknown", 0))[:2]
    return host, port


def _answer(response: Response) -> Answer:
    told = response.data
    return Answer(
        told.status_code,
        told.reason,
        told.http_version,
        told.headers.fields,
        told.content,
        told.timestamp_start,
        told.timestamp_end,
    )


def _passed_at_s(flow: HTTPFlow) -> float:
    last = (flow.response or flow.request).data
    return last.timestamp_start if last.timestamp_end is None else last.timestamp_end
