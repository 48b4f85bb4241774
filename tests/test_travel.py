"""`Tape` answers a tenth of a second after it was asked: what is asked a second later may use the answer."""

from typing import Any

import factories
import pytest
from factories import CALLBACK, CHAT_PATH, CLIENT, ORDER, QUEUE, SERVICE, Tape

from gms_replay import sessions, travel
from gms_replay.model import Headers
from gms_replay.rules import Rules
from gms_replay.travel import Candidate, Place, Reason

TICKET = "T-1234567"
OTHER = f"/genesys/1/service/{SERVICE}/ticket"
STARTED: dict[str, Any] = {"_id": SERVICE}


def found(tape: Tape, rules: Rules | None = None) -> dict[str, Candidate]:
    (session,) = sessions.split(tape.recording())
    return {one.value: one for one in travel.find(session, list(sessions.told(session)), rules or Rules())}


def given(answer: bytes | dict[str, Any] | None = None, *, headers: Headers = factories.JSON_HEADERS) -> Tape:
    """A visit whose second answer gives a ticket."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, STARTED)
    tape.ask(1, "GET", QUEUE, b"", {"ticketNo": TICKET} if answer is None else answer, headers=headers)
    return tape


@pytest.mark.parametrize(
    ("target", "text", "sent", "where"),
    [
        (f"{OTHER}/{TICKET}", b"", (), "path segment"),
        (f"{OTHER}/T%2D1234567/x", b"", (), "path segment"),
        (f"{OTHER}?no={TICKET}", b"", (), "query field no"),
        (OTHER, {"a": [{"no": TICKET}]}, (), "body field a.0.no"),
        (OTHER, f"no={TICKET}", (), "body field no"),
        (OTHER, b'{"a": "{\\"no\\": \\"T-1234567\\"}"}', (), "body field a.no"),
        (OTHER, b'{"no":"T-1234567",}', (), "body field no"),
        (OTHER, b"", (("Cookie", f"a=b; no={TICKET}"),), "cookie no"),
        (OTHER, b"", (("X-Ticket", TICKET),), "header X-Ticket"),
    ],
)
def test_travelling_value_is_found(target: str, text: Any, sent: Headers, where: str) -> None:
    tape = given()
    tape.ask(2, "POST", target, text, sent=sent)

    one = found(tape)[TICKET]

    assert (one.by_field, one.left, one.told) == (None, None, 1)
    assert one.given == Place(2, "field ticketNo")
    assert one.travels == (Place(3, where),)


@pytest.mark.parametrize(
    ("answer", "headers", "where"),
    [
        (b'{"a":{"b":["T-1234567"]}}', (), "field a.b"),
        (b'{"no":"T-1234567","x":,}', (), "field no"),
        (b'{"data":"{\\"no\\":\\"T-1234567\\"}"}', (), "field data.no"),
        (b"T-1234567\n", (), "body"),
        (b"{}", (("Set-Cookie", "no=T-1234567; Path=/"),), "cookie no"),
        (b"{}", (("X-Ticket", "T-1234567"),), "header X-Ticket"),
    ],
)
def test_value_may_be_given_anywhere(answer: bytes, headers: Headers, where: str) -> None:
    tape = given(answer, headers=headers)
    tape.ask(2, "GET", f"{OTHER}/{TICKET}")

    assert found(tape)[TICKET].given == Place(2, where)


def test_number_travels() -> None:
    tape = given({"no": 12345678})
    tape.ask(2, "POST", OTHER, {"no": 12345678})

    assert found(tape)["12345678"].left is None


def test_value_travels_over_comet() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, STARTED)
    tape.open_comet(1)
    event = b'{"channel":"/x","data":{"no":"T-1234567","tag":"service.chat.refresh.%s"}}' % SERVICE.encode()
    tape.poll(2, 1, event)
    tape.comet(4, [{"channel": "/service/x", "clientId": CLIENT, "data": {"no": TICKET}}], [])

    assert found(tape)[TICKET].travels == (Place(6, "/service/x field data.no"),)
    assert CLIENT not in found(tape)


@pytest.mark.parametrize(
    "tape_of",
    [
        lambda tape: tape.ask(2, "GET", f"{OTHER}/x{TICKET}"),
        lambda tape: tape.ask(1.05, "GET", f"{OTHER}/{TICKET}"),
        lambda tape: tape.ask(2, "POST", f"{CHAT_PATH}/send", {"message": TICKET}),
        lambda tape: tape.ask(2, "GET", OTHER, sent=(("User-Agent", TICKET),)),
    ],
    ids=["not whole", "too early", "words", "HTTP's own"],
)
def test_other_uses_are_none(tape_of: Any) -> None:
    tape = given()
    tape_of(tape)

    assert found(tape).get(TICKET) is None or found(tape)[TICKET].left is Reason.SAID_FIRST


@pytest.mark.parametrize(
    "value",
    ["2014-05-02T16:30:00.000Z", "1399048058000", "http://gms.example:8080/x1", "short1", "no-digits-in-it"],
)
def test_other_values_are_none(value: str) -> None:
    tape = given({"no": value})
    tape.ask(2, "POST", OTHER, {"no": value})

    assert value not in found(tape)


@pytest.mark.parametrize("name", ["_action", "timezone", "version", "_label", "subject"])
def test_words_are_none(name: str) -> None:
    tape = given({name: TICKET})
    tape.ask(2, "GET", f"{OTHER}/{TICKET}")

    assert TICKET not in found(tape)


def test_content_types_are_none() -> None:
    sent = (("Content-Type", "application/json;charset=UTF-8"),)
    tape = given()
    tape.ask(2, "POST", OTHER, b"{}", sent=sent)

    assert found(tape).keys() == {SERVICE}


@pytest.mark.parametrize(
    ("target", "sent"), [(f"{OTHER}/{TICKET}", ()), (f"{OTHER}?a={TICKET}", ()), (OTHER, (("X-A", TICKET),))]
)
def test_what_the_app_said_first_is_its_own(target: str, sent: Headers) -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, STARTED)
    tape.ask(1, "GET", target, b"", {"ticketNo": TICKET}, sent=sent)
    tape.ask(2, "GET", f"{OTHER}/{TICKET}")

    assert found(tape)[TICKET].left is Reason.SAID_FIRST


def test_field_names_identities() -> None:
    tape = given({"userId": "007DDDC1A6D99380", "alias": "117", "chatId": ""})

    assert {one.value: (one.by_field, one.left) for one in found(tape).values()} == {
        SERVICE: ("_id", None),
        "007DDDC1A6D99380": ("userId", None),
        "117": ("alias", Reason.TOO_SHORT),
    }


def test_service_is_gms_own_though_in_a_path_first() -> None:
    """A recorder that is started late sees ids used before they are told."""
    tape = Tape()
    tape.ask(0, "GET", QUEUE)
    tape.ask(1, "POST", factories.CHAT_DIALOG, b"", STARTED)

    assert found(tape)[SERVICE].left is None


def test_apps_own_user_id_is_no_identity() -> None:
    tape = Tape("alice-2014")
    tape.ask(0, "POST", CALLBACK, ORDER, STARTED | {"userId": "alice-2014"})

    assert found(tape)["alice-2014"].left is Reason.SAID_FIRST


def test_rules_add_and_exempt() -> None:
    tape = given({"ticketNo": TICKET, "code": "C-1234567", "mine": "M-1234567"})
    tape.ask(2, "POST", OTHER, {"code": "C-1234567", "mine": "M-1234567"})
    tape.ask(3, "POST", OTHER, b"", {"mine": "M-1234567"})
    rules = Rules(identities=frozenset({"ticketNo"}), exempt=frozenset({"code"}))

    assert {one.value: (one.by_field, one.left) for one in found(tape, rules).values()} == {
        SERVICE: ("_id", None),
        TICKET: ("ticketNo", None),
        "C-1234567": (None, Reason.EXEMPT),
        "M-1234567": (None, None),
    }


def test_exemption_beats_fields() -> None:
    tape = given({"userId": "U-1234567", "order": "U-1234567"})

    assert found(tape, Rules(exempt=frozenset({"order"})))["U-1234567"].left is Reason.EXEMPT


def test_rules_beat_what_the_app_said() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER | {"no": TICKET}, STARTED | {"no": TICKET})

    assert TICKET not in found(tape)
    assert found(tape, Rules(identities=frozenset({"no"})))[TICKET].left is None


def test_identities_come_as_they_were_given() -> None:
    tape = given()
    tape.ask(2, "GET", f"{OTHER}/{TICKET}", b"", {"again": TICKET, "_id": SERVICE})

    assert [(one.value, one.told) for one in found(tape).values()] == [(SERVICE, 2), (TICKET, 2)]


def test_carriers_are_longer_texts() -> None:
    (session,) = sessions.split(factories.visit())

    inside = travel.carriers(sessions.told(session), [SERVICE])

    assert inside[SERVICE]["field data.tag"] == 6
    assert inside[SERVICE]["field _start_chat_url"] == 1
    assert "field _id" not in inside[SERVICE]


def test_first_place_is_the_earliest() -> None:
    """Whatever tells it: a header of a later answer comes after the body of an earlier one."""
    tape = given()
    tape.ask(2, "GET", f"{OTHER}/{TICKET}", headers=(("X-Ticket", TICKET),))

    assert (found(tape)[TICKET].given, found(tape)[TICKET].told) == (Place(2, "field ticketNo"), 2)


def test_requests_without_answer_travel_too() -> None:
    tape = given()
    tape.ask_in_vain(2, "GET", f"{OTHER}/{TICKET}")

    assert [one.exchange_id for one in found(tape)[TICKET].travels] == [3]


def test_of_comet_s_headers_only_cookies_are_given() -> None:
    tape = Tape()
    tape.open_comet(0, headers=(("X-Server", "S-1234567"), ("Set-Cookie", "BAYEUX_BROWSER=B-1234567;Path=/")))
    tape.ask(1, "GET", QUEUE, sent=(("X-Server", "S-1234567"), ("Cookie", "BAYEUX_BROWSER=B-1234567")))

    assert {value: one.given.where for value, one in found(tape).items()} == {"B-1234567": "cookie BAYEUX_BROWSER"}
