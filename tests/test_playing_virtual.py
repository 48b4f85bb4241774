"""A session by the virtual clock: when its story jumps, and when it stands."""

from typing import Any

import pytest
from driver import NOW_US
from factories import AVAILABILITY, CALLBACK, MENU, QUEUE, Tape, position
from lone_session import (
    CONNECT,
    HANDSHAKE,
    MESSAGE,
    PASSING,
    SUBSCRIBE,
    advance,
    ask,
    at_us,
    callback,
    listen,
    playing,
    say,
)

from gms_replay import bayeux
from gms_replay.acts import PATIENCE_US
from gms_replay.carriers import Carrier
from gms_replay.clocks import Clock
from gms_replay.events import Action, Noted, Respond, SendText
from gms_replay.model import Transport
from gms_replay.playing import Playing


def virtual(tape: Tape, **pacing: Any) -> Playing:
    """A session whose clock stands, and which has been started."""
    session = playing(tape, clock=Clock.VIRTUAL, **pacing)
    ask(session, 1, "POST", CALLBACK)
    advance(session, 0)
    return session


def chatting() -> Tape:
    """Two messages, minutes apart; a third waits for a dialog act."""
    tape = callback()
    tape.poll(1, 100, MESSAGE)
    tape.poll(102, 100, MESSAGE)
    tape.ask(210, "POST", MENU, takes_s=5)
    tape.poll(220, 100, MESSAGE)
    return tape


def test_virtual_answer_comes_at_once() -> None:
    session = playing(callback(), clock=Clock.VIRTUAL)
    ask(session, 1, "POST", CALLBACK)

    assert [action.request_id for action in advance(session, 0)] == [1]
    assert session.story_us(at_us(9)) == at_us(0.5)


def test_held_poll_jumps_to_next_message() -> None:
    """To the first only, for the app may act on it."""
    session = virtual(chatting())
    listen(session, 2)

    (respond,) = advance(session, 0)

    assert respond.request_id == 2
    assert respond.body.count(MESSAGE) == 1
    assert session.story_us(at_us(0)) == at_us(101)
    assert session.next_us == at_us(202)


def test_story_does_not_jump_for_nobody() -> None:
    session = virtual(chatting())

    assert advance(session, 500) == []
    assert session.next_us == at_us(101)
    assert session.next_wakeup_us() is None


def test_poll_without_subscription_jumps_nowhere() -> None:
    session = virtual(chatting())
    for number, text in enumerate((HANDSHAKE, CONNECT, CONNECT)):
        say(session, 2 + number, text)

    assert advance(session, 0) == []
    assert session.next_us == at_us(101)


def test_passing_poll_jumps_too() -> None:
    """One that asks not to be held brings nothing, and the next brings what the story jumped to."""
    session = virtual(chatting())
    listen(session, 2)
    advance(session, 0)
    (empty,) = say(session, 3, PASSING)
    assert MESSAGE not in empty.body

    assert advance(session, 0) == []
    (full,) = say(session, 4, PASSING)

    assert MESSAGE in full.body


def test_poll_over_socket_keeps_jumping() -> None:
    """Till the story waits for an act."""
    session = virtual(chatting())
    for text in (HANDSHAKE, CONNECT, SUBSCRIBE, CONNECT):
        say(session, 2, text, Transport.WEBSOCKET)

    assert advance(session, 0) == [SendText(2, b"[" + MESSAGE + b"]")] * 2
    ask(session, 3, "POST", MENU)
    assert [type(action) for action in advance(session, 0)] == [Respond, SendText]


def test_virtual_poll_is_held_for_a_missing_act() -> None:
    """Patience runs by the wall, and ends it."""
    session = virtual(chatting())
    listen(session, 2)
    advance(session, 0)
    for request_id in (3, 4):
        assert say(session, request_id, CONNECT) == []
        told = advance(session, 0)
    assert told == []
    assert session.next_wakeup_us() == NOW_US + PATIENCE_US
    assert advance(session, 9.9) == []

    noted, respond = advance(session, 10)

    assert noted == Noted("session s1: went on without dialog act 1, which the app never did")
    assert MESSAGE in respond.body


def test_known_state_jumps_to_next() -> None:
    tape = callback()
    for asked_s, place in ((2, 3), (6, 2), (14, 1)):
        tape.ask(asked_s, "GET", QUEUE, b"", position(place), takes_s=0.2)
    session = virtual(tape)
    told: list[bytes] = []
    for request_id in range(2, 6):
        ask(session, request_id, "GET", QUEUE)
        told += [action.body for action in advance(session, 0)]

    assert told == [position(place) for place in (3, 2, 1, 1)]


def test_looking_around_jumps_nowhere() -> None:
    """Availability is not what an app waits for."""
    tape = callback()
    for asked_s in (2, 60):
        tape.ask(asked_s, "GET", AVAILABILITY, b"", b'{"at":%d}' % asked_s, takes_s=0)
    session = virtual(tape)
    told: list[bytes] = []
    for request_id in range(2, 5):
        ask(session, request_id, "GET", AVAILABILITY)
        told += [action.body for action in advance(session, 0)]

    assert told == [b'{"at":2}'] * 3


def test_poll_that_got_lost_is_no_news() -> None:
    """What the app never got it is told when it asks again."""
    tape = callback()
    for asked_s, place in ((2, 3), (6, 2), (14, 1)):
        tape.ask(asked_s, "GET", QUEUE, b"", position(place), takes_s=0)
    session = virtual(tape)
    ask(session, 2, "GET", QUEUE)
    advance(session, 0)
    ask(session, 3, "GET", QUEUE)
    advance(session, 0)
    session.gone(3, at_us(0))

    ask(session, 4, "GET", QUEUE)

    assert [action.body for action in advance(session, 0)] == [position(2)]


def test_client_that_left_wants_nothing() -> None:
    """A poll in passing is no poll of the next client's."""
    session = virtual(chatting())
    listen(session, 2)
    advance(session, 0)
    for number, text in enumerate((PASSING, b'{"channel":"/meta/disconnect","clientId":"a"}')):
        say(session, 3 + number, text)

    assert advance(session, 0) == []
    assert session.next_us == at_us(202)


@pytest.mark.parametrize("clock", list(Clock))
def test_polls_in_passing_are_waiting(clock: Clock) -> None:
    tape = callback()
    tape.ask(3, "POST", MENU)
    tape.poll(4, 1, MESSAGE)
    session = playing(tape, clock=clock)
    ask(session, 1, "POST", CALLBACK)
    listen(session, 2)
    session.gone(2, NOW_US)
    noted: list[Action] = []
    for second in range(12):
        list(session.ask_comet(Carrier(10 + second), bayeux.parse(PASSING), at_us(second)))
        noted += advance(session, second)

    assert Noted("session s1: went on without dialog act 1, which the app never did") in noted


def test_silent_client_makes_room() -> None:
    """Where nobody expires by itself, an app that shakes hands again has one client; one that waits stays."""
    session = virtual(chatting())
    for number, text in enumerate((HANDSHAKE, CONNECT, HANDSHAKE)):
        say(session, 2 + number, text)
    assert not session.comet.knows("a")

    waiting = b'{"channel":"/meta/connect","clientId":"b"}'
    for number, text in enumerate((waiting, waiting, HANDSHAKE)):
        say(session, 5 + number, text)
    assert session.comet.knows("b")
