import json
import re
from typing import Any

import pytest
from driver import App, Driver, start
from factories import CALLBACK, MENU, ORDER, QUEUE, SERVICE, Tape, position, visit

from gms_replay.clocks import Clock, Pacing
from gms_replay.control import CLOCK, FAULTS, MISSES, PUSHES, SESSIONS, MoveClock, clock_move
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
        ({"advance_ms": 1500}, MoveClock(1_500_000, None)),
        ({"advance_ms": 0.5, "session": "s1"}, MoveClock(500, "s1")),
        ({"to": "next"}, MoveClock(None, None)),
    ],
)
def test_move_is_read(said: Any, move: MoveClock) -> None:
    assert clock_move(json.dumps(said).encode()) == move


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
        (b'{"to":"next","session":["s1"]}', "session: ['s1'] is no session's name"),
    ],
)
def test_wrong_move_names_its_field(text: bytes, named: str) -> None:
    with pytest.raises(OptionError, match=re.escape(named)):
        clock_move(text)


def test_session_that_is_not_there_is_not_moved() -> None:
    answer = app().call("POST", CLOCK, {"to": "next", "session": "s1"})

    assert (answer.status, json.loads(answer.body)) == (404, {"error": "there is no session 's1'; there are none yet"})


def test_other_methods_are_told_which_there_are() -> None:
    answer = app().call("PUT", CLOCK, {"to": "next"})

    assert (answer.status, dict(answer.headers)["allow"]) == (405, "GET, POST")


def test_wrong_move_is_answered() -> None:
    answer = app().call("POST", CLOCK, {"to": "end"})

    assert (answer.status, json.loads(answer.body)) == (400, {"error": 'to: the only place that is known is "next"'})


@pytest.mark.parametrize(
    ("method", "target", "peer", "status"),
    [
        ("GET", CLOCK, "::1", 200),
        ("GET", f"{CLOCK}?x", "127.0.0.1", 200),
        ("GET", CLOCK, "", 200),
        ("DELETE", CLOCK, "::1", 405),
        ("GET", f"{CLOCK}/s1", "::1", 404),
        ("GET", SESSIONS, "::1", 200),
        ("POST", SESSIONS, "::1", 405),
        ("DELETE", SESSIONS, "::1", 200),
        ("GET", f"{SESSIONS}/s1", "::1", 404),
        ("DELETE", f"{SESSIONS}/s1", "::1", 404),
        ("GET", MISSES, "::1", 200),
        ("DELETE", MISSES, "::1", 200),
        ("PUT", MISSES, "::1", 405),
        ("GET", f"/stage{CLOCK}", "::1", 200),
        ("GET", "/__gms_replay__/", "::1", 404),
    ],
)
def test_what_may_be_asked(method: str, target: str, peer: str, status: int) -> None:
    assert app(peer=peer).call(method, target).status == status


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


def asked(at: App, method: str, target: str, said: Any = b"") -> Any:
    answer = at.call(method, target, said)
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_sessions_are_told() -> None:
    ann = app(clock=Clock.REAL, user="ann")
    start(ann)
    ann.wait_until(5)
    ann.shake_hands()
    ben = App(ann.driver, "ben", peer="127.0.0.1")
    start(ben)

    first, second = asked(ann, "GET", SESSIONS)["sessions"]

    assert first == {
        "session": "s1",
        "visit": 1,
        "gms_user": "ann",
        "address": "::1",
        "opened_at": "2026-03-04T09:00:00.000Z",
        "seen_at": "2026-03-04T09:00:05.000Z",
        "comet": "bound",
        "now": "2026-03-04T09:00:05.100Z",
        "next": None,
        "waits_for": "dialog act 1",
        "is_told": False,
    }
    assert (second["session"], second["gms_user"], second["comet"]) == ("s2", "ben", None)
    assert asked(ann, "GET", f"{SESSIONS}/s2")["sessions"] == [second]


def test_guessed_comet_is_told() -> None:
    """Of two visits under way the older is taken, where the handshake names none."""
    ann = app(clock=Clock.REAL)
    start(ann)
    start(ann)
    ann.shake_hands()

    assert [session["comet"] for session in asked(ann, "GET", SESSIONS)["sessions"]] == ["guessed", None]


def test_dropped_session_is_forgotten() -> None:
    ann = app(user="ann", clock=Clock.REAL)
    start(ann)
    ben = App(ann.driver, "ben")
    start(ben)

    assert asked(ann, "DELETE", f"{SESSIONS}/s1") == {"dropped": ["s1"]}

    assert [session.user for session in ann.driver.player.sessions] == ["ben"]
    start(ann)
    assert [session.name for session in ann.driver.player.sessions] == ["s2", "s3"]


def test_all_dropped_is_as_at_the_start() -> None:
    """The next app is told the recorded ids again."""
    ann = app(clock=Clock.REAL)
    start(ann)
    start(ann)

    assert asked(ann, "DELETE", SESSIONS) == {"dropped": ["s1", "s2"]}

    assert start(App(ann.driver, "ben")) == SERVICE
    assert [session.name for session in ann.driver.player.sessions] == ["s1"]


def test_what_a_dropped_session_holds_is_answered() -> None:
    """Polls as by a server that does not know the client, so that it shakes hands; sockets are closed."""
    ann = app(clock=Clock.REAL)
    start(ann)
    ann.shake_hands()
    poll = ann.connect()
    socket = ann.driver.open_socket(ann.asked("GET", ann.comet_path))
    ann.driver.say(socket, b'{"channel":"/meta/handshake"}')
    rest = ann.ask("POST", MENU)

    asked(ann, "DELETE", SESSIONS)

    (reply,) = json.loads(ann.driver.answers[poll].body)
    assert (reply["error"], reply["advice"]["reconnect"]) == ("402::session_unknown", "handshake")
    assert ann.driver.answers[rest].status == 503
    assert ann.driver.sockets == set()
    ann.driver.hang_up(socket)


def test_socket_of_a_dropped_session_is_told_nothing() -> None:
    ann = app(clock=Clock.REAL)
    start(ann)
    socket = ann.driver.open_socket(ann.asked("GET", ann.comet_path))
    ann.driver.say(socket, b'{"channel":"/meta/handshake"}')
    asked(ann, "DELETE", SESSIONS)
    before = len(ann.driver.told)

    ann.driver.say(socket, b'{"channel":"/meta/handshake"}')

    assert (len(ann.driver.told), ann.driver.player.sessions) == (before, ())


def test_misses_are_told_and_forgotten() -> None:
    ann = app(clock=Clock.REAL)
    start(ann)
    report = json.loads(ann.call("GET", "/robots.txt").body)
    ann.call("POST", f"{MENU}?x=1")

    told = asked(ann, "GET", MISSES)
    assert told["count"] == 2
    assert told["misses"][0] == {"at": "2026-03-04T09:00:00.100Z", **report}
    assert [miss["session"] for miss in told["misses"]] == [None, "s1"]

    assert asked(ann, "DELETE", MISSES) == {"forgotten": 2}
    assert asked(ann, "GET", MISSES) == {"count": 0, "misses": []}


def test_last_hundred_misses_are_kept() -> None:
    ann = app()
    for number in range(120):
        ann.call("GET", f"/{number}")

    told = asked(ann, "GET", MISSES)

    assert told["count"] == 120
    assert [miss["asked"]["target"] for miss in told["misses"]] == [f"/{number}" for number in range(20, 120)]


def pushed() -> Recording:
    """Two pushes, ten seconds apart."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE}, takes_s=0)
    for at_s in (10, 20):
        tape.push(at_s, "connect")
    return tape.recording()


def test_pushes_are_told() -> None:
    there = app(pushed(), Clock.REAL)
    start(there)
    there.wait_until(15)

    told = asked(there, "GET", PUSHES)

    assert [told["held"], *({name: push[name] for name in ("number", "session", "visit", "at", "derived")}
            for push in told["pushes"])] == [
        0, {"number": 1, "session": "s1", "visit": 1, "at": "2026-03-04T09:00:10.000Z", "derived": False},
    ]  # fmt: skip
    assert json.loads(told["pushes"][0]["payload"])["message"] == {"_id": SERVICE, "_action": "connect"}


def test_pushes_are_held_and_released() -> None:
    there = app(pushed(), Clock.REAL)
    start(there)
    holding = [asked(there, "POST", PUSHES, wish) for wish in ({"hold": True, "session": "s1"}, {"hold": True})]
    there.wait_until(25)

    wishes = ({"release": 1.0}, {"release": "all"}, {"hold": False})
    released = [asked(there, "POST", PUSHES, wish) for wish in wishes]

    assert [one["holding"] for one in (*holding, *released)] == [["s1"], "all", "all", "all", []]
    assert [(one["told"], one["held"]) for one in released] == [([1], 1), ([2], 0), ([], 0)]


@pytest.mark.parametrize(
    ("method", "target", "text", "error"),
    [
        ("GET", "?wait=3", b"", "wait: no such field; there are after, session, wait_ms"),
        ("GET", "?after=-1", b"", "after: '-1' is no whole number"),
        (
            "GET",
            "?wait_ms=99999999999",
            b"",
            "wait_ms: 99999999999 is more than 600000, ten minutes; ask again instead",
        ),
        ("GET", "?wait_ms=600001", b"", "wait_ms: 600001 is more than 600000, ten minutes; ask again instead"),
        ("POST", "", b"[", 'the body must be a JSON object: {"hold": true} or {"release": 1}'),
        ("POST", "", b"{}", 'give one of the two: "hold": true, or "release": 1'),
        ("POST", "", b'{"hold": true, "release": 1}', 'give one of the two: "hold": true, or "release": 1'),
        ("POST", "", b'{"hold": 1}', "hold: 1 is neither true nor false"),
        ("POST", "", b'{"release": 0}', 'release: 0 is no number of pushes, from 1, nor "all"'),
        ("POST", "", b'{"release": true}', 'release: True is no number of pushes, from 1, nor "all"'),
        ("POST", "", b'{"release": 1.5}', 'release: 1.5 is no number of pushes, from 1, nor "all"'),
        ("POST", "", b'{"release": 1, "session": 4}', "session: 4 is no session's name"),
        ("POST", "", b'{"free": 1}', "free: no such field; there are hold, release, session"),
    ],
)
def test_odd_wish_for_pushes_is_named(method: str, target: str, text: bytes, error: str) -> None:
    answer = app().call(method, f"{PUSHES}{target}", text)

    assert (answer.status, json.loads(answer.body)) == (400, {"error": error})


def test_faults_come_go_and_are_told() -> None:
    app_ = app(queued())

    def faults(method: str, target: str = FAULTS, said: Any = b"") -> Any:
        answer = app_.call(method, target, said)
        return answer.status, json.loads(answer.body)

    assert faults("GET") == (200, {"faults": []})
    added = {
        "number": 1,
        "on": "queue position",
        "do": "error",
        "times": [1],
        "status": 503,
        "struck": 0,
        "sessions": {},
    }
    assert faults("POST", said={"on": "queue position", "do": "error", "times": 1}) == (200, added)
    start(app_)
    assert app_.call("GET", QUEUE).status == 503
    assert faults("GET") == (200, {"faults": [added | {"struck": 1, "sessions": {"s1": 1}}]})
    app_.call("DELETE", SESSIONS)
    assert faults("GET") == (200, {"faults": [added]})
    assert faults("GET", f"{FAULTS}/1") == (200, {"faults": [added]})
    assert faults("GET", f"{FAULTS}/77") == (404, {"error": "there is no fault 77; there are 1"})
    assert faults("DELETE", f"{FAULTS}/77") == (404, {"error": "there is no fault 77; there are 1"})
    assert faults("DELETE", f"{FAULTS}/x") == (400, {"error": MATCHES("'x' is no fault's number; ")})
    assert faults("DELETE", f"{FAULTS}/1") == (200, {"dropped": [1]})
    assert faults("DELETE", f"{FAULTS}/1") == (404, {"error": "there is no fault 1; there are none"})
    assert faults("POST", said=b"{") == (400, {"error": MATCHES("the body must be a JSON object: ")})
    assert faults("POST", said={"on": "send"}) == (400, {"error": MATCHES("fault.do: None: ")})
    assert faults("PUT") == (405, {"error": MATCHES("GET lists the faults, ")})


class MATCHES(str):
    """A text's beginning."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.startswith(str(self))

    __hash__ = str.__hash__
