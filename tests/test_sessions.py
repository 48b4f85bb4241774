from dataclasses import replace

import factories
from factories import HELLO, SERVICE, Tape, frame

from gms_replay import sessions
from gms_replay.gms import Kind


def test_visit_is_one_session() -> None:
    (session,) = sessions.split(factories.visit())

    assert [one.exchange.id for one in session] == [
        one.id for one in sorted(factories.visit().exchanges, key=lambda exchange: exchange.request.ended_at_us)
    ]


def test_message_without_content_is_passed_over() -> None:
    visit = factories.visit()
    emptied = [replace(message, raw=b"[]") if message.id == 1 else message for message in visit.messages]

    (session,) = sessions.split(replace(visit, messages=tuple(emptied)))

    assert sum(len(one.heard) for one in session) == len(visit.messages) - 1


def test_message_without_channel_is_passed_over() -> None:
    visit = factories.visit()
    nameless = [replace(message, channel="") if message.id == 1 else message for message in visit.messages]

    (session,) = sessions.split(replace(visit, messages=tuple(nameless)))

    assert sum(len(one.heard) for one in session) == len(visit.messages) - 1


def test_broken_message_is_passed_over() -> None:
    tape = Tape()
    tape.poll(0, 1, frame(1, HELLO))
    asked, event, reply = tape.messages
    tape.messages = [asked, replace(event, raw=b'{"channel":"/_genesys"'), reply]

    (session,) = sessions.split(tape.recording())

    assert [heard.message for heard in session[0].heard] == [asked, reply]


def test_told_are_answers_and_events() -> None:
    (session,) = sessions.split(factories.visit())
    found = list(sessions.told(session))

    assert [(one.exchange_id, one.message_id) for one in found[:2]] == [(1, None), (2, None)]
    assert next(one.raw for one in found if one.message_id is not None) == frame(1, factories.JOINED)
    assert not [one for one in found if b"/meta/" in one.raw]
    assert found[1].raw[found[1].values[1].start : found[1].values[1].end].decode() == SERVICE


def test_user_is_the_first_named() -> None:
    (session,) = sessions.split(factories.visit())

    assert sessions.user_of(session) == factories.USER
    assert sessions.user_of(()) is None


def test_operation_is_named() -> None:
    (session,) = sessions.split(factories.visit())

    assert session[0].operation.kind is Kind.AVAILABILITY
    assert session[0].user == factories.USER


def test_message_that_is_no_json_is_passed_over() -> None:
    visit = factories.visit()
    broken = [replace(message, raw=b"{") if message.id == 1 else message for message in visit.messages]

    (session,) = sessions.split(replace(visit, messages=tuple(broken)))

    assert sum(len(one.heard) for one in session) == len(visit.messages) - 1


def test_visit_says_who_asked_what_and_when() -> None:
    (session,) = sessions.split(factories.visit())
    start = next(one for one in session if one.operation.kind is Kind.START_CALLBACK)

    assert start.at_us == start.exchange.request.ended_at_us
    assert start.user == factories.USER
    assert start.said["_customer_number"] == factories.ORDER["_customer_number"]
