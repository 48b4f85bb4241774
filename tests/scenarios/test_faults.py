"""What holds of all faults: they touch nobody whom they do not name, come again, and a patient app survives them."""

import json
from typing import Any

import factories
from driver import NOW_US, App, Driver
from factories import CALLBACK, CHAT_DIALOG, CHAT_PATH, ORDER, QUEUE, SEND, SERVICE
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay import fault_rules
from gms_replay.clocks import Clock, Pacing
from gms_replay.events import Respond
from gms_replay.player import Player
from gms_replay.story import Story, compile_stories

STORIES = compile_stories(factories.visit())
LINES = ["has joined the session", "Hello.", "is typing", "How may I help?", "Thanks.", "has left the session"]
SURVIVED = ("delay", "error", "reset", "cut", "garbage", "hang")


@st.composite
def rules(draw: st.DrawFn, **fields: Any) -> dict[str, Any]:
    """A rule of any kind, for requests."""
    on = draw(st.sampled_from(["any", "comet", "send", "queue position", "dialog", "/meta/connect", "/meta/handshake"]))
    does = [*SURVIVED, *(["forget"] if on in ("comet", "/meta/connect") else [])]
    do = draw(st.sampled_from(does + ["refuse"] * (on == "/meta/handshake")))
    rule = {"on": on, "do": do, "chance": draw(st.sampled_from([0.3, 1.0])), "first": draw(st.integers(1, 4))}
    return rule | ({"delay_ms": draw(st.sampled_from([1, 700, 5000]))} if do == "delay" else {}) | fields


def player(faults: list[dict[str, Any]], stories: tuple[Story, ...] = STORIES, **pacing: Any) -> Driver:
    return Driver(Player(stories, Pacing(now_us=NOW_US, **pacing), faults=fault_rules.read_all(faults, "faults")))


class Patient:
    """An app of a named session that asks again whatever goes wrong."""

    def __init__(self, driver: Driver, name: str) -> None:
        self.app = App(driver, f"{name}@example.com")
        self.app.comet_path = f"/~{name}~/genesys/cometd"
        self.named = (("gms_session", name),)
        self.service = SERVICE

    def call(self, method: str, target: str, text: Any = b"", again: Any = None) -> Any:
        """Asks until it is told something that it can read; `again`: what it says then."""
        driver = self.app.driver
        for tried in range(30):
            said = again if tried and again is not None else text
            asked = self.app.ask(method, target.replace(SERVICE, self.service), said, self.named)
            driver.wait(
                45, lambda asked=asked: asked in driver.answers or any(asked == one.carrier_id for one in driver.broken)
            )
            answer = driver.answers.get(asked)
            if answer is None:
                driver.hang_up(asked)
                continue
            driver.confirm(asked)
            if answer.status == 200 and answer.cut_at is None and b'"' in answer.body and answer.body[:1] in b"{[":
                return json.loads(answer.body)
        raise AssertionError(f"{target} was never answered")

    def comet(self, name: str, **fields: Any) -> dict[str, Any]:
        """Says it until it is heard, by another client if need be; keeps the events."""
        while True:
            # Whoever has lost a connect does not want the next one to be held, as with CometD's client.
            again = fields | ({"advice": {"timeout": 0}} if name == "connect" else {})
            frames = (json.dumps([self.app.meta(name, **said)]) for said in (fields, again))
            *events, reply = self.call("POST", self.app.comet_path, *frames)
            self.app.heard += [(self.app.seconds, one) for one in events]
            if reply["successful"]:
                return dict(reply)
            if name != "handshake":
                self.shake()

    def shake(self) -> None:
        self.app.client_id = self.comet("handshake", version="1.0")["clientId"]
        self.comet("connect")
        self.comet("subscribe", subscription="/_genesys")

    def visit(self) -> None:
        """The whole visit, and its chat to the end."""
        self.service = self.call("POST", CALLBACK, ORDER)["_id"]
        self.call("GET", QUEUE)
        self.call("POST", CHAT_DIALOG)
        self.call("POST", CHAT_PATH, "notify_by=comet&firstName=Stan&_verbose=true")
        self.shake()
        words = {1: (SEND, "message=Hello."), 4: (SEND, "message=Thanks."), 5: (f"{CHAT_PATH}/disconnect", "")}
        while len(self.app.lines) < len(LINES):
            if word := words.pop(len(self.app.lines), None):
                self.call("POST", *word)
            else:
                self.comet("connect")


@settings(max_examples=40)
@given(st.lists(rules(count=2), min_size=1, max_size=3), st.sampled_from(list(Clock)))
def test_patient_app_survives_and_loses_nothing(faults: list[dict[str, Any]], clock: Clock) -> None:
    app = Patient(player(faults, clock=clock), "alice")
    app.visit()

    assert app.app.lines == LINES
    assert app.app.driver.player.missed == 0
    assert not [note for note in app.app.driver.notes if "once more" in note]


def told(driver: Driver, *, with_bob: bool) -> tuple[list[Respond], list[Respond]]:
    """What alice and bob are told who ask at the same times, whatever became of what they asked before."""
    crowd = [(name, App(driver, f"{name}@example.com", peer="192.0.2.7")) for name in ("alice", "bob")]
    asked: dict[str, list[int]] = {"alice": [], "bob": []}
    service = dict.fromkeys(asked, SERVICE)
    client = dict.fromkeys(asked, "")

    def ask(name: str, app: App, step: int) -> None:
        path, named = f"/~{name}~/genesys/cometd", (("gms_session", name),)
        app.client_id = client[name]
        match step:
            case 0:
                asked[name].append(app.ask("POST", CALLBACK, ORDER, named))
            case 1:
                asked[name].append(app.ask("POST", CHAT_DIALOG.replace(SERVICE, service[name]), b"", named))
            case 2:
                asked[name].append(app.ask("POST", path, json.dumps([app.meta("handshake", version="1.0")])))
            case 4:
                asked[name].append(app.ask("POST", path, json.dumps([app.meta("subscribe", subscription="/**")])))
            case 6 | 12:
                asked[name].append(app.ask("POST", SEND.replace(SERVICE, service[name]), "message=Hello.", named))
            case 5 | 9:
                asked[name].append(app.ask("GET", QUEUE.replace(SERVICE, service[name]), b"", named))
            case _:
                asked[name].append(app.ask("POST", path, json.dumps([app.meta("connect")])))

    for step in range(16):
        for name, app in crowd:
            if name == "alice" or with_bob:
                ask(name, app, step)
        driver.wait(3)
        for name, numbers in asked.items():
            for body in (driver.answers[one].body for one in numbers if one in driver.answers):
                if b'"_id":"' in body:
                    service[name] = body.partition(b'"_id":"')[2].partition(b'"')[0].decode()
                if b'"clientId":"' in body:
                    client[name] = body.partition(b'"clientId":"')[2].partition(b'"')[0].decode()

    def answers(name: str) -> list[Respond]:
        got = [driver.answers.get(one, Respond(0, 0, (), b"")) for one in asked[name]]
        return [one._replace(request_id=0) for one in got]

    return answers("alice"), answers("bob")


@settings(max_examples=30)
@given(st.lists(rules(session="bob"), min_size=1, max_size=3))
def test_others_are_told_equal_bytes(faults: list[dict[str, Any]]) -> None:
    alice, bob = told(player(faults), with_bob=True)
    alone, _ = told(player([]), with_bob=False)
    _, again = told(player([{"on": "any", "do": "error", "session": "carol"}, *faults]), with_bob=True)

    assert alice == alone
    assert bob == again


def struck(driver: Driver, said: list[tuple[str, float]]) -> list[str]:
    """What strikes an app that says so over WebSockets, one after the other, with as many seconds' pause after each."""
    app = App(driver, "alice@example.com")
    app.comet_path = "/~alice~/genesys/cometd"
    app.ask("POST", CALLBACK, ORDER, (("gms_session", "alice"),))
    socket = driver.open_socket(app.asked("GET", app.comet_path))
    for name, pause_s in said:
        if socket not in driver.sockets:
            driver.hang_up(socket)
            socket = driver.open_socket(app.asked("GET", app.comet_path))
        driver.say(socket, json.dumps([app.meta(name)]).encode())
        driver.wait(pause_s)
    return [line for line in driver.logged if ": fault " in line]


PACED = st.tuples(st.sampled_from(["connect", "handshake", "subscribe"]), st.sampled_from([0, 0.3, 1, 7]))


@settings(max_examples=60)
@given(
    st.tuples(rules(), rules(on="comet", do="delay", delay_ms=5000), rules()).map(list),
    st.lists(PACED, min_size=3, max_size=8),
    st.sampled_from(list(Clock)),
)
def test_strikes_over_sockets_do_not_depend_on_pauses(
    faults: list[dict[str, Any]], said: list[tuple[str, float]], clock: Clock
) -> None:
    slowly = [(name, 20.0) for name, _ in said]

    assert struck(player(faults, clock=clock), said) == struck(player(faults, clock=clock), slowly)
