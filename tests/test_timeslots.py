import pytest
from factories import slots

from gms_replay.instants import read
from gms_replay.rules import Rules, load
from gms_replay.spans import spans
from gms_replay.timeslots import grid_us, local_times, offered

MINUTE_US = 60_000_000
UTC = '"utcTime":"2014-05-02T16:30:00.000Z"'
LOCAL = '"localTime":"2014-05-02T18:30"'
ZONE = '"timezone":"Europe/Berlin"'


def grid_minutes(text: bytes, rules: Rules | None = None) -> float:
    told = [(span, text[span.start : span.end]) for span in spans(text)]
    return grid_us(told, rules or Rules()) / MINUTE_US


def local(text: str) -> list[tuple[str, str, str]]:
    """The local times of a body: as they stand there, their zone, and the value of the path of their UTC times."""
    raw = text.encode()
    return [
        (text[one.span.start : one.span.end], one.notation.region, str(one.utc))
        for one in local_times(raw, list(spans(raw)))
    ]


@pytest.mark.parametrize(
    ("told", "minutes"),
    [
        (slots("2014-05-02T16:30:00.000Z", "2014-05-02T16:35:00.000Z"), 5),
        (slots("2014-05-02T16:30:00.000Z", "2014-05-02T18:00:00.000Z"), 30),
        (slots("2014-05-02T16:00:00.000Z", "2014-05-02T20:00:00.000Z"), 120),
        (b'{"slots":[{"utcTime":"2014-05-02T16:20:00.000Z"},{"utcTime":"2014-05-02T16:40:00.000Z"}]}', 20),
        (b'{"slots":[{"utcTime":"2014-05-02T16:00:00.000Z","localTime":"2014-05-02T21:30"}]}', 120),
        (b'{"slots":[{"localTime":"2014-05-02T21:30"}]}', 30),
        (slots("2014-05-02T16:30:01.000Z", "2014-05-02T16:35:00.000Z"), 1 / 60),
        (b'{"_desired_time":"2014-05-02T16:30:00.000Z","1399048200":1}', 1 / 60),
        (b"", 1 / 60),
    ],
)
def test_grid_fits_time_slots(told: bytes, minutes: float) -> None:
    assert grid_minutes(told) == minutes


def test_rules_name_slots() -> None:
    rules = load('[times]\nholidays = "keep"\nopen = "calendar"', "rules.toml")
    kept = b'"holidays":{"2014-05-02T16:35:00.000Z":5}'

    assert grid_minutes(b'{"2014-05-02T16:30:00.000Z":5,%s}' % kept, rules) == 30
    assert grid_minutes(b'{"open":{"1399046400":5},%s}' % kept, rules) == 120


@pytest.mark.parametrize(
    "text",
    [
        f'{{{ZONE},"slots":[{{{UTC},{LOCAL}}}]}}',
        f'{{"slots":[{{{LOCAL},{UTC}}}],{ZONE}}}',
        f'{{"slots":[{{{LOCAL},{UTC},}},],{ZONE},}}'.replace("/", "\\/"),
        f'{{"slots":[{{{LOCAL},"utcTime":1399048200000}}],{ZONE}}}',
    ],
)
def test_local_time_has_its_clock(text: str) -> None:
    assert local(text) == [("2014-05-02T18:30", "Europe/Berlin", "('slots', 0, 'utcTime')")]


def test_zone_stands_beside_its_slots() -> None:
    ours, theirs = f'{{"slots":[{{{LOCAL},{UTC}}}],{ZONE}}}', f'{{"slots":[{{{LOCAL},{UTC}}}]}}'

    assert [path for *_, path in local(f"[{theirs},{ours}]")] == ["(1, 'slots', 0, 'utcTime')"]


@pytest.mark.parametrize(
    "text",
    [
        f'{{"slots":[{{{LOCAL},{UTC}}}]}}',
        f'{{"slots":[{{{LOCAL}}}],{ZONE}}}',
        f'{{"slots":[{{{LOCAL},"utcTime":"soon"}}],{ZONE}}}',
        f'{{"slots":[{{"localTime":null,{UTC}}}],{ZONE}}}',
        f'{{"slots":[{{"localTime",{UTC}}}],{ZONE}}}',
        f'{{"slots":[{{{LOCAL},{UTC}}}],"timezone":"Mars/Base"}}',
        f'{{"slots":[{{{LOCAL},{UTC}}}],"timezone":"Europe/London"}}',
        f"{{{LOCAL},{UTC},{ZONE}}}",
    ],
)
def test_other_local_times_have_none(text: str) -> None:
    assert local(text) == []


def test_utc_time_is_whats_meant() -> None:
    raw = f'{{"slots":[{{{LOCAL},{UTC}}}],{ZONE}}}'.encode()

    assert [one.at_us for one in local_times(raw, list(spans(raw)))] == [read("2014-05-02T16:30:00.000Z")]


@pytest.mark.parametrize(
    "text",
    [
        slots("2014-05-02T16:30:00.000Z", "2014-05-02T16:35:00.000Z"),
        b'{"code":400,"availability":{"2014-05-02T16:30:00.000Z":5,"2014-05-02T16:35:00.000Z":4}}',
        b'{"slots":[{"utcTime":"2014-05-02T16:30:00.000Z"},{"utcTime":"2014-05-02T16:35:00.000Z"}],"utcTime":"x"}',
    ],
)
def test_offered_slots_are_in_order(text: bytes) -> None:
    assert offered(text) == [read("2014-05-02T16:30:00.000Z"), read("2014-05-02T16:35:00.000Z")]
