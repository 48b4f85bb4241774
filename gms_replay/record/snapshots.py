"""mitmproxy's flows, as the writer process is told of them: references to what never changes, nothing worked out."""

from mitmproxy.http import HTTPFlow
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from gms_replay.record.protocol import Answer, Asked, Closed, Ended, Frame, Upgraded
from gms_replay.record.tap import Tap


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


def ended(number: int, flow: HTTPFlow, tap: Tap | None) -> Ended:
    """How a flow ended. `tap` saw what was streamed."""
    error = flow.error
    at_s = error.timestamp if error else _passed_at_s(flow)
    return Ended(number, at_s, _answer(flow, tap), error.msg if error else None, flow.websocket is not None)


def upgraded(number: int, flow: HTTPFlow) -> Upgraded:
    """The answer that made a WebSocket of a flow has passed."""
    return Upgraded(number, _passed_at_s(flow))


def frame(number: int, told: WebSocketMessage) -> Frame:
    return Frame(number, told.from_client, told.timestamp, told.content)


def closed(number: int, socket: WebSocketData) -> Closed:
    return Closed(
        number, socket.timestamp_end or 0.0, socket.close_code, socket.close_reason or "", bool(socket.closed_by_client)
    )


def _answer(flow: HTTPFlow, tap: Tap | None) -> Answer | None:
    if flow.response is None:
        return None
    told = flow.response.data
    return Answer(
        told.status_code,
        told.reason,
        told.http_version,
        told.headers.fields,
        tap.body if told.content is None and tap else told.content,
        told.timestamp_start,
        told.timestamp_end,
    )


def _passed_at_s(flow: HTTPFlow) -> float:
    last = (flow.response or flow.request).data
    return last.timestamp_start if last.timestamp_end is None else last.timestamp_end
