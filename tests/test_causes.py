from dataclasses import replace

import pytest
from chats2 import CHANNEL, HELLO, ONE_CHAT, REST, failed, publish, record_chat, recorded_chat, told
from factories import CLIENT, Tape, at, over_socket

from gms_replay import sessions
from gms_replay.causes import Cause, Causes, acts_of
from gms_replay.gms import Act
from gms_replay.model import Recording

SAID = {"channel": CHANNEL, "clientId": CLIENT, "id": "5", "data": {"operation": "sendMessage", "message": HELLO}}
REPLY = {"channel": CHANNEL, "id": "5", "successful": True}


def acts(recording: Recording) -> list[tuple[int, Act]]:
    (session,) = sessions.split(recording)
    return [(done.at_us, done.act) for done in acts_of(session)]


def test_publications_are_acts() -> None:
    chat = [(at(1), Act.START), (at(5), Act.SEND), (at(9), Act.DISCONNECT)]

    assert acts(recorded_chat().recording()) == chat
    assert acts(over_socket(recorded_chat().recording())) == chat


def test_acts_of_both_ways_are_in_order() -> None:
    tape = recorded_chat()
    tape.ask(3, "POST", f"{ONE_CHAT}/send", "message=Hi")

    assert acts(over_socket(tape.recording()))[1:3] == [(at(3), Act.SEND), (at(5), Act.SEND)]


@pytest.mark.parametrize("told", [[], [REPLY]])
def test_publication_without_reply_is_repeated(told: list[dict[str, object]]) -> None:
    """Whether the server sent it or not. It counts once, as it does where it is not repeated."""
    tape = Tape()
    lost = tape.comet(1, [SAID], told)
    assert lost.outcome is not None
    tape.exchanges[-1] = replace(lost, outcome=replace(lost.outcome, error="Client disconnected."))
    alone = acts(tape.recording())
    tape.comet(2, [SAID | {"id": "6"}], [REPLY | {"id": "6"}])
    tape.comet(3, [SAID | {"id": "7"}], [REPLY | {"id": "7"}])

    assert alone == [(at(1), Act.SEND)]
    assert acts(tape.recording()) == [(at(1), Act.SEND), (at(3), Act.SEND)]


def test_refused_publication_is_no_act() -> None:
    """The server knew the client no longer: it says it again, as another."""
    tape = Tape()
    tape.comet(1, [SAID], [REPLY | {"successful": False, "error": "402::session_unknown"}])
    tape.comet(2, [SAID], [REPLY])

    assert acts(tape.recording()) == [(at(2), Act.SEND)]


def test_batch_counts_in_order() -> None:
    tape = Tape()
    chat = {"channel": CHANNEL, "clientId": CLIENT, "id": "4", "data": {"operation": "requestChat"}}
    tape.comet(1, [chat, SAID], [REPLY | {"id": "4"}, REPLY])

    assert [act for _, act in acts(tape.recording())] == [Act.START, Act.SEND]


def test_other_publications_are_no_acts() -> None:
    tape = Tape()
    for operation in ("startTyping", "requestNotifications", "updateNickname"):
        publish(tape, 1, operation)

    assert acts(tape.recording()) == []


def test_start_with_status_code_is_no_act() -> None:
    tape = Tape()
    tape.ask(1, "POST", REST, "nickname=", failed())
    tape.ask(2, "POST", REST, "nickname=Stan", told())

    assert acts(tape.recording()) == [(at(2), Act.START)]


def test_causes_are_the_last_of_each_kind() -> None:
    tape = Tape()
    record_chat(tape)
    publish(tape, 6, "sendMessage", message="Hi")
    (session,) = sessions.split(tape.recording())

    assert Causes(acts_of(session)).of(at(6)) == (Cause(Act.START, 1, at(1)), Cause(Act.SEND, 2, at(6)))


def test_publication_that_was_answered_by_another_is_no_act() -> None:
    tape = Tape()
    tape.comet(1, [SAID], [REPLY | {"id": "6"}])

    assert acts(over_socket(tape.recording())) == [(at(1), Act.SEND)]
