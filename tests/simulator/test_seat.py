from random import Random

import pytest

from gms_replay.simulator.aliases import Aliases
from gms_replay.simulator.chat import Chat, Kind, Party
from gms_replay.simulator.refusals2 import ChatError
from gms_replay.simulator.seat import Seat

KRISTI = Party("Kristi Sippola", "AGENT")
CREDENTIALS = {"chatId": "00048aAPEQJ8000U", "userId": "007555677B20000A", "secureKey": "4ee15d7e1c343c8e"}


@pytest.fixture
def chat():
    return Chat(Party("Stan", "CLIENT"), lambda: 0)


@pytest.fixture
def aliases():
    return Aliases(Random(1), lambda: 0)


@pytest.fixture
def told():
    return []


@pytest.fixture
def seat(chat, aliases, told):
    seat = Seat("support", chat, *CREDENTIALS.values(), aliases, told.append)
    chat.listen(seat.tell_news)
    return seat


def test_answer_has_the_vendors_fields(seat, aliases):
    assert list(seat.told(1)) == [
        "statusCode",
        "alias",
        "userId",
        "secureKey",
        "chatId",
        "nextPosition",
        "chatEnded",
        "messages",
    ]
    assert seat.told(1).items() >= (CREDENTIALS | {"statusCode": 0, "alias": aliases.at(1), "nextPosition": 2}).items()


def test_alias_is_told_as_it_changes(seat, chat, aliases, told):
    for number in range(8):
        chat.write(KRISTI, str(number))
    assert [answer["alias"] for answer in told] == [aliases.at(position) for position in range(2, 10)]
    assert len({answer["alias"] for answer in told}) == 2


def test_each_line_is_one_frame(seat, chat, told):
    chat.notice(Kind.JOINED, KRISTI)
    chat.write(KRISTI, "Hello.")
    assert [[message["index"] for message in answer["messages"]] for answer in told] == [[2], [3]]


def test_end_is_the_last_frame(seat, chat, told):
    chat.end()
    chat.notice(Kind.LEFT, KRISTI)
    assert [(answer["messages"], answer["chatEnded"]) for answer in told] == [([], True)]


def test_who_has_left_hears_no_more(seat, chat, told):
    chat.client_leaves()
    chat.notice(Kind.JOINED, KRISTI)
    chat.end()
    assert [(answer["messages"][0]["type"], answer["chatEnded"]) for answer in told] == [("ParticipantLeft", True)]


def test_news_need_no_session(seat, chat, told):
    seat.tell = None
    chat.write(KRISTI, "Hello.")
    assert told == []


def complaint(seat, shown):
    """Why somebody who shows that is not admitted; empty where he is."""
    try:
        seat.admit(shown)
    except ChatError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("shown", [{}, CREDENTIALS, {"secureKey": CREDENTIALS["secureKey"], "message": "Hi"}])
def test_own_credentials_are_admitted(seat, aliases, shown):
    assert not complaint(seat, shown)
    assert not complaint(seat, shown | {"alias": aliases.at(1)})


@pytest.mark.parametrize("name", [*CREDENTIALS, "alias"])
def test_foreign_credentials_are_refused(seat, name):
    with pytest.raises(ChatError, match=f"{name} is wrong"):
        seat.admit(CREDENTIALS | {name: "x"})
