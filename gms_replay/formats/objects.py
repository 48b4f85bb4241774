"""Facts as JSON objects, and back: what a line of jsonl holds, and what other programs' files hold beside their own.

Fields have a fixed order, instants stay integer microseconds. A body is `{"text": …}` where it is UTF-8 without control
characters other than tab, line feed and carriage return, else `{"base64": …}`; `decoded` beside it is the body without
its content coding, in the same shape.
"""

import base64
import re
from collections.abc import Callable
from typing import Any, TypeVar

from gms_replay.formats.fields import (
    Fields,
    byte_text,
    from_base64,
    from_utf8,
    headers,
    integer,
    one_of,
    text,
    text_pairs,
)
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Outcome,
    Push,
    Redaction,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

Object = dict[str, Any]
Fact = Run | Exchange | Message | Push | Socket | Connection | Frame

_T = TypeVar("_T")

_UGLY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def of(fact: Fact) -> Object:
    """The object of a fact."""
    return _TELLERS[type(fact)](fact)


def to(fields: Fields) -> Fact:
    """The fact of an object. Raises FormatError for a field that is missing, unknown or of another type."""
    return fields.build(_BUILDERS[fields.take("kind", one_of(_BUILDERS))])


def to_any_of(wanted: type[_T]) -> Callable[[Fields], _T]:
    """What makes facts of one type only."""

    def build(fields: Fields) -> _T:
        fact = to(fields)
        if not isinstance(fact, wanted):
            fields.wrong("kind", f"expected a {wanted.__name__.lower()}")
        return fact

    return build


def _of_run(run: Run) -> Object:
    return {
        "kind": "meta",
        "run_id": run.id,
        "started_at_us": run.started_at_us,
        "mode": run.mode,
        "upstream": run.upstream,
        "versions": run.versions,
        # As it was before there was any other.
        **({} if run.redaction is Redaction.OFF else {"redaction": run.redaction}),
    }


def _of_exchange(exchange: Exchange) -> Object:
    request, outcome = exchange.request, exchange.outcome
    return {
        "kind": "exchange",
        "id": exchange.id,
        "run_id": exchange.run_id,
        "request": {
            "method": request.method,
            "scheme": request.scheme,
            "host": request.host,
            "port": request.port,
            "target": request.target,
            "http_version": request.http_version,
            "headers": request.headers,
            "body": _body(request.body),
            "started_at_us": request.started_at_us,
            "ended_at_us": request.ended_at_us,
            "client": request.client,
        },
        "outcome": outcome and _outcome(outcome),
    }


def _outcome(outcome: Outcome) -> Object:
    response = outcome.response
    return {
        "at_us": outcome.at_us,
        "response": response
        and {
            "status": response.status,
            "reason": response.reason,
            "http_version": response.http_version,
            "headers": response.headers,
            "body": _body(response.body),
            "started_at_us": response.started_at_us,
            "ended_at_us": response.ended_at_us,
        },
        "error": outcome.error,
    }


def _of_message(message: Message) -> Object:
    return {
        "kind": "message",
        "id": message.id,
        "exchange_id": message.exchange_id,
        "direction": message.direction,
        "transport": message.transport,
        "at_us": message.at_us,
        "index": message.index,
        "channel": message.channel,
        "raw": as_content(message.raw),
    }


def _of_push(push: Push) -> Object:
    return {
        "kind": "push",
        "id": push.id,
        "run_id": push.run_id,
        "exchange_id": push.exchange_id,
        "provider": push.provider,
        "at_us": push.at_us,
        "payload": as_content(push.payload),
    }


def _of_socket(socket: Socket) -> Object:
    return {
        "kind": "socket",
        "exchange_id": socket.exchange_id,
        "opened_at_us": socket.opened_at_us,
        "closed_at_us": socket.closed_at_us,
        "close_code": socket.close_code,
        "close_reason": socket.close_reason,
        "closed_by": socket.closed_by,
    }


def _of_connection(connection: Connection) -> Object:
    return {
        "kind": "connection",
        "id": connection.id,
        "run_id": connection.run_id,
        "host": connection.host,
        "port": connection.port,
        "client": connection.client,
        "opened_at_us": connection.opened_at_us,
    }


def _of_frame(frame: Frame) -> Object:
    return {
        "kind": "frame",
        "id": frame.id,
        "connection_id": frame.connection_id,
        "direction": frame.direction,
        "at_us": frame.at_us,
        "raw": as_content(frame.raw),
    }


def _body(body: Body) -> Object:
    content = as_content(body.wire)
    return content if body.decoded is None else content | {"decoded": as_content(body.decoded)}


def as_content(content: bytes) -> Object:
    """Bytes as JSON can hold them: as text where they are some, else in base64."""
    try:
        told = content.decode("utf-8")
    except UnicodeDecodeError:
        told = None
    if told is None or _UGLY.search(told):
        return {"base64": base64.b64encode(content).decode("ascii")}
    return {"text": told}


def _to_content(fields: Fields) -> bytes:
    return fields.take("base64", from_base64) if "base64" in fields else fields.take("text", from_utf8)


def _to_body(fields: Fields) -> Body:
    return Body(_to_content(fields), fields.nested("decoded", _to_content) if "decoded" in fields else None)


def _to_run(fields: Fields) -> Run:
    return Run(
        id=fields.take("run_id", integer),
        started_at_us=fields.take("started_at_us", integer),
        mode=fields.take("mode", text),
        upstream=fields.take_or_null("upstream", text),
        versions=fields.take("versions", text_pairs),
        redaction=Redaction(fields.take("redaction", one_of(Redaction)) if "redaction" in fields else Redaction.OFF),
    )


def _to_exchange(fields: Fields) -> Exchange:
    return Exchange(
        id=fields.take("id", integer),
        run_id=fields.take("run_id", integer),
        request=fields.nested("request", _to_request),
        outcome=fields.nested_or_null("outcome", _to_outcome),
    )


def _to_request(fields: Fields) -> Request:
    return Request(
        method=fields.take("method", text),
        scheme=fields.take("scheme", text),
        host=fields.take("host", text),
        port=fields.take("port", integer),
        target=fields.take("target", byte_text),
        http_version=fields.take("http_version", text),
        headers=fields.take("headers", headers),
        body=fields.nested("body", _to_body),
        started_at_us=fields.take("started_at_us", integer),
        ended_at_us=fields.take_or_null("ended_at_us", integer),
        client=fields.take("client", text),
    )


def _to_outcome(fields: Fields) -> Outcome:
    return Outcome(
        at_us=fields.take("at_us", integer),
        response=fields.nested_or_null("response", _to_response),
        error=fields.take_or_null("error", text),
    )


def _to_response(fields: Fields) -> Response:
    return Response(
        status=fields.take("status", integer),
        reason=fields.take("reason", text),
        http_version=fields.take("http_version", text),
        headers=fields.take("headers", headers),
        body=fields.nested("body", _to_body),
        started_at_us=fields.take("started_at_us", integer),
        ended_at_us=fields.take_or_null("ended_at_us", integer),
    )


def _to_message(fields: Fields) -> Message:
    return Message(
        id=fields.take("id", integer),
        exchange_id=fields.take("exchange_id", integer),
        direction=Direction(fields.take("direction", one_of(Direction))),
        transport=Transport(fields.take("transport", one_of(Transport))),
        at_us=fields.take("at_us", integer),
        index=fields.take("index", integer),
        channel=fields.take("channel", text),
        raw=fields.nested("raw", _to_content),
    )


def _to_push(fields: Fields) -> Push:
    return Push(
        id=fields.take("id", integer),
        run_id=fields.take("run_id", integer),
        exchange_id=fields.take_or_null("exchange_id", integer),
        provider=fields.take("provider", text),
        at_us=fields.take("at_us", integer),
        payload=fields.nested("payload", _to_content),
    )


def _to_socket(fields: Fields) -> Socket:
    closed_by = fields.take_or_null("closed_by", one_of(Direction))
    return Socket(
        exchange_id=fields.take("exchange_id", integer),
        opened_at_us=fields.take("opened_at_us", integer),
        closed_at_us=fields.take_or_null("closed_at_us", integer),
        close_code=fields.take_or_null("close_code", integer),
        close_reason=fields.take("close_reason", text),
        closed_by=None if closed_by is None else Direction(closed_by),
    )


def _to_connection(fields: Fields) -> Connection:
    return Connection(
        id=fields.take("id", integer),
        run_id=fields.take("run_id", integer),
        host=fields.take("host", text),
        port=fields.take("port", integer),
        client=fields.take("client", text),
        opened_at_us=fields.take("opened_at_us", integer),
    )


def _to_frame(fields: Fields) -> Frame:
    return Frame(
        id=fields.take("id", integer),
        connection_id=fields.take("connection_id", integer),
        direction=Direction(fields.take("direction", one_of(Direction))),
        at_us=fields.take("at_us", integer),
        raw=fields.nested("raw", _to_content),
    )


_TELLERS: dict[type[Fact], Callable[[Any], Object]] = {
    Run: _of_run,
    Exchange: _of_exchange,
    Message: _of_message,
    Push: _of_push,
    Socket: _of_socket,
    Connection: _of_connection,
    Frame: _of_frame,
}

_BUILDERS: dict[str, Callable[[Fields], Fact]] = {
    "meta": _to_run,
    "exchange": _to_exchange,
    "message": _to_message,
    "push": _to_push,
    "socket": _to_socket,
    "connection": _to_connection,
    "frame": _to_frame,
}

FACTS = tuple(_TELLERS)
"""The types of facts."""
