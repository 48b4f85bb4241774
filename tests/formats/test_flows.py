from dataclasses import replace

import pytest

from gms_replay.formats import flows
from gms_replay.formats.foreign import Line, Told
from gms_replay.model import Body, Connection, Direction, Exchange, Outcome, Request, Response, Socket

REQUEST = Request(
    "POST", "https", "gms", 443, "/1", "HTTP/2.0", (("host", "gms"),), Body(b"{}"), 1_000_001, 1_000_002, "[::1]:5"
)
RESPONSE = Response(200, "OK", "HTTP/1.1", (("a", "\xff"),), Body(b"\xff"), 1_000_003, 1_000_004)
TOLD = Told(Exchange(0, 0, REQUEST, Outcome(1_000_004, RESPONSE)))
FRAMES = ((Direction.TO_SERVER, 1_000_005, b"[]"), (Direction.TO_CLIENT, 1_000_006, b"\xff"))


@pytest.mark.parametrize(
    "told",
    [
        TOLD,
        replace(TOLD, exchange=replace(TOLD.exchange, outcome=Outcome(1_000_009, RESPONSE, "cut"))),
        replace(TOLD, exchange=replace(TOLD.exchange, outcome=Outcome(1_000_009, None, "lost"))),
        replace(TOLD, exchange=replace(TOLD.exchange, request=replace(REQUEST, ended_at_us=None, client=""))),
        replace(TOLD, socket=Socket(0, 1_000_004), frames=FRAMES),
        replace(TOLD, socket=Socket(0, 1_000_004, 1_000_007, 1001, "bye", Direction.TO_SERVER), frames=FRAMES),
    ],
)
def test_exchange_returns(told):
    assert flows.exchange(flows.of_exchange(told)) == told


def test_unfinished_is_shown_as_an_error():
    flow = flows.of_exchange(replace(TOLD, exchange=Exchange(0, 0, REQUEST)))

    assert flow.error
    assert flow.error.msg == "unfinished when the recording ended"


def test_connection_returns():
    line = Line(Connection(0, 0, "gateway", 2195, "192.0.2.8:6", 7), FRAMES)

    assert flows.connection(flows.of_connection(line)) == line


def test_equal_exchanges_give_equal_flows():
    assert flows.of_exchange(TOLD).get_state() == flows.of_exchange(TOLD).get_state()
    line = Line(Connection(0, 0, "gateway", 2195, "", 7), ())
    assert flows.of_connection(line).id != flows.of_exchange(TOLD).id
