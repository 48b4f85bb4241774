from typing import Any

import factories
import pytest
from driver import NOW_US
from factories import AVAILABILITY, CALLBACK, JOINED, MENU, QUEUE, SERVICE, Tape, frame, position

from gms_replay import bayeux, gms
from gms_replay.acts import PATIENCE_US, MissingAct
from gms_replay.clocks import Clock, Pacing
from gms_replay.comet import Carrier
from gms_replay.events import Action, Asked, Noted, Respond, SendText
from gms_replay.match import Miss, MissKind
from gms_replay.model import Transport
from gms_replay.playing import Playing
from gms_replay.story import compile_stories

SECOND_US = 1_000_000
MESSAGE = b'{"channel":"/_genesys","data":"hi"}'
HANDSHAKE = b'{"channel":"/meta/handshake"}'
CONNECT = b'{"channel":"/meta/connect","clientId":"a"}'
PASSING = b'{"channel":"/meta/connect","clientId":"a","advice":{"timeout":0}}'
SUBSCRIBE = b'{"channel":"/meta/subscribe","clientId":"a","subscription":"/**"}'


def playing(tape: Tape, **pacing: Any) -> Playing:
    (story,) = compile_stories(tape.recording())
    names = iter("abc")
    return Playing(
        "s1",
        story,
        Pacing(**pacing),
        opened_at_us=NOW_US,
        identities={},
        mint=lambda: next(names),
        comet_segment="",
    )


def ask(session: Playing, request_id: int, method: str, target: str, at_s: float = 0, text: bytes = b"") -> Miss | None:
    asked = Asked(method, "http", target, (("host", "play.test"),), text)
    operation = gms.recognise(method, target, text)
    assert operation is not None
    session.visit(asked, operation, "http://play.test")
    return session.ask(request_id, operation, asked, at_us(at_s))


def advance(session: Playing, at_s: float) -> list[Action]:
    return list(session.advance(at_us(at_s)))


def at_us(at_s: float) -> int:
    return NOW_US + round(at_s * SECOND_US)


def listen(session: Playing, request_id: int) -> None:
    """Shakes hands, connects, subscribes, and holds a poll of that id."""
    for number, text in enumerate((HANDSHAKE, CONNECT, SUBSCRIBE)):
        say(session, 1000 + number, text)
    assert say(session, request_id, CONNECT) == []


def say(session: Playing, carrier_id: int, text: bytes, transport: Transport = Transport.LONG_POLLING) -> list[Action]:
    """What is to be done about Bayeux messages, before the session advances."""
    return list(session.ask_comet(Carrier(carrier_id, transport), bayeux.parse(text), NOW_US))


def callback() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s"}' % SERVICE.encode(), takes_s=0.5)
    return tape


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
    operation = gms.recognise("POST", CALLBACK, b"")
    assert operation is not None
    again = Asked("POST", "http", CALLBACK, (), b"")
    assert not session.awaits(operation, again)

    session.gone(1, at_us(0.1))

    assert session.awaits(operation, again)
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
