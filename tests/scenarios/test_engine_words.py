"""Apps with other names, other words and other ids than the recorded one's, played by the engine."""

import json
from typing import Any

import chats2
import factories
import pytest
from driver import App, played, send, start, visiting
from factories import (
    CALLBACK,
    CHAT,
    CHAT_DIALOG,
    CHAT_PATH,
    HELLO,
    ORDER,
    QUEUE,
    REFRESH,
    SEND,
    SERVICE,
    THANKS,
    Tape,
)

from gms_replay.model import Recording

TICKET = "T/12-345678"
CHAT2 = "/genesys/2/chat/sales"


def chatting(app: App, service: str, **fields: str) -> None:
    """Through the dialog to the chat, listening."""
    dialog = json.loads(app.call("POST", CHAT_DIALOG.replace(SERVICE, service)).body)
    app.comet_path = dialog["_comet_url"].removeprefix("http://play.test:9000")
    form = "&".join(f"{name}={value}" for name, value in fields.items())
    app.call("POST", CHAT_PATH.replace(SERVICE, service), f"notify_by=comet&_verbose=true&{form}")
    app.shake_hands()
    app.subscribe()


def in_chat(**fields: str) -> App:
    """The recorded app, but for what it says, in its chat and listening."""
    app = visiting()
    start(app)
    app.call("POST", factories.MENU)
    chatting(app, SERVICE, **fields)
    return app


def spoken(app: App) -> list[tuple[str, str]]:
    """Who said what, by the messages of the transcript that the app heard."""
    lines = [line for _, message in app.heard for line in message["data"]["message"]["transcriptToShow"]]
    return [(line[1], line[2]) for line in lines if line[0] == "Message.Text"]


def test_two_apps_hear_their_own_words() -> None:
    driver = played(factories.visit())
    apps = [App(driver, user, peer="::1") for user in ("ann", "ben")]
    services = [start(app) for app in apps]
    for app, service, name in zip(apps, services, ("Ann", 'Ben "B"'), strict=True):
        app.call("POST", factories.MENU.replace(SERVICE, service))
        chatting(app, service, firstName=name)
    for app in apps:
        app.listen(4)
    for words in (("Hi!", "Grüß Gott"), ("Bye", "How may I help?")):
        for app, service, text in zip(apps, services, words, strict=True):
            send(app, text, service)
        for app in apps:
            app.listen(4)

    assert [spoken(app) for app in apps] == [
        [("Ann", "Hi!"), ("Kristi", "How may I help?"), ("Ann", "Bye")],
        [('Ben "B"', "Grüß Gott"), ("Kristi", "How may I help?"), ('Ben "B"', "How may I help?")],
    ]


def test_words_come_back_as_they_were_said() -> None:
    """Also where the app says the recorded words in another order, and so gets the answers in another order."""
    app = in_chat(firstName="Stan")
    app.listen(4)
    send(app, "Thanks.")
    app.listen(10)
    send(app, "Hello.")
    app.listen(10)

    assert [text for who, text in spoken(app) if who == "Stan"] == ["Thanks.", "Hello."]


def test_story_that_went_on_alone_tells_recorded_words() -> None:
    app = in_chat(firstName="Ann")
    app.listen(25)

    assert "went on without send 1" in app.driver.notes[0]
    assert spoken(app)[0] == ("Ann", "Hello.")


def test_app_without_a_name_gets_the_recorded_one() -> None:
    app = in_chat()
    app.listen(6)
    send(app, "Hi!")
    app.listen(5)

    assert spoken(app) == [("Stan", "Hi!")]


def test_retried_words_count_once() -> None:
    app = in_chat(firstName="Ann")
    app.listen(4)
    lost = app.ask("POST", SEND, "message=One")
    app.driver.wait_for(lost)
    app.driver.hang_up(lost)
    send(app, "One")
    app.listen(10)
    send(app, "Two")
    app.listen(10)

    assert [text for who, text in spoken(app) if who == "Ann"] == ["One", "Two"]


def refreshing() -> Recording:
    """A chat without Comet: what was said comes back in the answers, the second line twice."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.ask(1, "POST", CHAT_PATH, "nickname=Stan&subject=Bill", {"chatSessionId": CHAT, "subject": "Bill"})
    for number, (text, line) in enumerate((("Hello.", HELLO), ("Thanks.", THANKS)), start=1):
        tape.ask(2 * number, "POST", SEND, f"message={text}", transcript(number, line))
    tape.ask(7, "POST", REFRESH, "transcriptPosition=1", transcript(2, THANKS))
    return tape.recording()


def transcript(position: int, *lines: str) -> bytes:
    return f'{{"transcriptPosition":{position},"transcriptToShow":[{",".join(lines)}],}}'.encode()


def test_answers_repeat_the_apps_words() -> None:
    app = visiting(refreshing())
    start(app)
    begun = app.call("POST", CHAT_PATH, "nickname=Ann&subject=Offer")
    answers = [send(app, text).body.decode() for text in ("Hi", "Bye")]
    app.driver.wait(20)
    refreshed = app.call("POST", REFRESH, "transcriptPosition=1").body.decode()

    assert json.loads(begun.body)["subject"] == "Offer"
    assert '["Message.Text","Ann","Hi",' in answers[0]
    assert '["Message.Text","Ann","Bye",' in answers[1]
    assert refreshed == answers[1]


def test_chat_of_version_2_repeats_words() -> None:
    keys = {"chatId": "0001HaQ9NYM9A0", "userId": "007DDDC1A6D99380", "secureKey": "48d30b6cd87f8e", "alias": "117"}

    def line(text: str, who: str, kind: str) -> dict[str, Any]:
        return {"from": {"nickname": who, "type": kind}, "index": 1, "type": "Message", "text": text}

    tape = Tape()
    tape.ask(0, "POST", CHAT2, "nickname=Stan&subject=Bill", keys | {"messages": [line("Hello.", "Stan", "Agent")]})
    form = "&".join(f"{name}={value}" for name, value in keys.items())
    sent = f"{form}&message=Hello."
    tape.ask(1, "POST", f"{CHAT2}/{keys['chatId']}/send", sent, {"messages": [line("Hello.", "Stan", "Client")]})
    driver = played(tape.recording())
    for user, name in (("ann", "Ann"), ("ben", "Ben")):
        app = App(driver, user)
        begun = json.loads(app.call("POST", CHAT2, f"nickname={name}&subject=Bill").body)
        form = "&".join(f"{name}={begun[name]}" for name in keys)
        answer = app.call("POST", f"{CHAT2}/{begun['chatId']}/send", f"{form}&message=Hi")
        (told,) = json.loads(answer.body)["messages"]

        assert (begun["messages"][0]["from"]["nickname"], begun["messages"][0]["text"]) == ("Stan", "Hello.")
        assert (told["from"]["nickname"], told["text"]) == (name, "Hi")
        assert (begun["chatId"] == keys["chatId"]) is (user == "ann")


def test_refreshed_lines_repeat_words() -> None:
    """Also where the recorded app was told the lines over Comet."""
    app = in_chat(firstName="Ann")
    app.listen(4)
    send(app, "Hi")
    app.listen(7)
    refreshed = json.loads(app.call("POST", REFRESH, "transcriptPosition=1").body)["transcriptToShow"]

    assert [line[1:3] for line in refreshed if line[4] == "CLIENT"] == [["Ann", "Hi"]]


def test_published_words_come_back() -> None:
    tape = Tape()
    tape.open_comet(0)
    chats2.publish(tape, 1, "requestChat", nickname="Stan")
    tape.poll(1.1, 0.9, chats2.event(chats2.told((1, "Stan joins"))))
    chats2.publish(tape, 5, "sendMessage", message=chats2.HELLO, secureKey=chats2.KEY)
    line = {"from": {"nickname": "Stan", "type": "Client"}, "index": 2, "type": "Message", "text": chats2.HELLO}
    tape.poll(2.1, 3.1, chats2.event(chats2.told(messages=[line], nextPosition=3)))
    driver = played(tape.recording())
    for name in ("ann", "ben"):
        app = chats2.Chatter(driver, name)
        app.shake_hands()
        app.say("requestChat", nickname=name)
        app.listen(2)
        app.key = app.data[-1]["secureKey"]
        app.say("sendMessage", message=f"Hi from {name}")
        app.listen(5)
        told = [line for data in app.data for line in data["messages"] if line["from"]["type"] == "Client"]

        assert [(line["from"]["nickname"], line["text"]) for line in told] == [(name, f"Hi from {name}")]
        assert (app.key == chats2.KEY) is (name == "ann")


# Ids.


def travelling() -> Recording:
    """A ticket of GMS's own is given in a field, and used in all places that a request has."""
    tape = Tape()
    url = f"http:\\/\\/gms.example:8080\\/genesys\\/1\\/service\\/{SERVICE}\\/storage\\/T%2F12-345678"
    answer = (
        f'{{"_id":"{SERVICE}","ticketNo":"{TICKET}","seat":12345678,"url":"{url}","p":"{{\\"no\\":\\"{TICKET}\\"}}",}}'
    )
    cookies = (*factories.JSON_HEADERS, ("Set-Cookie", "place=row7seat13; Path=/"))
    tape.ask(0, "POST", CALLBACK, ORDER, answer.encode(), headers=cookies)
    tape.ask(1, "GET", f"/genesys/1/service/{SERVICE}/storage/T%2F12-345678", b"", b"stored")
    tape.ask(2, "GET", f"{QUEUE}?no=T%2F12-345678", b"", b"queued", sent=(("Cookie", "place=row7seat13"),))
    tape.ask(3, "POST", factories.MENU, {"a": {"no": TICKET, "seat": 12345678}}, b"json")
    tape.ask(4, "POST", CHAT_DIALOG, "no=T%2F12-345678&seat=12345678", b"form")
    part = f'--b\r\nContent-Disposition: form-data; name="no"\r\n\r\n{TICKET}\r\n--b--\r\n'
    tape.ask(5, "POST", CHAT_PATH, part, b"parts", sent=(("Content-Type", "multipart/form-data; boundary=b"),))
    link = f"http://gms.example:8080/tickets/{TICKET}?seat=12345678"
    tape.ask(6, "POST", REFRESH, {"link": link, "inner": json.dumps({"no": TICKET})}, b"inside")
    return tape.recording()


@pytest.mark.parametrize("user", ["ann", "ben"])
def test_ids_go_both_ways_everywhere(user: str) -> None:
    driver = played(travelling())
    start_all = {name: App(driver, name).call("POST", CALLBACK, ORDER) for name in ("ann", "ben")}
    told = start_all[user]
    fields = json.loads(told.body.replace(b",}", b"}"))
    app, service, ticket, seat = App(driver, user), fields["_id"], fields["ticketNo"], fields["seat"]
    quoted = ticket.replace("/", "%2F")
    path = f"/genesys/1/service/{service}"
    part = f'--b\r\nContent-Disposition: form-data; name="no"\r\n\r\n{ticket}\r\n--b--\r\n'
    link = f"http://gms.example:8080/tickets/{ticket}?seat={seat}"

    assert (ticket == TICKET) is (seat == 12345678) is (service == SERVICE) is (user == "ann")
    assert (b"row7seat13" in dict(told.headers)["set-cookie"].encode()) is (user == "ann")
    assert fields["url"] == f"http://play.test:9000{path}/storage/{quoted}"
    assert json.loads(fields["p"]) == {"no": ticket}
    assert app.call("GET", f"{path}/storage/{quoted}").body == b"stored"
    assert app.call("GET", f"{path}/check-queue-position?no={quoted}").body == b"queued"
    menu = factories.MENU.replace(SERVICE, service)
    assert app.call("POST", menu, {"a": {"no": ticket, "seat": seat}}).body == b"json"
    dialog = CHAT_DIALOG.replace(SERVICE, service)
    assert app.call("POST", dialog, f"no={quoted}&seat={seat}").body == b"form"
    multipart = (("Content-Type", "multipart/form-data; boundary=b"),)
    assert app.call("POST", f"{path}/ixn/chat", part, multipart).body == b"parts"
    inner = {"link": link, "inner": json.dumps({"no": ticket})}
    assert app.call("POST", f"{path}/ixn/chat/refresh", inner).body == b"inside"
