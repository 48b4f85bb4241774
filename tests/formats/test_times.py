import json

from factories import START_US

from gms_replay.audit import DOUBTFUL, TOLD, Audit, Fate, Moved, Part, Place, Sighting
from gms_replay.formats.times import tell, to_json

WEEK_US = 7 * 86_400_000_000
SLOT, TOLD_SLOT = "2014-05-02T16:30:00.000Z", "2014-05-09T16:30:00.000Z"


def sighting(fate: Fate, recorded: str = SLOT, told: str | None = None, part: str = Part.ANSWER) -> Sighting:
    message_id = None if isinstance(part, Part) else 7
    return Sighting(Place(1, 3, message_id, "dialog x", part), ("a", 0, "at"), recorded, fate, told)


def audit(*sightings: Sighting) -> Audit:
    return Audit(START_US + WEEK_US - 1, (Moved(1, START_US, -3_600_000_000, WEEK_US),), sightings)


def lines(*sightings: Sighting) -> list[str]:
    return [line for line in tell(audit(*sightings)) if line.startswith("  ")][1:]


def test_shifts_are_told() -> None:
    assert list(tell(audit())) == [
        "times, if sessions start at 2014-05-09T16:27:29.999999Z:",
        "  session 1, recorded from 2014-05-02T16:27:30.000000Z: events move by -1:00:00, "
        "time slots by +7 days, 0:00:00",
        "stay as recorded, and may be instants: nothing",
        "told anew: nothing",
        "left alone: nothing",
    ]


def test_equal_places_are_one_line() -> None:
    told = [sighting(Fate.CALENDAR, told=TOLD_SLOT)] * 3

    assert lines(*told) == [f"  dialog x, answer a[].at: calendar, 3 times; exchange 3: {SLOT}, told as {TOLD_SLOT}"]
    assert "told anew: 1 field" in list(tell(audit(*told)))


def test_doubtful_fields_name_their_rule() -> None:
    assert lines(sighting(Fate.UNKNOWN_FIELD)) == [
        '  dialog x, answer a[].at: no field that we know: put "at" into [times] of a rules file, '
        f"as event, calendar or keep; exchange 3: {SLOT}"
    ]


def test_headers_are_any_operations() -> None:
    assert lines(sighting(Fate.EVENT, told=TOLD_SLOT, part=Part.ANSWER_HEADER)) == [
        f"  answer header a[].at: event; exchange 3: {SLOT}, told as {TOLD_SLOT}"
    ]


def test_messages_are_named() -> None:
    assert lines(sighting(Fate.ASKED, told=TOLD_SLOT, part="published on /a")) == [
        "  dialog x, published on /a a[].at: the app's own, which may differ; exchange 3, message 7: "
        f"{SLOT}, or {TOLD_SLOT} by an app that was told it"
    ]


def test_each_fate_has_its_list() -> None:
    told = list(tell(audit(*map(sighting, Fate))))

    counts = len(DOUBTFUL), len(TOLD), len(Fate) - len(DOUBTFUL) - len(TOLD)
    assert [line.rpartition(": ")[2] for line in told if not line.startswith("  ")][1:] == [
        f"{number} fields" for number in counts
    ]


def test_long_texts_are_cut() -> None:
    (line,) = lines(sighting(Fate.INSIDE_TEXT, "\n" + "x" * 99))

    assert line.endswith("exchange 3: \\u000a" + "x" * 59 + "…")


def test_machines_get_every_value() -> None:
    told = json.loads(json.dumps(to_json(audit(*[sighting(Fate.CALENDAR, told=TOLD_SLOT)] * 2))))

    assert told["sessions"] == [
        {"session": 1, "start_us": START_US, "shift_us": -3_600_000_000, "calendar_shift_us": WEEK_US}
    ]
    assert told["now_us"] == START_US + WEEK_US - 1
    assert (
        told["values"]
        == [
            {
                "session": 1,
                "exchange_id": 3,
                "message_id": None,
                "operation": "dialog x",
                "part": "answer",
                "path": ["a", 0, "at"],
                "recorded": SLOT,
                "fate": "calendar",
                "told": TOLD_SLOT,
            }
        ]
        * 2
    )
