import json

import factories
from driver import visiting

from gms_replay import sessions
from gms_replay.diff import Transcript, compare
from gms_replay.events import Respond
from gms_replay.witness import Witness, recorded

EVENT = {"channel": "/_genesys", "data": {"message": "é"}, "id": "7"}
REPLY = {"channel": "/meta/connect", "successful": True}
COMET = "/genesys/cometd"


def answer(body: bytes) -> Respond:
    return Respond(0, 200, (), body)


def frame(*messages: object) -> bytes:
    return json.dumps(messages).encode()


def test_recorded_visit_is_told_in_order() -> None:
    [session] = sessions.split(factories.visit())
    told = recorded(session)

    assert told.origin == f"http://{factories.HOST}"
    assert told.started_at_us == session[0].at_us
    assert [seen.asked.split()[0] for seen in told.answers] == [
        one.exchange.request.method for one in session if "cometd" not in one.exchange.request.target
    ]
    assert {channel: len(messages) > 0 for channel, messages in told.channels.items()} == {"/_genesys": True}


def test_answers_stand_as_they_were_asked_for() -> None:
    app, witness = visiting(), Witness()
    second, first = app.asked("GET", "/genesys/b"), app.asked("GET", "/genesys/a")
    witness.answered(2, second, answer(b"2"), "s1")
    witness.answered(1, first, answer(b"1"), None)

    assert [(seen.asked, seen.body) for seen in witness.transcript(0).answers] == [
        ("GET /genesys/a", b"1"),
        ("GET /genesys/b", b"2"),
    ]
    assert witness.transcript(0).origin == "http://play.test:9000"


def test_events_are_kept_whatever_carries_them() -> None:
    app, witness = visiting(), Witness()
    witness.answered(1, app.asked("POST", COMET, frame(REPLY)), answer(frame(EVENT, REPLY)), "s1")
    witness.answered(2, app.asked("GET", f"{COMET}?jsonp=a&message=%5B%5D"), answer(b"a(" + frame(EVENT) + b")"), "s2")
    witness.said(frame(EVENT), None)
    witness.answered(3, app.asked("POST", COMET, b"["), answer(b"not a Bayeux frame"), None)

    raw = json.dumps(EVENT).encode()
    assert witness.transcript(7) == Transcript("", 7, (), {"/_genesys": (raw, raw, raw)})


def test_sessions_are_told_apart() -> None:
    app, witness = visiting(), Witness()
    for number, session in ((1, "s1"), (3, "s2")):
        witness.answered(number, app.asked("GET", f"/genesys/{session}"), answer(session.encode()), session)
        witness.answered(number + 1, app.asked("POST", COMET, frame(REPLY)), answer(frame(EVENT, REPLY)), session)
    witness.said(frame(EVENT), "s2")

    raw = json.dumps(EVENT).encode()
    told = witness.transcript(7, "s2")
    assert [(seen.asked, seen.status, seen.body) for seen in told.answers] == [("GET /genesys/s2", 200, b"s2")]
    assert told.channels == {"/_genesys": (raw, raw)}
    assert witness.transcript(7, "s3") == Transcript("", 7, (), {})


def test_what_testers_ask_is_none_of_it() -> None:
    app, witness = visiting(), Witness()
    witness.answered(1, app.asked("GET", "/__gms_replay__/misses"), answer(b"{}"), None)
    witness.answered(2, app.asked("GET", "/genesys/1/x?gms_session=%20"), answer(b"refused"), None)

    assert [seen.body for seen in witness.transcript(0).answers] == [b"refused"]


def test_recording_equals_itself() -> None:
    [session] = sessions.split(factories.visit())

    assert compare(recorded(session), recorded(session)).equal
