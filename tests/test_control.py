import json
import re
from typing import Any

import pytest
from driver import App, Driver, start
from factories import CALLBACK, MENU, ORDER, QUEUE, SERVICE, Tape, position, visit

from gms_replay.clocks import Clock, Pacing
from gms_replay.control import CLOCK, ClockMove, clock_move
from gms_replay.errors import OptionError
from gms_replay.model import Recording
from gms_replay.player import Player
from gms_replay.story import compile_stories


def app(recording: Recording | None = None, clock: Clock = Clock.VIRTUAL, **asked: Any) -> App:
    player = Player(compile_stories(recording or visit()), Pacing(clock=clock))
    return App(Driver(player), **asked)


def put_forward(at: App, **fields: Any) -> Any:
    answer = at.call("POST", CLOCK, fields)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def queued() -> Recording:
    """A queue whose place is 2 after ten seconds, and 1 after a dialog act."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    tape.ask(0, "GET", QUEUE, b"", position(3), takes_s=0)
    tape.ask(20, "GET", QUEUE, b"", position(2), takes_s=0)
    tape.ask(21, "POST", MENU)
    tape.ask(30, "GET", QUEUE, b"", position(1), takes_s=0)
    return tape.recording()


@pytest.mark.parametrize(
    ("said", "move"),
    [
        ({"advance_ms": 1500}, ClockMove(1_500_000, None)),
        ({"advance_ms": 0.5, "session": "s1"}, ClockMove(500, "s1")),
        ({"to": "next"}, ClockMove(None, None)),
    ],
)
def test_move_is_read(said: Any, move: ClockMove) -> None:
    there = app()
    start(there)
    sessions = {session.name: session for session in there.driver.player.sessions}

    assert clock_move(json.dumps(said).encode(), sessions) == move


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (b"", "JSON object"),
        (b"[" * 100_000, "JSON object"),
        (b"[]", "JSON object"),
        (b"{}", "one of the two"),
        (b'{"advance_ms":1,"to":"next"}', "one of the two"),
        (b'{"advance":1}', "advance: no such field; there are advance_ms, session, to"),
        (b'{"to":"end"}', "to: "),
        (b'{"advance_ms":-1}', "advance_ms: -1"),
        (b'{"advance_ms":"1"}', "advance_ms: '1'"),
        (b'{"advance_ms":true}', "advance_ms: True"),
        (b'{"advance_ms":NaN}', "advance_ms: nan"),
        (b'{"advance_ms":1e300}', "advance_ms: 1e"),
        (b'{"to":"next","session":"s1"}', "session: there is no 's1'; there are none yet"),
        (b'{"to":"next","session":["s1"]}', "session: there is no ['s1']"),
    ],
)
def test_wrong_move_names_its_field(text: bytes, named: str) -> None:
    with pytest.raises(OptionError, match=re.escape(named)):
        clock_move(text, {})


def test_wrong_move_is_answered() -> None:
    answer = app().call("POST", CLOCK, {"to": "end"})

    assert (answer.status, json.loads(answer.body)) == (400, {"error": 'to: the only place that is known is "next"'})


@pytest.mark.parametrize(
    ("method", "target", "peer", "status"),
    [
        ("GET", CLOCK, "::1", 200),
        ("GET", f"{CLOCK}?x", "127.0.0.1", 200),
        ("GET", CLOCK, "", 200),
        ("GET", CLOCK, "192.0.2.1", 403),
        ("POST", CLOCK, "192.0.2.1", 403),
        ("DELETE", CLOCK, "::1", 405),
        ("GET", f"/stage{CLOCK}", "::1", 200),
        ("GET", "/__gms_replay__/", "::1", 404),
    ],
)
def test_who_may_ask_what(method: str, target: str, peer: str, status: int) -> None:
    assert app(peer=peer).call(method, target).status == status


@pytest.mark.parametrize(
    ("host", "page", "status"),
    [
        ("localhost:9000", "http://localhost:9000", 200),
        ("localhost", "http://localhost", 200),
        ("127.0.0.1:9000", "http://127.0.0.1:9000", 200),
        ("[::1]:9000", "http://[::1]:9000", 200),
        ("localhost:9000", "https://localhost:9000", 403),
        ("localhost:9000", "http://localhost:9001", 403),
        ("localhost:9000", "null", 403),
        ("evil.test:9000", "http://evil.test:9000", 403),
        ("127.0.0.1.evil.test", "http://127.0.0.1.evil.test", 403),
    ],
)
def test_pages_of_other_sites_ask_in_vain(host: str, page: str, status: int) -> None:
    """Also of a site that has its own name lead to this machine."""
    assert app(host=host).call("POST", CLOCK, {"advance_ms": 1}, headers=(("origin", page),)).status == status


@pytest.mark.parametrize("clock", list(Clock))
def test_clock_is_told(clock: Clock) -> None:
    there = app(queued(), clock)
    assert json.loads(there.call("GET", CLOCK).body) == {"clock": clock, "sessions": []}
    start(there)

    session = {
        "session": "s1",
        "now": "2026-03-04T09:00:00.000Z",
        "next": "2026-03-04T09:00:10.000Z",
        "waits_for": None,
    }
    assert json.loads(there.call("GET", CLOCK).body) == {"clock": clock, "sessions": [session]}


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("move", [{"advance_ms": 10_000}, {"to": "next"}])
def test_clock_is_put_forward(clock: Clock, move: dict[str, Any]) -> None:
    there = app(queued(), clock)
    start(there)

    (session,) = put_forward(there, **move)["sessions"]

    assert (session["now"], session["next"]) == ("2026-03-04T09:00:10.000Z", None)
    assert session["waits_for"] == "dialog act 1"
    assert there.call("GET", QUEUE).body == position(2)


def test_one_session_is_put_forward() -> None:
    ann = app(queued(), user="ann")
    start(ann)
    start(App(ann.driver, "ben"))

    told = put_forward(ann, advance_ms=1000, session="s2")["sessions"]

    assert [session["now"][17:19] for session in told] == ["00", "01"]


@pytest.mark.parametrize("clock", list(Clock))
def test_held_poll_times_out_when_put_forward(clock: Clock) -> None:
    there = app(queued(), clock)
    start(there)
    there.shake_hands()
    poll = there.connect()
    put_forward(there, advance_ms=29_000)
    assert poll not in there.driver.answers

    put_forward(there, advance_ms=1_000)

    assert b'"successful":true' in there.driver.answers[poll].body


@pytest.mark.parametrize("clock", list(Clock))
def test_client_expires_when_put_forward(clock: Clock) -> None:
    there = app(queued(), clock)
    start(there)
    there.shake_hands()
    put_forward(there, advance_ms=10_000)

    (reply,) = there.bayeux(there.meta("connect"))

    assert reply["error"] == "402::session_unknown"


@pytest.mark.parametrize("clock", list(Clock))
def test_patience_ends_when_put_forward(clock: Clock) -> None:
    there = app(queued(), clock)
    start(there)
    put_forward(there, to="next")
    there.shake_hands()
    there.subscribe()
    there.connect()
    put_forward(there, advance_ms=9_999)
    assert there.driver.notes == []

    put_forward(there, advance_ms=1)

    assert there.driver.notes == ["session s1: went on without dialog act 1, which the app never did"]


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("advance_ms", [9_999, 31_000])
def test_who_asks_on_has_waited(clock: Clock, advance_ms: int) -> None:
    """Asking again is waiting, however long the time that a test let pass between; asking once is not."""
    there = app(queued(), clock)
    start(there)
    there.call("GET", QUEUE)
    put_forward(there, to="next")
    there.call("GET", QUEUE)
    put_forward(there, advance_ms=advance_ms)
    assert there.driver.notes == []

    there.call("GET", QUEUE)

    gave_up = ["session s1: went on without dialog act 1, which the app never did"]
    assert there.driver.notes == (gave_up if advance_ms > 10_000 else [])


def test_control_is_no_gms() -> None:
    """A cassette cannot take the path from us, and a question there opens no session."""
    there = app()
    there.call("POST", CLOCK, ORDER)

    assert there.driver.player.sessions == ()


def test_end_of_time_is_told() -> None:
    there = app(queued())
    start(there)
    for _ in range(900):
        told = put_forward(there, advance_ms=10 * 366 * 86_400_000)

    assert told["sessions"][0]["now"] == "9999-12-30T00:00:00.000Z"
    assert there.call("GET", QUEUE).status == 200
