from dataclasses import replace

import chats2
import factories
from factories import CALLBACK, CHAT_PATH, HELLO, QUEUE, SERVICE, Tape, frame

from gms_replay import sessions
from gms_replay.gms import Kind
from gms_replay.model import Recording

OTHER = "3SQI3S31693JL9L3R0O5O6T4OC000U99"


def groups(tape: Tape) -> list[list[int]]:
    return [[one.exchange.id for one in session] for session in sessions.split(tape.recording())]


def start(tape: Tape, at_s: float, service: str) -> None:
    tape.ask(at_s, "POST", CALLBACK, factories.ORDER, f'{{"_id":"{service}"}}')


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


def test_service_id_separates_visits() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.ask(2, "GET", QUEUE.replace(SERVICE, OTHER))
    tape.ask(3, "GET", QUEUE)

    assert groups(tape) == [[1, 4], [2, 3]]


def test_tag_joins_comet_client() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.poll(2, 1, client="first")
    tape.poll(4, 1, frame(1, HELLO), client="first")

    assert groups(tape) == [[1, 3, 4], [2]]


def test_chat_session_joins_services() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    tape.ask(1, "POST", CHAT_PATH, b"", {"chatSessionId": factories.CHAT})
    tape.ask(2, "POST", CHAT_PATH.replace(SERVICE, OTHER), b"", {"chatSessionId": factories.CHAT})

    assert groups(tape) == [[1, 2, 3]]


def test_chat2_is_one_visit_by_rest_and_over_comet() -> None:
    """Whichever begins it: by the chat's id, or by its key, which is all that some apps show."""
    begun = chats2.told((1, "Hello."))
    by_rest = Tape(user=None)
    by_rest.ask(0, "POST", chats2.REST, "nickname=Stan", begun)
    by_rest.ask(1, "POST", chats2.ONE_CHAT.replace(chats2.CHAT, "other") + "/refresh")
    chats2.publish(by_rest, 2, "requestNotifications", secureKey=chats2.KEY)
    over_comet = Tape(user=None)
    over_comet.ask(0, "POST", chats2.ONE_CHAT.replace(chats2.CHAT, "other") + "/refresh")
    chats2.publish(over_comet, 1, "requestChat")
    over_comet.poll(2, 1, chats2.event(begun))
    over_comet.ask(4, "POST", f"{chats2.ONE_CHAT}/refresh")

    assert groups(by_rest) == [[1, 3], [2]]
    assert groups(over_comet) == [[1], [2, 3, 4]]


def test_chats_of_one_user_are_two() -> None:
    tape = Tape()
    chats2.record_chat(tape, client="first")
    chats2.record_chat(tape, 100, client="second", chat="0001JaBBFDMA00C8", key="00f26a0c41b75e93")
    half = len(tape.exchanges) // 2

    assert [sorted(group) for group in groups(tape)] == [
        list(range(1, half + 1)),
        list(range(half + 1, 2 * half + 1)),
    ]


def test_empty_ids_join_nothing() -> None:
    tape = Tape(user=None)
    for client, chat in (("first", "0001JaBBFDMA00B7"), ("second", "0001JaBBFDMA00C8")):
        chats2.publish(tape, 0, "requestChat", client=client, secureKey="", chatId=None)
        tape.poll(1, 1, chats2.event(chats2.told(chat=chat, key="")), client=client)

    assert groups(tape) == [[1, 2], [3, 4]]


def test_stray_goes_to_user() -> None:
    tape = Tape(user="ann")
    start(tape, 0, SERVICE)
    tape.user = "ben"
    start(tape, 100, OTHER)
    tape.user = "ann"
    tape.ask(101, "GET", factories.AVAILABILITY)

    assert groups(tape) == [[1, 3], [2]]


def test_nameless_stray_goes_to_nearest() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 100, OTHER)
    tape.ask(99, "GET", factories.AVAILABILITY)
    tape.ask(3, "GET", factories.AVAILABILITY)

    assert groups(tape) == [[1, 4], [3, 2]]


def test_lists_of_callbacks_join_nothing() -> None:
    tape = Tape(user="ann")
    start(tape, 0, SERVICE)
    tape.user = "ben"
    start(tape, 1, OTHER)
    tape.ask(2, "GET", f"{CALLBACK}?operand=AND", b"", f'[{{"_id":"{SERVICE}"}},{{"_id":"{OTHER}"}}]')

    assert groups(tape) == [[1], [2, 3]]


def test_strays_alone_are_a_session() -> None:
    tape = Tape()
    tape.ask(0, "GET", factories.AVAILABILITY)
    tape.ask(1, "GET", factories.AVAILABILITY)

    assert groups(tape) == [[1, 2]]


def test_foreign_traffic_is_left_out() -> None:
    tape = Tape()
    tape.ask(0, "GET", "/favicon.ico")
    tape.ask(1, "OPTIONS", CALLBACK)
    tape.ask(2, "POST", "/3/device/00fc13adff785122")

    assert sessions.split(tape.recording()) == ()


def test_empty_recording_has_none() -> None:
    assert sessions.split(Recording()) == ()


def test_broken_message_is_passed_over() -> None:
    tape = Tape()
    tape.poll(0, 1, frame(1, HELLO))
    asked, event, reply = tape.messages
    tape.messages = [asked, replace(event, raw=b'{"channel":"/_genesys"'), reply]

    (session,) = sessions.split(tape.recording())

    assert [heard.message for heard in session[0].heard] == [asked, reply]


def test_forgiven_message_is_heard() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.poll(2, 1, frame(1, HELLO))
    asked, event, reply = tape.messages
    tape.messages = [asked, replace(event, raw=event.raw.replace(b"}}", b",}}").replace(b"Hello.", b"Hel\nlo.")), reply]

    assert groups(tape) == [[1, 3], [2]]


def test_silent_client_joins_user() -> None:
    tape = Tape(user="ann")
    start(tape, 0, SERVICE)
    tape.user = "ben"
    start(tape, 10, OTHER)
    tape.user = "ann"
    tape.open_comet(12)

    assert groups(tape) == [[1, 3, 4, 5], [2]]


def test_silent_clients_alone_stay_apart() -> None:
    tape = Tape(user=None)
    tape.poll(0, 1, client="first")
    tape.poll(2, 1, client="second")

    assert groups(tape) == [[1], [2]]


def test_named_client_keeps_its_visit() -> None:
    tape = Tape(user="ann")
    start(tape, 0, OTHER)
    tape.poll(2, 1, frame(1, HELLO))

    assert groups(tape) == [[1], [2]]


def test_earliest_visit_comes_first() -> None:
    tape = Tape(user=None)
    start(tape, 50, SERVICE)
    start(tape, 10, OTHER)

    assert groups(tape) == [[2], [1]]


def test_malformed_answer_tells_id() -> None:
    tape = Tape(user=None)
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s",}' % SERVICE.encode())
    start(tape, 1, OTHER)
    tape.ask(2, "GET", QUEUE)

    assert groups(tape) == [[1, 3], [2]]


def test_unended_request_is_placed() -> None:
    exchange = Tape().ask_in_vain(5, "POST", CALLBACK)

    assert sessions.asked_at_us(exchange) == factories.at(5)


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
