"""Pushes that come in from whoever sends them, as a player takes them."""

import json
from typing import Any

import pytest
from driver import App, Driver
from factories import CALLBACK, CHAT_DIALOG, MENU, ORDER, PROVIDERS, SERVICE, START_US, TOKEN, Tape, at

from gms_replay import pushes
from gms_replay.model import Headers, Recording, header
from gms_replay.player import Player
from gms_replay.rules import Rules
from gms_replay.story import compile_stories

APNS = PROVIDERS["apns"]
FCM = PROVIDERS["fcm"]
PROVIDER = "/__gms_replay__/provider"
MENU_ACTION = MENU.rpartition("/")[2]
CHAT_ACTION = CHAT_DIALOG.rpartition("/")[2]
RECORDED_ID = (("apns-id", "EC1BF194-B3B2-424B-89A9-5A918A6E6B5E"),)


def pushed(tape: Tape, after_s: float = 0, service: str = SERVICE) -> None:
    """A visit whose second push was refused for good, and then sent again."""
    tape.ask(after_s, "POST", CALLBACK, ORDER, {"_id": service})
    tape.push(after_s + 1, MENU_ACTION, payload=payload(MENU_ACTION, service), headers=RECORDED_ID)
    tape.ask(after_s + 2, "POST", MENU.replace(SERVICE, service))
    gone = {"reason": "Unregistered", "timestamp": START_US // 1000}
    tape.push(after_s + 3, CHAT_ACTION, payload=payload(CHAT_ACTION, service), status=410, answer=gone)
    tape.push(after_s + 4, CHAT_ACTION, payload=payload(CHAT_ACTION, service))
    tape.ask(after_s + 5, "POST", CHAT_DIALOG.replace(SERVICE, service))


def recording(*services: str) -> Recording:
    tape = Tape()
    for number, service in enumerate(services or (SERVICE,)):
        tape.user = f"user{number}"
        pushed(tape, 100 * number, service)
    return tape.recording()


def payload(action: str | None, service: str | None, alert: str = "An agent is free") -> dict[str, Any]:
    named = {"_id": service, "_action": action}
    return {"aps": {"alert": alert}, "message": {name: value for name, value in named.items() if value is not None}}


class Gms(App):
    """A GMS of its own, which pushes."""

    def push(
        self, action: str | None, service: str | None = "X1", target: str = APNS, headers: Headers = (), **said: Any
    ) -> int:
        """Sends a push, and tells the status of its answer."""
        self.answer = self.call("POST", target, payload(action, service, **said), headers=headers)
        return self.answer.status

    def told(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads(self.call("GET", PROVIDER).body)
        return told

    def listed(self, *names: str) -> list[tuple[Any, ...]]:
        return [tuple(one[name] for name in names) for one in self.told()["arrived"]]

    def missing(self) -> list[tuple[str | None, int, int, str]]:
        return [(one["session"], one["visit"], one["place"], one["_id"]) for one in self.told()["missing"]]


def gms(facts: Recording | None = None, rules: Rules | None = None) -> Gms:
    player = Player(compile_stories(facts or recording(), rules))
    return Gms(Driver(player), user=None, peer="127.0.0.1")


def test_foreign_push_is_its_visits_next() -> None:
    sender = gms()

    assert [sender.push(MENU_ACTION), sender.push(CHAT_ACTION), sender.push(CHAT_ACTION)] == [200, 410, 200]

    listed = sender.listed("_id", "session", "visit", "verdict", "differences")
    assert listed == [
        ("X1", None, 1, "taken", []),
        ("X1", None, 1, "refused as recorded", []),
        ("X1", None, 1, "taken", []),
    ]
    assert [one["expected"]["place"] for one in sender.told()["arrived"]] == [1, 2, 3]
    assert (sender.told()["unlike"], sender.missing(), sender.driver.notes) == (0, [], [])
    assert sender.driver.logged[1] == (
        f"push 2 by apns, {CHAT_ACTION}, for visit 1, refused with Unregistered: as expected, number 2"
    )


def test_first_of_a_visit_gets_the_recorded_name() -> None:
    sender = gms()
    names = []
    for service in ("X1", "X2"):
        sender.push(MENU_ACTION, service)
        names.append(header(sender.answer.headers, "apns-id"))

    assert names[0] == RECORDED_ID[0][1]
    assert names[1] != names[0]


def test_recorded_refusal_is_told_by_the_time_of_now() -> None:
    sender = gms()
    sender.push(MENU_ACTION)
    sender.push(CHAT_ACTION)

    later_ms = (sender.driver.now_us - at(3)) // 1_000_000 * 1000
    assert json.loads(sender.answer.body)["timestamp"] == pytest.approx(START_US // 1000 + later_ms, abs=1000)


def test_each_foreign_service_has_a_visit() -> None:
    """The one that came least often; of these the earliest."""
    other = "9" + SERVICE[1:]
    sender = gms(recording(SERVICE, other))
    for service in ("X1", "X2", "X3", other):
        sender.push(MENU_ACTION, service)

    assert [visit for (visit,) in sender.listed("visit")] == [1, 2, 1, 2]


def test_second_service_joins_its_visit() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.ask(1, "POST", CALLBACK, ORDER, {"_id": "8" + SERVICE[1:]})
    tape.push(2, MENU_ACTION)
    tape.push(3, MENU_ACTION, payload=payload(MENU_ACTION, "8" + SERVICE[1:]))
    sender = gms(tape.recording())
    for service in ("X1", "X2", "X1"):
        sender.push(MENU_ACTION, service)

    assert [one["expected"] and one["expected"]["_id"] for one in sender.told()["arrived"]] == [
        SERVICE,
        "8" + SERVICE[1:],
        None,
    ]


def test_push_of_a_session_is_the_sessions() -> None:
    sender = gms()
    sender.call("POST", CALLBACK, ORDER)
    second = Gms(sender.driver, user="bob", peer="127.0.0.1")
    told = json.loads(second.call("POST", CALLBACK, ORDER).body)["_id"]
    sender.push(MENU_ACTION, told)
    sender.push(MENU_ACTION, SERVICE)

    assert sender.listed("session", "visit") == [("s2", 1), ("s1", 1)]
    assert sender.missing() == [
        (session, 1, place, service) for session, service in (("s2", told), ("s1", SERVICE)) for place in (2, 3)
    ]


def test_derived_pushes_are_expected_by_their_action() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    tape.ask(2, "POST", MENU)
    sender = gms(tape.recording())
    sender.push(MENU_ACTION, alert="Whatever")

    (one,) = sender.told()["arrived"]
    assert (one["expected"]["derived"], one["differences"], sender.missing()) == (True, [], [])


def test_differing_push_is_taken_and_listed() -> None:
    sender = gms()

    assert sender.push(MENU_ACTION, alert="Somebody is free") == 200

    assert sender.listed("differences") == [(["alert.body “An agent is free” became “Somebody is free”"],)]
    assert sender.driver.notes == [
        f"push 1 by apns, {MENU_ACTION}, for visit 1, taken: alert.body “An agent is free” became “Somebody is free”"
    ]
    assert sender.told()["unlike"] == 1


def test_push_out_of_order_is_taken_and_listed() -> None:
    sender = gms()
    sender.push(MENU_ACTION)
    sender.push(CHAT_ACTION)
    sender.call("DELETE", PROVIDER)
    sender.push(MENU_ACTION, SERVICE)
    sender.call("POST", CALLBACK, ORDER)
    sender.push(CHAT_ACTION, SERVICE)

    assert sender.listed("session", "differences")[1] == ("s1", ["number 2 came before number 1"])
    assert sender.missing()[0] == ("s1", 1, 1, SERVICE)


@pytest.mark.parametrize(
    ("action", "service"), [("connect-inbound", "X1"), (MENU_ACTION, None), (None, None), (None, "X1")]
)
def test_unexpected_push_is_taken_and_listed(action: str | None, service: str | None) -> None:
    sender = gms()

    assert sender.push(action, service) == 200

    assert sender.listed("expected", "session", "visit") == [(None, None, None)]
    assert sender.told()["unlike"] == 1
    assert sender.driver.notes == [f"push 1 by apns, {action or 'without an action'}, for nobody, taken: unexpected"]


def test_one_too_many_is_unexpected() -> None:
    sender = gms()
    sender.push(MENU_ACTION)
    sender.push(MENU_ACTION)

    assert sender.listed("visit", "expected")[1] == (1, None)


def test_oldest_services_are_forgotten() -> None:
    """So the first begins a visit anew, where else it had one push too many."""
    sender = gms()
    for number in range(1001):
        sender.push(MENU_ACTION, f"X{number}")
    sender.push(MENU_ACTION, "X1000")
    sender.push(MENU_ACTION, "X0")

    assert [one["expected"] and one["expected"]["place"] for one in sender.told()["arrived"][-3:]] == [1, None, 1]


def test_oldest_pushes_are_forgotten() -> None:
    sender = gms()
    for number in range(1002):
        sender.push(None, f"X{number}")

    assert sender.told()["count"] == 1002
    assert sender.listed("number")[0] == (3,)


def test_large_pushes_make_room() -> None:
    sender = gms()
    for _ in range(18):
        sender.push(None, SERVICE, alert="a" * (1 << 20))

    assert [number for (number,) in sender.listed("number")] == list(range(4, 19))


def test_who_is_refused_by_rule_tries_again() -> None:
    sender = gms(rules=Rules(refused={TOKEN: "TooManyRequests"}))

    assert [sender.push(MENU_ACTION), sender.push(MENU_ACTION)] == [429, 429]

    assert sender.listed("verdict", "differences") == [("refused by rule", [])] * 2
    assert sender.missing()[0] == (None, 1, 1, "X1")


def test_mistake_is_listed() -> None:
    sender = gms()

    assert sender.push(MENU_ACTION, target="/3/device/abc") == 400

    assert sender.listed("verdict", "differences") == [("faulty", ["taken became refused (BadDeviceToken)"])]


def test_other_carrier_is_no_difference_and_gets_its_own_answer() -> None:
    sender = gms()
    wish = json.dumps({"_id": "X1", "_action": MENU_ACTION})
    refused = json.dumps({"_id": "X1", "_action": CHAT_ACTION})
    for said in (wish, refused):
        message = {"token": "a", "notification": {"body": "An agent is free"}, "data": {"message": said}}
        assert sender.call("POST", FCM, {"message": message}).status == 200

    assert sender.listed("provider", "device", "alert", "differences") == [("fcm", "a", "An agent is free", [])] * 2


def test_payload_that_is_no_json_is_kept_as_it_came() -> None:
    sender = gms()

    assert sender.call("POST", APNS, b"{\xff\n").status == 200

    (one,) = sender.told()["arrived"]
    assert (one["payload"], one["_id"], one["expected"]) == ("{\ufffd\n", None, None)
    (taken,) = sender.driver.taken
    assert taken.exchange.request.body.wire == b"{\xff\n"


def test_notes_are_one_printable_line() -> None:
    sender = gms()
    sender.push("a\nb\ud800", "X1")

    (note,) = sender.driver.notes
    assert note == r"push 1 by apns, a\nb\ud800, for nobody, taken: unexpected"


def test_deleted_is_as_at_the_start() -> None:
    sender = gms()
    sender.push(MENU_ACTION)

    assert json.loads(sender.call("DELETE", PROVIDER).body) == {"forgotten": 1}

    assert (sender.told()["count"], sender.told()["arrived"]) == (0, [])
    assert sender.push(MENU_ACTION) == 200
    assert header(sender.answer.headers, "apns-id") == RECORDED_ID[0][1]


def test_forgotten_session_begins_anew() -> None:
    sender = gms()
    sender.call("POST", CALLBACK, ORDER)
    sender.push(MENU_ACTION, SERVICE)
    sender.call("DELETE", "/__gms_replay__/sessions/s1")
    sender.call("POST", CALLBACK, ORDER)

    assert len(sender.missing()) == 3


def test_what_came_in_is_given_to_whoever_records() -> None:
    sender = gms()
    sender.host = "api.push.apple.com"
    sender.push(MENU_ACTION, headers=(("apns-expiration", "0"),))

    (taken,) = sender.driver.taken
    read = pushes.read_exchange(taken.provider, taken.exchange)
    assert (read.device, read.action, read.expires_at_us) == (TOKEN, MENU_ACTION, 0)
    assert read.result is not None
    assert read.result.name == RECORDED_ID[0][1]
    request = taken.exchange.request
    assert (request.scheme, request.host, request.port) == ("http", "api.push.apple.com", 80)


@pytest.mark.parametrize("host", ["[", "a:b", ""])
def test_odd_hosts_are_taken(host: str) -> None:
    sender = gms()
    sender.host = host

    assert sender.push(MENU_ACTION) == 200


def test_pushes_of_a_gms_count_as_its_visit_being_told() -> None:
    sender = gms()
    assert sender.driver.player.unused == ("visit 1 was not played",)

    sender.push(MENU_ACTION)

    assert sender.driver.player.unused == (
        f"visit 1: push 2 ({CHAT_ACTION}) did not come",
        f"visit 1: push 3 ({CHAT_ACTION}) did not come",
    )


def test_arrivals_are_not_put() -> None:
    assert gms().call("PUT", PROVIDER).status == 405
