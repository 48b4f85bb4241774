"""Whole visits, played by the engine in virtual time: what they are told."""

import gzip
import json
from collections.abc import Callable

import factories
import pytest
from driver import NOW_US, App, begin_chat, headers_named, played, send, start_chatting, told, visiting
from factories import (
    AVAILABILITY,
    CALLBACK,
    CHAT_DIALOG,
    CHAT_PATH,
    HELLO,
    JOINED,
    LEFT,
    MENU,
    ORDER,
    QUEUE,
    REFRESH,
    SEND,
    SERVICE,
    THANKS,
    URL,
    Tape,
    chat_recording,
    connected,
    frame,
    menu,
    position,
    slots,
    start_chat,
)

from gms_replay.events import Respond
from gms_replay.model import Headers

OURS = "http://play.test:9000/genesys"
STARTED = "2026-03-04T09:00:15Z"


def test_visit_is_told_anew() -> None:
    app = visiting()

    answers = [app.call("GET", AVAILABILITY).body]
    app.wait_until(1)
    answers.append(app.call("POST", CALLBACK, ORDER).body)
    app.wait_until(10)
    answers.append(app.call("POST", MENU).body)
    app.wait_until(13)
    answers.append(app.call("POST", CHAT_DIALOG).body)
    app.wait_until(15)
    answers.append(app.call("POST", CHAT_PATH, "notify_by=comet&firstName=Bob&_verbose=true").body)

    assert answers == [
        slots("2026-03-04T09:15:00.000Z", "2026-03-04T09:30:00.000Z"),
        b'{"_id":"%s"}' % SERVICE.encode(),
        menu(OURS, "2026-03-04T09:30:10Z"),
        start_chat(OURS, f"{OURS}/cometd", user="bob@example.com"),
        connected(STARTED),
    ]


def test_chat_is_told_in_order() -> None:
    app = visiting()
    begin_chat(app)
    app.listen(7)
    send(app, "Hello.")
    app.listen(10)
    send(app, "Thanks.")
    app.listen(3)
    app.call("POST", f"{CHAT_PATH}/disconnect")
    app.listen(2)

    assert app.lines == [
        "has joined the session",
        "Hello.",
        "is typing",
        "How may I help?",
        "Thanks.",
        "has left the session",
    ]
    assert app.heard[-1][1] == json.loads(frame(6, LEFT, started=STARTED, state="DISCONNECTED"))
    assert app.driver.notes == []


def test_messages_keep_their_bytes() -> None:
    raw = frame(1, JOINED).replace(b'"tag"', b'\n\t"odd" : 1.50E+3 , "caf\\u00e9":"caf\xc3\xa9","tag"')
    app = start_chatting(chat_recording((1, raw)))

    answer = app.driver.wait_for(app.connect())

    assert raw.replace(b"2014-05-02T16:27:45Z", STARTED.encode()) in answer.body


def test_events_come_at_recorded_times() -> None:
    app = visiting()
    begin_chat(app)
    app.listen(7)
    send(app, "Hello.")
    app.listen(8)

    begun_at_s, sent_at_s = 15.0, pytest.approx(23.2, abs=0.2)
    assert app.times[0] == begun_at_s + 3
    assert app.times[1] == sent_at_s
    assert [later - app.times[1] for later in app.times[2:]] == pytest.approx([1, 4])


def test_seconds_follow_the_pace() -> None:
    app = visiting()
    begin_chat(app)
    app.listen(27 - app.seconds)
    send(app, "Hello.")
    app.listen(5)

    elapsed = [message["data"]["message"]["transcriptToShow"][0][3] for _, message in app.heard]
    assert elapsed == ["3", "12", "13", "16"]
    assert {message["data"]["message"]["startedAt"] for _, message in app.heard} == {STARTED}


def test_date_moves_apart_from_slots() -> None:
    tape = Tape()
    dated: Headers = (("Date", "Fri, 02 May 2014 16:27:31 GMT"),)
    tape.ask(0, "GET", AVAILABILITY, b"", slots("2014-05-02T18:00:00Z"))
    tape.ask(1, "POST", CALLBACK, ORDER, {"_id": SERVICE, "_desired_time": "2014-05-02T16:27:30.000Z"}, headers=dated)
    app = visiting(tape.recording())
    app.call("GET", AVAILABILITY)
    app.wait_until(1)

    answer = app.call("POST", CALLBACK, ORDER)

    assert answer.headers == (("date", "Wed, 04 Mar 2026 09:00:01 GMT"),)
    assert json.loads(answer.body)["_desired_time"] == "2026-03-04T10:27:30.000Z"


@pytest.mark.parametrize(
    ("path", "forwarded", "host", "url"),
    [
        ("/genesys", "", "127.0.0.1:8080", "http://127.0.0.1:8080/genesys"),
        ("/stage/two/genesys", "", "play.test", "http://play.test/stage/two/genesys"),
        ("/genesys", "/stage", "play.test", "http://play.test/stage/genesys"),
        ("/mobile", "", "play.test", "http://play.test/mobile"),
        ("", "", "play.test", "http://play.test"),
    ],
)
def test_urls_lead_back(path: str, forwarded: str, host: str, url: str) -> None:
    app = visiting()
    app.host = host
    app.forwarded_prefix = forwarded

    answers = [app.call("POST", target.replace("/genesys", path, 1)).body for target in (MENU, CHAT_DIALOG)]

    assert answers == [menu(url, "2026-03-04T09:30:00Z"), start_chat(url, f"{url}/cometd", user="bob@example.com")]


@pytest.mark.parametrize("comet_path", ["/elsewhere/comet", "/genesys/cometd"])
def test_chat_frames_lead_back(comet_path: str) -> None:
    event = b'{"channel":"/_genesys","data":{"message":{"_chatIxnAPI_SEND_URL":"%s"}}}' % f"{URL}{SEND[8:]}".encode()
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER)
    tape.poll(1, 1, event)
    app = visiting(tape.recording())
    app.comet_path = comet_path
    app.call("POST", CALLBACK.replace("/genesys", "/stage/genesys"), ORDER)
    app.shake_hands()
    app.subscribe()

    message, _ = told(app.driver.wait_for(app.connect()))

    assert message["data"]["message"] == {
        "_chatIxnAPI_SEND_URL": f"http://play.test:9000/stage/genesys/1/service/{SERVICE}/ixn/chat/send"
    }


def test_foreign_urls_stay() -> None:
    tape = Tape()
    tape.ask(
        0, "POST", CALLBACK, ORDER, b'{"logo":"http://cdn.example/genesys/logo.png","doc":"%s/doc"}' % URL.encode()
    )

    body = visiting(tape.recording()).call("POST", CALLBACK, ORDER).body

    assert body == b'{"logo":"http://cdn.example/genesys/logo.png","doc":"http://play.test:9000/genesys/doc"}'


def test_headers_keep_their_order() -> None:
    headers: Headers = (
        ("Set-Cookie", "JSESSIONID=1a2b; Path=/genesys; Expires=Fri, 02 May 2014 17:27:30 GMT"),
        ("Date", "Fri, 02 May 2014 16:27:31 GMT"),
        ("Set-Cookie", "second=2"),
        ("Location", f"{URL}/1/service/next"),
        ("Content-Length", "2"),
    )
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, headers=headers, takes_s=1, status=201)

    answer = visiting(tape.recording()).call("POST", CALLBACK, ORDER)

    assert answer.status == 201
    assert answer.headers == (
        ("set-cookie", "JSESSIONID=1a2b; Path=/genesys; Expires=Wed, 04 Mar 2026 10:00:00 GMT"),
        ("date", "Wed, 04 Mar 2026 09:00:01 GMT"),
        ("set-cookie", "second=2"),
        ("location", f"{OURS}/1/service/next"),
    )


@pytest.mark.parametrize(
    ("text", "accepts", "is_coded"),
    [
        (b'{"a":1}', "gzip, deflate", True),
        (b'{"a":1}', "deflate, gzip;q=0.5", True),
        (b'{"a":1}', "gzip; q=0, identity", False),
        (b'{"a":1}', "identity", False),
        (b'{"a":1}', "", False),
        (b'{"_expires":"2014-05-02T16:27:31Z"}', "gzip", False),
    ],
)
def test_coded_body_stays_or_opens(text: bytes, accepts: str, is_coded: bool) -> None:
    wire = gzip.compress(text, mtime=0)
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, wire, decoded=text, headers=(("Content-Encoding", "gzip"),))

    answer = visiting(tape.recording()).call("POST", CALLBACK, ORDER, (("accept-encoding", accepts),))

    plain = text.replace(b"2014-05-02T16:27:31Z", b"2026-03-04T09:00:01Z")
    assert answer.body == (wire if is_coded else plain)
    assert headers_named(answer, ["content-encoding"]) == ([("content-encoding", "gzip")] if is_coded else [])


def test_unreadable_coding_is_kept() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b"\x1f\x8bbroken", headers=(("Content-Encoding", "gzip"),))

    answer = visiting(tape.recording()).call("POST", CALLBACK, ORDER)

    assert (answer.body, answer.headers) == (b"\x1f\x8bbroken", (("content-encoding", "gzip"),))


def test_opening_handshake_is_dated() -> None:
    tape = Tape()
    tape.open_comet(0, headers=(("Set-Cookie", "BAYEUX_BROWSER=1; Expires=Fri, 02 May 2014 17:27:30 GMT"),))
    tape.poll(1, 1, frame(1, JOINED))
    app = visiting(tape.recording())

    answer = app.driver.wait_for(app.frame({"channel": "/meta/handshake", "id": "1"}))

    assert headers_named(answer, ["set-cookie"]) == [
        ("set-cookie", "BAYEUX_BROWSER=1; Expires=Wed, 04 Mar 2026 10:00:00 GMT")
    ]


def test_position_follows_story() -> None:
    app = visiting()
    app.call("POST", CALLBACK, ORDER)

    seen = []
    for at_s in (0.5, 1, 2, 4, 8, 60):
        app.wait_until(at_s)
        seen.append(app.call("GET", QUEUE).body)

    assert seen == [position(2)] * 3 + [position(1)] * 3


def test_refresh_follows_story() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    answers = [b'{"transcriptToShow":[]}', b'{"transcriptToShow":[%s]}' % JOINED.encode()]
    tape.ask(2, "POST", REFRESH, "transcriptPosition=0", answers[0], takes_s=0)
    tape.ask(6, "POST", REFRESH, "transcriptPosition=0", answers[1], takes_s=0)
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)

    seen = []
    for at_s in (1, 3.9, 4.1, 9):
        app.wait_until(at_s)
        seen.append(app.call("POST", REFRESH, "transcriptPosition=0").body)

    assert seen == [answers[0], answers[0], answers[1], answers[1]]


def test_refresh_waits_for_send() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    answers = [b'{"transcriptToShow":[]}', b'{"transcriptToShow":[%s]}' % HELLO.encode()]
    tape.ask(2, "POST", REFRESH, "transcriptPosition=0", answers[0], takes_s=0)
    tape.ask(3, "POST", SEND, "message=Hello.", takes_s=0)
    tape.ask(4, "POST", REFRESH, "transcriptPosition=0", answers[1], takes_s=0)
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)
    app.wait_until(9)

    def refresh() -> bytes:
        return app.call("POST", REFRESH, "transcriptPosition=0").body

    before = refresh()
    send(app, "Hello.")
    assert [before, refresh()] == answers


def test_refresh_ahead_tells_no_future() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, takes_s=0)
    tape.ask(2, "POST", REFRESH, "transcriptPosition=0", b"nothing", takes_s=0)
    tape.ask(3, "POST", SEND, "message=Hello.", takes_s=0)
    tape.ask(4, "POST", REFRESH, "transcriptPosition=1", b"Hello.", takes_s=0)
    app = visiting(tape.recording())
    app.call("POST", CALLBACK, ORDER)

    before = app.call("POST", REFRESH, "transcriptPosition=1").body
    send(app, "Hello.")
    app.wait_until(4)

    assert [before, app.call("POST", REFRESH, "transcriptPosition=1").body] == [b"nothing", b"Hello."]


def visit_at_pace(factor: float, now_us: int | None) -> list[bytes]:
    """Answers and messages of a visit, every pause of the app's that many times as long."""
    app = App(played(factories.visit(), now_us=now_us))
    script: list[tuple[float, Callable[[], Respond]]] = [
        (0, lambda: app.call("GET", AVAILABILITY)),
        (1, lambda: app.call("POST", CALLBACK, ORDER)),
        (10, lambda: app.call("POST", MENU)),
        (13, lambda: app.call("POST", CHAT_DIALOG)),
        (15, lambda: app.call("POST", CHAT_PATH, "notify_by=comet&_verbose=true")),
    ]
    bodies = []
    for at_s, ask in script:
        app.wait_until(at_s * factor)
        bodies.append(ask().body)
    app.shake_hands()
    app.subscribe()
    for at_s, text in ((23, "Hello."), (33, "Thanks.")):
        app.listen(max(0.0, at_s * factor - app.seconds))
        bodies.append(send(app, text).body)
    app.listen(1)
    bodies.append(app.call("POST", f"{CHAT_PATH}/disconnect").body)
    app.listen(30)
    return bodies + [json.dumps(message).encode() for _, message in app.heard]


@pytest.mark.parametrize("factor", [0.1, 1, 7.3])
def test_pinned_values_ignore_pace(factor: float) -> None:
    pinned_us = NOW_US + 86_400_000_000

    assert visit_at_pace(factor, pinned_us) == visit_at_pace(2, pinned_us)


def test_pinned_visit_starts_then() -> None:
    app = App(played(factories.visit(), now_us=NOW_US + 86_400_000_000))
    app.call("GET", AVAILABILITY)

    assert app.call("POST", MENU).body == menu(OURS, "2026-03-05T09:30:10Z")


def test_equal_inputs_equal_bytes() -> None:
    assert visit_at_pace(1.7, None) == visit_at_pace(1.7, None)


def test_line_after_line() -> None:
    app = start_chatting(chat_recording((1, frame(1, JOINED)), (1, frame(2, THANKS))))
    app.listen(2)

    assert app.lines == ["has joined the session", "Thanks."]
