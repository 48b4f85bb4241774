"""The answers that an app has not got."""

import pytest
from factories import CALLBACK, QUEUE, SERVICE, Tape, position

from gms_replay.choice import Pending
from gms_replay.fields import Meaning
from gms_replay.story import compile_stories
from gms_replay.underway import Underway

ASKED: Meaning = (("x",), frozenset())


def pending(request_id: int = 1, index: int = 0, due_at_us: int = 5) -> Pending:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "GET", QUEUE, b"", position(2))
    (story,) = compile_stories(tape.recording())
    return Pending(request_id, story.answers[index], due_at_us, ASKED, "")


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
