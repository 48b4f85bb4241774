import gzip
import re

import pytest
from mitmproxy.test.tflow import tflow, twebsocketflow

from gms_replay.carriage import COMET
from gms_replay.mitmdump.seen import Answering, Asked, Closed, Ended, Frame, Piece, Upgraded
from gms_replay.record.recorder import Recorder, is_recorded


class Told(list[object]):
    """What a recorder told, in order."""

    def kinds(self):
        return [(type(seen), seen.number) for seen in self]


@pytest.fixture
def told():
    return Told()


@pytest.fixture
def recorder(told):
    return Recorder(told.append, hosts=None, keep_frames=False)


def flow(path="/genesys/1/service/callback/sales", method="POST", body=b"", **options):
    made = tflow(**options)
    made.request.path, made.request.method, made.request.raw_content = path, method, body
    return made


def test_exchange_is_told_twice(recorder, told):
    made = flow(resp=True)

    recorder.asked(made)
    recorder.answering(made)
    recorder.ended(made)

    assert told.kinds() == [(Asked, 1), (Ended, 1)]
    assert is_recorded(made)


def test_first_end_counts(recorder, told):
    """Version 11 may tell an error and then an answer."""
    made = flow(err=True)

    recorder.asked(made)
    recorder.ended(made)
    recorder.ended(made)

    assert told.kinds() == [(Asked, 1), (Ended, 1)]


def test_strangers_pass(recorder, told):
    made = flow("/index.html", resp=True)

    recorder.asked(made)
    recorder.answering(made)
    recorder.ended(made)

    assert told == []
    assert not is_recorded(made)


@pytest.mark.parametrize(("hosts", "is_wanted"), [("^address:22$", True), ("gms", False)])
def test_hosts_alone_decide(told, hosts, is_wanted):
    recorder = Recorder(told.append, re.compile(hosts), keep_frames=False)

    for path in ("/index.html", "/genesys/1/service/callback/sales"):
        recorder.asked(flow(path))

    assert [asked.carries for asked in told] == ["", ""] * is_wanted


@pytest.mark.parametrize(
    ("path", "body", "expected"),
    [
        ("/genesys/1/service/callback/sales", b"", [""]),
        ("/genesys/cometd", b"", [COMET]),
        ("/elsewhere", b'[{"channel":"/meta/handshake"}]', [COMET]),
        ("/elsewhere", b"/meta/handshake", []),
        ("/v1/projects/p/messages:send", b"{}", ["fcm"]),
        ("/3/device/ab12", b"{}", ["apns"]),
    ],
)
def test_what_it_carries(recorder, told, path, body, expected):
    recorder.asked(flow(path, body=body))

    assert [asked.carries for asked in told] == expected


NOTICE = b'{"_id":"3SQI3S31693JL9L3","_action":"connect",}'


@pytest.mark.parametrize(
    ("fields", "body", "expected"),
    [
        ({}, NOTICE, ["httpcb"]),
        ({"content-encoding": "gzip"}, gzip.compress(NOTICE, mtime=0), ["httpcb"]),
        ({"GMS_User": "ann"}, NOTICE, []),
        ({}, NOTICE.replace(b"connect", b""), []),
    ],
    ids=["plain", "compressed", "an app's", "no action"],
)
def test_notices_by_http_are_pushes(recorder, told, fields, body, expected):
    made = flow("/wake", body=body)
    made.request.headers.update(fields)

    recorder.asked(made)

    assert [asked.carries for asked in told] == expected


@pytest.mark.parametrize(
    ("path", "fields", "is_tapped"),
    [
        ("/genesys/cometd", {}, True),
        ("/genesys/cometd", {"content-length": "7"}, False),
        ("/genesys/1/service/callback/sales", {}, False),
    ],
)
def test_only_what_may_last_is_tapped(recorder, told, path, fields, is_tapped):
    made = flow(path, resp=True)
    made.response.headers.clear()
    made.response.headers.update(fields)
    recorder.asked(made)

    recorder.answering(made)

    assert bool(made.response.stream) is is_tapped
    assert told.kinds() == [(kind, 1) for kind in (Asked, *[Answering] * is_tapped)]


def test_pieces_are_told_as_they_pass(recorder, told):
    made = flow("/genesys/cometd", resp=True)
    made.response.headers.clear()

    recorder.asked(made)
    recorder.answering(made)
    assert [made.response.stream(piece) for piece in (b"[", b"]", b"")] == [b"[", b"]", b""]
    recorder.ended(made)

    assert told.kinds() == [(kind, 1) for kind in (Asked, Answering, Piece, Piece, Ended)]
    assert [seen.content for seen in told if isinstance(seen, Piece)] == [b"[", b"]"]


@pytest.mark.parametrize("keep_frames", [False, True])
def test_socket_is_followed(told, keep_frames):
    recorder = Recorder(told.append, re.compile(""), keep_frames)
    made = twebsocketflow()
    frames, made.websocket.messages = made.websocket.messages, []

    recorder.asked(made)
    recorder.ended(made)
    recorder.socket_opened(made)
    for frame in frames:
        made.websocket.messages.append(frame)
        recorder.socket_message(made)
    recorder.socket_closed(made)
    recorder.socket_closed(made)

    assert told.kinds() == [(kind, 1) for kind in (Asked, Ended, Upgraded, Frame, Frame, Frame, Closed)]
    assert [seen.content for seen in told if isinstance(seen, Frame)] == [frame.content for frame in frames]
    assert len(made.websocket.messages) == (3 if keep_frames else 1)
