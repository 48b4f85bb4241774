"""Chat version 2 over Comet and by REST: one chat, whichever way it is told."""

import json
from contextlib import contextmanager

import pytest
from websockets.sync.client import connect

CHANNEL = "/service/chatV2/support"
WROTE = ["TypingStarted", "TypingStopped", "Message"]


class Polls:
    """A Bayeux session over long polling, which subscribes to nothing."""

    def __init__(self, app):
        self._app = app
        self._waiting = []
        app.shake_hands()

    def say(self, operation, channel=CHANNEL, **data):
        """Publish, and tell the reply."""
        data = {"operation": operation, **data}
        return self._take(self._app.comet({"channel": channel, "clientId": self._app.client_id, "data": data}))

    def hear(self):
        """The data of the next frame."""
        while not self._waiting:
            self._take(self._app.poll())
        return self._waiting.pop(0)

    def _take(self, messages):
        self._waiting += [message["data"] for message in messages if "data" in message]
        return next(message for message in messages if "successful" in message)


class Wire:
    """The same over a WebSocket, where one connect is held all the time."""

    def __init__(self, app, socket):
        self._socket = socket
        self._messages = []
        self._send({"channel": "/meta/handshake", "supportedConnectionTypes": ["websocket"]})
        self._client_id = self._next()["clientId"]
        connect_message = app.connect_message(clientId=self._client_id, connectionType="websocket")
        self._send(connect_message)
        assert self._next()["successful"]
        self._send(connect_message)

    def say(self, operation, channel=CHANNEL, **data):
        self._send({"channel": channel, "clientId": self._client_id, "data": {"operation": operation, **data}})
        frames = []
        while "data" in (message := self._next()):
            frames.append(message)
        self._messages = frames + self._messages
        return message

    def hear(self):
        message = self._next()
        assert message["channel"].startswith("/service/chatV2/")
        return message["data"]

    def _send(self, message):
        self._socket.send(json.dumps([message]))

    def _next(self):
        if not self._messages:
            self._messages = json.loads(self._socket.recv(60))
        return self._messages.pop(0)


@contextmanager
def opened(transport, app):
    """A Bayeux session of an app, which ends without a goodbye."""
    if transport == "long-polling":
        yield Polls(app)
    else:
        url = app.base_url.replace("http", "ws", 1) + "/cometd"
        with connect(url, additional_headers={"gms_user": app.user}, proxy=None) as socket:
            yield Wire(app, socket)


@pytest.fixture(params=["long-polling", "websocket"])
def transport(request):
    return request.param


@pytest.fixture
def comet(app, transport):
    with opened(transport, app) as session:
        yield session


def hear_until(comet, is_last):
    """The data of frames up to the first that is as asked for."""
    told = [comet.hear()]
    while not is_last(told[-1]):
        told.append(comet.hear())
    return told


def until_agent_says(comet):
    return hear_until(
        comet, lambda data: [(m["type"], m["from"]["type"]) for m in data["messages"]] == [("Message", "Agent")]
    )


def until_ended(comet):
    return hear_until(comet, lambda data: data["chatEnded"])


def hold_chat_over_comet(comet):
    """Says something and bye; all that was told."""
    comet.say("requestChat", nickname="Stan", subject="Order", userData={"a": "1"})
    told = [comet.hear(), *until_agent_says(comet)]
    key = told[0]["secureKey"]
    for text in ("My order?", "bye"):
        comet.say("sendMessage", message=text, secureKey=key)
        told += until_agent_says(comet)
    return told + until_ended(comet)


def hold_chat_by_rest(app):
    answer = app.request_chat2(nickname="Stan")
    told = [answer]

    def refresh(enough):
        while not enough(told[-1]):
            told.append(app.chat2(told[-1], "refresh", transcriptPosition=told[-1]["nextPosition"]))

    def says(answer):
        return any((m["type"], m["from"]["type"]) == ("Message", "Agent") for m in answer["messages"])

    refresh(says)
    for text in ("My order?", "bye"):
        told.append(app.chat2(told[-1], "send", message=text))
        refresh(says)
    refresh(lambda answer: answer["chatEnded"])
    return told


def words(told):
    return [(m["index"], m["type"], m["from"], m.get("text")) for answer in told for m in answer["messages"]]


def test_every_way_tells_the_same_chat(app_of):
    """Also with the same words and identities, when the seed is the same."""
    told = [hold_chat_by_rest(app_of(seed=7))]
    for transport in ("long-polling", "websocket"):
        with opened(transport, app_of(seed=7)) as comet:
            told.append(hold_chat_over_comet(comet))
    rest, *comets = told
    assert words(rest) == words(comets[0]) == words(comets[1])
    assert [m[1] for m in words(rest)] == [
        *["ParticipantJoined", "ParticipantJoined", *WROTE],
        *["Message", *WROTE] * 2,
        "ParticipantLeft",
    ]
    identities = [{(a["chatId"], a["userId"], a["secureKey"]) for a in answers} for answers in told]
    assert identities[0] == identities[1] == identities[2]
    assert [list(dict.fromkeys(a["alias"] for a in answers)) for answers in comets] == [
        list(dict.fromkeys(a["alias"] for a in rest))
    ] * 2


def test_each_line_is_one_frame(comet):
    told = hold_chat_over_comet(comet)
    assert [len(data["messages"]) for data in told] == [1] * 14 + [0]
    assert [data["nextPosition"] for data in told] == [*range(2, 16), 15]
    assert [data["chatEnded"] for data in told] == [False] * 14 + [True]
    assert {data["statusCode"] for data in told} == {0}
    assert len({data["alias"] for data in told}) == 2


def test_publications_are_acknowledged(comet):
    assert comet.say("requestChat", nickname="Stan") == {"channel": CHANNEL, "successful": True}


def test_what_tells_no_line_is_answered_empty(comet):
    comet.say("requestChat", nickname="Stan")
    key = comet.hear()["secureKey"]
    until_agent_says(comet)
    for operation in ("startTyping", "stopTyping"):
        comet.say(operation, message="M", secureKey=key)
    assert [(data["statusCode"], data["messages"], data["nextPosition"]) for data in (comet.hear(), comet.hear())] == [
        (0, [], 6)
    ] * 2


def test_operations_are_the_same_as_by_rest(comet):
    comet.say("requestChat", nickname="Stan")
    own = {"secureKey": comet.hear()["secureKey"]}
    until_agent_says(comet)
    comet.say("pushUrl", pushUrl="https://example.com", **own)
    comet.say("customNotice", message="seen", **own)
    comet.say("updateNickname", nickname="Stan the man", **own)
    told = [comet.hear()["messages"][0] for _ in range(3)]
    assert [(m["type"], m.get("text"), m["from"]["nickname"]) for m in told] == [
        ("PushUrl", "https://example.com", "Stan"),
        ("CustomNotice", "seen", "Stan"),
        ("NicknameUpdated", None, "Stan the man"),
    ]


def test_who_disconnects_hears_no_more(app, comet):
    comet.say("requestChat", nickname="Stan")
    chat = comet.hear()
    comet.say("disconnect", secureKey=chat["secureKey"])
    assert [m["type"] for m in until_ended(comet)[-1]["messages"]] == ["ParticipantLeft"]
    comet.say("disconnect", secureKey=chat["secureKey"])
    again = comet.hear()
    assert (again["chatEnded"], again["messages"]) == (True, [])
    left = ("ParticipantLeft", "Agent")
    while ((last := app.chat2(chat, "refresh")["messages"][-1])["type"], last["from"]["type"]) != left:
        pass
    comet.say("requestNotifications", secureKey=chat["secureKey"], transcriptPosition=1)
    assert comet.hear()["messages"][-1] == last


def test_who_comes_back_is_told_what_was_missed(app, transport):
    with opened(transport, app) as comet:
        comet.say("requestChat", nickname="Stan")
        told = [comet.hear(), comet.hear()]
    seen = told[-1]
    app.chat2(seen, "send", message="bye")
    while not app.chat2(seen, "refresh")["chatEnded"]:
        pass
    with opened(transport, app) as comet:
        shown = {name: seen[name] for name in ("chatId", "userId", "secureKey", "alias")}
        comet.say("requestNotifications", **shown, transcriptPosition=seen["nextPosition"])
        missed = comet.hear()
    assert words([*told, missed]) == words([app.chat2(missed, "refresh")])
    assert (missed["chatEnded"], missed["messages"][-1]["type"]) == (True, "ParticipantLeft")


def test_chat_goes_on_where_it_was_asked_for_last(app, transport):
    with opened(transport, app) as comet:
        comet.say("requestChat", nickname="Stan")
        told = [comet.hear(), comet.hear()]
    with opened(transport, app) as comet:
        key = told[0]["secureKey"]
        comet.say("requestNotifications", secureKey=key, transcriptPosition=str(told[-1]["nextPosition"]))
        comet.say("sendMessage", message="bye", secureKey=key)
        told += until_ended(comet)
    assert [m[0] for m in words(told)] == list(range(1, told[-1]["nextPosition"]))


def test_chat_begun_by_rest_can_be_heard(app, comet):
    chat = app.request_chat2()
    app.chat2(chat, "send", message="bye")
    comet.say("requestNotifications", secureKey=chat["secureKey"])
    told = until_ended(comet)
    assert [m["type"] for m in told[0]["messages"][:2]] == ["ParticipantJoined", "Message"]
    assert [m[0] for m in words(told)] == list(range(1, told[-1]["nextPosition"]))


def test_batch_has_its_answer_with_the_connect(app):
    Polls(app)
    asked = {"channel": CHANNEL, "clientId": app.client_id, "data": {"operation": "requestChat", "nickname": "Stan"}}
    answer = app.comet(asked, app.connect_message())
    assert [(message["channel"], "data" in message) for message in answer] == [
        (CHANNEL, True),
        (CHANNEL, False),
        ("/meta/connect", False),
    ]


def test_acknowledging_sessions_are_told_with_connects(app):
    app.shake_hands(ext={"ack": True})
    app.comet({"channel": CHANNEL, "clientId": app.client_id, "data": {"operation": "requestChat", "nickname": "Stan"}})
    told, again = (app.poll(ext={"ack": 1}) for _ in range(2))
    assert (told[0]["data"]["messages"], told[-1]["ext"], again[-1]["ext"]) == (
        again[0]["data"]["messages"],
        {"ack": 2},
        {"ack": 3},
    )


def test_chats_are_told_apart(app, apps, transport):
    with opened(transport, app) as one, opened(transport, apps(app.base_url)) as other:
        keys = []
        for comet in (one, other):
            comet.say("requestChat", nickname="Stan")
            keys.append(comet.hear()["secureKey"])
        for comet, key in zip((one, other), keys, strict=True):
            comet.say("sendMessage", message="bye", secureKey=key)
        told = [{data["secureKey"] for data in until_ended(comet)} for comet in (one, other)]
    assert told == [{key} for key in keys]


@pytest.mark.parametrize(
    ("operation", "fields", "status", "advice"),
    [
        ("sendMessage", {}, 1, "Parameter message is missing"),
        ("sendMessage", {"message": None}, 1, "Parameter message is missing"),
        ("requestNotifications", {"transcriptPosition": "x"}, 1, "transcriptPosition is no number: x"),
        ("requestChat", {}, 1, "Parameter nickname is missing"),
        ("refresh", {}, 1, "There is no operation refresh"),
        (None, {}, 1, "There is no operation "),
        ("sendMessage", {"message": "Hi", "secureKey": "x"}, 2, "secureKey is wrong"),
        ("sendMessage", {"message": "Hi", "secureKey": None}, 2, "secureKey is wrong"),
        ("sendMessage", {"message": "Hi", "userId": "x"}, 2, "userId is wrong"),
        ("sendMessage", {"message": "Hi", "chatId": "x"}, 2, "chatId is wrong"),
        ("sendMessage", {"message": "Hi", "alias": "x"}, 2, "alias is wrong: use the one that was told last"),
        ("sendMessage", {"message": "Hi", "channel": "/service/chatV2/sales"}, 2, "secureKey is wrong"),
    ],
)
def test_failures_are_told_in_frames(app, comet, operation, fields, status, advice):
    chat = app.request_chat2()
    comet.say(operation, **{"secureKey": chat["secureKey"]} | fields)
    told = comet.hear()
    while "errors" not in told:
        told = comet.hear()
    assert (told["statusCode"], told["chatEnded"], [error["advice"] for error in told["errors"]]) == (
        status,
        False,
        [advice],
    )


def test_ended_chat_says_so(comet):
    comet.say("requestChat", nickname="Stan")
    key = comet.hear()["secureKey"]
    comet.say("disconnect", secureKey=key)
    until_ended(comet)
    comet.say("sendMessage", message="Hi", secureKey=key)
    told = comet.hear()
    assert (told["statusCode"], told["chatEnded"]) == (2, True)


def test_nobody_listens_elsewhere(comet):
    comet.say("requestChat", channel="/service/echo", nickname="Stan")
    comet.say("requestChat", nickname="Kyle")
    assert comet.hear()["messages"][0]["from"]["nickname"] == "Kyle"


def test_empty_credentials_are_not_shown(comet):
    comet.say("requestChat", nickname="", firstName="Stan")
    chat = comet.hear()
    comet.say("requestNotifications", secureKey=chat["secureKey"], chatId=None, userId=None, alias="")
    assert hear_until(comet, lambda data: data["messages"][0] == chat["messages"][0])


@pytest.mark.parametrize("data", ["requestChat", None, ["requestChat"], 1])
def test_odd_data_ask_for_nothing(app, data):
    Polls(app)
    app.comet({"channel": CHANNEL, "clientId": app.client_id, "data": data})
    assert app.poll()[0]["data"]["errors"][0]["advice"] == "There is no operation "
