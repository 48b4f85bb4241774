"""The answers that an app has not got."""

import tracemalloc

import pytest
from factories import CALLBACK, QUEUE, SERVICE, Tape, position

from gms_replay.choice import Pending
from gms_replay.fields import Meaning
from gms_replay.story import compile_stories
from gms_replay.underway import Underway

ASKED: Meaning = (("x",), frozenset())


def pending(request_id: int = 1, index: int = 0, due_at_us: int = 5, asked: Meaning = ASKED) -> Pending:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "GET", QUEUE, b"", position(2))
    (story,) = compile_stories(tape.recording())
    return Pending(request_id, story.answers[index], due_at_us, asked, "")


def test_answers_wait_for_their_time() -> None:
    underway = Underway()
    first, second = pending(1), pending(2)
    underway.expect(first)
    underway.expect(second)

    assert underway.pending == {1: first, 2: second}
    underway.give(first)
    assert underway.pending == {2: second}


@pytest.mark.parametrize("is_given", [False, True])
def test_lost_answer_is_kept_for_the_retry(is_given: bool) -> None:
    underway = Underway()
    one = pending()
    underway.expect(one)
    if is_given:
        underway.give(one)

    assert not underway.has_lost(ASKED)
    assert underway.lose(1) == one.answer
    assert underway.has_lost(ASKED)
    assert underway.retried(ASKED) == one.answer
    assert not underway.has_lost(ASKED)


def test_polled_state_is_not_kept() -> None:
    underway = Underway()
    one = pending(index=1)
    underway.expect(one)

    assert underway.lose(1) == one.answer
    assert not underway.has_lost(ASKED)


def test_what_arrived_cannot_get_lost() -> None:
    underway = Underway()
    one = pending()
    underway.expect(one)
    assert not underway.arrive(1)
    underway.give(one)

    assert underway.arrive(1)
    assert underway.lose(1) is None


def asking(number: int) -> Meaning:
    return ("x",), frozenset({("message", str(number))})


def test_oldest_loss_is_forgotten() -> None:
    """An app may hang up for ever, each time on another text."""
    underway = Underway()
    for number in range(101):
        underway.expect(pending(number, asked=asking(number)))
        underway.lose(number)

    assert [underway.has_lost(asking(number)) for number in (0, 1, 100)] == [False, True, True]


def test_what_was_said_is_not_kept() -> None:
    """An app may say as much as it likes, and hang up on it."""
    underway, one = Underway(), pending()
    tracemalloc.start()
    for number in range(20):
        asked = ("x",), frozenset({("message", f"{number:02}" * 50_000)})
        underway.expect(one._replace(asked=asked))
        underway.lose(one.request_id)
        underway.miss(asked)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 500_000


def test_other_words_are_not_what_got_lost() -> None:
    underway = Underway()
    underway.expect(pending(asked=(("x",), frozenset({("a", "1"), ("b", "2")}))))
    underway.lose(1)

    other = [("y",), (("a", "1"), ("b", "2"))], [("x",), (("a", "1"),)], [("x",), (("a", "2"), ("b", "1"))]
    assert not any(underway.has_lost((key, frozenset(said))) for key, said in other)
    assert underway.has_lost((("x",), frozenset({("b", "2"), ("a", "1")})))


def test_same_is_missed_once() -> None:
    underway = Underway()

    assert [underway.miss(asking(number)) for number in (1, 1, 2, 1)] == [True, False, True, False]


def test_oldest_miss_is_forgotten() -> None:
    underway = Underway()
    for number in range(101):
        underway.miss(asking(number))

    assert [underway.miss(asking(number)) for number in (100, 0)] == [False, True]
