from typing import Any

import chats2
import factories
import pytest
from driver import NOW_US
from factories import AVAILABILITY, CALLBACK, JOINED, MENU, QUEUE, SERVICE, Tape, frame, position
from lone_session import MESSAGE, SECOND_US, advance, ask, at_us, callback, listen, playing, say

from gms_replay import calls
from gms_replay.acts import PATIENCE_US, MissingAct
from gms_replay.calls import Call
from gms_replay.events import Asked, Noted, Respond
from gms_replay.match import MissKind
from gms_replay.playing import Playing


def test_answer_keeps_latency() -> None:
    session = playing(callback())

    assert ask(session, 1, "POST", CALLBACK) is None
    assert session.next_wakeup_us() == at_us(0.5)
    assert advance(session, 0.4) == []
    assert advance(session, 0.5) == [
        Respond(1, 200, (("content-type", "application/json;charset=UTF-8"),), b'{"_id":"%s"}' % SERVICE.encode())
    ]
    assert session.next_wakeup_us() is None


def test_miss_comes_at_once() -> None:
    session = playing(callback())

    miss = ask(session, 1, "POST", CALLBACK, text=b"vip=1")

    assert miss is not None
    assert miss.kind is MissKind.FIELD_DIFFERS
    assert not session.has_begun


def test_start_begins_visit() -> None:
    tape = callback()
    tape.ask(1, "GET", AVAILABILITY)
    session = playing(tape)

    ask(session, 1, "GET", AVAILABILITY)
    assert not session.has_begun
    ask(session, 2, "POST", CALLBACK)
    assert session.has_begun


def test_last_event_ends_telling() -> None:
    tape = callback()
    tape.poll(1, 1, frame(1, JOINED))
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)

    advance(session, 1.9)
    assert not session.is_told
    advance(session, 2)
    assert session.is_told


def test_told_ids_are_known() -> None:
    tape = callback()
    tape.ask(1, "GET", QUEUE)

    assert playing(tape).service_ids == {SERVICE}


def test_lost_answer_is_repeated() -> None:
    session = playing(callback())
    ask(session, 1, "POST", CALLBACK)
    again = calls.read(Asked("POST", "http", CALLBACK, (), b""))
    assert isinstance(again, Call)
    assert not session.awaits(again)

    session.gone(1, at_us(0.1))

    assert session.awaits(again)
    assert advance(session, 1) == []


def test_held_poll_is_answered_when_due() -> None:
    tape = callback()
    tape.poll(1, 1, MESSAGE)
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)
    listen(session, 2)

    *_, respond = advance(session, 2)

    assert isinstance(respond, Respond)
    assert respond.body == b"[" + MESSAGE + b',{"channel":"/meta/connect","clientId":"a","successful":true}]'


def waiting_for_dialog(**options: Any) -> Playing:
    """A session whose next message waits for a dialog act; the app polls from the start on."""
    tape = callback()
    tape.ask(3, "POST", MENU)
    tape.poll(4, 1, MESSAGE)
    session = playing(tape, **options)
    ask(session, 1, "POST", CALLBACK)
    listen(session, 2)
    advance(session, 0.5)
    return session


def test_patience_names_its_end() -> None:
    assert waiting_for_dialog().next_wakeup_us() == NOW_US + PATIENCE_US


def test_patience_ends_with_note() -> None:
    session = waiting_for_dialog()

    assert advance(session, 9.9) == []
    assert advance(session, 10) == [Noted("session s1: went on without dialog act 1, which the app never did")]
    assert session.next_wakeup_us() == at_us(12)


def test_act_in_time_needs_no_patience() -> None:
    session = waiting_for_dialog()
    ask(session, 3, "POST", MENU, 8)

    *_, answered, told = advance(session, 10)

    assert isinstance(answered, Respond)
    assert answered.request_id == 3
    assert isinstance(told, Respond)
    assert told.request_id == 2


def test_waiting_story_has_no_patience() -> None:
    session = waiting_for_dialog(missing_act=MissingAct.WAIT)

    assert advance(session, 25) == []
    assert not session.is_told


def test_missing_act_is_told_once() -> None:
    """And the story waits on, until the app does it."""
    session = waiting_for_dialog(missing_act=MissingAct.MISS)

    assert advance(session, 10) == [
        Noted("session s1: miss: the story waits for dialog act 1, which the app does not do")
    ]
    assert advance(session, 25) == []
    assert not session.is_told
    ask(session, 3, "POST", MENU, 26)
    advance(session, 28)
    assert session.is_told


@pytest.mark.parametrize(("speed", "told_s"), [(1, 4), (4, 1), (0.5, 8)])
def test_gaps_shrink_with_speed(speed: float, told_s: float) -> None:
    """From the start's answer, the start, and the message before."""
    tape = callback()
    tape.poll(1, 1, MESSAGE)
    tape.poll(2, 2, MESSAGE)
    session = playing(tape, speed=speed)
    ask(session, 1, "POST", CALLBACK)

    advance(session, told_s - 0.01)
    assert not session.is_told
    advance(session, told_s)
    assert session.is_told


def test_answers_are_faster_with_speed() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", {"_id": SERVICE}, takes_s=2)
    session = playing(tape, speed=4)
    ask(session, 1, "POST", CALLBACK)

    assert session.next_wakeup_us() == at_us(0.5)


def test_no_poll_no_patience() -> None:
    session = waiting_for_dialog()
    session.gone(2, at_us(1))

    assert advance(session, 9) == []
    assert advance(session, 60) == []
    assert not session.is_told


@pytest.mark.parametrize(("at_s", "place"), [(0, 3), (3.9, 3), (4, 2), (9, 2), (10, 1), (99, 1)])
def test_poll_tells_present_state(at_s: float, place: int) -> None:
    tape = callback()
    for asked_s, recorded in ((2, 3), (6, 2), (14, 1)):
        tape.ask(asked_s, "GET", QUEUE, b"", position(recorded), takes_s=0)
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)
    advance(session, at_s)

    ask(session, 2, "GET", QUEUE, at_s)

    assert [action.body for action in advance(session, at_s + 1) if action.request_id == 2] == [position(place)]


def test_state_of_start_is_dated() -> None:
    tape = callback()
    tape.ask(1, "GET", AVAILABILITY, b"", b'{"_expires":"2014-05-02T16:30:00Z"}', takes_s=0)
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)
    advance(session, 5)
    ask(session, 2, "GET", AVAILABILITY, 5)

    (respond,) = advance(session, 5)

    assert isinstance(respond, Respond)
    assert respond.body == b'{"_expires":"2026-03-04T09:02:30Z"}'


def test_pinned_session_starts_then() -> None:
    tape = callback()
    tape.ask(2, "POST", MENU, b"", factories.menu(factories.URL, "2014-05-02T16:30:00Z"), takes_s=0)
    session = playing(tape, now_us=NOW_US + 86_400 * SECOND_US)
    ask(session, 1, "POST", CALLBACK)
    advance(session, 77)
    ask(session, 2, "POST", MENU, 77)

    (respond,) = advance(session, 77)

    assert isinstance(respond, Respond)
    assert respond.body == factories.menu("http://play.test/genesys", "2026-03-05T09:02:30Z")


@pytest.mark.parametrize(("is_had", "taken"), [(True, 2), (False, 1)])
def test_publication_is_one_until_its_answer_is_had(is_had: bool, taken: int) -> None:
    session = playing(chats2.recorded_chat())
    listen(session, 1)
    said = b'{"channel":"%s","clientId":"a","data":{"operation":"requestChat"}}' % chats2.CHANNEL.encode()
    say(session, 2, said)
    if is_had:
        session.sent(2)
    session.gone(2, at_us(0))
    say(session, 3, said)

    notes = [action for action in advance(session, 0) if isinstance(action, Noted)]

    assert len(notes) == taken - 1
