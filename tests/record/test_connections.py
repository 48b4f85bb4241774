import re

import pytest
from apns_frames import enhanced, item, items
from mitmproxy.tcp import TCPMessage
from mitmproxy.test.tflow import ttcpflow

from gms_replay import apns
from gms_replay.mitmdump.seen import Connected, Disconnected, Passed
from gms_replay.record.connections import Connections, is_stranger


class Stage:
    """The recorder's view on connections, and what it told."""

    def __init__(self, hosts: str | None = None, *, keep_frames: bool = False) -> None:
        self.told: list[object] = []
        self.connections = Connections(self.told.append, re.compile(hosts) if hosts else None, keep_frames)

    def opened(self, port: int = 22):
        flow = ttcpflow()
        flow.messages = []
        flow.server_conn.address = ("gateway.push.example", port)
        self.connections.opened(flow)
        return flow

    def passes(self, flow, *contents: bytes, from_client: bool = True) -> None:
        for content in contents:
            flow.messages.append(TCPMessage(from_client, content))
            self.connections.passed(flow)

    @property
    def contents(self) -> list[tuple[int, bytes]]:
        return [(seen.number, seen.content) for seen in self.told if isinstance(seen, Passed)]


def test_connection_is_ours_by_its_first_frame() -> None:
    stage = Stage()
    flow = stage.opened()

    stage.passes(flow, enhanced(1)[:9])
    assert not stage.told
    stage.passes(flow, enhanced(1)[9:])
    stage.passes(flow, b"whatever")
    stage.passes(flow, b"answer", from_client=False)
    stage.connections.closed(flow)
    stage.connections.closed(flow)

    assert [type(seen) for seen in stage.told] == [Connected, Passed, Passed, Passed, Passed, Disconnected]
    assert stage.contents == [(1, enhanced(1)[:9]), (1, enhanced(1)[9:]), (1, b"whatever"), (1, b"answer")]
    assert [seen.is_from_client for seen in stage.told[1:5]] == [True, True, True, False]
    assert not is_stranger(flow)


def test_connections_have_numbers_of_their_own() -> None:
    stage = Stage()
    flows = [stage.opened(), stage.opened()]

    for flow in flows:
        stage.passes(flow, enhanced(1))

    assert stage.contents == [(1, enhanced(1)), (2, enhanced(1))]


@pytest.mark.parametrize(
    ("from_client", "contents"),
    [
        (True, [b"\x16"]),
        (True, [b"\x00", b"\x00\x01"]),
        (False, [b"hello"]),
        (True, [items(item(1, bytes(32)))]),
    ],
)
def test_strangers_pass(from_client: bool, contents: list[bytes]) -> None:
    stage = Stage()
    flow = stage.opened()

    stage.passes(flow, *contents, bytes(9), from_client=from_client)
    stage.passes(flow, enhanced(1))
    stage.connections.closed(flow)

    assert not stage.told
    assert is_stranger(flow)


def test_provider_that_speaks_first_is_none() -> None:
    stage = Stage()
    flow = stage.opened()

    stage.passes(flow, enhanced(1)[:9])
    stage.passes(flow, b"hello", from_client=False)
    stage.passes(flow, enhanced(1)[9:])

    assert not stage.told
    assert is_stranger(flow)


@pytest.mark.parametrize(("contents", "is_known"), [([enhanced(1)[:9]], True), ([], False)])
def test_half_a_first_frame_is_a_stranger_s(contents: list[bytes], is_known: bool) -> None:
    stage = Stage()
    flow = stage.opened()

    stage.passes(flow, *contents)
    stage.connections.closed(flow)

    assert not stage.told
    assert is_stranger(flow) is is_known


@pytest.mark.parametrize(
    ("hosts", "port", "is_ours"),
    [
        (None, apns.PORT, True),
        (None, apns.FEEDBACK_PORT, False),
        ("push.example:7$", 7, True),
        ("push.example:7$", apns.PORT, False),
        (".", apns.FEEDBACK_PORT, False),
    ],
)
@pytest.mark.parametrize("from_client", [True, False])
def test_place_may_decide_at_once(hosts: str | None, port: int, is_ours: bool, from_client: bool) -> None:
    stage = Stage(hosts)
    flow = stage.opened(port)

    stage.passes(flow, b"\x07any bytes", from_client=from_client)

    assert stage.contents == [(1, b"\x07any bytes")] * is_ours
    assert is_stranger(flow) is not is_ours


def test_connection_that_nothing_passed_is_none() -> None:
    stage = Stage()

    stage.connections.closed(stage.opened(apns.PORT))

    assert not stage.told


@pytest.mark.parametrize("first", [enhanced(1), b"hello"])
@pytest.mark.parametrize("keep_frames", [True, False])
def test_messages_are_kept_short(first: bytes, keep_frames: bool) -> None:
    stage = Stage(keep_frames=keep_frames)
    flow = stage.opened()

    stage.passes(flow, first, b"a", b"b")

    assert [message.content for message in flow.messages] == ([first, b"a", b"b"] if keep_frames else [b"b"])
