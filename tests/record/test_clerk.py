from functools import partial
from urllib.parse import quote

import pytest
from apns_frames import enhanced, refusal
from brotli import compress
from seen import ANSWER, ASKED, ENDED

from gms_replay.carriage import COMET
from gms_replay.cassette.extent import Limits
from gms_replay.cassette.reader import read
from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.mitmdump.seen import Answering, Closed, Connected, Disconnected, Frame, Passed, Piece, Upgraded
from gms_replay.model import Connection, Direction, Transport
from gms_replay.record.clerk import Clerk
from gms_replay.record.trickle import LARGEST_BODY

POLL = b'[{"channel":"/meta/connect","id":"1"}]'
NEWS = b'[{"channel":"/a"},{"channel":"/b"}]'


class Office:
    """A clerk with a cassette, and whom it tells."""

    def __init__(self, path):
        self.path = path
        open_writer = partial(Writer, mode="regular", upstream=None, versions=())
        self.series = Series(path, lambda file, at_us: open_writer(file, started_at_us=at_us), Limits())
        self.told = []
        self.frames = []
        self.clerk = Clerk(self.series, lambda *what: self.told.append(what), self.frames.append)

    def takes(self, *seen):
        self.hears(*seen)
        self.series.close()
        return read(self.path)

    def hears(self, *seen):
        for each in seen:
            self.clerk.take(each)


@pytest.fixture
def office(tmp_path):
    opened = Office(tmp_path / "visit.sqlite")
    yield opened
    opened.series.close()


def test_exchange_is_written_and_told(office):
    recording = office.takes(ASKED, ENDED)

    assert office.told == [(recording.exchanges[0], ())]
    assert recording.exchanges[0].response.body.wire == b"message"


def test_exchanges_may_overlap(office):
    recording = office.takes(
        ASKED, ASKED._replace(number=8, path=b"/other"), ENDED._replace(number=8, answer=None, error="lost"), ENDED
    )

    assert [(one.request.target, one.outcome.error) for one in recording.exchanges] == [
        ("/path", None),
        ("/other", "lost"),
    ]


def test_request_without_end_is_kept(office):
    recording = office.takes(ASKED)

    assert [exchange.unfinished for exchange in recording.exchanges] == [True]
    assert office.told == []


def test_comet_gives_messages(office):
    recording = office.takes(
        ASKED._replace(carries=COMET, body=POLL), ENDED._replace(answer=ANSWER._replace(body=NEWS))
    )

    assert [(message.direction, message.channel, message.at_us, message.index) for message in recording.messages] == [
        (Direction.TO_SERVER, "/meta/connect", 946681201_000000, 0),
        (Direction.TO_CLIENT, "/a", 946681202_000000, 0),
        (Direction.TO_CLIENT, "/b", 946681202_000000, 1),
    ]
    assert office.told == [(recording.exchanges[0], recording.messages)]


def test_callback_polling_gives_messages(office):
    """Also several frames of one query, and an answer that calls a function."""
    query = b"?jsonp=cb&message=" + quote(POLL).encode() + b"&message=" + quote(b'{"channel":"/a"}').encode()
    asked = ASKED._replace(carries=COMET, path=b"/cometd" + query, body=b"")

    recording = office.takes(asked, ENDED._replace(answer=ANSWER._replace(body=b"cb(" + NEWS + b");")))

    assert [(message.direction, message.channel, message.transport) for message in recording.messages] == [
        (Direction.TO_SERVER, "/meta/connect", Transport.CALLBACK_POLLING),
        (Direction.TO_SERVER, "/a", Transport.CALLBACK_POLLING),
        (Direction.TO_CLIENT, "/a", Transport.CALLBACK_POLLING),
        (Direction.TO_CLIENT, "/b", Transport.CALLBACK_POLLING),
    ]


TRICKLING = (
    ASKED._replace(carries=COMET, body=POLL),
    Answering(7, ANSWER._replace(body=None, fields=(), ended_at_s=None)),
)
STREAMED = ENDED._replace(answer=ANSWER._replace(body=None, fields=()))


def test_trickled_answer_gives_messages_as_they_come(office):
    recording = office.takes(
        *TRICKLING, Piece(7, 946681202.5, NEWS), Piece(7, 946681203.25, b'[{"channel":"/c"}]'), STREAMED
    )

    assert [(message.direction, message.channel, message.at_us, message.index) for message in recording.messages] == [
        (Direction.TO_SERVER, "/meta/connect", 946681201_000000, 0),
        (Direction.TO_CLIENT, "/a", 946681202_500000, 0),
        (Direction.TO_CLIENT, "/b", 946681202_500000, 1),
        (Direction.TO_CLIENT, "/c", 946681203_250000, 2),
    ]
    assert recording.exchanges[0].response.body.wire == NEWS + b'[{"channel":"/c"}]'
    assert office.told == [(recording.exchanges[0], recording.messages)]


def test_answer_in_one_piece_is_as_ever(office, tmp_path):
    whole = STREAMED._replace(answer=STREAMED.answer._replace(body=NEWS))
    ever = Office(tmp_path / "ever.sqlite").takes(TRICKLING[0], whole)
    now = office.takes(*TRICKLING, Piece(7, 946681202.001, NEWS), STREAMED)

    assert (now.exchanges, now.messages) == (ever.exchanges, ever.messages)


def test_watcher_hears_before_the_end(office):
    office.hears(*TRICKLING, Piece(7, 946681202.5, NEWS))
    office.clerk.pause()
    office.clerk.pause()
    recording = office.takes(Piece(7, 946681203.5, b'[{"channel":"/c"}]'), STREAMED)

    assert [[message.channel for message in messages] for _, messages in office.told] == [
        ["/meta/connect", "/a", "/b"],
        ["/c"],
    ]
    assert office.told[1][0] == recording.exchanges[0]


@pytest.mark.parametrize(
    ("path", "fields", "body"),
    [
        (b"/cometd?jsonp=cb", (), b"cb(" + NEWS + b")"),
        (b"/cometd", ((b"content-encoding", b"br"),), compress(NEWS)),
        (b"/cometd", ((b"content-encoding", b"gzip"),), NEWS),
    ],
    ids=["script", "br", "no gzip"],
)
def test_what_only_the_whole_tells_is_told_at_the_end(office, path, fields, body):
    head = ANSWER._replace(body=None, fields=fields)
    recording = office.takes(
        ASKED._replace(carries=COMET, body=b"", path=path),
        Answering(7, head),
        Piece(7, 946681202.5, body[:9]),
        Piece(7, 946681203.5, body[9:]),
        ENDED._replace(answer=head),
    )

    assert [(message.channel, message.at_us) for message in recording.messages] == [
        ("/a", 946681202_000000),
        ("/b", 946681202_000000),
    ]


def test_answer_that_nobody_saw_end_is_kept(office):
    office.hears(*TRICKLING, Piece(7, 946681202.5, NEWS[:-1]))
    office.clerk.end()
    recording = office.takes()

    outcome = recording.exchanges[0].outcome
    assert (outcome.at_us, outcome.error) == (946681202_500000, "the recorder was ended in the middle of the answer")
    assert (outcome.response.body.wire, outcome.response.ended_at_us) == (NEWS[:-1], None)
    assert [message.channel for message in recording.messages] == ["/meta/connect", "/a", "/b"]


def test_body_beyond_the_limit_is_said_to_be_cut(office):
    blanks = b" " * LARGEST_BODY
    recording = office.takes(*TRICKLING, Piece(7, 946681202.5, blanks), Piece(7, 946681203.5, NEWS), STREAMED)

    outcome = recording.exchanges[0].outcome
    assert len(outcome.response.body.wire) == LARGEST_BODY
    assert outcome.error == "the answer goes on: its body is kept up to here (16 MiB), its messages are all told"
    assert [message.at_us for message in recording.messages[1:]] == [946681203_500000] * 2


def test_endless_message_is_not_said_to_be_told(office):
    endless = b'{"channel":"/a","data":"' + b" " * LARGEST_BODY
    recording = office.takes(*TRICKLING, Piece(7, 946681202.5, endless), STREAMED)

    assert recording.exchanges[0].outcome.error == "the answer goes on: its body is kept up to here (16 MiB)"


def test_piece_after_the_end_is_nobodys(office):
    """Version 11 may pass one on after an error."""
    recording = office.takes(*TRICKLING, STREAMED._replace(error="Client disconnected."), Piece(7, 946681204, NEWS))

    assert [message.channel for message in recording.messages] == ["/meta/connect"]


def test_cut_off_poll_gives_none(office):
    assert not office.takes(ASKED._replace(carries=COMET, body=POLL, ended_at_s=None)).messages


def test_push_is_told_its_provider(office):
    (push,) = office.takes(ASKED._replace(carries="apns", body=b"{}"), ENDED).pushes

    assert (push.provider, push.exchange_id, push.at_us, push.payload) == ("apns", 1, 946681201_000000, b"{}")


def test_socket_from_its_opening_to_its_close(office):
    recording = office.takes(
        ASKED._replace(carries=COMET),
        ENDED._replace(goes_on=True),
        Upgraded(7, 5.0),
        Frame(7, is_from_client=True, at_s=6.0, content=POLL),
        Frame(7, is_from_client=False, at_s=7.0, content=NEWS),
        Frame(7, is_from_client=False, at_s=8.0, content=b"no Bayeux"),
        Closed(7, 9.0, 1001, "bye", is_by_client=True),
    )

    (socket,) = recording.sockets
    assert (socket.opened_at_us, socket.closed_at_us, socket.close_code) == (5_000_000, 9_000_000, 1001)
    assert (socket.close_reason, socket.closed_by) == ("bye", Direction.TO_SERVER)
    assert {message.transport for message in recording.messages} == {Transport.WEBSOCKET}
    assert [len(messages) for _, messages in office.told] == [0, 1, 2, 1]
    assert (recording.messages[-1].channel, recording.messages[-1].raw) == ("", b"no Bayeux")


CONNECTED = Connected(7, "apns.example", 2195, ("::1", 52000), 5.0)


def sent(content, at_s=6.0, number=7):
    return Passed(number, is_from_client=True, at_s=at_s, content=content)


def framed(recording):
    return [(frame.connection_id, frame.direction, frame.at_us, frame.raw) for frame in recording.frames]


def test_frames_are_put_together(office):
    """Each has the time of its last piece, whatever passes between."""
    recording = office.takes(
        CONNECTED,
        sent(enhanced(1)[:9]),
        Connected(8, "apns.example", 2195, ("192.0.2.7", 1), 5.5),
        sent(enhanced(3), 6.5, number=8),
        Passed(7, is_from_client=False, at_s=7.0, content=refusal(8, 1)),
        sent(enhanced(1)[9:] + enhanced(2), 8.0),
        Disconnected(7),
        Disconnected(8),
    )

    assert recording.connections == (
        Connection(1, 1, "apns.example", 2195, "[::1]:52000", 5_000_000),
        Connection(2, 1, "apns.example", 2195, "192.0.2.7:1", 5_500_000),
    )
    assert framed(recording) == [
        (2, Direction.TO_SERVER, 6_500_000, enhanced(3)),
        (1, Direction.TO_CLIENT, 7_000_000, refusal(8, 1)),
        (1, Direction.TO_SERVER, 8_000_000, enhanced(1)),
        (1, Direction.TO_SERVER, 8_000_000, enhanced(2)),
    ]
    assert tuple(office.frames) == recording.frames


def test_broken_bytes_are_kept_as_they_come(office):
    recording = office.takes(CONNECTED, sent(enhanced(1) + b"\x07?"), sent(b"!", 7.0), Disconnected(7))

    assert framed(recording)[1:] == [
        (1, Direction.TO_SERVER, 6_000_000, b"\x07?"),
        (1, Direction.TO_SERVER, 7_000_000, b"!"),
    ]


@pytest.mark.parametrize("is_closed", [True, False])
def test_half_a_frame_is_kept_at_the_end(office, is_closed):
    office.hears(CONNECTED, sent(enhanced(1)[:9]), Passed(7, False, 7.0, b"\x08"), *[Disconnected(7)] * is_closed)
    office.clerk.end()

    assert framed(office.takes()) == [
        (1, Direction.TO_SERVER, 6_000_000, enhanced(1)[:9]),
        (1, Direction.TO_CLIENT, 7_000_000, b"\x08"),
    ]
    assert [frame.raw for frame in office.frames] == [enhanced(1)[:9], b"\x08"]
