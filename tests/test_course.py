from dataclasses import replace
from typing import Any

from driver import NOW_US
from factories import CALLBACK, MENU, QUEUE, SERVICE, Tape, position

from gms_replay.clocks import Pacing
from gms_replay.course import Course
from gms_replay.gms import Act
from gms_replay.items import Event, Pushed, State
from gms_replay.story import compile_stories

SECOND_US = 1_000_000


def course(tape: Tape, **pacing: Any) -> Course:
    (story,) = compile_stories(tape.recording())
    return Course(story, Pacing(**pacing), NOW_US)


def callback() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE}, takes_s=0)
    return tape


def message(text: str, channel: str = "/_genesys") -> bytes:
    return f'{{"channel":"{channel}","data":"{text}"}}'.encode()


def at_us(at_s: float) -> int:
    return NOW_US + round(at_s * SECOND_US)


def told(going: Course) -> list[tuple[float, str]]:
    """All that is due, and how many seconds after the start."""
    items: list[tuple[float, str]] = []
    while (due_at_us := going.next_us) is not None:
        item = going.release()
        text = item.raw if isinstance(item, Event) else item.answer.response.body.wire
        items.append(((due_at_us - NOW_US) / SECOND_US, text.decode()))
    return items


def test_earliest_goes_first() -> None:
    tape = callback()
    tape.poll(0, 2, message("two"))
    tape.poll(0, 3, message("three", "/news"))
    tape.poll(4, 0, message("four"))
    going = course(tape)
    going.act(Act.START, NOW_US)

    assert told(going) == [
        (2, message("two").decode()),
        (3, message("three", "/news").decode()),
        (4, message("four").decode()),
    ]
    assert going.is_told


def test_item_waits_for_its_act() -> None:
    tape = callback()
    tape.ask(2, "POST", MENU)
    tape.poll(3, 0, message("hello"))
    going = course(tape)
    going.act(Act.START, NOW_US)

    assert going.next_us is None
    assert going.missing == (Act.DIALOG, 1)
    going.act(Act.DIALOG, at_us(7))
    assert going.missing is None
    assert told(going) == [(8, message("hello").decode())]
    assert going.missing is None


def test_given_up_act_counts_as_done() -> None:
    tape = callback()
    tape.ask(2, "POST", MENU)
    tape.poll(3, 0, message("hello"))
    going = course(tape)
    going.act(Act.START, NOW_US)
    going.give_up(Act.DIALOG, at_us(9))

    assert told(going) == [(10, message("hello").decode())]


def test_speed_shortens_gaps() -> None:
    tape = callback()
    tape.poll(4, 0, message("four"))
    tape.poll(8, 0, message("eight"))
    going = course(tape, speed=4)
    going.act(Act.START, NOW_US)

    assert [at_s for at_s, _ in told(going)] == [1, 2]


def test_act_outdates_states() -> None:
    """Nobody is told a place in the queue from before a dialog act, once that is done."""
    tape = callback()
    for at_s, place in ((1, 3), (5, 2)):
        tape.ask(at_s, "GET", QUEUE, b"", position(place), takes_s=0)
    tape.ask(6, "POST", MENU)
    tape.ask(7, "GET", QUEUE, b"", position(1), takes_s=0)
    going = course(tape)
    going.act(Act.START, NOW_US)
    going.act(Act.DIALOG, at_us(0.5))

    assert isinstance(going.release(), State)
    assert going.next_us is None


def pushed(going: Course) -> list[tuple[float, str | None]]:
    """The pushes that are due, and how many seconds after the start."""
    found: list[tuple[float, str | None]] = []
    while (due_at_us := going.next_us) is not None:
        item = going.release()
        assert isinstance(item, Pushed)
        found.append((round((due_at_us - NOW_US) / SECOND_US, 3), item.seen.action))
    return found


def test_push_waits_for_what_the_app_did_before() -> None:
    tape = callback()
    tape.push(5, "wake")
    tape.push(7, "wake again")
    going = course(tape)
    assert (going.next_us, going.missing, going.has_push) == (None, (Act.START, 1), False)

    going.act(Act.START, at_us(10))

    assert going.has_push
    assert pushed(going) == [(15, "wake"), (17, "wake again")]
    assert not going.has_push


def test_refused_push_reached_nobody() -> None:
    tape = callback()
    tape.push(3, "refused", status=410, answer={"reason": "Unregistered"})
    tape.push(5, "taken")
    going = course(tape)
    going.act(Act.START, NOW_US)

    assert pushed(going) == [(5, "taken")]


def test_push_that_was_tried_again_is_one() -> None:
    """Also where no try was answered; but not what comes much later, about the same."""
    tape = callback()
    for at_s, action in ((3, "wake"), (5, "wake"), (6, "other"), (36, "other"), (66, "other"), (900, "other")):
        tape.push(at_s, action)
        if at_s not in (5, 900):
            tape.exchanges[-1] = replace(tape.exchanges[-1], outcome=None)
    going = course(tape)
    going.act(Act.START, NOW_US)

    assert pushed(going) == [(5, "wake"), (66, "other"), (900, "other")]


def test_presumed_push_is_for_who_takes_any() -> None:
    tape = callback()
    tape.ask(5, "POST", MENU)
    going = course(tape)
    going.act(Act.START, NOW_US)
    assert (going.next_us, going.has_push) == (None, False)

    going.hear_pushes()
    going.hear_pushes()

    assert pushed(going) == [(5, MENU.rpartition("/")[2])]


def test_who_takes_pushes_late_is_not_told_what_was_asked_for() -> None:
    tape = callback()
    tape.ask(5, "POST", MENU)
    tape.ask(9, "POST", f"{MENU}-2")
    going = course(tape)
    going.act(Act.START, NOW_US)
    going.act(Act.DIALOG, at_us(8), (SERVICE, MENU.rpartition("/")[2]))

    going.hear_pushes()

    assert pushed(going) == [(12, f"{MENU.rpartition('/')[2]}-2")]


def test_presumed_push_comes_for_an_act_that_was_given_up() -> None:
    tape = callback()
    tape.ask(5, "POST", MENU)
    going = course(tape)
    going.hear_pushes()
    going.act(Act.START, NOW_US)
    going.give_up(Act.DIALOG, at_us(1))
    going.act(Act.SEND, at_us(2))

    assert pushed(going) == [(5, MENU.rpartition("/")[2])]


def test_presumed_push_is_none_where_the_app_asks_by_itself() -> None:
    tape = callback()
    tape.ask(5, "POST", MENU)
    tape.ask(9, "POST", f"{MENU}-2")
    going = course(tape)
    going.hear_pushes()
    going.act(Act.START, NOW_US)

    for _ in range(2):
        going.act(Act.DIALOG, at_us(8), (SERVICE, MENU.rpartition("/")[2]))

    assert pushed(going) == [(12, f"{MENU.rpartition('/')[2]}-2")]
