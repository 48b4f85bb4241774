from dataclasses import replace
from pathlib import Path

import factories
import pytest
from factories import CALLBACK, CLIENT, QUEUE, SERVICE, START_US, Tape
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import scraps

from gms_replay.audit import DOUBTFUL, TOLD, Audit, Fate, Part, audit
from gms_replay.cassette.reader import read
from gms_replay.model import Recording
from gms_replay.rules import Rules, load
from gms_replay.spans import Sort, plain_text, spans
from gms_replay.story import compile_stories
from gms_replay.timeline import Shift
from gms_replay.translation import Translation

SAMPLES = sorted((Path(__file__).parents[1] / "cassettes").glob("*.sqlite"))
HOUR_US = 3_600_000_000
NOW_US = START_US + 24 * HOUR_US
STORAGE = f"/genesys/1/service/{SERVICE}/storage/x"
DATE = "Fri, 02 May 2014 16:27:38 GMT"


def audited(recording: Recording, rules: Rules | None = None, shift: Shift = Shift.EXACT) -> Audit:
    return audit(recording, rules or Rules(), NOW_US, shift)


def started() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    return tape


def fates(tape: Tape, rules: Rules | None = None) -> list[tuple[Fate, str, str, str | None]]:
    """What becomes of each value: its fate, field, text and what is told."""
    return [(one.fate, one.field, one.recorded, one.told) for one in audited(tape.recording(), rules).sightings]


def answered(body: str, rules: Rules | None = None) -> list[tuple[Fate, str, str, str | None]]:
    tape = started()
    tape.ask(1, "GET", STORAGE, b"", body)
    return fates(tape, rules)


@pytest.mark.parametrize("shift", Shift)
@pytest.mark.parametrize(
    "recording", [factories.visit(), *map(read, SAMPLES)], ids=["visit", *(path.stem for path in SAMPLES)]
)
def test_told_as_the_player_tells(recording: Recording, shift: Shift) -> None:
    found = audited(recording, shift=shift).sightings
    (story,) = compile_stories(recording)
    player = Translation(story, {}, now_us=NOW_US, comet_segment="", shift=shift)
    ids = {id(exchange.response): exchange.id for exchange in recording.exchanges}

    for answer in story.answers:
        _, told = player.answer(answer, player.shift_us(answer.at_us, NOW_US), "")
        values = {plain_text(told[span.start : span.end]) for span in spans(told) if span.sort is not Sort.WORD}
        mine = [one for one in found if (one.place.exchange_id, one.place.part) == (ids[id(answer.response)], "answer")]
        assert {one.told for one in mine if one.fate in TOLD} <= values
    assert [one for one in found if one.fate in TOLD]
    assert [one for one in found if one.fate in DOUBTFUL] == []


def test_every_message_is_looked_through() -> None:
    found = [one for one in audited(factories.visit()).sightings if one.fate is Fate.EVENT and one.place.message_id]

    assert {(one.place.part, one.place.operation, one.field) for one in found} == {
        ("/_genesys", "comet", "data.message.startedAt")
    }
    assert {one.told for one in found} == {"2014-05-03T16:27:45Z"}
    assert len({one.place.message_id for one in found}) == 6


def test_known_fields_are_told() -> None:
    body = """{"_expires":"2014-05-02T16:57:40Z","start_time":"2014-05-02T16:30:00.000Z","utcTime":1399048058000,
    "availability":{"2014-05-02T16:30:00.000Z":5}}"""

    assert answered(body) == [
        (Fate.EVENT, "_expires", "2014-05-02T16:57:40Z", "2014-05-03T16:57:40Z"),
        (Fate.CALENDAR, "start_time", "2014-05-02T16:30:00.000Z", "2014-05-03T16:30:00.000Z"),
        (Fate.EVENT, "utcTime", "1399048058000", "1399134458000"),
        (Fate.CALENDAR, "availability.*", "2014-05-02T16:30:00.000Z", "2014-05-03T16:30:00.000Z"),
    ]


@pytest.mark.parametrize(
    ("body", "fate", "field", "text"),
    [
        ('{"_expires":"May 2, 2014"}', Fate.UNREADABLE, "_expires", "May 2, 2014"),
        ('{"_expires":1399048058000000}', Fate.UNREADABLE, "_expires", "1399048058000000"),
        ('{"a":[{"when":"2014-05-02T16:57:40Z"}]}', Fate.UNKNOWN_FIELD, "a[].when", "2014-05-02T16:57:40Z"),
        (f'{{"{DATE}":1}}', Fate.UNKNOWN_FIELD, "*", DATE),
        ('{"when":1399048058}', Fate.UNKNOWN_NUMBER, "when", "1399048058"),
        ('{"1399048058":"x"}', Fate.UNKNOWN_NUMBER, "*", "1399048058"),
        ('{"note":"at 2014-05-02T16:57:40Z, please"}', Fate.INSIDE_TEXT, "note", "at 2014-05-02T16:57:40Z, please"),
        (r'{"n":"{\"at\":\"2014-05-02T16:57:40Z\"}"}', Fate.INSIDE_TEXT, "n", '{"at":"2014-05-02T16:57:40Z"}'),
        (f"<p>{DATE}</p>", Fate.INSIDE_TEXT, "", f"<p>{DATE}</p>"),
        (DATE, Fate.INSIDE_TEXT, "", DATE),
        ('{"_expires":300}', Fate.DURATION, "_expires", "300"),
        ('{"_expires":"PT5M"}', Fate.DURATION, "_expires", "PT5M"),
        ('{"_eta":"1399048058"}', Fate.DURATION, "_eta", "1399048058"),
    ],
)
def test_other_values_have_a_reason(body: str, fate: Fate, field: str, text: str) -> None:
    assert answered(body) == [(fate, field, text, None)]


@pytest.mark.parametrize(
    "body",
    [
        '{"_expires":null,"timestamp":""}',
        '{"_customer_number":"2125551234","chatId":"1399048058","text":"1399048058"}',
        '{"_position":"2","text":"at noon on 2014-05-02"}',
        "soon",
        "1399048058",
        "",
    ],
)
def test_rest_is_not_told_of(body: str) -> None:
    assert answered(body) == []


def test_rules_are_obeyed() -> None:
    rules = load('[times]\nwhen = "calendar"\n_expires = "keep"\nclosed = "keep"', "rules.toml")
    text = "2014-05-02T16:57:40Z"
    body = f'{{"when":"{text}","_expires":"{text}","closed":{{"{text}":1}}}}'

    assert answered(body, rules) == [
        (Fate.CALENDAR, "when", text, "2014-05-03T16:57:40Z"),
        (Fate.KEPT, "_expires", text, None),
        (Fate.KEPT, "closed.*", text, None),
    ]


def test_headers_are_told_apart() -> None:
    tape = started()
    headers = (("Date", DATE), ("Set-Cookie", f"a=b; Expires={DATE}; Max-Age=9"), ("Expires", "0"), ("X-Built", DATE))
    tape.ask(1, "GET", QUEUE, b"", b"", headers=headers, sent=(("If-Modified-Since", DATE),))

    told = "Sat, 03 May 2014 16:27:38 GMT"
    assert fates(tape) == [
        (Fate.NOT_REPLAYED, "if-modified-since", DATE, None),
        (Fate.EVENT, "date", DATE, told),
        (Fate.EVENT, "set-cookie", DATE, told),
        (Fate.UNKNOWN_HEADER, "x-built", DATE, None),
    ]


def test_comet_tells_cookies_only() -> None:
    tape = started()
    tape.open_comet(1, headers=(("Date", DATE), ("Set-Cookie", f"a=b; Expires={DATE}")))

    found = [one for one in fates(tape) if one[0] is not Fate.DURATION]
    assert found == [
        (Fate.EVENT, "set-cookie", DATE, "Sat, 03 May 2014 16:27:38 GMT"),
        (Fate.NOT_REPLAYED, "date", DATE, None),
    ]


def test_requests_say_what_they_were_told() -> None:
    """And what the app had from elsewhere."""
    slot = "2014-05-02T16:30:00.000Z"
    tape = started()
    tape.ask(1, "GET", factories.AVAILABILITY, b"", factories.slots(slot))
    tape.ask(2, "POST", f"{CALLBACK}?end-ms=1399048058000", {"_desired_time": slot, "message": slot, "kept": slot})

    assert fates(tape, load('[times]\nkept = "keep"', "rules.toml"))[1:] == [
        (Fate.ASKED, "end-ms", "1399048058000", None),
        (Fate.ASKED, "_desired_time", slot, "2014-05-03T16:30:00.000Z"),
        (Fate.KEPT, "kept", slot, None),
    ]


def test_bayeux_tells_its_own_time() -> None:
    sync = {"timesync": {"tc": 1399048058000, "ts": 1399048058001, "o": 5}}
    tape = started()
    tape.comet(1, [], [{"channel": "/meta/connect", "id": "1399048058", "timestamp": DATE, "ext": sync}])

    assert fates(tape) == [
        (Fate.LIVE, "timestamp", DATE, None),
        (Fate.LIVE, "ext.timesync.tc", "1399048058000", None),
        (Fate.LIVE, "ext.timesync.ts", "1399048058001", None),
        (Fate.DURATION, "ext.timesync.o", "5", None),
    ]


def test_published_instants_are_the_apps() -> None:
    tape = started()
    sent = {"channel": "/service/chatV2/sales", "clientId": CLIENT, "data": {"at": "2014-05-02T16:57:40Z"}}
    tape.comet(1, [sent], [])

    (found,) = audited(tape.recording()).sightings
    assert (found.fate, found.field, found.place.part) == (
        Fate.ASKED,
        "data.at",
        "published on /service/chatV2/sales",
    )


def test_unplayed_exchanges_are_told() -> None:
    tape = started()
    tape.ask(1, "POST", "/3/device/abc", f'{{"at":"{DATE}"}}', sent=(("apns-expiration", "1399048058"),))
    tape.ask(2, "GET", "/news", b"", f"<p>{DATE}</p>", headers=(("Date", DATE),))
    cut = tape.ask(3, "GET", QUEUE, b"", b'{"_expires":1399048058', headers=())
    assert cut.outcome is not None
    tape.exchanges[-1] = replace(cut, outcome=replace(cut.outcome, error="gone"))

    found = audited(tape.recording()).sightings
    assert {one.fate for one in found} == {Fate.NOT_REPLAYED}
    assert [(one.place.session, one.place.exchange_id, one.place.part, one.field) for one in found] == [
        (1, 4, "answer", "_expires"),
        (None, 2, "request header", "apns-expiration"),
        (None, 2, "request", "at"),
        (None, 3, "answer header", "date"),
        (None, 3, "answer", ""),
    ]


def test_moves_are_told() -> None:
    (moved,) = audited(factories.visit(), shift=Shift.WEEKS).moved

    assert (moved.session, moved.start_us) == (1, START_US)
    assert (moved.shift_us, moved.calendar_shift_us) == (24 * HOUR_US, 7 * 24 * HOUR_US)


def test_groups_put_doubts_first() -> None:
    tape = started()
    for at_s in (1, 2):
        headers = (("Date", DATE),)
        tape.ask(at_s, "GET", QUEUE, b"", '{"_eta":"1","x":[{"at":"2014-05-02T16:57:40Z"}]}', headers=headers)
    tape.ask(3, "GET", STORAGE, b"", b"", headers=(("Date", DATE),))

    groups = audited(tape.recording()).groups
    assert [(one.example.fate, one.example.field, one.count) for one in groups] == [
        (Fate.UNKNOWN_FIELD, "x[].at", 2),
        (Fate.EVENT, "date", 3),
        (Fate.DURATION, "_eta", 2),
    ]
    assert [one.example.place.exchange_id for one in groups] == [2, 2, 2]


@pytest.mark.parametrize(
    ("body", "name"),
    [('{"a":{"when":["2014-05-02T16:57:40Z"]}}', "when"), (f'{{"open":{{"{DATE}":1}}}}', "open"), (f"<{DATE}>", "")],
)
def test_name_is_what_rules_say(body: str, name: str) -> None:
    tape = started()
    tape.ask(1, "GET", STORAGE, b"", body)

    (found,) = audited(tape.recording()).sightings
    assert found.name == name


@settings(max_examples=50, deadline=None)
@given(
    scraps(b'"_expires":"2014-05-02T16:27:38Z"', b'"slots":[{"localTime":"2014-05-02T16:27"', DATE.encode(), b"\xff")
    | st.text().map(str.encode)
)
def test_any_bytes_are_looked_through(body: bytes) -> None:
    tape = started()
    tape.ask(1, "GET", STORAGE, body, body, headers=(("Date", body.decode("latin-1")),))
    tape.ask(2, "POST", "/3/device/abc", body, body)

    assert {one.place.exchange_id for one in audited(tape.recording()).sightings} <= {2, 3}


def test_nothing_tells_nothing() -> None:
    assert audited(Recording()) == Audit(NOW_US, (), ())


def test_what_was_never_answered_has_its_request_told() -> None:
    tape = started()
    tape.ask_in_vain(1, "POST", STORAGE, {"_expires": "2014-05-02T16:27:38Z"})
    tape.ask_in_vain(2, "POST", "/elsewhere", {"_expires": "2014-05-02T16:27:38Z"})

    assert [one.place.part for one in audited(tape.recording()).sightings] == [Part.REQUEST, Part.REQUEST]
