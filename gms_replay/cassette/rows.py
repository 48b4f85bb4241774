"""Facts as rows, and rows as facts: the one place that knows which column holds which field."""

from typing import Any

from sqlalchemy import Row

from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Message,
    Outcome,
    Push,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

Values = dict[str, Any]
"""One row to insert, by column name."""


def of_run(run: Run) -> Values:
    return {
        "id": run.id,
        "started_at_us": run.started_at_us,
        "mode": run.mode,
        "upstream": run.upstream,
        "versions": run.versions,
    }


def to_run(row: Row[Any]) -> Run:
    return Run(row.id, row.started_at_us, row.mode, row.upstream, row.versions)


def of_request(exchange_id: int, run_id: int, request: Request) -> Values:
    return {
        "id": exchange_id,
        "run_id": run_id,
        "method": request.method,
        "scheme": request.scheme,
        "host": request.host,
        "port": request.port,
        "target": request.target,
        "http_version": request.http_version,
        "headers": request.headers,
        "body": request.body.wire,
        "decoded": request.body.decoded,
        "started_at_us": request.started_at_us,
        "ended_at_us": request.ended_at_us,
        "client": request.client,
    }


def to_exchange(row: Row[Any], outcome: Outcome | None) -> Exchange:
    request = Request(
        row.method,
        row.scheme,
        row.host,
        row.port,
        row.target,
        row.http_version,
        row.headers,
        Body(row.body, row.decoded),
        row.started_at_us,
        row.ended_at_us,
        row.client,
    )
    return Exchange(row.id, row.run_id, request, outcome)


def of_outcome(exchange_id: int, outcome: Outcome) -> Values:
    response = outcome.response
    return {
        "exchange_id": exchange_id,
        "at_us": outcome.at_us,
        "error": outcome.error,
        "status": response.status if response else None,
        "reason": response.reason if response else None,
        "http_version": response.http_version if response else None,
        "headers": response.headers if response else None,
        "body": response.body.wire if response else None,
        "decoded": response.body.decoded if response else None,
        "started_at_us": response.started_at_us if response else None,
        "ended_at_us": response.ended_at_us if response else None,
    }


def to_outcome(row: Row[Any]) -> Outcome:
    if row.status is None:
        return Outcome(row.at_us, None, row.error)
    response = Response(
        row.status,
        row.reason,
        row.http_version,
        row.headers,
        Body(row.body, row.decoded),
        row.started_at_us,
        row.ended_at_us,
    )
    return Outcome(row.at_us, response, row.error)


def of_message(message: Message) -> Values:
    return {
        "id": message.id,
        "exchange_id": message.exchange_id,
        "direction": message.direction,
        "transport": message.transport,
        "at_us": message.at_us,
        "index": message.index,
        "channel": message.channel,
        "raw": message.raw,
    }


def to_message(row: Row[Any]) -> Message:
    # A row has a method of the name `index`, so that column is asked for by key.
    index: int = row._mapping["index"]
    direction, transport = Direction(row.direction), Transport(row.transport)
    return Message(row.id, row.exchange_id, direction, transport, row.at_us, index, row.channel, row.raw)


def of_push(push: Push) -> Values:
    return {
        "id": push.id,
        "run_id": push.run_id,
        "exchange_id": push.exchange_id,
        "provider": push.provider,
        "at_us": push.at_us,
        "payload": push.payload,
    }


def to_push(row: Row[Any]) -> Push:
    return Push(row.id, row.run_id, row.exchange_id, row.provider, row.at_us, row.payload)


def of_socket(socket: Socket) -> Values:
    return {"exchange_id": socket.exchange_id, "opened_at_us": socket.opened_at_us}


def of_socket_end(socket: Socket) -> Values:
    return {
        "exchange_id": socket.exchange_id,
        "closed_at_us": socket.closed_at_us,
        "close_code": socket.close_code,
        "close_reason": socket.close_reason,
        "closed_by": socket.closed_by,
    }


def to_socket(row: Row[Any], end: Row[Any] | None) -> Socket:
    if end is None:
        return Socket(row.exchange_id, row.opened_at_us)
    closed_by = None if end.closed_by is None else Direction(end.closed_by)
    return Socket(row.exchange_id, row.opened_at_us, end.closed_at_us, end.close_code, end.close_reason, closed_by)
