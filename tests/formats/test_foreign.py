import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from gms_replay import bayeux, carriage
from gms_replay.formats import foreign
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
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

RUN = Run(1, 5, "regular", None, (("mitmproxy", "12"),))


def exchange(body: bytes, answer: bytes, target: str = "/genesys/cometd") -> Exchange:
    request = Request("POST", "http", "gms", 80, target, "HTTP/1.1", (), Body(body), 10, 11)
    return Exchange(1, 1, request, Outcome(13, Response(200, "OK", "HTTP/1.1", (), Body(answer), 12, 13)))


def returned(recording: Recording) -> Recording:
    told, lines = foreign.exchanges(recording), foreign.connections(recording)
    return foreign.gathered(told, lines, None, "1").recording


def test_messages_are_derived_from_polls():
    told = foreign.Told(exchange(b'[{"channel":"/meta/connect"}]', b'[{"channel":"/a"},{"channel":"/b"}]'))

    found = foreign.gathered([told], [], None, "1").recording

    assert [(one.direction, one.at_us, one.index, one.channel) for one in found.messages] == [
        (Direction.TO_SERVER, 11, 0, "/meta/connect"),
        (Direction.TO_CLIENT, 12, 0, "/a"),
        (Direction.TO_CLIENT, 12, 1, "/b"),
    ]
    assert found.runs == (Run(1, 10, "import", None, (("gms_replay", "1"),)),)


def test_pushes_are_derived_from_requests():
    told = foreign.Told(exchange(b'{"aps":{}}', b"", "/3/device/abc"))

    assert foreign.gathered([told], [], None, "1").recording.pushes == (Push(1, 1, 1, "apns", 11, b'{"aps":{}}'),)


def test_pieces_keep_their_times():
    one = exchange(b"[]", b'[{"channel":"/a"},{"channel":"/b"}]')
    late = Message(1, 1, Direction.TO_CLIENT, Transport.LONG_POLLING, 70, 0, "/a", b'{"channel":"/a"}')
    recording = Recording((RUN,), (one,), (late,))

    assert returned(recording) == recording


@given(st.lists(st.sampled_from([b'{"channel":"/a"}', b'{"id":"1"}', b"no JSON", b"", b"[7]", b"\xff"]), max_size=3))
def test_frames_return(frames):
    one = exchange(b"", b"")
    messages = tuple(
        Message(0, 1, Direction.TO_CLIENT, Transport.WEBSOCKET, 20 + at, *found)
        for at, frame in enumerate(frames)
        for found in carriage.framed(frame)
    )
    numbered = tuple(Message(at, *(getattr(m, f) for f in Message.__slots__[1:])) for at, m in enumerate(messages, 1))
    recording = Recording((RUN,), (one,), numbered, sockets=(Socket(1, 13),))

    (told,) = foreign.exchanges(recording)
    assert [found for *_, raw in told.frames for found in carriage.framed(raw)] == [
        (m.index, m.channel, m.raw) for m in numbered
    ]
    assert returned(recording) == recording


def test_messages_of_one_time_that_count_from_0_again_came_in_frames_of_their_own():
    one = exchange(b"", b"")
    raws = [(0, b'{"channel":"/a"}'), (1, b'{"channel":"/b"}'), (0, b'{"channel":"/c"}')]
    told = [
        Message(at, 1, Direction.TO_CLIENT, Transport.WEBSOCKET, 20, *found)
        for at, found in enumerate(((index, bayeux.parse(raw)[0].channel, raw) for index, raw in raws), 1)
    ]

    (found,) = foreign.exchanges(Recording((RUN,), (one,), tuple(told), sockets=(Socket(1, 13),)))

    assert [raw for *_, raw in found.frames] == [b'[{"channel":"/a"},{"channel":"/b"}]', b'[{"channel":"/c"}]']


def test_bytes_of_apple_are_framed_again():
    line = foreign.Line(Connection(9, 9, "gateway", 2195, "", 5), ((Direction.TO_SERVER, 6, b"\x99"),) * 2)

    found = foreign.gathered([], [line], None, "1").recording

    assert [(one.id, one.connection_id, one.raw) for one in found.frames] == [(1, 1, b"\x99"), (2, 1, b"\x99")]


def test_other_connections_are_left_out():
    line = foreign.Line(Connection(9, 9, "gateway", 22, "", 5), ((Direction.TO_CLIENT, 6, b"SSH"),))

    assert foreign.gathered([], [line], None, "1") == foreign.Gathered(Recording(), 1)


def test_what_was_recorded_is_taken_whole():
    stranger = foreign.Told(exchange(b"", b"", target="/other"))
    hosts = re.compile("elsewhere")

    assert foreign.gathered([stranger], [], None, "1").left_out == 1
    assert foreign.gathered([replace(stranger, run=RUN)], [], None, "1").left_out == 0
    assert foreign.gathered([replace(stranger, run=RUN)], [], hosts, "1").left_out == 1


def test_homeless_facts_are_told():
    push = Push(1, 1, None, "apns", 5, b"")
    idle = Run(2, 6, "regular", None, ())
    recording = Recording((RUN, idle), (exchange(b"", b""),), pushes=(push,))

    assert list(foreign.homeless(recording)) == [
        "1 of 2 runs, without traffic",
        "1 of 1 pushes, which no request carried",
    ]
    assert not list(foreign.homeless(returned(recording)))
