import json
from typing import Any
from urllib.parse import quote

import chats2
import factories
import pytest
from driver import NOW_US, App, Driver, begin_chat, visiting
from factories import AVAILABILITY, CALLBACK, CHAT, CHAT_DIALOG, CHAT_PATH, JOINED, MENU, ORDER, SERVICE, Tape, frame
from faulty import rule

from gms_replay import fault_rules
from gms_replay.clocks import Clock, Pacing
from gms_replay.events import (
    AcceptSocket,
    Action,
    Asked,
    CloseSocket,
    Logged,
    Noted,
    PeerGone,
    RequestArrived,
    Respond,
    SendText,
    SocketOpened,
    TextArrived,
    Woke,
)
from gms_replay.limits import Limits
from gms_replay.player import Player
from gms_replay.registry import IDLE_US
from gms_replay.story import compile_stories


def player(tape: Tape | None = None, *, seed: int = 0) -> Player:
    return Player(compile_stories(tape.recording() if tape else factories.visit()), seed=seed)


def apps(*users: str | None, seed: int = 0, tape: Tape | None = None) -> list[App]:
    """Apps at one player, each at an address of its own."""
    driver = Driver(player(tape, seed=seed))
    return [App(driver, user, peer=f"192.0.2.{number}") for number, user in enumerate(users)]


def acts(actions: list[Action]) -> list[Action]:
    """What is done, without who plays what."""
    return [action for action in actions if not isinstance(action, Logged)]


def start(app: App) -> str:
    return json.loads(app.call("POST", CALLBACK, ORDER).body)["_id"]


def test_nothing_to_do_at_first() -> None:
    fresh = player()

    assert fresh.next_wakeup_us() is None
    assert fresh.receive(Woke(), NOW_US) == []
    assert fresh.receive(PeerGone(7), NOW_US) == []
    assert fresh.sessions == ()


def test_miss_is_noted_and_answered() -> None:
    asked = Asked("GET", "http", "/robots.txt", (), b"")

    noted, respond = player().receive(RequestArrived(3, asked), NOW_US)

    assert isinstance(noted, Noted)
    assert noted.text.startswith("miss: GET /robots.txt: unknown route\n  nearest: ")
    assert (respond.request_id, respond.status) == (3, 404)
    assert respond.headers == (("content-type", "application/json;charset=UTF-8"),)


def test_answer_comes_after_latency() -> None:
    playing = player()
    arrived = RequestArrived(1, Asked("POST", "http", CALLBACK, (), json.dumps(ORDER).encode()))

    assert acts(playing.receive(arrived, NOW_US)) == []
    assert playing.next_wakeup_us() == NOW_US + 100_000
    assert [type(action) for action in playing.receive(Woke(), NOW_US + 100_000)] == [Respond]


def test_who_plays_what_is_logged() -> None:
    """And that a Comet client was given to one of several sessions."""
    ann, other = apps("ann", "ann")
    other.peer = ann.peer
    start(ann)
    start(other)
    ann.shake_hands()

    opened, again, guessed = ann.driver.logged
    assert (opened, again) == tuple(f"session {name}: visit 1 for ann at 192.0.2.0" for name in ("s1", "s2"))
    assert guessed.startswith("session s1: a Comet client of ann at 192.0.2.0, who has other sessions, too; ")


def test_later_run_hears_its_own_chat() -> None:
    """Whatever became of the one before: it made only its first request, or left Comet in the middle."""
    for last in ("start", "leave"):
        first, again = apps("ann", "ann")
        again.peer = first.peer
        begin_chat(first) if last == "leave" else start(first)
        if last == "leave":
            first.listen(5)
            first.bayeux(first.meta("disconnect"))
        service = start(again)
        for path in (MENU, CHAT_DIALOG):
            again.call("POST", path.replace(SERVICE, service))
        again.call("POST", CHAT_PATH.replace(SERVICE, service), "notify_by=comet&firstName=Bob&_verbose=true")

        again.shake_hands()

        assert [session.comet.is_alive for session in first.driver.player.sessions] == [False, True]


def test_run_after_one_that_went_silent_hears_its_own_chat() -> None:
    """That was to open Comet, and never did."""
    first, again = apps("ann", "ann")
    again.peer = first.peer
    start(first)
    first.driver.wait(11)
    start(again)

    again.shake_hands()

    assert [session.comet.is_alive for session in first.driver.player.sessions] == [False, True]


@pytest.mark.parametrize("peers", [1, 2])
def test_nameless_client_may_come_before_its_visit(peers: int) -> None:
    """A page's WebSocket names no user: what begins a visit from its address next is its app's."""
    page, app = apps(None, "ann")
    app.peer = page.peer if peers == 1 else app.peer
    page.shake_hands()

    start(app)

    assert len(page.driver.player.sessions) == peers


def test_user_finds_session() -> None:
    ann, ben, again = apps("ann", "ben", "ann")
    start(ann)
    start(ben)
    again.call("GET", AVAILABILITY)

    assert [session.user for session in ann.driver.player.sessions] == ["ann", "ben"]
    assert ann.driver.player.sessions[0].peer == "192.0.2.2"


def test_address_finds_nameless() -> None:
    first, second = apps(None, None)
    start(first)
    start(second)
    first.call("GET", AVAILABILITY)

    assert [session.peer for session in first.driver.player.sessions] == ["192.0.2.0", "192.0.2.1"]


def test_slots_open_the_session() -> None:
    (ann,) = apps("ann")
    ann.call("GET", AVAILABILITY)
    start(ann)

    assert len(ann.driver.player.sessions) == 1


def test_second_start_is_second_visit() -> None:
    (ann,) = apps("ann")

    services = [start(ann), start(ann)]

    assert len(ann.driver.player.sessions) == 2
    assert services[0] == SERVICE != services[1]


def test_service_id_beats_user() -> None:
    ann, ben = apps("ann", "ben")
    start(ann)
    service = start(ben)
    ann.call("POST", CHAT_DIALOG.replace(SERVICE, service))

    assert [session.user for session in ann.driver.player.sessions] == ["ann", "ann"]


def test_path_segment_names_session() -> None:
    ann, ben = apps("ann", "ben")
    start(ann)
    start(ben)
    ann.comet_path = "/~s2~/genesys/cometd"
    ann.shake_hands()

    assert [session.comet.is_alive for session in ann.driver.player.sessions] == [False, True]


def test_unknown_segment_is_passed_over() -> None:
    (ann,) = apps("ann")
    start(ann)

    assert ann.call("GET", f"/~s9~{AVAILABILITY}").status == 200


def test_segment_keeps_prefix() -> None:
    (ann,) = apps("ann")
    start(ann)

    dialog = json.loads(ann.call("POST", f"/stage/~s1~{CHAT_DIALOG}").body)

    assert dialog["_comet_url"] == "http://play.test:9000/stage/genesys/cometd"


def test_second_visit_has_its_segment() -> None:
    (ann,) = apps("ann")
    start(ann)
    service = start(ann)

    dialog = json.loads(ann.call("POST", f"/stage{CHAT_DIALOG.replace(SERVICE, service)}").body)

    assert dialog["_comet_url"] == "http://play.test:9000/stage/~s2~/genesys/cometd"
    assert dialog["_start_chat_url"] == f"http://play.test:9000/stage/genesys/1/service/{service}/ixn/chat"


def test_host_may_be_missing() -> None:
    asked = Asked("POST", "https", MENU, (), b"")
    fresh = player()
    fresh.receive(RequestArrived(1, asked), NOW_US)
    (respond,) = acts(fresh.receive(Woke(), NOW_US + 100_000))

    assert b"https://localhost/genesys/1/service/" in respond.body


def test_client_id_finds_session() -> None:
    ann, ben = apps("ann", "ben")
    start(ann)
    ann.shake_hands()
    ben.client_id = ann.client_id

    assert ben.subscribe()["successful"] is True


def test_unknown_client_is_refused() -> None:
    (ann,) = apps("ann")
    ann.client_id = "nobody"

    assert ann.subscribe()["error"] == "402::session_unknown"
    assert ann.driver.player.sessions == ()


def test_living_client_is_left_alone() -> None:
    first, second = apps("ann", "ann")
    first.peer = second.peer
    start(first)
    start(second)
    first.shake_hands()
    second.shake_hands()

    assert [session.comet.is_alive for session in first.driver.player.sessions] == [True, True]


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_story_of_comet_alone_is_told_again(says_goodbye: bool) -> None:
    """To an app that comes again after its end; while its client lives, it is the same visit."""
    tape = Tape()
    tape.open_comet(1)
    tape.poll(2, 1, b'{"channel":"/_genesys","data":"hello"}')
    (ann,) = apps("ann", tape=tape)
    for _ in range(2):
        ann.shake_hands()
        ann.subscribe()
        ann.listen(10)
        if says_goodbye:
            ann.bayeux(ann.meta("disconnect"))

    assert [message["data"] for _, message in ann.heard] == ["hello"] * (2 if says_goodbye else 1)


@pytest.mark.parametrize("same_seed", [True, False])
def test_seed_draws_identities(same_seed: bool) -> None:
    def drawn(seed: int) -> tuple[str, str]:
        _, ben = pair = apps("ann", "ben", seed=seed)
        services = [start(app) for app in pair]
        ben.shake_hands()
        return services[1], ben.client_id

    one, other = drawn(1), drawn(1 if same_seed else 2)

    assert (one[0] == other[0]) is same_seed
    assert (one[1] == other[1]) is same_seed


@pytest.mark.parametrize("pinned", [True, False])
def test_restarted_server_knows_no_client_of_before(pinned: bool) -> None:
    """It would take over another's session. Told from one instant on, all is the same."""

    def shaken(now_us: int) -> str:
        pacing = Pacing(now_us=NOW_US if pinned else None)
        app = App(Driver(Player(compile_stories(factories.visit()), pacing), now_us))
        app.shake_hands()
        return app.client_id

    assert (shaken(NOW_US) == shaken(NOW_US + 1)) is pinned


def test_stand_ins_keep_shape() -> None:
    pair = apps("ann", "ben")
    recorded, told = (start(app) for app in pair)

    assert [(a.isdigit(), a.isupper()) for a in recorded] == [(a.isdigit(), a.isupper()) for a in told]


def test_short_identities_stay() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"117"}')

    assert [start(app) for app in apps("ann", "ben", tape=tape)] == ["117", "117"]


def test_unkept_session_is_not_counted() -> None:
    ann, ben = apps("ann", "ben")

    assert ann.call("POST", CALLBACK, ORDER | {"_media_type": "voice"}).status == 404
    assert start(ben) == SERVICE
    assert [session.name for session in ann.driver.player.sessions] == ["s1"]


def script(target: str, frame: bytes, callback: str = "cb") -> Asked:
    """A request as a script's URL."""
    headers = (("host", "play.test"), ("gms_user", "ann"))
    return Asked("GET", "http", f"{target}?jsonp={callback}&message={quote(frame)}", headers, b"")


def called(answer: Respond) -> list[dict[str, object]]:
    assert dict(answer.headers)["content-type"] == "text/javascript;charset=UTF-8"
    assert answer.body.startswith(b"cb([")
    assert answer.body.endswith(b"])")
    return json.loads(answer.body[3:-1])


def test_script_is_called_back() -> None:
    """Also where the answer comes out of a later event, as a held poll's does."""
    driver = Driver(player())
    (shaken,) = called(driver.wait_for(driver.arrive(script("/genesys/cometd/handshake", HANDSHAKE))))
    connect = json.dumps({"channel": "/meta/connect", "clientId": shaken["clientId"]}).encode()
    driver.wait_for(driver.arrive(script("/genesys/cometd/connect", connect)))
    held = driver.arrive(script("/genesys/cometd/connect", connect))
    assert held not in driver.answers

    (reply,) = called(driver.wait_for(held))

    assert reply["channel"] == "/meta/connect"


def test_chat_on_service_channel_needs_no_subscription() -> None:
    """The vendor's second interface over Comet: the app publishes on the channel by which it is answered."""
    tape = Tape()
    tape.open_comet(0)
    tape.poll(2, 1, {"channel": "/service/chatV2/sales", "data": {"text": "Hello."}})
    app = visiting(tape.recording())
    app.shake_hands()
    app.bayeux({"channel": "/service/chatV2/sales", "clientId": app.client_id, "data": {"operation": "requestChat"}})

    app.listen(5)

    assert [message["data"] for _, message in app.heard] == [{"text": "Hello."}]


def test_form_carries_frames() -> None:
    form = b"message=" + quote(HANDSHAKE).encode()

    (respond,) = acts(player().receive(RequestArrived(1, Asked("POST", "http", "/elsewhere", (), form)), NOW_US))

    assert json.loads(respond.body)[0]["successful"] is True


def test_unknown_client_of_script_is_called_back() -> None:
    connect = b'{"channel":"/meta/connect","clientId":"nobody"}'

    (respond,) = acts(player().receive(RequestArrived(1, script("/genesys/cometd", connect)), NOW_US))

    assert called(respond)[0]["error"] == "402::session_unknown"


@pytest.mark.parametrize("query", ["", "?jsonp=cb", "?message=[]", "?jsonp=a(b&message=[]", "?jsonp=cb&message=["])
def test_other_questions_are_no_bayeux(query: str) -> None:
    asked = Asked("GET", "http", f"/genesys/cometd{query}", (), b"")

    (respond,) = acts(player().receive(RequestArrived(1, asked), NOW_US))

    assert respond.status == 400
    assert respond.body.startswith(b"not a Bayeux frame: ")


UPGRADE = Asked("GET", "http", "/genesys/cometd", (("host", "play.test"), ("gms_user", "ann")), b"")
HANDSHAKE = b'[{"channel":"/meta/handshake","id":"1"}]'


def test_socket_under_comet_path_opens() -> None:
    assert player().receive(SocketOpened(3, UPGRADE), NOW_US) == [AcceptSocket(3)]


def test_socket_elsewhere_is_refused() -> None:
    asked = Asked("GET", "http", "/genesys/1/service/callback/sales", (), b"")

    noted, respond = player().receive(SocketOpened(3, asked), NOW_US)

    assert isinstance(noted, Noted)
    assert (respond.request_id, respond.status) == (3, 404)


def test_socket_answers_its_frames() -> None:
    playing = player()
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)

    (sent,) = acts(playing.receive(TextArrived(3, HANDSHAKE), NOW_US))

    assert isinstance(sent, SendText)
    assert sent.socket_id == 3
    assert json.loads(sent.text)[0]["successful"] is True
    assert [session.user for session in playing.sessions] == ["ann"]


def test_unknown_client_over_socket() -> None:
    playing = player()
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)

    (sent,) = acts(playing.receive(TextArrived(3, b'{"channel":"/meta/connect","clientId":"nobody"}'), NOW_US))

    assert json.loads(sent.text)[0]["error"] == "402::session_unknown"


@pytest.mark.parametrize(
    "text", [b"", b"[", b"[]", b"\xff", b"[" * 1000, b'{"channel":"' + b"x" * 500, f'["{"あ" * 60}"]'.encode()]
)
def test_no_bayeux_closes_socket(text: bytes) -> None:
    playing = player()
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)

    (closed,) = playing.receive(TextArrived(3, text), NOW_US)

    assert isinstance(closed, CloseSocket)
    assert (closed.socket_id, closed.code) == (3, 1011)
    assert closed.reason.startswith("not a Bayeux frame: ")
    assert playing.receive(TextArrived(3, HANDSHAKE), NOW_US) == []
    assert playing.receive(PeerGone(3), NOW_US) == []


def test_nothing_goes_out_over_closed_socket() -> None:
    """A connect was held there: its reply would come after the close."""
    playing = player()
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)
    (shaken,) = acts(playing.receive(TextArrived(3, HANDSHAKE), NOW_US))
    client_id = json.loads(shaken.text)[0]["clientId"]
    connect = json.dumps({"channel": "/meta/connect", "clientId": client_id}).encode()
    (_,) = acts(playing.receive(TextArrived(3, connect), NOW_US))
    assert acts(playing.receive(TextArrived(3, connect), NOW_US)) == []

    (closed,) = acts(playing.receive(TextArrived(3, b"["), NOW_US))

    assert isinstance(closed, CloseSocket)
    assert acts(playing.receive(Woke(), NOW_US + 31_000_000)) == []


@pytest.mark.parametrize(("delay_ms", "ended_us"), [(0, 0), (2000, 2_000_000)])
def test_nothing_is_heard_over_socket_that_a_fault_ended(delay_ms: int, ended_us: int) -> None:
    """Nor what comes in the very moment."""
    error = fault_rules.read_all([rule("/meta/handshake", "error", 1, delay_ms=delay_ms)], "faults")
    playing = Player(compile_stories(factories.visit()), faults=error)
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)
    told = acts(playing.receive(TextArrived(3, HANDSHAKE), NOW_US))

    told += acts(playing.receive(TextArrived(3, HANDSHAKE), NOW_US + ended_us))

    assert told == [CloseSocket(3, 1011, "an error of the server's")]


def test_closed_socket_leaves_its_session() -> None:
    """Its client waits for the next one."""
    playing = player()
    playing.receive(SocketOpened(3, UPGRADE), NOW_US)
    (sent,) = acts(playing.receive(TextArrived(3, HANDSHAKE), NOW_US))
    connect = {"channel": "/meta/connect", "clientId": json.loads(sent.text)[0]["clientId"]}

    playing.receive(PeerGone(3), NOW_US)
    playing.receive(SocketOpened(4, UPGRADE), NOW_US)
    (sent,) = acts(playing.receive(TextArrived(4, json.dumps(connect).encode()), NOW_US))

    assert json.loads(sent.text)[0]["successful"] is True
    assert len(playing.sessions) == 1


def two_visits() -> Tape:
    """Of one user: a start, and later slots and a start for another service."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.ask(60, "GET", AVAILABILITY.replace("sales", "card"), b"", b'{"later":1}')
    tape.ask(61, "POST", CALLBACK.replace("sales", "card"), ORDER, {"_id": SERVICE.replace("3SQI", "4SQI")})
    return tape


def test_next_visit_may_begin_with_slots() -> None:
    (ann,) = apps("ann", tape=two_visits())
    start(ann)

    assert ann.call("GET", AVAILABILITY.replace("sales", "card")).status == 200
    assert ann.call("POST", CALLBACK.replace("sales", "card"), ORDER).status == 200
    assert len(ann.driver.player.sessions) == 2


def test_miss_is_compared_with_its_own_kind() -> None:
    """Not with the visit that comes first."""
    (ann,) = apps("ann", tape=two_visits())

    missed = json.loads(ann.call("POST", CALLBACK.replace("sales", "card"), ORDER | {"extra": "1"}).body)

    assert missed["kind"] == "field differs"
    assert missed["nearest"][0]["target"] == CALLBACK.replace("sales", "card")


def test_requests_and_sockets_are_somebodys() -> None:
    (ann,) = apps("ann", tape=two_visits())
    playing, now_us = ann.driver.player, ann.driver.now_us
    started = ann.ask("POST", CALLBACK, ORDER)
    assert playing.whose(started) == "s1"
    ann.driver.confirm(started)
    assert playing.whose(started) is None

    missed = ann.ask("POST", CALLBACK.replace("sales", "nothing"), ORDER)
    assert ann.driver.answers[missed].status == 404
    assert playing.whose(missed) == json.loads(ann.driver.answers[missed].body)["session"]

    playing.receive(SocketOpened(50, UPGRADE), now_us)
    assert playing.whose(50) is None
    playing.receive(TextArrived(50, HANDSHAKE), now_us)
    assert playing.whose(50) == "s1"


@pytest.mark.parametrize("by_fault", [True, False])
def test_socket_of_two_sessions_ends_for_both(by_fault: bool) -> None:
    """What either is told next waits for its next socket."""
    faults = fault_rules.read_all([rule("/meta/unsubscribe", "error")], "faults")
    ann = App(Driver(Player(compile_stories(two_visits().recording()), faults=faults)), "ann")
    playing, now_us = ann.driver.player, ann.driver.now_us
    playing.receive(SocketOpened(50, UPGRADE), now_us)

    def say(name: str) -> None:
        said = {"channel": f"/meta/{name}", "clientId": ann.client_id}
        playing.receive(TextArrived(50, json.dumps(said).encode()), now_us)

    def hold_connect() -> None:
        (shaken,) = acts(playing.receive(TextArrived(50, HANDSHAKE), now_us))
        ann.client_id = json.loads(shaken.text)[0]["clientId"]
        for _ in range(2):
            say("connect")

    start(ann)
    hold_connect()
    ann.call("POST", CALLBACK.replace("sales", "card"), ORDER)
    hold_connect()
    assert [session.comet.is_polled for session in playing.sessions] == [True, True]

    if by_fault:
        say("unsubscribe")
    else:
        playing.receive(PeerGone(50), now_us)

    assert [session.comet.is_polled for session in playing.sessions] == [False, False]


def test_socket_ends_once() -> None:
    """Where two sessions end it at one time."""
    faults = fault_rules.read_all([rule("/meta/connect", "error", delay_ms=2000)], "faults")
    ann = App(Driver(Player(compile_stories(two_visits().recording()), faults=faults)), "ann")
    socket = ann.driver.open_socket(UPGRADE)
    for start_one in (CALLBACK, CALLBACK.replace("sales", "card")):
        ann.call("POST", start_one, ORDER)
        ann.driver.say(socket, HANDSHAKE)
    said = [json.loads(text)[0]["clientId"] for number, text in ann.driver.told if number == socket]
    for client_id in said:
        ann.driver.say(socket, json.dumps({"channel": "/meta/connect", "clientId": client_id}).encode())

    ann.driver.wait(3)

    assert ann.driver.closed == [CloseSocket(socket, 1011, "an error of the server's")]


@pytest.mark.parametrize("clock", list(Clock))
@pytest.mark.parametrize("says_goodbye", [True, False])
def test_app_from_background_finds_its_own_visit(says_goodbye: bool, clock: Clock) -> None:
    """Not the one before, which is over; also where an app that was killed has clients that nobody saw end."""
    other = SERVICE.replace("3SQI", "4SQI")
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.open_comet(0.1, client="first-client-4711")
    tape.poll(0.5, 0.5, frame(1, JOINED), client="first-client-4711")
    tape.ask(60, "POST", CALLBACK.replace("sales", "card"), ORDER, {"_id": other})
    tape.open_comet(60.1, client="second-client-4711")
    told = [frame(number, JOINED).replace(SERVICE.encode(), other.encode()) for number in (1, 2)]
    news = [message.replace(CHAT.encode(), b"000FRa9NYM9A002K") for message in told]
    tape.poll(60.5, 0.5, news[0], client="second-client-4711")
    tape.poll(61.5, 0.5, news[1], client="second-client-4711")
    driver = Driver(Player(compile_stories(tape.recording()), Pacing(clock=clock)))
    ann = App(driver, "ann")
    start(ann)
    ann.shake_hands()
    ann.subscribe()
    ann.listen(5)
    assert len(ann.heard) == 1
    driver.hang_up(ann.polling)
    if says_goodbye:
        ann.bayeux(ann.meta("disconnect"))
    ann.polling = None
    ann.call("POST", CALLBACK.replace("sales", "card"), ORDER)
    ann.shake_hands()
    if says_goodbye:
        ann.bayeux(ann.meta("disconnect", ext={"transcriptPosition": "0"}))
    driver.wait(30)

    ann.shake_hands()
    ann.subscribe()
    ann.listen(5)

    assert [message["data"]["message"]["transcriptPosition"] for _, message in ann.heard[1:]] == ["1", "2"]


@pytest.mark.parametrize(("count", "error"), [(100, "402::session_unknown"), (101, "429:100:too_many_messages")])
def test_batch_is_taken_or_refused_as_a_whole(count: int, error: str) -> None:
    app = App(Driver(Player(compile_stories(factories.visit()))))
    batch = json.dumps([{"channel": "/meta/subscribe", "id": 7}] * count)

    told = json.loads(app.call("POST", "/genesys/cometd", batch.encode()).body)

    assert [(one["id"], one["error"]) for one in told] == [(7, error)] * (100 if count == 100 else 1)


CONTROL = "/__gms_replay__/"


def at_control(**options: Any) -> App:
    """At a player of the visit with two pushes, from this machine."""
    tape = Tape()
    factories.record_visit(tape)
    tape.push(9, "get-dialog-a")
    tape.push(12, "get-dialog-b")
    return App(Driver(Player(compile_stories(tape.recording()), **options)), "ann", peer="127.0.0.1")


def asked(at: App, method: str, page: str, **said: Any) -> Any:
    answer = at.call(method, CONTROL + page, said or b"")
    assert answer.status == 200, answer
    return json.loads(answer.body)


@pytest.mark.parametrize(
    ("method", "page", "status"),
    [("GET", "openapi.json", 200), ("GET", "nothing", 404), ("PUT", "clock", 405), ("POST", "clock", 400)],
)
def test_tester_is_told_what_there_is(method: str, page: str, status: int) -> None:
    answer = at_control().call(method, CONTROL + page)

    assert (answer.status, dict(answer.headers)["content-type"]) == (status, "application/json;charset=UTF-8")


def test_tester_is_told_of_sessions_and_clocks() -> None:
    ann = at_control()
    start(ann)
    start(ann)

    told = [asked(ann, "GET", page)["sessions"] for page in ("sessions", "sessions/s2", "clock")]

    assert [[one["session"] for one in some] for some in told] == [["s1", "s2"], ["s2"], ["s1", "s2"]]


@pytest.mark.parametrize("waits", [True, False])
def test_dropped_session_ends_what_waits(waits: bool) -> None:
    """And its device gets no more pushes."""
    ann = at_control()
    start(ann)
    socket = ann.driver.open_socket(ann.asked("GET", ann.comet_path))
    ann.driver.say(socket, HANDSHAKE)
    rest = ann.ask("GET", factories.QUEUE) if waits else None

    assert asked(ann, "DELETE", "sessions/s1") == {"dropped": ["s1"]}

    assert (ann.driver.sockets, ann.driver.dropped, ann.driver.player.sessions) == (set(), ["s1"], ())
    assert rest is None or ann.driver.answers[rest].status == 503


def test_all_dropped_is_as_at_the_start() -> None:
    ann = at_control()
    services = [start(ann), start(ann)]

    assert asked(ann, "DELETE", "sessions") == {"dropped": ["s1", "s2"]}

    assert [start(ann), start(ann)] == services


def test_misses_are_told_and_forgotten() -> None:
    ann = at_control()
    ann.call("GET", "/robots.txt")

    told = [asked(ann, method, "misses") for method in ("GET", "DELETE", "GET")]

    assert [one.get("count", one.get("forgotten")) for one in told] == [1, 1, 0]


@pytest.mark.parametrize(
    ("move", "places"), [({"advance_ms": 9000}, [2, 1]), ({"to": "next", "session": "s1"}, [2, 1])]
)
def test_clock_is_moved(move: dict[str, Any], places: list[int]) -> None:
    ann = at_control()
    start(ann)
    told = [ann.call("GET", factories.QUEUE).body]

    moved = asked(ann, "POST", "clock", **move)

    told.append(ann.call("GET", factories.QUEUE).body)
    assert told == [factories.position(place) for place in (2, 1)]
    assert moved["clock"] == "real"


def test_pushes_wait_until_they_are_released() -> None:
    ann = at_control()
    start(ann)
    assert asked(ann, "POST", "pushes", hold=True)["held"] == 0
    ann.driver.wait(30)
    assert ann.driver.pushes == []

    told = asked(ann, "POST", "pushes", release=1)

    assert [push.action for push in ann.driver.pushes] == ["get-dialog-a"]
    assert told["held"] == 0


def test_listener_is_told_of_the_next_push_or_that_none_came() -> None:
    ann = at_control()
    start(ann)
    heard = []
    for wait_ms in (2000, 20_000):
        listener = ann.ask("GET", f"{CONTROL}pushes?wait_ms={wait_ms}")
        ann.driver.wait(20)
        heard.append([push["_action"] for push in json.loads(ann.driver.answers[listener].body)["pushes"]])

    assert heard == [[], ["get-dialog-a"]]


def test_listener_that_hangs_up_is_told_nothing() -> None:
    ann = at_control()
    listener = ann.ask("GET", f"{CONTROL}pushes?wait_ms=2000")

    ann.driver.hang_up(listener)
    ann.driver.wait(20)

    assert listener not in ann.driver.answers


def test_faults_are_added_and_taken_away() -> None:
    ann = at_control()

    added = asked(ann, "POST", "faults", on="start callback", do="error")

    assert ann.call("POST", CALLBACK, ORDER).status == 503
    assert asked(ann, "DELETE", f"faults/{added['number']}") == {"dropped": [1]}
    assert (asked(ann, "GET", "faults"), ann.call("POST", CALLBACK, ORDER).status) == ({"faults": []}, 200)


def test_push_of_another_gms_is_taken_and_told() -> None:
    ann = at_control()
    said = {"aps": {"alert": "An agent is free"}, "message": {"_id": "X1", "_action": "get-dialog-a"}}

    assert ann.call("POST", factories.PROVIDERS["apns"], said).status == 200

    told = [asked(ann, method, "provider") for method in ("GET", "DELETE", "GET")]
    assert (told[0]["count"], told[2]["count"], len(ann.driver.taken)) == (1, 0, 1)


def test_what_nobody_was_given_is_unused() -> None:
    ann = at_control(faults=fault_rules.read_all([rule("send", "error")], "faults"))
    nothing = ann.driver.player.unused
    start(ann)

    some = ann.driver.player.unused

    assert (nothing[0], len(nothing)) == ("visit 1 was not played", 2)
    assert "visit 1: POST " + MENU + " was not asked for" in some
    assert len(some) > 2


def test_session_of_that_name_must_fit() -> None:
    ann = at_control()

    answer = ann.call("POST", f"{CALLBACK}?gms_session=alice:2", ORDER)

    assert (answer.status, json.loads(answer.body)["error"]) == (
        400, "gms_session: there is no visit 2; the cassette holds 1"
    )  # fmt: skip


@pytest.mark.parametrize(
    ("service", "wish", "kind"),
    [("OTHER", "s1", "unknown route"), ("OTHER", "x:1", "wrong session"), ("X1", "x", "unknown service")],
)
def test_miss_names_what_is_unknown(service: str, wish: str, kind: str) -> None:
    other = SERVICE.replace("3SQI", "4SQI")
    tape = two_visits()
    tape.ask(62, "POST", MENU.replace(SERVICE, other))
    (ann,) = apps("ann", tape=tape)
    start(ann)

    target = factories.QUEUE.replace(SERVICE, service.replace("OTHER", other))
    assert json.loads(ann.call("GET", f"{target}?gms_session={wish}").body)["kind"] == kind


def test_no_more_sessions_than_may_be() -> None:
    driver = Driver(Player(compile_stories(factories.visit()), limits=Limits(sessions=1)))
    ann, ben = App(driver, "ann"), App(driver, "ben", peer="192.0.2.2")
    start(ann)

    refused = ben.call("POST", CALLBACK, ORDER)

    assert (refused.status, json.loads(refused.body)) == (429, {"error": "1 sessions are played already"})
    ann.driver.wait(700)
    assert ben.call("POST", CALLBACK, ORDER).status == 200
    assert driver.dropped == ["s1"]


def test_session_that_nobody_asks_is_forgotten() -> None:
    (ann,) = apps("ann")
    start(ann)

    ann.driver.wait(2 * IDLE_US / 1_000_000)

    assert (ann.driver.player.sessions, ann.driver.dropped) == ((), ["s1"])


def two_chats() -> Tape:
    """Of one user, over Comet alone, one after the other."""
    tape = Tape()
    chats2.record_chat(tape)
    chats2.record_chat(tape, 100, client="second-client-4711", chat="0001JaBBFDMA00B8", key="1c7e53d9a0b64f28")
    return tape


def test_second_chat_of_a_client_is_the_next_visit() -> None:
    driver = Driver(player(two_chats()))
    app = chats2.Chatter(driver)
    app.shake_hands()
    for _ in range(2):
        app.key = ""
        app.request_chat()
    app.listen(2)

    assert [(one.story.number, one.comet.is_alive) for one in driver.player.sessions] == [(1, False), (2, True)]


def test_client_that_goes_on_with_another_chat_is_its_own() -> None:
    """The session that was opened for its handshake alone was opened in vain."""
    driver = Driver(player(two_chats()))
    app = chats2.Chatter(driver)
    app.shake_hands()
    app.request_chat()
    again = chats2.Chatter(driver, "ben", peer="192.0.2.9")
    again.key = app.key
    again.shake_hands()
    assert len(driver.player.sessions) == 2

    again.say("sendMessage", message="Hi!")

    assert [(one.story.number, one.user) for one in driver.player.sessions] == [(1, "ben")]


def test_next_visit_is_none_that_would_miss_too() -> None:
    """What no visit tells of is a miss in the app's own."""
    (ann,) = apps("ann", tape=two_visits())
    start(ann)

    missed = json.loads(ann.call("GET", f"{AVAILABILITY.replace('sales', 'card')}?number-of-days=9").body)

    assert (missed["session"], len(ann.driver.player.sessions)) == ("s1", 1)


def test_clients_that_are_nobody_s_do_not_move() -> None:
    """Where they stand in one batch with one that does."""
    driver = Driver(player(two_chats()))
    app = chats2.Chatter(driver)
    app.shake_hands()
    app.request_chat()
    said = {"channel": chats2.CHANNEL, "clientId": app.client_id, "data": {"operation": "requestChat"}}

    refused, taken = app.bayeux(app.meta("subscribe", clientId="nobody", subscription="/a"), said)

    assert (refused["error"], taken["successful"]) == ("402::session_unknown", True)
    assert [one.comet.is_alive for one in driver.player.sessions] == [False, True]
