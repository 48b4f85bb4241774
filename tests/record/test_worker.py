import io
import pickle

import pytest
from apns_frames import enhanced
from seen import ANSWER, ASKED, ENDED

from gms_replay.carriage import COMET
from gms_replay.cassette.extent import Limits, Progress
from gms_replay.cassette.reader import read
from gms_replay.mitmdump.seen import Answering, Connected, Passed, Piece
from gms_replay.model import Redaction
from gms_replay.record.protocol import Begin, Begun, Failed, Flush, Flushed, Framed, Recorded
from gms_replay.record.worker import write_down
from gms_replay.redact.wishes import Wish

OFF = Wish(Redaction.OFF)
"""These compare bytes."""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "visit.sqlite"


@pytest.fixture
def reports(path):
    """`reports(*lists, …)`: what is said to an input that ends after these."""

    def said(*words, is_watched=False, cut=0):
        begin = Begin(path, Limits(), "regular", None, (("python", "3"),), is_watched, OFF)
        source = b"".join(pickle.dumps(word) for word in (begin, *words))
        heard = []
        write_down(io.BytesIO(source[: len(source) - cut]), heard.append)
        return heard

    return said


def test_what_it_hears_is_written(path, reports):
    assert reports([ASKED], [ENDED]) == [Begun(path, 1)]
    assert [exchange.unfinished for exchange in read(path).exchanges] == [False]


def test_what_came_before_a_flush_is_on_disk(path):
    unfinished = []

    def say(report):
        if isinstance(report, Flushed):
            unfinished.append([exchange.unfinished for exchange in read(path).exchanges])

    words = (Begin(path, Limits(), "regular", None, (), False, OFF), [ASKED, Flush(1), ENDED], [Flush(2)])
    write_down(io.BytesIO(b"".join(map(pickle.dumps, words))), say)

    assert unfinished == [[True], [False]]


def test_who_watches_is_told_no_secrets(path):
    asked = ASKED._replace(fields=((b"apikey", b"hunter-4711"),))
    begin = Begin(path, Limits(), "regular", None, (), True, Wish())
    heard = []

    write_down(io.BytesIO(b"".join(map(pickle.dumps, (begin, [asked, ENDED])))), heard.append)

    (told,) = [report.exchange for report in heard if isinstance(report, Recorded)]
    assert told == read(path).exchanges[0]
    assert told.request.headers[0][1] != "hunter-4711"
    assert b"hunter-4711" not in path.read_bytes()


def test_who_watches_is_told(path, reports):
    told = [report for report in reports([ASKED, ENDED], is_watched=True) if not isinstance(report, Progress)]

    assert told == [Begun(path, 1), Recorded(read(path).exchanges[0], ())]


def test_frames_are_told_to_who_watches(path, reports):
    words = [Connected(1, "apns", 2195, ("::1", 5), 1.0), Passed(1, True, 2.0, enhanced(1) + enhanced(2)[:5])]

    told = [report for report in reports(words, is_watched=True) if isinstance(report, Framed)]

    frames = read(path).frames
    assert [frame.raw for frame in frames] == [enhanced(1), enhanced(2)[:5]]
    assert told == [Framed(frame) for frame in frames]
    assert reports(words) == [Begun(path, 2)]


def test_answer_under_way_at_the_end_is_kept(path, reports):
    head = Answering(7, ANSWER._replace(fields=(), body=None))
    told = reports([ASKED._replace(carries=COMET), head], [Piece(7, 946681209, b'[{"channel":"/a"}')], is_watched=True)

    ((exchange, messages),) = [report for report in told if isinstance(report, Recorded)]
    recording = read(path)
    assert (exchange.id, messages) == (1, recording.messages)
    assert recording.exchanges[0].response.body.wire == b'[{"channel":"/a"}'


def test_word_cut_short_is_the_end(path, reports):
    assert reports([ASKED], [ENDED], cut=9) == [Begun(path, 1)]
    assert [exchange.unfinished for exchange in read(path).exchanges] == [True]


def test_no_cassette_is_said_at_once(path, reports):
    path.write_bytes(b"no cassette")

    (failed,) = reports([ASKED])

    assert isinstance(failed, Failed)
    assert str(path) in failed.reason
    assert path.read_bytes() == b"no cassette"
