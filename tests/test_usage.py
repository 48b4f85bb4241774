from driver import App, Driver, start, start_chatting
from factories import CALLBACK, JOINED, MENU, ORDER, QUEUE, SERVICE, Tape, chat_recording, frame, position

from gms_replay.control import SESSIONS
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories
from gms_replay.usage import Usage


def two_visits() -> Recording:
    """One that polls a queue and goes on, and one that only begins."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    tape.ask(1, "GET", QUEUE, b"", position(2))
    tape.ask(2, "GET", QUEUE, b"", position(1))
    tape.ask(3, "POST", MENU)
    tape.ask(4, "POST", MENU)
    tape.ask(60, "POST", CALLBACK, ORDER, b'{"_id":"SECOND0000000002"}')
    return tape.recording()


def app() -> App:
    """An app at a player of both."""
    return App(Driver(Player(compile_stories(two_visits()))), "ann")


def test_nothing_was_played() -> None:
    assert app().driver.player.unused == ("visit 1 was not played", "visit 2 was not played")


def test_what_another_gms_tells_need_not_be_played() -> None:
    ann = app()
    usage = Usage(compile_stories(two_visits()), lambda session: 0)

    assert usage.unused((), {2}, takes_pushes=False) == ("visit 1 was not played",)
    start(ann)
    assert usage.unused(ann.driver.player.sessions, {1, 2}, takes_pushes=False) == ann.driver.player.unused[:-1]


def test_polled_states_count_as_one() -> None:
    """Which of them an app saw depends on when it asked."""
    ann = app()
    start(ann)
    ann.call("GET", QUEUE)
    ann.call("POST", MENU)

    assert ann.driver.player.unused == (f"visit 1: POST {MENU} was not asked for", "visit 2 was not played")


def test_what_is_never_polled_is_told_once() -> None:
    ann = app()
    start(ann)

    first, *_ = ann.driver.player.unused

    assert first == f"visit 1: GET {QUEUE} was not asked for"
    assert sum(QUEUE in line for line in ann.driver.player.unused) == 1


def test_what_forgotten_sessions_were_given_counts() -> None:
    """By all sessions of a visit together."""
    ann = app()
    start(ann)
    ann.call("GET", QUEUE)
    ann.call("DELETE", SESSIONS)
    start(ann)
    ann.call("POST", MENU)
    ann.call("POST", MENU)

    assert ann.driver.player.unused == ("visit 2 was not played",)


def test_untold_messages_are_counted() -> None:
    there = start_chatting(chat_recording(*((at_s, frame(at_s, JOINED)) for at_s in (1, 2, 30))))
    there.listen(5)

    assert there.driver.player.unused == ("visit 1: of 3 messages over Comet 1 were not told",)

    there.listen(30)
    assert there.driver.player.unused == ()


def test_unsent_pushes_are_counted() -> None:
    """Where anybody takes them; not those that nobody saw, nor what is held back."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    for at_s in (1, 30):
        tape.push(at_s, f"wake-{at_s}")
    tape.push(31, "refused", status=410)
    tape.ask(32, "POST", MENU)
    untaken, there, held = (
        App(Driver(Player(compile_stories(tape.recording()), **options)))
        for options in ({}, {"has_devices": True}, {"has_devices": True, "holds_pushes": True})
    )
    for one in (untaken, there, held):
        start(one)
        one.call("POST", MENU)
        one.wait_until(5)

    assert untaken.driver.player.unused == ()
    assert there.driver.player.unused == ("visit 1: of 2 pushes 1 were not sent",)
    there.wait_until(60)
    held.wait_until(60)
    assert there.driver.player.unused == ()
    assert held.driver.player.unused == ("visit 1: of 2 pushes 2 were not sent",)
