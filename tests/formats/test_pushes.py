import json
from dataclasses import replace

import factories
from apns_frames import enhanced, refusal
from factories import CALLBACK, SERVICE, Tape, at

from gms_replay.formats import tale
from gms_replay.formats.pushes import tell, to_json
from gms_replay.model import Direction, Frame, Push, Recording

OTHER = "7WUM7W75075NP3P7V4S9S0X8SG444Y17"
TOKEN = "00fc13adff785122b4ad28809a3420982341241421348097878e577c991de8f0"
WISH = b'{"aps":{"alert":"An agent is free"},"message":{"_id":"%s","_action":"get-dialog"}}' % SERVICE.encode()


def recorded() -> Recording:
    """Two pushes that are seen, one refused; and one to somebody else."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    sent = (("apns-expiration", "1399048858"),)
    device = f"/3/device/{TOKEN}"
    told = (("apns-id", "EC1BF194"),)
    tape.ask(3, "POST", device, WISH, {}, sent=sent, headers=told)
    gone = {"reason": "Unregistered"}
    tape.ask(4, "POST", device, WISH, gone, status=410, sent=(("apns-expiration", "0"),))
    tape.ask(5, "POST", f"/genesys/1/service/{SERVICE}/get-dialog")
    pushed = (
        Push(1, 1, 2, "apns", at(3), WISH),
        Push(2, 1, 3, "apns", at(4), WISH),
        Push(3, 1, None, "apns", at(7), b"\xff"),
    )
    return replace(tape.recording(), pushes=pushed)


def unseen() -> Recording:
    """A push that is derived."""
    tape = Tape(user="bob@example.com")
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": OTHER})
    tape.ask(6, "POST", f"/genesys/1/service/{OTHER}/connect")
    return tape.recording()


def test_derived_pushes_are_told() -> None:
    assert list(tell(unseen(), "a")) == [
        "a: 0 pushes seen, 1 derived from what the apps ask for",
        "",
        f"session 1, 2014-05-02 16:27:30 UTC: user bob@example.com, service {OTHER}",
        "  2014-05-02 16:27:36 UTC  connect: derived, for the app asks for it",
    ]
    (session,) = to_json(unseen(), "a")["sessions"]
    assert session["pushes"] == [
        {"derived": True, "exchange": 2, "at_us": at(6), "service_id": OTHER, "action": "connect"}
    ]
    text = "\n".join(tale.tell(unseen(), "a"))
    pushed = text.index("+6.000 s  GMS   pushes connect: derived, for the app asks for it")
    assert pushed < text.index("+6.000 s  app   acts connect")


def test_pushes_are_told() -> None:
    assert list(tell(recorded(), "visit\n.sqlite")) == [
        "visit\\u000a.sqlite: 3 pushes seen, 0 derived from what the apps ask for",
        "",
        f"session 1, 2014-05-02 16:27:30 UTC: user alice@example.com, service {SERVICE}",
        "  2014-05-02 16:27:33 UTC  get-dialog by apns, device 00fc13ad…: accepted, “An agent is free”, "
        "until 2014-05-02 16:40:58 UTC",
        "  2014-05-02 16:27:34 UTC  get-dialog by apns, device 00fc13ad…: refused with 410, Unregistered, "
        "“An agent is free”, tried once",
        "",
        "of no session:",
        "  2014-05-02 16:27:37 UTC  what names no action by apns: no answer",
    ]


def test_nothing_is_told_of_visits_without() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})

    assert list(tell(tape.recording(), "a")) == ["a: 0 pushes seen, 0 derived from what the apps ask for"]


def test_json_is_whole() -> None:
    told = json.loads(json.dumps(to_json(recorded(), "visit.sqlite")))

    (session,) = told["sessions"]
    first, refused = session["pushes"]
    assert (told["file"], session["number"], session["user"]) == ("visit.sqlite", 1, "alice@example.com")
    assert first == {
        "derived": False,
        "push": 1,
        "frame": None,
        "exchange": 2,
        "at_us": at(3),
        "provider": "apns",
        "device": TOKEN,
        "service_id": SERVICE,
        "action": "get-dialog",
        "alert": "An agent is free",
        "expires_at_us": 1_399_048_858_000_000,
        "result": {"status": 200, "name": "EC1BF194", "reason": None},
        "headers": [["apns-expiration", "1399048858"]],
        "payload": {"text": WISH.decode()},
    }
    assert refused["result"] == {"status": 410, "name": None, "reason": "Unregistered"}
    assert [(one["push"], one["payload"], one["result"]) for one in told["others"]] == [(3, {"base64": "/w=="}, None)]


def test_visits_are_told_with_their_pushes() -> None:
    """Each before what it brings about; and not once more among what belongs to no visit."""
    text = "\n".join(tale.tell(recorded(), "visit.sqlite"))

    places = [
        text.index("+3.000 s  GMS   pushes get-dialog by apns, device 00fc13ad…: accepted"),
        text.index("+4.000 s  GMS   pushes get-dialog by apns, device 00fc13ad…: refused with 410, Unregistered"),
        text.index("+5.000 s  app   acts get-dialog"),
    ]
    assert places == sorted(places)
    assert "besides:" not in text


def framed() -> Recording:
    """Three pushes in Apple's binary protocol, the second refused, the third of no session; one that nobody refused."""
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, {"_id": SERVICE})
    passed = [(1, enhanced(1, payload=WISH)), (1, enhanced(2, payload=WISH)), (1, enhanced(3)), (1, refusal(8, 2))]
    frames = tuple(
        Frame(number, connection, Direction.TO_CLIENT if raw[0] == 8 else Direction.TO_SERVER, at(number), raw)
        for number, (connection, raw) in enumerate([*passed, (2, enhanced(1, payload=WISH))], 1)
    )
    return replace(tape.recording(), frames=frames)


def test_binary_pushes_are_told() -> None:
    assert list(tell(framed(), "a")) == [
        "a: 4 pushes seen, 0 derived from what the apps ask for",
        "",
        "session 1, 2014-05-02 16:27:30 UTC: user alice@example.com",
        "  2014-05-02 16:27:31 UTC  get-dialog by apns, device 00fc13ad…: accepted, “An agent is free”, tried once",
        "  2014-05-02 16:27:32 UTC  get-dialog by apns, device 00fc13ad…: refused with 8, InvalidToken, "
        "“An agent is free”, tried once",
        "  2014-05-02 16:27:35 UTC  get-dialog by apns, device 00fc13ad…: not known to be refused, "
        "“An agent is free”, tried once",
        "",
        "of no session:",
        "  2014-05-02 16:27:33 UTC  what names no action by apns, device 00fc13ad…: not delivered: after a refused "
        "one, “An agent is free”, tried once",
    ]


def test_json_names_frames() -> None:
    told = to_json(framed(), "visit.sqlite")

    seen = [*told["sessions"][0]["pushes"], *told["others"]]
    assert [(one["frame"], one["push"], one["exchange"]) for one in seen] == [
        (1, None, None), (2, None, None), (5, None, None), (3, None, None)
    ]  # fmt: skip
    assert [one["result"] for one in seen] == [
        {"status": 0, "name": None, "reason": None},
        {"status": 8, "name": None, "reason": "InvalidToken"},
        None,
        {"status": None, "name": None, "reason": "not delivered: after a refused one"},
    ]


def test_binary_pushes_of_no_visit_stand_besides() -> None:
    text = "\n".join(tale.tell(framed(), "visit.sqlite"))

    assert "0 Bayeux messages, 5 APNs frames\n" in text
    assert "+2.000 s  GMS   pushes get-dialog by apns, device 00fc13ad…: refused with 8, InvalidToken" in text
    besides = text.partition("besides:\n")[2]
    assert besides == (
        "  2014-05-02 16:27:33 UTC  pushes what names no action by apns, device 00fc13ad…: "
        "not delivered: after a refused one"
    )
