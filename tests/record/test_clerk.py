from functools import partial
from urllib.parse import quote

import pytest
from seen import ANSWER, ASKED, ENDED

from gms_replay.cassette.extent import Limits
from gms_replay.cassette.reader import read
from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.model import Direction, Transport
from gms_replay.record.clerk import Clerk
from gms_replay.record.protocol import COMET, Closed, Frame, Upgraded

POLL = b'[{"channel":"/meta/connect","id":"1"}]'
NEWS = b'[{"channel":"/a"},{"channel":"/b"}]'


class Office:
    """A clerk with a cassette, and whom it tells."""

    def __init__(self, path):
        self.path = path
        open_writer = partial(Writer, mode="regular", upstream=None, versions=())
        self.series = Series(path, lambda file, at_us: open_writer(file, started_at_us=at_us), Limits())
        self.told = []
        self.clerk = Clerk(self.series, lambda *what: self.told.append(what))

    def takes(self, *seen):
        for each in seen:
            self.clerk.take(each)
        self.series.close()
        return read(self.path)


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
    assert [len(messages) for _, messages in office.told] == [0, 1, 2]
