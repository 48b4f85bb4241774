"""Exchanges and connections as flows of mitmproxy's, and back, as far as flows have a place for them."""

from dataclasses import replace
from uuid import UUID

from mitmproxy.connection import Client, Server
from mitmproxy.flow import Error, Flow
from mitmproxy.http import Headers, HTTPFlow, Request, Response
from mitmproxy.tcp import TCPFlow, TCPMessage
from mitmproxy.websocket import WebSocketData, WebSocketMessage

from gms_replay import model
from gms_replay.formats.foreign import BINARY, TEXT, UNFINISHED, Line, Piece, Told
from gms_replay.instants import SECOND_US
from gms_replay.mitmdump import facts, snapshots
from gms_replay.model import Direction, Exchange, Socket


def exchange(flow: HTTPFlow) -> Told:
    """What a flow tells; raises what mitmproxy raises over a state that it did not write."""
    request = replace(facts.request(snapshots.asked(0, "", flow)._replace(peer=("", 0))), client=_peer(flow))
    has_ended = flow.response is not None or flow.error is not None
    outcome = facts.outcome(snapshots.ended(0, flow)) if has_ended else None
    return Told(Exchange(0, 0, request, outcome), _socket(flow), _frames(flow))


def _peer(flow: Flow) -> str:
    peer = flow.client_conn.peername
    return facts.client(peer) if peer and peer[0] else ""


def _socket(flow: HTTPFlow) -> Socket | None:
    if flow.websocket is None:
        return None
    opened_us = facts.instant_us(snapshots.upgraded(0, flow).at_s)
    if flow.websocket.timestamp_end is None:
        return Socket(0, opened_us)
    end = snapshots.closed(0, flow.websocket)
    by = Direction.TO_SERVER if end.is_by_client else Direction.TO_CLIENT
    return Socket(0, opened_us, facts.instant_us(end.at_s), end.code, end.reason, by)


def _frames(flow: HTTPFlow) -> tuple[Piece, ...]:
    return tuple(_piece(one) for one in flow.websocket.messages if not one.dropped) if flow.websocket else ()


def _piece(told: WebSocketMessage | TCPMessage) -> Piece:
    direction = Direction.TO_SERVER if told.from_client else Direction.TO_CLIENT
    if not isinstance(told.content, bytes):
        raise TypeError
    return direction, facts.instant_us(told.timestamp), told.content


def connection(flow: TCPFlow) -> Line:
    """As `exchange`."""
    host, port = snapshots.address(flow.server_conn)
    opened_us = facts.instant_us(flow.timestamp_created)
    pieces = tuple(_piece(one) for one in flow.messages)
    return Line(model.Connection(0, 0, host, port, _peer(flow), opened_us), pieces)


def of_exchange(told: Told) -> HTTPFlow:
    """The flow of an exchange. Nothing in it is drawn: equal recordings give equal flows."""
    exchange, request = told.exchange, told.exchange.request
    flow = HTTPFlow(
        _client(request.client, request.started_at_us, exchange.id),
        _server(request.host, request.port, exchange.id),
    )
    _name(flow, exchange.id, request.started_at_us)
    flow.request = Request(
        request.host,
        request.port,
        _wire(request.method),
        _wire(request.scheme),
        b"",
        _wire(request.target),
        _wire(request.http_version),
        _headers(request.headers),
        request.body.wire,
        None,
        _seconds(request.started_at_us),
        None if request.ended_at_us is None else _seconds(request.ended_at_us),
    )
    if exchange.response:
        flow.response = _response(exchange.response)
    if exchange.outcome is None:
        # Of a flow with neither an answer nor an error mitmdump shows nothing.
        flow.error = Error(UNFINISHED, _seconds(request.asked_at_us))
    elif exchange.outcome.error is not None:
        flow.error = Error(exchange.outcome.error, _seconds(exchange.outcome.at_us))
    if told.socket:
        flow.websocket = _websocket(told.socket, told.frames)
    return flow


def _response(response: model.Response) -> Response:
    return Response(
        _wire(response.http_version),
        response.status,
        _wire(response.reason),
        _headers(response.headers),
        response.body.wire,
        None,
        _seconds(response.started_at_us),
        None if response.ended_at_us is None else _seconds(response.ended_at_us),
    )


def _websocket(socket: Socket, frames: tuple[Piece, ...]) -> WebSocketData:
    messages = [
        WebSocketMessage(TEXT if _is_text(raw) else BINARY, way is Direction.TO_SERVER, raw, _seconds(at_us))
        for way, at_us, raw in frames
    ]
    if socket.closed_at_us is None:
        return WebSocketData(messages)
    by_client = socket.closed_by is Direction.TO_SERVER
    return WebSocketData(messages, by_client, socket.close_code, socket.close_reason, _seconds(socket.closed_at_us))


def of_connection(line: Line) -> TCPFlow:
    """As `of_exchange`."""
    one = line.connection
    # Exchanges and connections count apart; a flow's id is one of all.
    number = (1 << 64) + one.id
    flow = TCPFlow(_client(one.client, one.opened_at_us, number), _server(one.host, one.port, number))
    _name(flow, number, one.opened_at_us)
    for way, at_us, raw in line.pieces:
        message = TCPMessage(way is Direction.TO_SERVER, raw, _seconds(at_us))  # type: ignore[no-untyped-call]
        flow.messages.append(message)
    return flow


def _name(flow: Flow, number: int, at_us: int) -> None:
    flow.id = _uuid(number, 0)
    flow.timestamp_created = _seconds(at_us)


def _client(client: str, at_us: int, number: int) -> Client:
    host, _, port = client.rpartition(":")
    peer = (host.removeprefix("[").removesuffix("]"), int(port) if port.isascii() and port.isdigit() else 0)
    return Client(peername=peer, sockname=("", 0), timestamp_start=_seconds(at_us), id=_uuid(number, 1))


def _server(host: str, port: int, number: int) -> Server:
    return Server(address=(host, port), id=_uuid(number, 2))


def _uuid(number: int, kind: int) -> str:
    return str(UUID(int=number << 8 | kind))


def _headers(headers: model.Headers) -> Headers:
    return Headers([(_wire(name), _wire(value)) for name, value in headers])


def _wire(text: str) -> bytes:
    return text.encode("iso-8859-1", "replace")


def _seconds(at_us: int) -> float:
    return at_us / SECOND_US


def _is_text(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
