import json
from dataclasses import replace
from typing import Any

import pytest

from gms_replay.errors import FormatError
from gms_replay.formats import asides
from gms_replay.formats.foreign import Line, Told
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Outcome,
    Push,
    Request,
    Response,
    Run,
    Socket,
    Transport,
)

RUN = Run(7, 5, "regular", None, (("mitmproxy", "12"),))
REQUEST = Request("POST", "http", "gms", 80, "/genesys/cometd", "HTTP/1.1", (("a", "b"),), Body(b"[]"), 10, 11)
RESPONSE = Response(200, "OK", "HTTP/1.1", (), Body(b'[{"channel":"/a"}]'), 12, 13)
FOUND = Told(Exchange(0, 0, REQUEST, Outcome(13, RESPONSE)))
MESSAGE = Message(0, 0, Direction.TO_CLIENT, Transport.LONG_POLLING, 12, 0, "/a", b'{"channel":"/a"}')
LINE = Line(Connection(0, 0, "apns", 2195, "", 5), ((Direction.TO_SERVER, 6, b"\x99"),))


def changed(**fields: Any) -> Told:
    return replace(FOUND, exchange=replace(FOUND.exchange, **fields))


def beside(told: Told) -> dict[str, Any]:
    """The aside, as it comes out of a file."""
    return json.loads(json.dumps(asides.of_exchange(told, FOUND)))


def test_nothing_stands_beside_what_comes_back():
    assert asides.of_exchange(replace(FOUND, messages=(MESSAGE,), pushes=()), FOUND) == {}
    assert asides.of_connection(replace(LINE, frames=(Frame(3, 2, *LINE.pieces[0]),)), LINE) == {}


def test_only_what_differs_stands_beside():
    told = changed(id=4, run_id=2, request=replace(REQUEST, port=8080), outcome=Outcome(14, RESPONSE, "cut"))

    assert beside(told) == {"exchange": {"request": {"port": 8080}, "outcome": {"at_us": 14, "error": "cut"}}}


@pytest.mark.parametrize(
    "told",
    [
        changed(outcome=None),
        changed(outcome=Outcome(9, None, "lost")),
        changed(request=replace(REQUEST, body=Body(b"\x1f", b"plain"), headers=())),
        changed(request=replace(REQUEST, ended_at_us=None)),
        replace(FOUND, socket=Socket(0, 13)),
        replace(FOUND, run=RUN),
        replace(FOUND, messages=()),
        replace(FOUND, messages=(replace(MESSAGE, at_us=70),)),
        replace(FOUND, pushes=(Push(0, 0, 0, "apns", 3, b"\xff"),)),
    ],
)
def test_whole_again(told: Told):
    assert asides.exchange(FOUND, beside(told), "here") == told


def test_changed_body_is_whole():
    # One with other fields would be neither.
    coded = replace(FOUND, exchange=replace(FOUND.exchange, request=replace(REQUEST, body=Body(b"a", b"b"))))

    assert asides.of_exchange(FOUND, coded)["exchange"] == {"request": {"body": {"text": "[]"}}}


def test_socket_that_nobody_saw_goes():
    found = replace(FOUND, socket=Socket(0, 13))

    assert asides.exchange(found, asides.of_exchange(FOUND, found), "here") == FOUND


@pytest.mark.parametrize(
    "told",
    [
        replace(LINE, run=RUN),
        replace(LINE, frames=(Frame(0, 0, Direction.TO_CLIENT, 8, b""),)),
        replace(LINE, connection=replace(LINE.connection, client="a:1")),
    ],
)
def test_connection_is_whole_again(told: Line):
    assert asides.connection(LINE, json.loads(json.dumps(asides.of_connection(told, LINE))), "here") == told


@pytest.mark.parametrize(
    ("aside", "problem"),
    [
        ([], "here: expected a JSON object, found a list; "),
        ({"a": 1}, "here: field a: unknown field; "),
        ({"run": {"kind": "push"}}, "here: field run.id: missing; "),
        ({"exchange": 7}, "here: field exchange: expected a JSON object, found 7; "),
        ({"exchange": None}, "here: field exchange: expected a JSON object, found null; "),
        ({"exchange": {"request": {"port": "x"}}}, "field exchange.request.port: expected a whole number"),
        ({"exchange": {"request": {"porto": 1}}}, "field exchange.request.porto: unknown field; "),
        ({"exchange": {"request": {"body": {"b": 1}}}}, "field exchange.request.body.text: missing; "),
        ({"exchange": {"outcome": {"response": {"status": None}}}}, "field exchange.outcome.response.status: expected"),
        ({"socket": {"opened_at_us": 1}}, "field socket.kind: missing; "),
        ({"messages": 7}, "field messages: expected a list, found 7; "),
        ({"messages": [{"kind": "run"}]}, "field messages[0].kind: expected one of meta"),
        ({"pushes": [7]}, "field pushes[0]: expected a JSON object, found 7; "),
    ],
)
def test_bad_aside_is_named(aside: object, problem: str):
    with pytest.raises(FormatError) as refused:
        asides.exchange(FOUND, aside, "here")

    assert problem in str(refused.value)
