import pytest
from mitmproxy.http import Headers
from mitmproxy.test.tflow import tflow

from gms_replay.model import Body
from gms_replay.record import facts
from gms_replay.record.tap import Tap


def test_any_bytes_survive():
    flow = tflow()
    flow.request.data.path = b"/\xff?\xc3\xa9"
    flow.request.headers = Headers(((b"\xfe", b"\xe9 "), (b"Host", b"h"), (b"host", b"i")))

    request = facts.request(flow)

    assert (request.target, request.headers) == ("/\xff?\xc3\xa9", (("\xfe", "\xe9 "), ("Host", "h"), ("host", "i")))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), (("host", "api.push.apple.com:443"),)),
        (((b"Host", b"other"),), (("Host", "other"),)),
    ],
)
def test_authority_becomes_host(fields, expected):
    flow = tflow()
    flow.request.data.http_version = b"HTTP/2.0"
    flow.request.data.authority = b"api.push.apple.com:443"
    flow.request.headers = Headers(fields)

    assert facts.request(flow).headers == expected


def test_clients_address_is_unambiguous():
    flow = tflow()
    flow.client_conn.peername = ("::1", 4000, 0, 0)

    assert facts.request(flow).client == "[::1]:4000"


def test_streamed_body_comes_from_tap():
    flow, tap = tflow(resp=True), Tap()
    flow.response.raw_content = None
    tap(b"[]")

    assert facts.outcome(flow, tap).response.body == Body(b"[]")


def test_error_keeps_cut_answer():
    flow = tflow(resp=True, err=True)
    flow.response.timestamp_end = None

    outcome = facts.outcome(flow, None)

    assert (outcome.error, outcome.at_us) == (flow.error.msg, facts.instant_us(flow.error.timestamp))
    assert (outcome.response.status, outcome.response.ended_at_us) == (200, None)


def test_messages_keep_their_places():
    frame = b'[{"id":"1"}, {"channel":"/a"},{"channel":"\\ud800"},{"channel":3},{"channel":"/b"}]'

    assert [(index, parsed.channel) for index, parsed in facts.messages(frame)] == [(1, "/a"), (4, "/b")]


@pytest.mark.parametrize("frame", [b"", b"[", b"\xff", b"callback([])"])
def test_no_bayeux_no_messages(frame):
    assert facts.messages(frame) == ()
