import tracemalloc
from collections import Counter
from typing import Any

import pytest
from chats2 import CHANNEL, CHAT, KEY

from gms_replay import bayeux, publications
from gms_replay.bayeux import Parsed
from gms_replay.gms import Kind
from gms_replay.publications import Publications

SEND = "sendMessage"


def said(operation: str, **data: Any) -> Parsed:
    fields = {"channel": CHANNEL, "clientId": "c", "data": {"operation": operation} | data}
    return Parsed(bayeux.dump(fields), fields)


def recorded(**counts: int) -> Publications:
    found = Counter[tuple[str, ...]]()
    for operation, count in counts.items():
        publication = publications.read(said(operation).fields)
        assert publication is not None
        found[publication.operation.key] = count
    return Publications(found)


def kinds(taking: Publications, request_id: int | None, *messages: Parsed) -> list[Kind]:
    return [one.operation.kind for one in taking.take(request_id, messages)]


def test_ids_are_shown() -> None:
    publication = publications.read(said(SEND, secureKey=KEY, chatId=CHAT, userId="7", alias="").fields)

    assert publication is not None
    assert publication.shown == {KEY, CHAT}


def test_acts_are_taken_in_order() -> None:
    batch = said("requestChat"), said("startTyping"), said(SEND), said(SEND, message="Hi!"), said("disconnect")

    assert kinds(recorded(), 1, *batch) == [Kind.REQUEST_CHAT, Kind.SEND, Kind.SEND, Kind.DISCONNECT_CHAT]


def test_others_are_passed_over() -> None:
    fields = {"channel": "/meta/connect"}

    assert publications.read(fields) is None
    assert kinds(recorded(), 1, Parsed(b"{}", fields)) == []


def test_repeated_after_loss_is_one() -> None:
    taking = recorded()
    first = kinds(taking, 1, said(SEND, message="Hi!"))
    taking.lost(1)
    again = kinds(taking, 2, said(SEND, message="Hi!"))
    taking.sent(2)
    taking.lost(2)

    assert (first, again, kinds(taking, 3, said(SEND, message="Hi!"))) == ([Kind.SEND], [], [Kind.SEND])


def test_lost_again_is_one_still() -> None:
    taking = recorded()
    kinds(taking, 1, said(SEND))
    for request_id in (1, 2):
        taking.lost(request_id)
        assert kinds(taking, request_id + 1, said(SEND)) == []


def test_oldest_loss_is_forgotten() -> None:
    """An app may hang up for ever, each time on another text."""
    taking = recorded()
    for number in range(101):
        kinds(taking, number, said(SEND, message=str(number)))
        taking.lost(number)

    assert [kinds(taking, None, said(SEND, message=str(number))) for number in (0, 1)] == [[Kind.SEND], []]


def test_what_was_said_is_not_kept() -> None:
    """An app may say as much as it likes, and hang up on it."""
    taking = recorded()
    tracemalloc.start()
    for number in range(20):
        kinds(taking, number, said(SEND, message=f"{number:02}" * 50_000))
        if number % 2:
            taking.lost(number)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 500_000


def test_same_on_another_channel_is_another() -> None:
    taking = recorded()
    lost = said("requestChat")
    kinds(taking, 1, lost)
    taking.lost(1)

    assert kinds(taking, 2, Parsed(b"", lost.fields | {"channel": f"{CHANNEL}2"})) == [Kind.REQUEST_CHAT]


def test_what_was_not_recorded_is_counted_together() -> None:
    """For each channel that an app thinks of, one count more would be kept."""
    taking = recorded(sendMessage=1)
    for number in range(3):
        chat = said("requestChat")
        kinds(taking, None, Parsed(b"", chat.fields | {"channel": f"{CHANNEL}{number}"}))

    assert len(taking._counts) == 1


def test_other_words_are_another() -> None:
    taking = recorded()
    kinds(taking, 1, said(SEND, message="Hi!"))
    taking.lost(1)

    assert kinds(taking, 2, said(SEND, message="Ho!")) == [Kind.SEND]


def test_sockets_lose_nothing() -> None:
    taking = recorded()
    kinds(taking, None, said(SEND))
    taking.lost(1)

    assert kinds(taking, None, said(SEND)) == [Kind.SEND]


@pytest.mark.parametrize("is_lost", [True, False])
def test_recorded_ones_are_awaited(is_lost: bool) -> None:
    taking, chat = recorded(requestChat=1), said("requestChat")
    publication = publications.read(chat.fields)
    assert publication is not None
    assert taking.awaits(publication)
    kinds(taking, 1, chat)
    if is_lost:
        taking.lost(1)

    assert taking.awaits(publication) is is_lost
    assert not taking.is_one_too_many(publication.operation)
    assert bool(taking)
    kinds(taking, 2, said("requestChat", nickname="Ann"))
    assert taking.is_one_too_many(publication.operation)


def test_publications_have_fields_as_requests_have() -> None:
    publication = publications.read(said(SEND, message="Hi", more={"a": 1}).fields)

    assert publication is not None
    assert publication.fields == {"operation": SEND, "message": "Hi", "more.a": "1"}
