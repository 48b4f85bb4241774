import re

import pytest

CHAT_FIELDS = [
    "startedAt",
    "chatIxnState",
    "chatSessionId",
    "transcriptToShow",
    "transcriptPosition",
    "chatServiceMessage",
]


def rest_lines(app, service_id):
    """Refresh until the chat is over; all lines."""
    lines, state = [], ""
    while state != "DISCONNECTED":
        answer = app.chat(service_id, "refresh", transcriptPosition=str(len(lines)))
        lines, state = lines + answer["transcriptToShow"], answer["chatIxnState"]
    return lines


def test_start_tells_the_session(app):
    answer = app.chat(app.start(), "", firstName="Stan", lastName="Marsh")
    assert list(answer) == CHAT_FIELDS
    assert (answer["chatIxnState"], answer["transcriptPosition"]) == ("CONNECTED", "1")
    assert answer["transcriptToShow"] == [["Notice.Joined", "Stan Marsh", "has joined the session", "0", "CLIENT"]]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", answer["startedAt"])


def test_display_name_comes_first(app):
    answer = app.chat(app.start(), "", firstName="Stan", userDisplayName="Stan the man")
    assert answer["transcriptToShow"][0][1] == "Stan the man"


def test_second_start_joins_nobody(app):
    service_id = app.start()
    first, second = app.chat(service_id, ""), app.chat(service_id, "")
    assert [second["chatSessionId"], [line[4] for line in second["transcriptToShow"]].count("CLIENT")] == [
        first["chatSessionId"],
        1,
    ]


def test_comet_tells_every_line(app, until_disconnected, until_line):
    app.open_comet()
    service_id = app.start_chat()
    frames = app.chat_frames(until_line("Message.Text", "AGENT"))
    app.chat(service_id, "startTyping")
    app.chat(service_id, "stopTyping")
    app.chat(service_id, "send", message="Where is my order?")
    frames += app.chat_frames(until_line("Message.Text", "AGENT"))
    app.chat(service_id, "send", message="bye")
    frames += app.chat_frames(until_disconnected)
    messages = [frame["data"]["message"] for frame in frames]
    agent = [line[0] for message in messages for line in message["transcriptToShow"] if line[4] == "AGENT"]
    client = [line[:3] for message in messages for line in message["transcriptToShow"] if line[4] == "CLIENT"]
    wrote = ["Notice.TypingStarted", "Notice.TypingStopped", "Message.Text"]
    assert agent == ["Notice.Joined", *wrote * 3, "Notice.Left"]
    assert client == [["Message.Text", "Stan", "Where is my order?"], ["Message.Text", "Stan", "bye"]]
    assert [message["transcriptPosition"] for message in messages[:-1]] == [str(2 + at) for at in range(13)]
    assert [message["chatIxnState"] for message in messages] == ["TRANSCRIPT"] * 13 + ["DISCONNECTED"]
    assert {len(message["transcriptToShow"]) for message in messages[:-1]} == {1}


def test_frames_have_the_seeds_shape(app, until_disconnected):
    app.open_comet()
    service_id = app.start_chat()
    app.chat(service_id, "disconnect")
    frames = app.chat_frames(until_disconnected)
    assert {tuple(frame) for frame in frames} == {("data", "channel")}
    assert {tuple(frame["data"]) for frame in frames} == {("message", "id", "tag")}
    assert {tuple(frame["data"]["message"]) for frame in frames} == {tuple(CHAT_FIELDS)}
    assert {frame["data"]["tag"] for frame in frames} == {f"service.chat.refresh.{service_id}"}
    assert all(re.fullmatch("[0-9a-f]{32}", frame["data"]["id"]) for frame in frames)
    assert len({frame["data"]["id"] for frame in frames}) == len(frames)


def test_chat_works_without_comet(app):
    service_id = app.start()
    app.chat(service_id, "", firstName="Stan")
    app.chat(service_id, "send", message="bye")
    lines = rest_lines(app, service_id)
    assert [line[0] for line in lines if line[4] == "AGENT"] == [
        "Notice.Joined",
        *["Notice.TypingStarted", "Notice.TypingStopped", "Message.Text"] * 2,
        "Notice.Left",
    ]
    assert {len(line) for line in lines} == {5}
    assert all(line[3].isdigit() for line in lines)


def test_refresh_reads_the_query(app):
    service_id = app.start()
    app.chat(service_id, "")
    app.chat(service_id, "disconnect")
    lines = rest_lines(app, service_id)
    answer = app.http.post(f"/1/service/{service_id}/ixn/chat/refresh?transcriptPosition=2", json={}).json()
    assert (answer["transcriptToShow"], answer["chatIxnState"]) == (lines[2:], "DISCONNECTED")


def test_send_tells_own_line(app):
    service_id = app.start()
    app.chat(service_id, "", firstName="Stan")
    answer = app.chat(service_id, "send", message="Hi")
    assert answer["transcriptToShow"][0][:3] == ["Message.Text", "Stan", "Hi"]
    answer = app.chat(service_id, "send", message="Ho", transcriptPosition="0")
    assert answer["transcriptToShow"][0][:2] == ["Notice.Joined", "Stan"]


def test_leaving_is_answered_twice(app):
    service_id = app.start()
    app.chat(service_id, "")
    answers = [app.chat(service_id, "disconnect") for _ in range(2)]
    assert [answer["chatIxnState"] for answer in answers] == ["DISCONNECTED"] * 2
    assert [line[0] for line in answers[0]["transcriptToShow"]] == ["Notice.Left"]
    assert [line[0] for line in rest_lines(app, service_id) if line[4] == "CLIENT"] == ["Notice.Joined", "Notice.Left"]


@pytest.mark.parametrize("turn", ["send", "startTyping", "stopTyping"])
def test_ended_chat_takes_nothing(app, turn):
    service_id = app.start()
    app.chat(service_id, "")
    app.chat(service_id, "disconnect")
    answer = app.http.post(f"/1/service/{service_id}/ixn/chat/{turn}", data={"message": "Hi"})
    assert (answer.status_code, list(answer.json())) == (400, ["exception", "message", "code", "phrase"])


@pytest.mark.parametrize(
    ("turn", "fields", "status"),
    [
        ("send", {}, 400),
        ("refresh", {"transcriptPosition": "two"}, 400),
        ("dance", {}, 404),
    ],
)
def test_wrong_turns_are_refused(app, turn, fields, status):
    service_id = app.start()
    app.chat(service_id, "")
    assert app.http.post(f"/1/service/{service_id}/ixn/chat/{turn}", data=fields).status_code == status


def test_unstarted_chat_is_unknown(app):
    assert app.http.post(f"/1/service/{app.start()}/ixn/chat/refresh").status_code == 404


def test_next_chat_is_told_alone(app, until_disconnected):
    first = app.start_chat()
    app.chat(first, "disconnect")
    rest_lines(app, first)
    second = app.start_chat()
    app.chat(second, "disconnect")
    app.open_comet()
    tags = {frame["data"]["tag"] for frame in app.chat_frames(until_disconnected)}
    assert tags == {f"service.chat.refresh.{second}"}


def test_users_hear_their_own(app, apps, until_disconnected):
    other = apps(app.base_url)
    for one in (app, other):
        one.open_comet()
    services = [one.start_chat() for one in (app, other)]
    for one, service_id in zip((app, other), services, strict=True):
        one.chat(service_id, "disconnect")
    tags = [{frame["data"]["tag"] for frame in one.chat_frames(until_disconnected)} for one in (app, other)]
    assert tags == [{f"service.chat.refresh.{service_id}"} for service_id in services]


@pytest.mark.parametrize(("asked", "more"), [("true", True), ("TRUE", True), ("false", False), ("", False)])
def test_verbose_chats_tell_more(app, until_disconnected, asked, more):
    app.open_comet()
    service_id = app.start_chat(_verbose=asked)
    answers = [app.chat(service_id, turn, message="Hi") for turn in ("refresh", "send", "startTyping", "disconnect")]
    told = [*answers, *(frame["data"]["message"] for frame in app.chat_frames(until_disconnected))]
    assert {tuple(message)[:6] for message in told} == {tuple(CHAT_FIELDS)}
    assert {len(message) > 6 for message in told} == {more}
    assert {message.get("_chatIxnAPI_SEND_URL") for message in told} == {
        f"{app.base_url}/1/service/{service_id}/ixn/chat/send" if more else None
    }
