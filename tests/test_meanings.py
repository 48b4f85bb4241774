import factories
from driver import NOW_US
from factories import CALLBACK, SERVICE, Tape

from gms_replay import calls
from gms_replay.calls import Call
from gms_replay.events import Asked
from gms_replay.gms import Kind
from gms_replay.meanings import Meanings
from gms_replay.story import Story, compile_stories
from gms_replay.translation import Translation

OTHER = SERVICE.replace("3", "8")


def visit() -> Story:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, {"_desired_time": "2014-05-02T16:45:00.000Z"}, {"_id": SERVICE})
    tape.ask(1, "GET", f"{CALLBACK}?_id={SERVICE}&_desired_time=2014-05-02T16:45:00.000Z", b"", {"a": "1"})
    tape.ask(2, "GET", f"{CALLBACK}?_id={SERVICE}&_desired_time=2014-05-02T17:00:00.000Z", b"", {"a": "2"})
    tape.ask(3, "GET", factories.AVAILABILITY, b"", {"2014-05-02T17:00:00.000Z": 3})
    (story,) = compile_stories(tape.recording())
    return story


def meaning(story: Story) -> tuple[Meanings, Translation]:
    translation = Translation(story, {SERVICE: OTHER}, now_us=None, comet_segment="")
    return Meanings(story, translation), translation


def call(method: str, target: str, body: bytes = b"") -> Call:
    read = calls.read(Asked(method, "http", target, (), body))
    assert isinstance(read, Call)
    return read


def test_call_means_what_was_recorded() -> None:
    meanings, _ = meaning(visit())

    meant = meanings.of(call("GET", f"{CALLBACK}?_id={OTHER}"))

    assert meant.operation.kind is Kind.QUERY_CALLBACK
    assert meant.said == {"_id": SERVICE}
    assert [one.answer.index for one in meant.ranked] == [1, 2]
    assert meant.right == meant.ranked


def test_wrong_answers_are_ranked_only() -> None:
    meanings, _ = meaning(visit())

    meant = meanings.of(call("POST", f"{CALLBACK}?vip=1"))

    assert [one.answer.index for one in meant.ranked] == [0]
    assert meant.right == []


def test_same_poll_means_the_same() -> None:
    meanings, _ = meaning(visit())
    poll = call("GET", f"{CALLBACK}?_id={OTHER}")

    assert meanings.of(poll) is meanings.of(poll)


def test_act_is_looked_at_each_time() -> None:
    meanings, _ = meaning(visit())
    act = call("POST", CALLBACK)

    assert meanings.of(act) is not meanings.of(act)


def test_polls_that_miss_are_not_kept() -> None:
    """There may be any number of them."""
    meanings, _ = meaning(visit())
    poll = call("GET", f"{CALLBACK}/nobody/availability")

    assert meanings.of(poll) is not meanings.of(poll)


def test_equal_polls_mean_the_same() -> None:
    """Also where they were read one by one."""
    meanings, _ = meaning(visit())
    one, other = (call("GET", CALLBACK, b"_id=%s" % OTHER.encode()) for _ in range(2))

    assert one is not other
    assert meanings.of(one) is meanings.of(other)


def test_poll_means_something_else_once_its_slot_is_told() -> None:
    """It names a time slot that is told to the app only then, and so is a recorded one from then on."""
    story = visit()
    meanings, translation = meaning(story)
    availability = story.answers[3]
    shift_us = translation.shift_us(availability.at_us, NOW_US)
    told_us = translation_of(story, shift_us)
    poll = call("GET", f"{CALLBACK}?_id={OTHER}&_desired_time={told_us}")
    before = [one.answer.index for one in meanings.of(poll).right]

    translation.answer(availability, shift_us, "")
    after = [one.answer.index for one in meanings.of(poll).right]

    assert (before, after) == ([1, 2], [2, 1])


def translation_of(story: Story, shift_us: int) -> str:
    """What another session of the same shift is told for the slot at 17:00."""
    another = Translation(story, {}, now_us=None, comet_segment="")
    another.shift_us(story.answers[3].at_us, NOW_US)
    _, body = another.answer(story.answers[3], shift_us, "")
    return body.decode().split('"')[1]
