import gc
import json
import sys
import tracemalloc

import chats2
import pytest
from driver import NOW_US, App, Driver, start, visiting
from factories import AVAILABILITY, CALLBACK, MENU, ORDER, SERVICE, Tape

from gms_replay import calls
from gms_replay.calls import Call
from gms_replay.clocks import Clock, Pacing
from gms_replay.events import Asked
from gms_replay.faults import Faults
from gms_replay.limits import DEFAULT, Limits
from gms_replay.player import Player
from gms_replay.playing import Playing
from gms_replay.registry import IDLE_US, Registry
from gms_replay.rules import Rules
from gms_replay.story import compile_stories

SECOND = "SECOND0000000002"
IDLE_S = IDLE_US // 1_000_000


def app(
    user: str | None = "ann",
    *,
    visits: int = 1,
    clock: Clock = Clock.REAL,
    now_us: int | None = None,
    rules: Rules | None = None,
    limits: Limits = DEFAULT,
) -> App:
    """An app at a player of one visit, or of two."""
    tape = Tape()
    for number, service in list(enumerate((SERVICE, SECOND)))[:visits]:
        tape.ask(60 * number, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % service.encode())
        tape.ask(60 * number + 1, "POST", MENU.replace(SERVICE, service), b"", b'{"_id":"%s"}' % service.encode())
    pacing = Pacing(clock=clock, now_us=now_us)
    return App(Driver(Player(compile_stories(tape.recording(), rules), pacing, limits=limits)), user)


def begin(at: App, wish: str) -> str:
    """Starts a callback in the session that is wished for, and tells its service ID."""
    return json.loads(at.call("POST", f"{CALLBACK}?gms_session={wish}", ORDER).body)["_id"]


def played(at: App) -> list[tuple[str, int]]:
    """The sessions by name, and the visit of each."""
    return [(session.name, session.story.number) for session in at.driver.player.sessions]


def test_visit_is_wished_for() -> None:
    ann = app(visits=2)

    assert begin(ann, "2") == SECOND
    assert played(ann) == [("s1", 2)]


def test_name_is_given() -> None:
    """And found again, whoever asks; the ids that it is told are its own."""
    ann = app(visits=2)
    service = begin(ann, "alice:2")
    assert service not in (SERVICE, SECOND)

    ben = App(ann.driver, "ben")
    assert ben.call("POST", f"{MENU.replace(SERVICE, service)}?gms_session=alice").status == 200

    assert played(ann) == [("alice", 2)]
    assert [session.user for session in ann.driver.player.sessions] == ["ben"]


def test_rules_have_the_visit_of_a_name() -> None:
    ann = app(visits=2, rules=Rules(visits={"alice": 2, "zoe": 3}))
    begin(ann, "alice")
    begin(ann, "bob")

    assert played(ann) == [("alice", 2), ("bob", 1)]
    answer = ann.call("POST", f"{CALLBACK}?gms_session=zoe", ORDER)
    assert (answer.status, b"there is no visit 3" in answer.body) == (400, True)


def test_header_names_it_too() -> None:
    ann = app(visits=2)
    for _ in range(2):
        ann.call("POST", CALLBACK, ORDER, headers=(("gms_session", "2"),))

    assert played(ann) == [("s1", 2), ("s2", 2)]


def test_named_session_is_not_begun_anew() -> None:
    ann = app()
    assert begin(ann, "alice") == begin(ann, "alice")

    assert played(ann) == [("alice", 1)]
    assert "once more than recorded" in ann.driver.notes[0]


def test_app_stays_in_the_session_that_it_named() -> None:
    """It need not say it again."""
    ann = app()
    service = begin(ann, "alice")

    assert ann.call("POST", MENU.replace(SERVICE, service)).status == 200
    assert played(ann) == [("alice", 1)]


def test_named_session_is_the_same_beside_others() -> None:
    def told(crowd: int) -> tuple[str, str]:
        ann = app(now_us=NOW_US, clock=Clock.VIRTUAL)
        for number in range(crowd):
            start(App(ann.driver, f"user {number}"))
        service = begin(ann, "alice")
        ann.comet_path = "/~alice~/genesys/cometd"
        ann.shake_hands()
        return service, ann.client_id

    assert told(crowd=0) == told(crowd=3)


@pytest.mark.parametrize(
    ("wish", "error"),
    [
        ("3", "gms_session: there is no visit 3; the cassette holds 2"),
        ("alice:1", "gms_session: session alice plays visit 2, not 1; take another name"),
        ("a:b", "gms_session: 'a:b' names no session"),
    ],
)
def test_impossible_wish_is_refused(wish: str, error: str) -> None:
    ann = app(visits=2)
    begin(ann, "alice:2")

    answer = ann.call("POST", f"{CALLBACK}?gms_session={wish}", ORDER)

    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith(error)
    socket = ann.driver.open_socket(ann.asked("GET", f"/genesys/cometd?gms_session={wish}"))
    assert ann.driver.answers[socket].status == 400


def test_names_of_ours_are_spared() -> None:
    ann = app()
    begin(ann, "s2")
    start(App(ann.driver, "ben"))

    assert played(ann) == [("s2", 1), ("s3", 1)]


def test_miss_in_wrong_session_says_so() -> None:
    """An id that another visit tells of is not unknown."""
    ann = app(visits=2)
    begin(ann, "1")

    answer = ann.call("POST", f"{MENU.replace(SERVICE, SECOND)}?gms_session=alice:1")

    assert (answer.status, json.loads(answer.body)["kind"]) == (404, "wrong session")


def test_idle_session_is_forgotten() -> None:
    """Its visit may be had again as it was recorded, and nothing is left to do. It is forgotten to the minute."""
    ann = app()
    start(ann)
    ann.driver.wait(IDLE_S - 1)
    assert len(played(ann)) == 1

    ann.driver.wait(61)

    assert played(ann) == []
    assert ann.driver.player.next_wakeup_us() is None
    assert start(App(ann.driver, "ben")) == SERVICE


def test_session_that_is_asked_stays() -> None:
    ann = app()
    start(ann)
    ann.driver.wait(IDLE_S - 1)
    ann.call("POST", MENU)
    ann.driver.wait(IDLE_S - 1)

    assert played(ann) == [("s1", 1)]


@pytest.mark.parametrize("clock", list(Clock))
def test_open_socket_keeps_its_session(clock: Clock) -> None:
    ann = app(clock=clock)
    start(ann)
    socket = ann.driver.open_socket(ann.asked("GET", ann.comet_path))
    ann.driver.say(socket, b'{"channel":"/meta/handshake"}')
    ann.driver.wait(3 * IDLE_S)
    assert len(played(ann)) == 1

    ann.driver.hang_up(socket)
    ann.driver.wait(2 * IDLE_S)

    assert played(ann) == []


def test_forgotten_app_is_unknown() -> None:
    ann = app()
    start(ann)
    ann.shake_hands()
    ann.driver.wait(2 * IDLE_S)

    (reply,) = ann.bayeux(ann.meta("connect"))

    assert reply["error"] == "402::session_unknown"
    assert ann.call("GET", AVAILABILITY).status == 404


def test_crowds_leave_nothing_behind() -> None:
    """However many came and went: nothing is kept of them."""
    ann = app()
    for number in range(20):
        other = App(ann.driver, f"{number}@example.com", peer="192.0.2.99")
        start(other)
        other.shake_hands()
    for request_id in ann.driver.answers:
        ann.driver.confirm(request_id)
    ann.driver.wait(2 * IDLE_S)
    gc.collect()

    assert not [one for one in gc.get_objects() if isinstance(one, Playing) and one.peer == "192.0.2.99"]


def test_one_session_too_many_is_429() -> None:
    ann = app(limits=Limits(sessions=2))
    for name in ("alice", "bob"):
        begin(ann, name)

    refused = ann.call("POST", f"{CALLBACK}?gms_session=carol", ORDER)
    [shaken] = json.loads(App(ann.driver, "dora").call("POST", "/genesys/cometd", {"channel": "/meta/handshake"}).body)

    assert (refused.status, json.loads(refused.body)) == (429, {"error": "2 sessions are played already"})
    assert shaken["error"] == "429:2:too_many_sessions"
    assert [name for name, _ in played(ann)] == ["alice", "bob"]


def test_sessions_there_are_go_on() -> None:
    ann = app(limits=Limits(sessions=1))
    service = begin(ann, "alice")

    assert ann.call("POST", f"{MENU.replace(SERVICE, service)}?gms_session=alice").status == 200


def test_sessions_that_nobody_asks_make_room() -> None:
    ann = app(limits=Limits(sessions=1))
    begin(ann, "alice")
    ann.driver.wait(601)

    begin(ann, "bob")

    assert [name for name, _ in played(ann)] == ["bob"]


def test_clients_that_shake_hands_for_ever_are_forgotten() -> None:
    ann = app(limits=Limits(clients=2))
    begin(ann, "alice")
    for _ in range(20):
        for _ in range(2):
            ann.call("POST", "/genesys/cometd?gms_session=alice", {"channel": "/meta/handshake"})
        ann.driver.wait(11)

    # Nobody can ask for what is forgotten.
    assert len(ann.driver.player._registry._of_client) <= 6


def test_app_is_found_by_its_present_name() -> None:
    """Whoever names a session may call himself anything, each time."""
    ann = app()
    begin(ann, "alice")
    for user in ("one@example.com", "two@example.com"):
        begin(App(ann.driver, user), "alice")

    found = [missed_in(App(ann.driver, user)) for user in ("ann", "one@example.com", "two@example.com")]

    assert found == [None, None, "alice"]


def test_former_names_of_an_app_are_forgotten() -> None:
    ann = app()
    begin(ann, "alice")
    tracemalloc.start()
    for number in range(20):
        begin(App(ann.driver, f"{number:02}" * 50_000), "alice")
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 500_000


def missed_in(at: App) -> str | None:
    """The session that is asked for what nobody recorded."""
    name: str | None = json.loads(at.call("GET", AVAILABILITY).body)["session"]
    return name


@pytest.mark.parametrize("user", ["ann", None])
def test_last_of_an_app_s_sessions_is_asked(user: str | None) -> None:
    """An app without a name is known by its address."""
    ann = app(user)
    other = App(ann.driver, user and "ben", peer="192.0.2.9")
    for one in (ann, other, ann):
        start(one)

    assert (missed_in(ann), missed_in(other)) == ("s3", "s2")


def test_nameless_client_is_who_begins_a_visit_from_its_address() -> None:
    page = app(None)
    page.shake_hands()
    start(App(page.driver, "ann"))
    start(App(page.driver, "ben"))

    assert [(one.name, one.user) for one in page.driver.player.sessions] == [("s1", "ann"), ("s2", "ben")]


def test_nameless_client_is_where_it_came_from_last() -> None:
    page = app(None)
    page.shake_hands()
    elsewhere = App(page.driver, None, peer="192.0.2.9")
    elsewhere.client_id = page.client_id
    elsewhere.bayeux(elsewhere.meta("connect"))
    start(App(page.driver, "ann"))
    start(App(page.driver, "ben", peer="192.0.2.9"))

    assert [(one.name, one.user) for one in page.driver.player.sessions] == [("s1", "ben"), ("s2", "ann")]


def test_nameless_clients_are_compared_once_for_each_story() -> None:
    page = app(None)
    for number in range(100):
        page.ask("POST", f"{page.comet_path}?gms_session=n{number}", {"channel": "/meta/handshake"})
    compared: list[str] = []
    sys.setprofile(lambda frame, event, _: compared.append(frame.f_code.co_name) if event == "call" else None)
    App(page.driver, "zoe").ask("POST", CALLBACK, {"other": "words"})
    sys.setprofile(None)

    assert compared.count("fits") < 5


def test_nobody_is_found_by_the_name_of_an_address() -> None:
    ann = app("192.0.2.9")
    start(ann)

    assert missed_in(App(ann.driver, None, peer="192.0.2.9")) is None


def test_comet_is_for_who_is_farthest() -> None:
    """Of two visits that wait for it: the one that was told a dialog is nearer to its chat."""
    ann = visiting()
    _, service = start(ann), start(ann)
    ann.call("POST", MENU.replace(SERVICE, service))

    ann.shake_hands()

    assert [one.comet.is_alive for one in ann.driver.player.sessions] == [False, True]


def crowd(count: int) -> App:
    """An app that has begun so many visits, each in another session, `n0` the first."""
    ann = visiting()
    for number in range(count):
        ann.driver.wait(0.001)
        ann.ask("POST", f"{CALLBACK}?gms_session=n{number}", ORDER)
    return ann


def heard(ann: App) -> list[str]:
    """The sessions that have a Bayeux client."""
    return [one.name for one in ann.driver.player.sessions if one.comet.is_alive]


def test_oldest_of_many_gets_comet() -> None:
    ann = crowd(300)

    for _ in range(3):
        ann.shake_hands()

    assert heard(ann) == ["n0", "n1", "n2"]


def test_last_seen_of_many_gets_comet() -> None:
    """Where those that waited for it have been silent for too long."""
    ann = crowd(300)
    ann.driver.wait(1)
    begin(ann, "n150")
    ann.driver.wait(11)

    ann.shake_hands()

    assert heard(ann) == ["n150"]


def test_one_of_many_that_is_away_gets_comet() -> None:
    """Where all others have their clients, and were heard of since."""
    ann = crowd(300)
    ann.driver.wait(8)
    for number in set(range(300)) - {150}:
        ann.ask("POST", f"{ann.comet_path}?gms_session=n{number}", {"channel": "/meta/handshake"})
    ann.driver.wait(3)
    assert "n150" not in heard(ann)

    ann.shake_hands()

    assert "n150" in heard(ann)


def test_handshake_looks_closely_at_few() -> None:
    ann = crowd(1000)
    called: list[str] = []
    sys.setprofile(lambda frame, event, _: called.append(frame.f_code.co_name) if event == "call" else None)
    ann.ask("POST", ann.comet_path, {"channel": "/meta/handshake"})
    sys.setprofile(None)

    assert heard(ann) == ["n0"]
    assert len(called) < 5_000


def test_service_that_several_are_told_of_is_the_last_one_s() -> None:
    """Short ids stay as they are. Where that is dropped, it is the one's before."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"117"}')
    tape.ask(1, "POST", MENU.replace(SERVICE, "117"))
    listed = Registry(compile_stories(tape.recording()), Pacing(), 0, Faults())
    call = calls.read(Asked("POST", "http", CALLBACK, (), json.dumps(ORDER).encode()))
    assert isinstance(call, Call)
    for _ in range(2):
        session = listed.opened(call, call.operation, NOW_US)
        assert session is not None
        listed.keep(session)

    told = [listed.told("117")]
    for name in ("s2", "s1"):
        listed.drop(name)
        told.append(listed.told("117"))

    assert [one and one.name for one in told] == ["s2", "s1", None]
    assert (listed.told(None), list(listed)) == (None, [])


@pytest.mark.parametrize("users", [("ann", "ben"), (None, None)])
def test_service_that_several_are_told_of_is_asked_by_each(users: tuple[str | None, ...]) -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"117"}')
    tape.ask(1, "POST", MENU.replace(SERVICE, "117"))
    driver = Driver(Player(compile_stories(tape.recording())))
    apps = [App(driver, user, peer=f"192.0.2.{number}") for number, user in enumerate(users)]
    for one in apps:
        start(one)

    for one in apps:
        one.call("POST", MENU.replace(SERVICE, "117"))

    assert driver.notes == []
    assert [len(session.given) for session in driver.player.sessions] == [2, 2]


def two_chats(channel: str = chats2.CHANNEL) -> chats2.Chatter:
    """An app that has shaken hands, where two chats were recorded over Comet, the second on that channel."""
    tape = Tape()
    chats2.record_chat(tape)
    chats2.record_chat(tape, 100, client="second", chat="0001JaBBFDMA00C8", key="00f26a0c41b75e93", channel=channel)
    chatter = chats2.Chatter(Driver(Player(compile_stories(tape.recording()))))
    chatter.shake_hands()
    return chatter


def test_chat_is_looked_for_by_its_service() -> None:
    """The handshake could not say which: what it had opened for nothing is forgotten."""
    sales = "/service/chatV2/sales"
    chatter = two_chats(sales)
    assert played(chatter) == [("s1", 1)]

    chatter.say("requestChat", channel=sales)

    assert played(chatter) == [("s2", 2)]


def test_further_chat_of_a_client_has_its_own_session() -> None:
    chatter = two_chats()
    for _ in range(2):
        chatter.key = ""
        chatter.request_chat()

    assert played(chatter) == [("s1", 1), ("s2", 2)]


def test_shown_key_finds_its_session() -> None:
    """Whoever's client shows it: to the session that was told it, all that it says goes."""
    chatter = two_chats()
    chatter.request_chat()
    other = chats2.Chatter(chatter.driver, "ben", peer="192.0.2.9")
    other.shake_hands()
    assert played(chatter) == [("s1", 1), ("s2", 2)]
    other.key = chatter.key

    for words in ("Hi!", "Hi?"):
        other.say("sendMessage", message=words)

    assert played(chatter) == [("s1", 1)]
    assert other.driver.notes == ["session s1: send once more than recorded: nothing follows"]
