import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.instants import ANYWHERE, SECOND_US, Style, parse, parse_local, read, render

PROPERTY = settings(max_examples=50, deadline=None)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ARABIC = str.maketrans("0123456789", "".join(chr(0x660 + digit) for digit in range(10)))
YEAR_US = 365 * 86_400 * SECOND_US

moments = st.datetimes(datetime(2, 1, 1), datetime(9998, 12, 31))
zones = st.sampled_from(["", "Z"]) | st.builds(
    "{}{:02}{}{:02}".format, st.sampled_from("+-"), st.integers(0, 23), st.sampled_from([":", ""]), st.integers(0, 59)
)


def microseconds(at):
    return (at - EPOCH) // timedelta(microseconds=1)


def zone_of(text):
    if text in ("", "Z"):
        return UTC
    distance = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(-distance if text[0] == "-" else distance)


@st.composite
def iso_texts(draw):
    """An ISO text with the instant that it is; digits past the microsecond are not part of that."""
    at, zone, digits = draw(moments), draw(zones), draw(st.none() | st.integers(0, 9))
    kept = at.replace(microsecond=at.microsecond // 10 ** max(0, 6 - (digits or 0)) * 10 ** max(0, 6 - (digits or 0)))
    text = at.strftime(f"{at.year:04}-%m-%d") + draw(st.sampled_from("T ")) + at.strftime("%H:%M")
    if digits is None:
        kept = kept.replace(second=0, microsecond=0)
    else:
        text += at.strftime(":%S")
    if digits:
        text += "." + f"{at.microsecond:06}"[:digits] + "7" * (digits - 6)
    return text + zone, microseconds(kept.replace(tzinfo=zone_of(zone)))


@st.composite
def rfc_1123_texts(draw):
    zone = draw(st.sampled_from(["GMT", "UTC", "+0000", "-0430", "+1400"]))
    at = draw(moments).replace(microsecond=0, tzinfo=UTC if zone.isalpha() else zone_of(zone))
    text = f"{format_datetime(at)[:-5]}{zone}"
    if draw(st.booleans()):
        text = f"{text[:7]}-{text[8:11]}-{text[12:]}"
    if draw(st.booleans()) and text[5] == "0":
        text = text[:5] + text[6:]
    return text, microseconds(at)


@st.composite
def java_texts(draw):
    at, zone = draw(moments).replace(microsecond=0, tzinfo=UTC), draw(st.sampled_from(["UTC", "GMT"]))
    return at.strftime(f"%a %b %d %H:%M:%S {zone} {at.year:04}"), microseconds(at)


seconds = st.integers(1_000_000_000, 9_999_999_999).map(lambda at: (str(at), at * SECOND_US))
milliseconds = st.integers(1_000_000_000_000, 9_999_999_999_999).map(lambda at: (str(at), at * 1000))
written = st.one_of(iso_texts(), rfc_1123_texts(), java_texts(), seconds, milliseconds)
likely = st.from_regex(ANYWHERE, fullmatch=True) | st.from_regex(r"[0-9]{9,14}", fullmatch=True)


@PROPERTY
@given(written)
def test_every_notation_is_read(one):
    text, at_us = one
    found = parse(text)
    assert found is not None
    assert found[0] == at_us


@PROPERTY
@given(written.map(lambda one: one[0]) | likely | st.text())
def test_what_is_read_prints_alike(text):
    found = parse(text)
    assert found is None or render(*found) == text


@PROPERTY
@given(
    st.one_of(iso_texts().filter(lambda one: ":" in one[0][15:18]), rfc_1123_texts(), java_texts(), seconds),
    st.integers(-YEAR_US // SECOND_US, YEAR_US // SECOND_US),
)
def test_shift_keeps_the_notation(one, shift_s):
    at_us, notation = parse(one[0])
    told_us = at_us + shift_s * SECOND_US
    if notation.style is Style.EPOCH_S:
        told_us = min(max(told_us, 10**9 * SECOND_US), 9_999_999_999 * SECOND_US)
    again_us, again = parse(render(told_us, notation))
    assert (again_us, again.is_like(notation)) == (told_us, True)


@PROPERTY
@given(written, st.integers() | st.integers(-(10**18), 10**18))
def test_any_instant_prints(one, at_us):
    _, notation = parse(one[0])
    text = render(at_us, notation)
    grown = len(text) - len(one[0])
    assert notation.style in (Style.EPOCH_S, Style.EPOCH_MS) or 0 <= grown <= 2 - notation.day_digits


@PROPERTY
@given(likely | st.text())
def test_no_text_raises(text):
    parse(text)


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("2014-05-02T16:27:38Z", "2014-05-02T16:27:40Z"),
        ("2014-05-02T16:27:38.000Z", "2014-05-02T16:27:40.999Z"),
        ("2014-05-02T16:27:38.00", "2014-05-02T16:27:40.99"),
        ("2014-05-02T16:27:38.123456789Z", "2014-05-02T16:27:41.123455789Z"),
        ("2014-05-02T16:27Z", "2014-05-02T16:27Z"),
        ("2014-05-02 18:27:38+02:00", "2014-05-02 18:27:40+02:00"),
        ("2014-05-02T12:27:38-0400", "2014-05-02T12:27:40-0400"),
        ("Fri, 02 May 2014 16:27:38 GMT", "Fri, 02 May 2014 16:27:40 GMT"),
        ("Fri, 02-May-2014 16:27:38 GMT", "Fri, 02-May-2014 16:27:40 GMT"),
        ("Fri, 2 May 2014 16:27:38 UTC", "Fri, 2 May 2014 16:27:40 UTC"),
        ("Fri, 02 May 2014 18:27:38 +0200", "Fri, 02 May 2014 18:27:40 +0200"),
        ("Fri May 02 16:27:38 UTC 2014", "Fri May 02 16:27:40 UTC 2014"),
        ("1399048058", "1399048060"),
        ("1399048058000", "1399048060999"),
    ],
)
def test_what_does_not_fit_goes(text, printed):
    at_us, notation = parse(text)
    assert render(at_us + 2_999_999, notation) == printed


def test_offset_crosses_the_day():
    at_us, notation = parse("2014-05-02T23:30:00+01:30")
    assert at_us == parse("2014-05-02T22:00:00Z")[0]
    assert render(at_us + 1800 * SECOND_US, notation) == "2014-05-03T00:00:00+01:30"


def test_weekday_follows_the_date():
    at_us, notation = parse("Fri, 02 May 2014 16:27:38 GMT")
    assert render(at_us + 86_400 * SECOND_US, notation) == "Sat, 03 May 2014 16:27:38 GMT"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "0",
        "20",
        "8080",
        "-1",
        "300000",
        "999999999",
        "0999999999",
        "12345678901",
        "0000000000000",
        "1399048058.5",
        "+1399048058",
        "PT5M",
        "00:05:00",
        "2014-05-02",
        "20140502T162738Z",
        "3SQI3S31693JL9L3R0O5O6T4OC000U73",
        "b2e607a0d21611e3000010932938a0ff",
        "$(Date)",
        " 2014-05-02T16:27:38Z",
        "2014-05-02T16:27:38Z\n",
        "2014-13-02T16:27:38Z",
        "2014-02-30T16:27:38Z",
        "2014-05-02T24:00:00Z",
        "2014-05-02T16:27:60Z",
        "2014-05-02T16:27:38+24:00",
        "2014-05-02T16:27:38+01:60",
        "0000-05-02T16:27:38Z",
        "0001-01-02T00:00:00+23:00",
        "2014-05-02T16:27:38Z".translate(ARABIC),
        "1399048058".translate(ARABIC),
        "Mon, 02 May 2014 16:27:38 GMT",
        "Fri, 02 Mai 2014 16:27:38 GMT",
        "Fri, 02 May-2014 16:27:38 GMT",
        "Fri, 002 May 2014 16:27:38 GMT",
        "Fri, 02 May 2014 16:27:38 CEST",
        "Fri, 02 May 2014 16:27:38 +02:00",
        "Fri, 02 May 2014 16:27:38 +2400",
        "Sat, 03 May 2014 00:27:38 -2360",
        "Fri, 02 May 2014 16:27:38",
        "Mon May 02 16:27:38 UTC 2014",
        "Fri Mai 02 16:27:38 UTC 2014",
        "Fri May 02 18:27:38 CEST 2014",
    ],
)
def test_other_texts_are_none(text):
    assert parse(text) is None


def test_tenth_has_two_digits():
    at_us, notation = parse("Fri, 2 May 2014 16:27:38 GMT")
    assert render(at_us + 10 * 86_400 * SECOND_US, notation) == "Mon, 12 May 2014 16:27:38 GMT"


@pytest.mark.parametrize(("zone", "expected"), [("GMT", True), ("UTC", False)])
def test_day_may_be_written_alike(zone, expected):
    one, other = (parse(text)[1] for text in ("Fri, 2 May 2014 16:27:38 GMT", f"Mon, 12 May 2014 16:27:38 {zone}"))
    assert one.is_like(other) is expected


def test_found_inside_a_cookie():
    cookie = "BAYEUX_BROWSER=1a2b; Path=/; Expires=Fri, 02-May-2014 16:27:38 GMT; HttpOnly"
    assert [found[0] for found in ANYWHERE.finditer(cookie)] == ["Fri, 02-May-2014 16:27:38 GMT"]


@pytest.mark.parametrize(("text", "at_us"), [("1970-01-01T00:00:01Z", 1_000_000), ("soon", None), ("", None)])
def test_read_forgets_the_notation(text, at_us):
    assert read(text) == at_us


# Half hours, both hemispheres, a change of half an hour, one that ended, none at all.
regions = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Sao_Paulo", "Etc/UTC"]
)
recent = st.integers(631_152_000, 2_145_830_400).map(lambda at_s: EPOCH + timedelta(seconds=at_s))
FORMS = ("%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M:%S.000Z", "%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M")


@PROPERTY
@given(recent, recent, regions, st.sampled_from(FORMS))
def test_local_time_follows_its_clocks(recorded, told, region, form):
    """Read, it prints alike; at any other instant, it prints what clocks there show then."""
    text, told_text = (at.astimezone(ZoneInfo(region)).strftime(form) for at in (recorded, told))
    notation = parse_local(text, region, microseconds(recorded))
    assert notation is not None
    assert render(microseconds(recorded), notation) == text
    assert render(microseconds(told), notation) == told_text


@PROPERTY
@given(written, st.integers(-(10**18), 10**18), regions | st.text())
def test_no_local_time_raises(one, at_us, region):
    notation = parse_local(one[0], region, one[1])
    assert notation is None or len(render(at_us, notation)) == len(render(one[1], notation))


def test_slim_systems_have_zones():
    """Where the system has no tables, those that come with us are read."""
    code = (
        'from gms_replay.instants import parse_local; print(parse_local("1970-01-01T01:00", "Europe/Berlin", 0).region)'
    )
    env = os.environ | {"PYTHONTZPATH": ""}
    assert subprocess.check_output([sys.executable, "-c", code], env=env, text=True) == "Europe/Berlin\n"


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ("2014-03-30T00:59:59Z", "2014-03-30T01:59:59.000+0100"),
        ("2014-03-30T01:00:00Z", "2014-03-30T03:00:00.000+0200"),
        ("2014-10-26T00:59:59Z", "2014-10-26T02:59:59.000+0200"),
        ("2014-10-26T01:00:00Z", "2014-10-26T02:00:00.000+0100"),
    ],
)
def test_offset_changes_with_summer_time(told, expected):
    notation = parse_local("2014-05-02T18:30:00.000+0200", "Europe/Berlin", read("2014-05-02T16:30:00Z"))
    assert render(read(told), notation) == expected


def test_offsets_west_are_negative():
    notation = parse_local("2014-05-02T14:00:00-02:30", "America/St_Johns", read("2014-05-02T16:30:00Z"))
    assert render(read("2014-01-02T16:30:00Z"), notation) == "2014-01-02T13:00:00-03:30"


@pytest.mark.parametrize(
    ("text", "region"),
    [
        ("2014-05-02T16:30:00.000Z", "Europe/Berlin"),
        ("2014-05-02T18:30:00", "Europe/London"),
        ("2014-05-02T15:30:00-01:00", "Europe/Berlin"),
        ("18:30", "Europe/Berlin"),
        ("1399048200", "Etc/UTC"),
        ("Fri, 02 May 2014 16:30:00 GMT", "Etc/UTC"),
        *(("2014-05-02T16:30:00Z", region) for region in ("", "Europe", "Mars/Base", "../UTC", "/UTC", "U" * 999)),
        *(("2014-05-02T16:30:00Z", region) for region in ("UTC\0", "\ud800", "+02:00")),
    ],
)
def test_no_local_time_of_that_zone(text, region):
    assert parse_local(text, region, read("2014-05-02T16:30:00Z")) is None
