import re

import pytest
from simulating import StandingClock


@pytest.fixture
def chat(app):
    """The answer that starts a chat."""
    return app.request_chat2()


def failure(answer):
    return answer["statusCode"], answer["chatEnded"], [error["advice"] for error in answer["errors"]]


def test_start_is_the_vendors(app):
    before = app.request_chat2(subject="Order", emailAddress="stan@example.com", **{"userData[a]": "1"})
    (message,) = before.pop("messages")
    shapes = {"alias": r"\d{3}", "userId": r"007[0-9A-F]{13}", "secureKey": r"4[0-9a-f]{13}", "chatId": r"000\w{13}"}
    assert list(before) == ["statusCode", *shapes, "nextPosition", "chatEnded"]
    assert all(re.fullmatch(shape, before[name]) for name, shape in shapes.items())
    assert (before["statusCode"], before["nextPosition"], before["chatEnded"]) == (0, 2, False)
    assert list(message) == ["from", "index", "type", "utcTime"]
    assert message["from"] == {"nickname": "Stan Marsh", "participantId": 1, "type": "Client"}


@pytest.mark.parametrize("way", ["json", "data", "files"])
def test_bodies_come_in_three_ways(app, way):
    fields = {"nickname": "Zoé", "subject": "Order"}
    body = {name: (None, value) for name, value in fields.items()} if way == "files" else fields
    chat = app.http.post("/2/chat/support", **{way: body}).json()
    shown = {name: chat[name] for name in ("userId", "secureKey", "alias")} | {"message": "Où est-il ?"}
    body = {name: (None, value) for name, value in shown.items()} if way == "files" else shown
    answer = app.http.post(f"/2/chat/support/{chat['chatId']}/send", **{way: body}).json()
    assert (answer["messages"][0]["from"]["nickname"], answer["messages"][0]["text"]) == ("Zoé", "Où est-il ?")


@pytest.mark.parametrize(
    ("fields", "nickname"),
    [
        ({"nickname": "Stan the man"}, "Stan the man"),
        ({"nickname": ""}, "Stan Marsh"),
        ({"lastName": ""}, "Stan"),
        ({"firstName": ""}, "Marsh"),
    ],
)
def test_client_is_called_as_it_asks(app, fields, nickname):
    assert app.request_chat2(**fields)["messages"][0]["from"]["nickname"] == nickname


def test_nameless_clients_are_refused(app):
    answer = app.http.post("/2/chat/support", json={"subject": "Order"})
    assert (answer.status_code, failure(answer.json())) == (200, (1, False, ["Parameter nickname is missing"]))


def test_refresh_goes_on_at_the_next_position(app, chat):
    app.chat2(chat, "send", message="bye")
    seen, answer = list(chat["messages"]), chat
    while not answer["chatEnded"]:
        answer = app.chat2(answer, "refresh", transcriptPosition=answer["nextPosition"])
        seen += answer["messages"]
    assert [message["index"] for message in seen] == list(range(1, answer["nextPosition"]))
    assert app.chat2(answer, "refresh")["messages"] == seen


def test_agent_is_the_articles(app, chat):
    answer = app.chat2(chat, "send", message="bye")
    while not answer["chatEnded"]:
        answer = app.chat2(answer, "refresh")
    agent = [message for message in answer["messages"] if message["from"]["participantId"] == 2]
    wrote = ["TypingStarted", "TypingStopped", "Message"]
    assert [message["type"] for message in agent] == ["ParticipantJoined", *wrote * 2, "ParticipantLeft"]
    assert {(message["from"]["nickname"], message["from"]["type"]) for message in agent} == {
        ("Kristi Sippola", "Agent")
    }
    assert agent[3]["text"] == "Hello Stan Marsh, this is Kristi. How can I help you?"


def test_operations_tell_their_own_line(app, chat):
    answers = [
        app.chat2(chat, "send", message="Look"),
        app.chat2(chat, "pushUrl", pushUrl="https://example.com"),
        app.chat2(chat, "customNotice", message="seen"),
        app.chat2(chat, "updateNickname", nickname="Stan"),
        app.chat2(chat, "startTyping", message="Th"),
        app.chat2(chat, "stopTyping"),
        app.chat2(chat, "updateData", **{"userData[a]": "2"}),
    ]
    told = [[(message["type"], message.get("text")) for message in answer["messages"]] for answer in answers]
    assert told == [
        [("Message", "Look")],
        [("PushUrl", "https://example.com")],
        [("CustomNotice", "seen")],
        [("NicknameUpdated", None)],
        [],
        [],
        [],
    ]
    assert {(answer["statusCode"], answer["chatId"]) for answer in answers} == {(0, chat["chatId"])}


def test_instants_are_milliseconds_of_the_clock(app_of):
    chat = app_of(now_us=lambda: 1_399_048_058_900_123).request_chat2()
    assert chat["messages"][0]["utcTime"] == 1_399_048_058_900


def test_leaving_is_answered_twice(app, chat):
    answers = [app.chat2(chat, "disconnect") for _ in range(2)]
    told = [(answer["chatEnded"], [message["type"] for message in answer["messages"]]) for answer in answers]
    assert told == [(True, ["ParticipantLeft"]), (True, [])]


@pytest.mark.parametrize("name", ["userId", "secureKey", "alias"])
@pytest.mark.parametrize("operation", ["refresh", "send", "disconnect"])
def test_each_credential_is_looked_at(app, chat, name, operation):
    wrong = app.chat2(chat | {name: "x"}, operation, message="Hi")
    missing = app.chat2(chat | {name: ""}, operation, message="Hi")
    assert failure(wrong)[:2] == failure(missing)[:2] == (2, False)
    assert [failure(answer)[2][0].partition(":")[0] for answer in (wrong, missing)] == [f"{name} is wrong"] * 2
    # The agent may have begun to speak by now.
    assert "Hi" not in {message.get("text") for message in app.chat2(chat, "refresh")["messages"]}


def test_chats_are_their_services(app, chat):
    shown = {name: chat[name] for name in ("userId", "secureKey", "alias")}
    answers = [
        app.chat2(chat | {"chatId": "NOBODY"}, "refresh"),
        app.http.post(f"/2/chat/sales/{chat['chatId']}/refresh", data=shown).json(),
    ]
    assert [failure(answer) for answer in answers] == [
        (2, False, ["There is no chat NOBODY"]),
        (2, False, [f"There is no chat {chat['chatId']}"]),
    ]


def test_missing_message_can_be_mended(app, chat):
    assert failure(app.chat2(chat, "send")) == (1, False, ["Parameter message is missing"])
    assert app.chat2(chat, "send", message="Hi")["statusCode"] == 0


def test_ended_chat_says_so(app, chat):
    app.chat2(chat, "disconnect")
    assert failure(app.chat2(chat, "send", message="Hi")) == (2, True, ["The chat has ended: start another"])


def test_bad_bodies_are_refused_as_elsewhere(app):
    answer = app.http.post("/2/chat/support", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, list(answer.json())) == (400, ["exception", "message", "code", "phrase"])


def test_old_alias_is_good_for_a_while(app_of):
    clock = StandingClock()
    app = app_of(now_us=clock)
    chat = app.request_chat2()
    for text in "abcde":
        answer = app.chat2(chat, "send", message=text)
    clock.now_us = 10_000_000
    in_time = app.chat2(chat, "send", message="f")
    clock.now_us += 1
    late, mended = app.chat2(chat, "send", message="g"), app.chat2(answer, "send", message="g")

    assert answer["alias"] != chat["alias"]
    assert [in_time["alias"], mended["alias"]] == [answer["alias"]] * 2
    assert failure(late) == (2, False, ["alias is wrong: use the one that was told last"])


def test_seeds_repeat_the_credentials(app_of):
    def credentials(seed):
        app = app_of(seed=seed)
        chat = app.request_chat2()
        for text in "abcde":
            answer = app.chat2(chat, "send", message=text)
        second = app.request_chat2()
        return [chat["chatId"], chat["userId"], chat["secureKey"], chat["alias"], answer["alias"], second["alias"]]

    one, again, other = (credentials(seed) for seed in (7, 7, 8))
    assert one == again
    assert len(set(one)) == 6
    assert not set(one) & set(other)
