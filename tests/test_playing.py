import json
from typing import Any

import chats2
import factories
import pytest
from driver import NOW_US
from factories import AVAILABILITY, CALLBACK, CHAT_PATH, JOINED, MENU, QUEUE, SEND, SERVICE, Tape, frame, position
from faulty import rule
from lone_session import (
    CONNECT,
    HANDSHAKE,
    MESSAGE,
    PASSING,
    SECOND_US,
    SUBSCRIBE,
    advance,
    ask,
    at_us,
    callback,
    listen,
    playing,
    say,
)

from gms_replay import bayeux, calls
from gms_replay.acts import PATIENCE_US, MissingAct
from gms_replay.calls import Call
from gms_replay.carriers import Carrier
from gms_replay.clocks import Clock
from gms_replay.events import Action, Asked, CloseSocket, Noted, Respond, SendPush, SendText
from gms_replay.gms import Act
from gms_replay.match import MissKind
from gms_replay.model import Transport
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


def again() -> Call:
    """The start of the callback."""
    call = calls.read(Asked("POST", "http", CALLBACK, (), b""))
    assert isinstance(call, Call)
    return call


def answered(actions: list[Action]) -> list[tuple[int, int]]:
    """Which requests were answered with what status."""
    return [(action.request_id, action.status) for action in actions if isinstance(action, Respond)]


def test_lost_answer_is_given_to_the_retry() -> None:
    """And counts once: nothing is noted."""
    session = playing(callback())
    ask(session, 1, "POST", CALLBACK)
    session.gone(1, at_us(0.1))

    ask(session, 2, "POST", CALLBACK, 3)

    assert answered(advance(session, 4)) == [(2, 200)]
    assert session.given == {0}


def test_answer_that_arrived_is_not_awaited() -> None:
    session = playing(callback())
    ask(session, 1, "POST", CALLBACK)
    advance(session, 1)

    session.sent(1)
    session.gone(1, at_us(2))

    assert not session.awaits(again())


def test_answer_is_repeated_with_a_note() -> None:
    session = playing(callback())
    for request_id in (1, 2):
        ask(session, request_id, "POST", CALLBACK)

    noted, *told = advance(session, 1)

    assert noted == Noted("session s1: start callback sales once more than recorded: its last answer again")
    assert answered(told) == [(1, 200), (2, 200)]


def test_story_waits_for_acts() -> None:
    """Typing is none, nor is a start that is refused."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, b"vip=1", b"{}", status=400)
    tape.ask(1, "POST", CALLBACK, b"", {"_id": SERVICE})
    tape.ask(2, "POST", f"{CHAT_PATH}/startTyping")
    tape.ask(3, "POST", MENU)
    tape.poll(4, 1, MESSAGE)
    session = playing(tape)
    missing = [session.missing]
    for request_id, (target, text) in enumerate(
        ((CALLBACK, b"vip=1"), (CALLBACK, b""), (f"{CHAT_PATH}/startTyping", b""), (MENU, b"")), start=1
    ):
        ask(session, request_id, "POST", target, text=text)
        missing.append(session.missing)

    assert missing == [(Act.START, 1), (Act.START, 1), (Act.DIALOG, 1), (Act.DIALOG, 1), None]


def test_act_that_got_no_answer_is_one() -> None:
    """It misses each time, and the story goes on, as it did; to ask again is no further act."""
    tape = callback()
    for at_s in (1, 2):
        tape.ask_in_vain(at_s, "POST", SEND, f"message={at_s}")
    tape.poll(3, 1, MESSAGE)
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)

    misses = [ask(session, request_id, "POST", SEND, text=b"message=Hi") for request_id in (2, 3)]

    assert [miss and miss.kind for miss in misses] == [MissKind.UNANSWERED] * 2
    assert session.missing == (Act.SEND, 2)


def test_refused_request_is_not_heard_of() -> None:
    session = playing(callback(), rule("start callback", "error", 1))
    ask(session, 1, "POST", CALLBACK)

    _, *told = advance(session, 1)

    assert (answered(told), session.has_begun) == ([(1, 503)], False)


def test_cut_answer_is_kept_for_the_retry() -> None:
    session = playing(callback(), rule("start callback", "cut", 1))
    ask(session, 1, "POST", CALLBACK)

    *_, told = advance(session, 1)

    assert isinstance(told, Respond)
    assert (told.cut_at, session.awaits(again())) == (len(told.body) // 2, True)


def test_late_answer_is_awaited() -> None:
    """By the virtual clock it comes at once, after what is due before."""
    session = playing(callback(), rule("start callback", "delay", 1, delay_ms=60_000), clock=Clock.VIRTUAL)
    ask(session, 1, "POST", CALLBACK)

    told = advance(session, 0)

    assert (answered(told), session.story_us(at_us(0))) == ([(1, 200)], at_us(60.5))


def replies(actions: list[Action]) -> list[dict[str, Any]]:
    return [one for action in actions if isinstance(action, Respond) for one in json.loads(action.body)]


def test_client_is_forgotten_by_rule() -> None:
    session = playing(callback(), rule("/meta/connect", "forget", 1))
    say(session, 1, HANDSHAKE)

    (reply,) = replies(say(session, 2, CONNECT))

    assert (reply["error"], reply["advice"]["reconnect"]) == ("402::session_unknown", "handshake")
    assert not session.comet.knows("a")


def test_refused_handshake_makes_no_client() -> None:
    session = playing(callback(), rule("/meta/handshake", "refuse", 1, advice="none"))

    (reply,) = replies(say(session, 1, HANDSHAKE))

    assert (reply["successful"], reply["advice"]["reconnect"]) == (False, "none")
    assert session.is_untouched


def test_handshake_brings_recorded_cookies() -> None:
    tape = callback()
    tape.open_comet(1, headers=(("Set-Cookie", "BAYEUX_BROWSER=1fjd8c"),))
    session = playing(tape)

    told = [say(session, number, text)[0] for number, text in enumerate((HANDSHAKE, CONNECT))]

    assert [dict(one.headers).get("set-cookie") for one in told] == ["BAYEUX_BROWSER=1fjd8c", None]


def test_what_is_due_comes_before_patience_ends() -> None:
    """However late we are woken."""
    tape = callback()
    for asked_s, place in ((2, 2), (8, 1)):
        tape.ask(asked_s, "GET", QUEUE, b"", position(place), takes_s=0)
    tape.ask(9, "POST", MENU)
    tape.poll(10, 1, MESSAGE)
    session = playing(tape)
    ask(session, 1, "POST", CALLBACK)
    listen(session, 2)

    noted, *told = advance(session, 60)

    assert noted == Noted("session s1: went on without dialog act 1, which the app never did")
    assert answered(told) == [(1, 200), (2, 200)]
    ask(session, 3, "GET", QUEUE, 60)
    assert [one.body for one in advance(session, 60) if isinstance(one, Respond)] == [position(1)]


def test_end_answers_all_that_waits() -> None:
    session = playing(callback())
    ask(session, 1, "POST", CALLBACK)
    listen(session, 2)
    say(session, 3, HANDSHAKE, Transport.WEBSOCKET)

    *told, closed = session.end()

    assert answered(told) == [(1, 503), (2, 200)]
    assert closed == CloseSocket(3, 1001, "the session was dropped")


def test_client_moves_to_another_session() -> None:
    """What it holds is answered first, and who only shook hands leaves nothing behind."""
    session, other = playing(callback()), playing(callback())
    listen(session, 2)
    assert not session.is_untouched

    client, told = session.release("a", NOW_US)
    other.adopt(client, NOW_US)

    assert (answered(list(told)), session.is_untouched) == ([(2, 200)], True)
    assert (session.comet.knows("a"), other.comet.knows("a")) == (False, True)


def test_client_whose_socket_ended_moves_too() -> None:
    session = playing(callback())
    say(session, 3, HANDSHAKE, Transport.WEBSOCKET)
    session.gone(3, NOW_US)

    client, told = session.release("a", NOW_US)

    assert (client.carrier, told) == (None, ())


def test_socket_stays_that_of_who_does_not_move() -> None:
    session = playing(callback())
    for text in (HANDSHAKE, HANDSHAKE, CONNECT, CONNECT):
        say(session, 3, text, Transport.WEBSOCKET)

    session.release("b", NOW_US)

    assert [type(one) for one in advance(session, 30)] == [SendText]


def pushing() -> Tape:
    """A place in the queue, a push, another place, and one more push."""
    tape = callback()
    for asked_s, place in ((2, 2), (60, 1)):
        tape.ask(asked_s, "GET", QUEUE, b"", position(place), takes_s=0)
    tape.push(20, "get-dialog-a")
    tape.push(90, "get-dialog-b")
    return tape


def pushed(actions: list[Action]) -> list[str | None]:
    return [action.action for action in actions if isinstance(action, SendPush)]


@pytest.mark.parametrize("awaited", [None, 0, -1])
def test_pushes_are_told_at_their_time(awaited: int | None) -> None:
    session = playing(pushing())
    ask(session, 1, "POST", CALLBACK)

    told = [pushed(session.advance(at_us(at_s), pushes_awaited=awaited)) for at_s in (19.9, 20, 25)]

    assert told == [[], ["get-dialog-a"], []]


# By the virtual clock: when a story jumps, and when it stands.


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


@pytest.mark.parametrize(
    ("awaited", "expected"),
    [
        (None, []),
        (0, []),
        (1, ["get-dialog-a"]),
        (2, ["get-dialog-a", "get-dialog-b"]),
        (-1, ["get-dialog-a", "get-dialog-b"]),
    ],
)
def test_story_jumps_for_as_many_pushes_as_are_awaited(awaited: int | None, expected: list[str]) -> None:
    session = virtual(pushing())

    assert pushed(session.advance(NOW_US, pushes_awaited=awaited)) == expected


def test_known_state_jumps_past_pushes() -> None:
    session = virtual(pushing())
    session.advance(NOW_US, pushes_awaited=0)
    told: list[Action] = []
    for request_id in (2, 3):
        ask(session, request_id, "GET", QUEUE)
        told += session.advance(NOW_US, pushes_awaited=0)

    assert [action.body for action in told if isinstance(action, Respond)] == [position(2), position(1)]
    assert pushed(told) == ["get-dialog-a"]


@pytest.mark.parametrize(("by_us", "story_s"), [(None, 101), (30 * SECOND_US, 30.5)])
def test_clock_is_moved_for_all_that_waits(by_us: int | None, story_s: float) -> None:
    """So far, or to what is next."""
    session = virtual(chatting())

    session.move_clock(by_us, NOW_US)

    assert session.story_us(NOW_US) == at_us(story_s)
