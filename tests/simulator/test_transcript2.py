import pytest

from gms_replay.simulator.chat import Chat, Kind, Party
from gms_replay.simulator.transcript2 import told

STAN = Party("Stan Marsh", "CLIENT")
KRISTI = Party("Kristi Sippola", "AGENT")


@pytest.fixture
def chat():
    return Chat(STAN, lambda: 1_432_845_088_000_999)


def test_arrival_is_the_vendors(chat):
    assert told(chat, 1) == {
        "nextPosition": 2,
        "chatEnded": False,
        "messages": [
            {
                "from": {"nickname": "Stan Marsh", "participantId": 1, "type": "Client"},
                "index": 1,
                "type": "ParticipantJoined",
                "utcTime": 1432845088000,
            }
        ],
    }


def test_only_words_have_text(chat):
    chat.notice(Kind.JOINED, KRISTI)
    chat.notice(Kind.TYPING_STARTED, KRISTI)
    chat.notice(Kind.TYPING_STOPPED, KRISTI)
    chat.write(KRISTI, "Hello.")
    chat.client_writes("")
    chat.client_shows(Kind.PUSHED_URL, "https://example.com")
    chat.client_shows(Kind.SENT_NOTICE, "seen")
    chat.client_renames("Stan")
    chat.notice(Kind.LEFT, KRISTI)
    assert [(message["type"], message.get("text")) for message in told(chat, 2)["messages"]] == [
        ("ParticipantJoined", None),
        ("TypingStarted", None),
        ("TypingStopped", None),
        ("Message", "Hello."),
        ("Message", ""),
        ("PushUrl", "https://example.com"),
        ("CustomNotice", "seen"),
        ("NicknameUpdated", None),
        ("ParticipantLeft", None),
    ]


def test_parties_are_numbered(chat):
    chat.write(KRISTI, "Hello.")
    chat.client_renames("Stan")
    assert [message["from"] for message in told(chat, 1)["messages"]] == [
        {"nickname": "Stan Marsh", "participantId": 1, "type": "Client"},
        {"nickname": "Kristi Sippola", "participantId": 2, "type": "Agent"},
        {"nickname": "Stan", "participantId": 1, "type": "Client"},
    ]


@pytest.mark.parametrize(("start", "indices"), [(0, [1, 2, 3]), (1, [1, 2, 3]), (3, [3]), (4, []), (9, [])])
def test_messages_from_a_position_on(chat, start, indices):
    chat.write(KRISTI, "one")
    chat.write(KRISTI, "two")
    answer = told(chat, start)
    assert ([message["index"] for message in answer["messages"]], answer["nextPosition"]) == (indices, 4)


@pytest.mark.parametrize("ends", [Chat.end, Chat.client_leaves])
def test_chat_is_over_for_its_client(chat, ends):
    ends(chat)
    assert told(chat, 1)["chatEnded"] is True
