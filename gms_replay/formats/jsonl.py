"""A recording as lines of JSON, one fact a line, for people, `diff` and `jq`.

The text is canonical: equal recordings give equal text. Fields have a fixed order, instants stay integer microseconds.
The first line names the format of the text, then comes a line per run, then all else in order of time.

A body is `{"text": …}` where it is UTF-8 without control characters other than tab, line feed and carriage return, else
`{"base64": …}`; `decoded` beside it is the body without its content coding, in the same shape.
"""

import base64
import json
import re
from collections.abc import Callable, Iterable, Iterator
from operator import itemgetter
from typing import Any

from gms_replay.errors import FormatError
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
    Recording,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

TEXT_FORMAT = 1
"""The format of the text, told in its first line."""

_UGLY = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# What JSON lets stand, but breaks a line for `str.splitlines`, or has no UTF-8.
_ESCAPED = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")

_Object = dict[str, Any]
_Fact = Run | Exchange | Message | Push | Socket | Connection | Frame


def dump(recording: Recording) -> Iterator[str]:
    """The lines of a recording, without line ends."""
    yield _line({"kind": "meta", "format": TEXT_FORMAT})
    for run in recording.runs:
        yield _line(of_run(run))
    facts: list[tuple[int, str, int, Callable[[Any], _Object], Any]] = [
        *((one.request.started_at_us, "exchange", one.id, _exchange, one) for one in recording.exchanges),
        *((one.at_us, "message", one.id, of_message, one) for one in recording.messages),
        *((one.at_us, "push", one.id, of_push, one) for one in recording.pushes),
        *((one.opened_at_us, "socket", one.exchange_id, _socket, one) for one in recording.sockets),
        *((one.opened_at_us, "connection", one.id, _connection, one) for one in recording.connections),
        *((one.at_us, "frame", one.id, _frame, one) for one in recording.frames),
    ]
    for *_, as_object, fact in sorted(facts, key=itemgetter(0, 1, 2)):
        yield _line(as_object(fact))


def load(lines: Iterable[str], name: str) -> Recording:
    """The recording that `dump` told; lines after the first may come in any order, blank ones are passed over.

    `name` is what the text is called in errors. Raises FormatError for a line that is no fact, a field that is missing,
    unknown or of another type, an id that is there twice, and a fact that belongs to one that is not there.
    """
    objects = (Fields.of_line(line, f"{name}, line {at}") for at, line in enumerate(lines, 1) if line.strip())
    _require_format(next(objects, None), name)
    facts: dict[str, dict[int, Any]] = {kind: {} for kind in _BUILDERS}
    told: list[tuple[Fields, _Fact]] = []
    for fields in objects:
        kind = fields.take("kind", one_of(_BUILDERS))
        fact = fields.build(_BUILDERS[kind])
        key, fact_id = _identity(fact)
        if fact_id in facts[kind]:
            fields.wrong(key, f"{fact_id} is there twice")
        facts[kind][fact_id] = fact
        told.append((fields, fact))
    for fields, fact in told:
        _require_owners(fields, fact, facts)
    return Recording(
        runs=_in_order(facts["meta"]),
        exchanges=_in_order(facts["exchange"]),
        messages=_in_order(facts["message"]),
        pushes=_in_order(facts["push"]),
        sockets=_in_order(facts["socket"]),
        connections=_in_order(facts["connection"]),
        frames=_in_order(facts["frame"]),
    )


def _in_order(facts: dict[int, Any]) -> tuple[Any, ...]:
    return tuple(facts[fact_id] for fact_id in sorted(facts))


def _require_format(fields: Fields | None, name: str) -> None:
    if fields is None:
        raise FormatError(f"{name}: empty; name a text that gms-replay exported as jsonl")
    fields.take("kind", one_of(["meta"]))
    version = fields.build(lambda fields: fields.take("format", integer))
    if version != TEXT_FORMAT:
        raise FormatError(f"{name}: format {version} of the text, this gms-replay knows {TEXT_FORMAT}; install another")


def _identity(fact: _Fact) -> tuple[str, int]:
    """The field that holds a fact's id, and the id."""
    if isinstance(fact, Socket):
        return "exchange_id", fact.exchange_id
    return ("run_id" if isinstance(fact, Run) else "id"), fact.id


def _require_owners(fields: Fields, fact: _Fact, facts: dict[str, dict[int, Any]]) -> None:
    for field, kind in (("run_id", "meta"), ("exchange_id", "exchange"), ("connection_id", "connection")):
        owner = getattr(fact, field, None)
        if owner is not None and owner not in facts[kind]:
            fields.wrong(field, f"there is no {'run' if kind == 'meta' else kind} {owner}")


def _line(fact: _Object) -> str:
    line = json.dumps(fact, ensure_ascii=False, separators=(",", ":"))
    return _ESCAPED.sub(lambda found: f"\\u{ord(found[0]):04x}", line)


def of_run(run: Run) -> _Object:
    return {
        "kind": "meta",
        "run_id": run.id,
        "started_at_us": run.started_at_us,
        "mode": run.mode,
        "upstream": run.upstream,
        "versions": run.versions,
    }


def _exchange(exchange: Exchange) -> _Object:
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


def _outcome(outcome: Outcome) -> _Object:
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


def of_message(message: Message) -> _Object:
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


def of_push(push: Push) -> _Object:
    return {
        "kind": "push",
        "id": push.id,
        "run_id": push.run_id,
        "exchange_id": push.exchange_id,
        "provider": push.provider,
        "at_us": push.at_us,
        "payload": as_content(push.payload),
    }


def _socket(socket: Socket) -> _Object:
    return {
        "kind": "socket",
        "exchange_id": socket.exchange_id,
        "opened_at_us": socket.opened_at_us,
        "closed_at_us": socket.closed_at_us,
        "close_code": socket.close_code,
        "close_reason": socket.close_reason,
        "closed_by": socket.closed_by,
    }


def _connection(connection: Connection) -> _Object:
    return {
        "kind": "connection",
        "id": connection.id,
        "run_id": connection.run_id,
        "host": connection.host,
        "port": connection.port,
        "client": connection.client,
        "opened_at_us": connection.opened_at_us,
    }


def _frame(frame: Frame) -> _Object:
    return {
        "kind": "frame",
        "id": frame.id,
        "connection_id": frame.connection_id,
        "direction": frame.direction,
        "at_us": frame.at_us,
        "raw": as_content(frame.raw),
    }


def _body(body: Body) -> _Object:
    content = as_content(body.wire)
    return content if body.decoded is None else content | {"decoded": as_content(body.decoded)}


def as_content(content: bytes) -> _Object:
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


def to_run(fields: Fields) -> Run:
    return Run(
        id=fields.take("run_id", integer),
        started_at_us=fields.take("started_at_us", integer),
        mode=fields.take("mode", text),
        upstream=fields.take_or_null("upstream", text),
        versions=fields.take("versions", text_pairs),
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


def to_message(fields: Fields) -> Message:
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


def to_push(fields: Fields) -> Push:
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


_BUILDERS: dict[str, Callable[[Fields], _Fact]] = {
    "meta": to_run,
    "exchange": _to_exchange,
    "message": to_message,
    "push": to_push,
    "socket": _to_socket,
    "connection": _to_connection,
    "frame": _to_frame,
}
