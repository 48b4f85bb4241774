from gms_replay.diff import Seen, Transcript
from gms_replay.testing.told import Told, explained
from gms_replay.timeline import Shift


def transcript(*bodies: str, origin: str = "http://a.test") -> Transcript:
    answers = tuple(Seen(f"GET /genesys/{n}", 200, (), body.encode()) for n, body in enumerate(bodies))
    return Transcript(origin, 0, answers, {"/_genesys": (b'{"data": 1}',)})


def told(*bodies: str, origin: str = "http://a.test") -> Told:
    return Told.of(transcript(*bodies, origin=origin))


def test_same_by_place_is_equal() -> None:
    one, other = (
        '{"_id": "3XUVRQFJH172GBRC", "_url": "http://a.test/x"}',
        '{"_id": "3NXT7KRR15Z8MA4A", "_url": "http://b.test/x"}',
    )

    assert told(one) == told(other, origin="http://b.test")
    assert told(one) == transcript(one)
    assert told(one) != told('{"_id": 7}')
    assert told(one) != "a transcript"


def test_slots_may_move_by_weeks() -> None:
    recorded = '{"2014-05-02T16:30:00.000Z": 1}'
    moved = Transcript("http://a.test", 86_400_000_000, told('{"2014-05-09T16:30:00.000Z": 1}').answers, {})
    was = Told("http://a.test", 0, told(recorded).answers, {})

    assert Told.of(moved, Shift.WEEKS) == was
    assert was == Told.of(moved, Shift.WEEKS)
    assert explained(Told.of(moved, Shift.WEEKS), was) == ["transcripts are equal"]
    assert Told.of(moved) != was


def test_few_words_name_it() -> None:
    assert repr(told("a", "b")) == "<transcript: 2 answers, 1 messages>"


def test_first_differences_are_named() -> None:
    lines = explained(transcript('{"_text": "Hi"}'), transcript('{"_text": "Hello"}', "b"))

    assert lines == [
        "transcripts differ in 2 places; got is the left one:",
        "answer 1 (GET /genesys/0) _text: got 'Hi', expected 'Hello'",
        "answer 2 (GET /genesys/1): got nothing, expected '200'",
    ]


def test_many_and_long_differences_are_cut() -> None:
    lines = explained(transcript(*"abcdefgh"), transcript(*"bcdefgh", "x" * 1000))

    assert len(lines) == 1 + 5 + 1
    assert lines[-1] == "and 3 more"
    assert max(map(len, lines)) < 250


def test_equal_ones_say_so() -> None:
    assert explained(transcript("a"), transcript("a")) == ["transcripts are equal"]
