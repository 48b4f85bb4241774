import re

import pytest
from seen import ASKED

from gms_replay import carriage, gms
from gms_replay.mitmdump import facts
from gms_replay.model import Body, Response, Transport


def test_messages_keep_their_places():
    frame = b'[{"id":"1"}, {"channel":"/a"},{"channel":"\\ud800"},{"channel":3},{"channel":"/b"}]'

    assert carriage.messages(frame) == ((1, "/a", b'{"channel":"/a"}'), (4, "/b", b'{"channel":"/b"}'))


@pytest.mark.parametrize(
    ("frame", "found"),
    [
        (b'[{"channel":"/a"},{"id":"1"}]', ((0, "/a", b'{"channel":"/a"}'), (1, "", b'{"id":"1"}'))),
        (b'{"channel":"\\ud800"}', ((0, "", b'{"channel":"\\ud800"}'),)),
        (b"no JSON", ((0, "", b"no JSON"),)),
        (b"[7]", ((0, "", b"[7]"),)),
        (b"\x00\xff", ((0, "", b"\x00\xff"),)),
        (b"", ((0, "", b""),)),
        (b"[]", ()),
    ],
)
def test_frame_loses_nothing(frame, found):
    assert carriage.framed(frame) == found


@pytest.mark.parametrize("frame", [b"", b"[", b"\xff", b"callback([])"])
def test_no_bayeux_no_messages(frame):
    assert carriage.messages(frame) == ()


def test_form_is_polled_by_its_messages():
    told = ASKED._replace(method=b"POST", body=b"message=%5B%7B%7D%5D")

    assert carriage.polled(facts.request(told)) == (Transport.LONG_POLLING, (b"[{}]",))


@pytest.mark.parametrize(
    ("method", "target", "body", "carried"),
    [
        ("POST", "/genesys/cometd", b"[]", "comet"),
        ("GET", "/genesys/cometd?jsonp=call&message=[]", b"", "comet"),
        ("POST", "/3/device/abc", b"{}", "apns"),
        ("POST", "/any/where", b'{"_id": "1", "_action": "ReturnToGMS"}', "httpcb"),
        ("POST", "/genesys/1/service/request-chat", b"", ""),
    ],
)
def test_what_a_request_carries(method, target, body, carried):
    named = carriage.operation(method, target, lambda: ((), body))

    assert named is not None
    assert carriage.carried(named) == carried


def test_strangers_are_nothing():
    assert carriage.operation("GET", "/logo.png", lambda: ((), b"")) is None
    assert carriage.operation("POST", "/login", lambda: ((), b"{}")) is None
    assert carriage.carried(None) == ""


@pytest.mark.parametrize(
    ("hosts", "is_gms", "is_wanted"),
    [(None, True, True), (None, False, False), ("gms:80$", False, True), ("gms:80$", True, True), ("x", True, False)],
)
def test_hosts_decide_alone(hosts, is_gms, is_wanted):
    named = carriage.operation("POST", "/genesys/cometd", lambda: ((), b"")) if is_gms else None
    assert (named is not None) is is_gms

    assert carriage.is_wanted(named, re.compile(hosts) if hosts else None, "gms", 80) is is_wanted


def test_stands_for_all_kinds_of_push():
    for name, provider in gms.PUSH_PROVIDERS.items():
        assert carriage.carried(gms.Operation(gms.Kind.PUSH, "", name)) == provider


def test_script_may_be_asked_for_by_its_callback_alone():
    """Where the path says nothing."""
    assert carriage.operation("GET", "/anywhere?jsonp=call", lambda: ((), b"")) is None


@pytest.mark.parametrize(
    ("hosts", "port", "is_wanted"),
    [(None, 2195, True), (None, 2196, False), (None, 443, None), ("apple", 443, True), ("x", 2195, False)],
)
def test_connection_is_known_by_its_port_or_its_bytes(hosts, port, is_wanted):
    pattern = re.compile(hosts) if hosts else None

    assert carriage.is_wanted_connection(pattern, "gateway.push.apple.com", port) is is_wanted


def test_script_carries_its_frame_both_ways():
    asked = facts.request(ASKED._replace(method=b"GET", path=b"/genesys/cometd?jsonp=cb&message=%5B%7B%7D%5D"))
    transport, frames = carriage.polled(asked)
    answer = Response(200, "", "HTTP/1.1", (), Body(b"cb([]);"), 0, 0)

    assert (transport, frames) == (Transport.CALLBACK_POLLING, (b"[{}]",))
    assert carriage.told(transport, answer) == b"[]"
    assert carriage.told(Transport.LONG_POLLING, answer) == b"cb([]);"
