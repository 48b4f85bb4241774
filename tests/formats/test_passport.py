import json

import factories
from factories import CALLBACK, CHAT_PATH, ORDER, QUEUE, SERVICE, Tape

from gms_replay.formats.passport import tell, to_json
from gms_replay.rules import Rules


def recorded() -> Tape:
    """A ticket and a cookie travel, an alias is too short, and the app said a reference first."""
    tape = Tape()
    cookies = (*factories.JSON_HEADERS, ("Set-Cookie", "seat=row7seat13; Path=/"))
    tape.ask(0, "POST", CALLBACK, ORDER | {"ref": "R-1234567"}, {"_id": SERVICE, "alias": "117"}, headers=cookies)
    answer = {"ticketNo": "T-1234567", "ref": "R-1234567", "url": f"http://x/{SERVICE}/y", "userId": "U-1234567"}
    tape.ask(1, "POST", f"/genesys/1/service/{SERVICE}/a", b"", answer)
    tape.ask(2, "GET", f"{QUEUE}?no=T-1234567&ref=R-1234567", sent=(("Cookie", "seat=row7seat13"),))
    return tape


def test_identities_are_told() -> None:
    dialog, queue = "exchange 2 (dialog a)", "exchange 3 (queue position)"
    start = "exchange 1 (start callback sales)"

    assert list(tell(recorded().recording(), Rules(), "visit.sqlite")) == [
        "visit.sqlite: 1 session",
        "",
        f"session 1, 2014-05-02 16:27:30 UTC: user alice@example.com, service {SERVICE}",
        "  row7seat13",
        f"    why: given by {start} at cookie seat, used by {queue} as cookie seat",
        "    told 1 time",
        "    used 1 time: cookie seat (1)",
        f"  {SERVICE}",
        f"    why: by field _id; given by {start} at field _id, used by {dialog} as path segment",
        "    told 1 time, and inside field url (1)",
        "    used 2 times: path segment (2)",
        "  T-1234567",
        f"    why: given by {dialog} at field ticketNo, used by {queue} as query field no",
        "    told 1 time",
        "    used 1 time: query field no (1)",
        "  by field userId, told and not used: U-1234567",
        f"  117 is left alone: too short, or without a digit (by field alias; given by {start} at field alias)",
        f"  R-1234567 is left alone: the app said it first (given by {dialog} at field ref, used by {queue} as "
        "query field ref)",
    ]


def test_rules_are_told() -> None:
    rules = Rules(identities=frozenset({"ref"}), exempt=frozenset({"ticketNo"}))

    told = "\n".join(tell(recorded().recording(), rules, "visit.sqlite"))

    assert "why: by field ref; given by exchange 2" in told
    assert "T-1234567 is left alone: exempt by the rules file" in told


def test_many_are_cut_short() -> None:
    tape = recorded()
    for number in range(9):
        tape.ask(3 + number, "GET", QUEUE, b"", {"chatId": f"C-123456{number}", f"f{number}": f"/{SERVICE}/"})

    told = list(tell(tape.recording(), Rules(), "visit.sqlite"))

    assert any(
        "told and not used: C-1234560, C-1234561, C-1234562, C-1234563, C-1234564, and 4 more" in a for a in told
    )
    assert any(
        "field url (1), field f0 (1), field f1 (1), field f2 (1), field f3 (1), and 5 more places" in a for a in told
    )


def test_nothing_is_told_as_such() -> None:
    tape = Tape(user=None)
    tape.ask(0, "GET", factories.AVAILABILITY)

    assert list(tell(tape.recording(), Rules(), "a"))[2:] == [
        "session 1, 2014-05-02 16:27:30 UTC: no id",
        "  no identities",
    ]


def test_texts_stay_on_their_line() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"\\u001b[2J\\n1234567","\\u001b\\n":"E-1234567"}')
    tape.ask(1, "POST", CHAT_PATH, {"a\x1b\n": "E-1234567"})

    told = list(tell(tape.recording(), Rules(), "two\nlines"))

    assert not [line for line in told if not line.isprintable()]
    assert told[0] == "two\\u000alines: 2 sessions"


def test_machines_get_all() -> None:
    told = json.loads(json.dumps(to_json(recorded().recording(), Rules(), "visit.sqlite")))
    by_value = {one["value"]: one for one in told["sessions"][0]["identities"]}

    assert (told["file"], len(told["sessions"])) == ("visit.sqlite", 1)
    assert (told["sessions"][0]["number"], told["sessions"][0]["user"]) == (1, factories.USER)
    assert by_value[SERVICE] == {
        "value": SERVICE,
        "left_alone": None,
        "by_field": "_id",
        "given": {"exchange_id": 1, "where": "field _id"},
        "told": 1,
        "told_inside": {"field url": 1},
        "used": [
            {"exchange_id": 2, "where": "path segment"},
            {"exchange_id": 3, "where": "path segment"},
        ],
    }
    assert by_value["117"]["left_alone"] == "too short, or without a digit"
