import pytest
from factories import CALLBACK, CHAT_PATH, JOINED, MENU, ORDER, QUEUE, REFRESH, SERVICE, Tape, page, position

from gms_replay import fields, gms, match
from gms_replay.choice import Choice
from gms_replay.gms import Operation
from gms_replay.match import Ranked
from gms_replay.story import Story, compile_stories


@pytest.fixture
def story() -> Story:
    """Two places in a queue, and two dialogs."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    for at_s, place in ((1, 2), (5, 1)):
        tape.ask(at_s, "GET", QUEUE, b"", position(place))
        tape.ask(at_s + 1, "POST", MENU, b"", b'{"n":%d}' % place)
    (compiled,) = compile_stories(tape.recording())
    return compiled


def fitting(story: Story, method: str, target: str) -> tuple[Operation, list[Ranked]]:
    operation = gms.recognise(method, target, b"")
    assert operation is not None
    return operation, match.candidates(operation, fields.read(target, (), b""), story, lambda asked, recorded: False)


def test_each_answer_is_given_once_then_the_last(story: Story) -> None:
    choice = Choice(story)
    told = []
    for _ in range(3):
        answer, is_repeated = choice.of(*fitting(story, "POST", MENU))
        choice.give(answer, {})
        told.append((answer.index, is_repeated))

    assert told == [(2, False), (4, False), (4, True)]
    assert choice.given == {2, 4}


def test_state_is_what_the_story_has_come_to(story: Story) -> None:
    choice = Choice(story)
    states = [story.answers[1], story.answers[3]]
    asked = fitting(story, "GET", QUEUE)
    assert choice.of(*asked) == (states[0], False)
    assert choice.shift_us(states[0]) is None

    for shift_us, state in enumerate(states):
        choice.reach(state, shift_us)

        assert choice.of(*asked) == (state, False)
        assert choice.shift_us(state) == shift_us


def test_state_is_news_until_the_app_has_it(story: Story) -> None:
    choice, state = Choice(story), story.answers[1]
    assert not choice.is_news(state, {})
    choice.reach(state, 0)
    assert choice.is_news(state, {})

    choice.give(state, {})
    assert not choice.is_news(state, {})

    choice.lose(state)
    assert choice.is_news(state, {})


def test_refresh_is_news_while_a_line_lacks() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "POST", CHAT_PATH, "", page(after=0, state="CONNECTED"))
    tape.ask(2, "POST", REFRESH, "", page(JOINED, after=0))
    (story,) = compile_stories(tape.recording())
    choice, refresh = Choice(story), story.answers[2]
    choice.reach(refresh, 0)
    choice.give(refresh, {})

    news = [choice.is_news(refresh, {"transcriptPosition": place}) for place in ("0", "1")]

    assert news == [True, False]
