import pickle

from mitmproxy.connection import Server
from mitmproxy.test.tflow import tflow, ttcpflow, twebsocketflow
from seen import ANSWER, ASKED

from gms_replay.mitmdump import snapshots
from gms_replay.mitmdump.seen import Answering, Closed, Connected, Disconnected, Ended, Frame, Passed, Upgraded


def test_request_as_it_is():
    assert snapshots.asked(7, "", tflow()) == ASKED


def test_answer_as_it_is():
    assert snapshots.ended(7, tflow(resp=True)) == Ended(7, 946681203, ANSWER, None, goes_on=False)


def test_error_keeps_cut_answer():
    flow = tflow(resp=True, err=True)
    flow.response.timestamp_end = None

    told = snapshots.ended(7, flow)

    assert told == Ended(7, flow.error.timestamp, ANSWER._replace(ended_at_s=None), flow.error.msg, goes_on=False)


def test_error_without_answer():
    flow = tflow(err=True)

    assert snapshots.ended(7, flow) == Ended(7, flow.error.timestamp, None, flow.error.msg, goes_on=False)


def test_head_goes_before_its_body():
    response = tflow(resp=True).response
    response.raw_content = response.timestamp_end = None

    assert snapshots.answering(7, response) == Answering(7, ANSWER._replace(body=None, ended_at_s=None))


def test_socket_from_its_opening_to_its_close():
    flow = twebsocketflow(close_code=1001, close_reason="bye")
    flow.websocket.timestamp_end, flow.websocket.closed_by_client = 946681210.5, True

    assert snapshots.ended(7, flow).goes_on
    assert snapshots.upgraded(7, flow) == Upgraded(7, flow.response.timestamp_end)
    first = flow.websocket.messages[0]
    assert snapshots.frame(7, first) == Frame(7, is_from_client=True, at_s=first.timestamp, content=b"hello binary")
    assert snapshots.closed(7, flow.websocket) == Closed(7, 946681210.5, 1001, "bye", is_by_client=True)


def test_connection_from_its_opening_to_its_close():
    flow = ttcpflow()
    told = flow.messages[1]

    opened = snapshots.connected(7, flow)
    assert opened == Connected(7, "address", 22, ("127.0.0.1", 22), flow.timestamp_created)
    assert snapshots.passed(7, told) == Passed(7, is_from_client=False, at_s=told.timestamp, content=b"it's me")
    assert snapshots.disconnected(7) == Disconnected(7)


def test_server_without_address_is_unknown():
    assert snapshots.address(Server(address=None)) == ("unknown", 0)
    assert snapshots.address(Server(address=("::1", 5, 0, 0))) == ("::1", 5)


def test_nothing_of_mitmproxys_goes_along():
    """Another process, which has no mitmproxy, can read it."""
    flow = ttcpflow()
    exchange = [snapshots.asked(1, "", tflow()), snapshots.ended(1, tflow(resp=True))]
    told = pickle.dumps([*exchange, snapshots.connected(1, flow), snapshots.passed(1, flow.messages[0])])

    assert b"mitmproxy" not in told
