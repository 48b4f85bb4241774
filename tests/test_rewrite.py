import json
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import DIALOG, EXPIRES, ORIGIN, SERVICE, documents, dumped, gaps, scraps

from gms_replay import gms, instants
from gms_replay.echoes import Echo
from gms_replay.gms import InstantClass, Kind
from gms_replay.instants import SECOND_US
from gms_replay.rewrite import Compiler, Recorded, Telling, authority
from gms_replay.rules import Rules, load
from gms_replay.spans import Sort, spans

PROPERTY = settings(max_examples=50, deadline=None)
EVENT, CALENDAR = InstantClass.EVENT, InstantClass.CALENDAR
STARTED_US = instants.parse("2014-05-02T16:27:38Z")[0]
OTHER = "4TRJ4T42804KM0M4S1P6P7U5PD111V84"
HOUR_US = 3600 * SECOND_US


def compiler(*, identities=(), base="/genesys", started_us=None, rules=None):
    hosts = frozenset({"gms.example:8080", "gms.example:80"})
    return Compiler(Recorded(hosts, base, frozenset(identities), started_us), rules or Rules())


def telling(template, shift_us=0, *, origin=ORIGIN, base="/genesys", segment="", identities=None):
    told = {instant: instant[1] + shift_us for instant in template.instants}
    return Telling(told, origin, base, segment, identities or {})


def body(text, shift_us=0, *, compiled_by=None, **others):
    """A body told anew."""
    text = text if isinstance(text, bytes) else text.encode()
    template = (compiled_by or compiler()).body(text)
    return template.render(telling(template, shift_us, **others)).decode()


def header(name, value, shift_us=0, **others):
    template = compiler(identities={SERVICE}).header(name, value)
    return template.render(telling(template, shift_us, **others)).decode("latin-1")


FIELDS = st.sampled_from(
    [
        *(
            "_expires",
            "startedAt",
            "utcTime",
            "slots",
            "timestamp",
            "timesync",
            "tc",
            "_desired_time",
            "message",
            "data",
        ),
        *("_comet_url", "_user_action_url", "_user_header", "_id", "transcriptToShow", "2014-05-02T16:30:00.000Z"),
    ]
)
VALUES = st.sampled_from(
    [
        "2014-05-02T16:27:38Z",
        "2014-05-02T16:30:00.000Z",
        "2014-05-02T18:30:00.123456789+02:00",
        EXPIRES,
        "Mon, 02 May 2014 16:32:38 GMT",
        "1399048058",
        1399048058000,
        "0",
        "8",
        "08",
        "9" * 30,
        f"{ORIGIN}/genesys/1/service/{SERVICE}/connect",
        f"see {ORIGIN}/genesys, or {ORIGIN}",
        SERVICE,
        'a"b\\c\u00e9-1234567',
        "\ud800aaaaaaa1",
    ]
)
lines = st.lists(
    st.tuples(st.just("Message.Text"), st.text(), st.text(), VALUES, st.just("CLIENT")).map(list), max_size=3
)
gms_documents = documents(VALUES | lines | st.text(), FIELDS | st.text(max_size=2))
elsewhere = documents(VALUES | lines | st.just("http://other.example/genesys/1"), FIELDS)


@PROPERTY
@given(dumped(gms_documents.map(lambda value: {"transcriptToShow": [["", "", "", "08", ""]], "x": value})))
def test_nothing_anew_nothing_changes(one):
    _, text = one
    known = compiler(identities={SERVICE, 'a"b\\c\u00e9-1234567', "\ud800aaaaaaa1"}, started_us=STARTED_US)
    template = known.body(text)
    assert template.render(telling(template)) == text


@PROPERTY
@given(
    scraps(
        b'"_expires":"2014-05-02T16:27:38Z"',
        b'"startedAt":"2014-05-02T16:27:38Z"',
        f'"_comet_url":"{ORIGIN}/genesys/cometd"'.encode(),
        ORIGIN.replace("/", "\\/").encode(),
        SERVICE.encode(),
        b'"transcriptToShow":[["a","b","c","007"',
        b'"_user_header":"\\u0061\xff',
    )
)
def test_any_bytes_stay_too(text):
    template = compiler(identities={SERVICE}, started_us=STARTED_US).body(text)
    assert template.render(telling(template)) == text


@PROPERTY
@given(st.text(st.characters(max_codepoint=255)) | VALUES.map(str).filter(str.isascii), st.sampled_from(["date", "x"]))
def test_any_header_stays_too(value, name):
    assert header(name, value) == value


@PROPERTY
@given(dumped(documents()))
def test_other_json_is_literal(one):
    _, text = one
    template = compiler(identities={SERVICE}, started_us=STARTED_US).body(text)
    assert template.is_literal
    assert template.pieces in ((text,), ())


def may_change(span, value):
    return (
        span.sort is Sort.KEY
        or gms.instant_class(span.path) is not None
        or gms.is_elapsed(span.path)
        or (span.sort is Sort.STRING and (SERVICE.encode() in value or b"http" in value))
    )


@PROPERTY
@given(dumped(gms_documents | elsewhere), st.integers(-(10**9), 10**9))
def test_only_the_told_changes(one, shift_s):
    _, text = one
    known = compiler(identities={SERVICE})
    others = {"origin": "https://x", "base": "/y", "identities": {SERVICE: OTHER}}
    told = body(text, shift_s * SECOND_US, compiled_by=known, **others).encode()
    assert gaps(told) == gaps(text)
    for span, anew in zip(spans(text), spans(told), strict=True):
        value, told_value = text[span.start : span.end], told[anew.start : anew.end]
        assert value == told_value or may_change(span, value)
        assert anew.sort is span.sort


def test_malformed_dialog_is_told_anew():
    told = body(
        DIALOG,
        HOUR_US,
        compiled_by=compiler(identities={SERVICE}),
        origin="https://here:8443/proxy",
        base="/gms",
        identities={SERVICE: OTHER},
    )
    expected = DIALOG.decode().replace(f"{ORIGIN}/genesys", "https://here:8443/proxy/gms").replace(SERVICE, OTHER)
    assert told == expected.replace(EXPIRES, "Fri, 02 May 2014 17:32:38 GMT")


# URLs.


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ("http://gms.example:8080/genesys/1/service/x", "https://here/1/gms/1/service/x"),
        ("http://gms.example:8080/genesys", "https://here/1/gms"),
        ("http://gms.example:8080/genesys?a=b", "https://here/1/gms?a=b"),
        ("http://gms.example:8080/genesys#a", "https://here/1/gms#a"),
        ("http://gms.example:8080", "https://here/1"),
        ("http://gms.example:8080/other/1", "https://here/1/other/1"),
        ("http://gms.example:8080/genesys2/1", "https://here/1/genesys2/1"),
        ("HTTP://GMS.Example:8080/genesys/1", "https://here/1/gms/1"),
        ("http://gms.example/genesys/1", "https://here/1/gms/1"),
        (r"http:\/\/gms.example:8080\/genesys\/1\/x", r"https:\/\/here\/1\/gms\/1\/x"),
        (r"http:\/\/gms.example:8080", r"https:\/\/here\/1"),
        ("go to http://gms.example:8080/genesys/1 now", "go to https://here/1/gms/1 now"),
        ("go to http://gms.example:8080/genesys now", "go to https://here/1/gms now"),
        (r"{\"url\":\"http://gms.example:8080/genesys\"}", r"{\"url\":\"https://here/1/gms\"}"),
        ("http://gms.example:8080/a http://gms.example:8080/b", "https://here/1/a https://here/1/b"),
        ("http://gms.example:8081/genesys/1", None),
        ("https://gms.example/genesys/1", None),
        ("http://other.example:8080/genesys/1", None),
        ("http://gms.example:8080.evil/genesys", None),
        ("ftp://gms.example:8080/genesys", None),
        ("gms.example:8080/genesys", None),
    ],
)
def test_urls_lead_to_us(recorded, told):
    text = f'{{"url":"{recorded}"}}'
    expected = text if told is None else f'{{"url":"{told}"}}'
    assert body(text, origin="https://here/1", base="/gms") == expected


@pytest.mark.parametrize("field", ["_user_action_url", "_resource_url", "_start_chat_url", "_chatIxnAPI_SEND_URL"])
def test_gms_fields_of_any_host(field):
    text = f'{{"{field}":"https://10.0.0.7/genesys/1/x"}}'
    assert body(text, origin="http://here:1") == f'{{"{field}":"http://here:1/genesys/1/x"}}'


@pytest.mark.parametrize("text", ['{"_tel_url":"http://10.0.0.7/"}', '{"_id_to_jump_before":"exit://"}'])
def test_foreign_fields_stay(text):
    assert body(text, origin="http://here:1") == text


def test_comet_url_has_segment():
    text = (
        r'{"_comet_url":"http:\/\/gms.example:8080\/genesys\/cometd",'
        r'"_start_chat_url":"http:\/\/gms.example:8080\/genesys\/1"}'
    )
    assert body(text, origin="http://here:1", segment="/~s2~") == (
        r'{"_comet_url":"http:\/\/here:1\/~s2~\/genesys\/cometd","_start_chat_url":"http:\/\/here:1\/genesys\/1"}'
    )


def test_comet_url_without_base():
    text = '{"_comet_url":"http://comet.example/push"}'
    assert body(text, origin="http://here:1", segment="/~s2~") == '{"_comet_url":"http://here:1/~s2~/push"}'


@pytest.mark.parametrize(("base", "path"), [("", "/1/x"), ("/a/b.c", "/a/b.c/1/x")])
def test_any_base_is_renamed(base, path):
    text = f'{{"url":"{ORIGIN}{path}"}}'
    told = body(text, compiled_by=compiler(base=base), origin="http://here:1", base="/new")
    assert told == '{"url":"http://here:1/new/1/x"}'


def test_plain_text_has_urls():
    assert body(f'<a href="{ORIGIN}/genesys">x</a>', origin="http://here:1", base="/gms") == (
        '<a href="http://here:1/gms">x</a>'
    )


@pytest.mark.parametrize(
    ("scheme", "host", "expected"),
    [
        ("http", "GMS.example", "gms.example:80"),
        ("HTTPS", "gms.example", "gms.example:443"),
        ("https", "gms.example:8443", "gms.example:8443"),
        ("http", "[::1]", "[::1]:80"),
        ("http", "[::1]:8080", "[::1]:8080"),
    ],
)
def test_authority_names_its_port(scheme, host, expected):
    assert authority(scheme, host) == expected


# Instants and seconds since a chat's start.


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ('{"_expires": "Fri, 02 May 2014 16:32:38 GMT"}', '{"_expires": "Fri, 02 May 2014 17:32:38 GMT"}'),
        ('{"_expires":1399048058}', '{"_expires":1399051658}'),
        ('{"_expires":"1399048058000"}', '{"_expires":"1399051658000"}'),
        ('{"_expires":300}', '{"_expires":300}'),
        ('{"_expires":"$(Date)"}', '{"_expires":"$(Date)"}'),
        ('{"messages":[{"utcTime":1399048058000}]}', '{"messages":[{"utcTime":1399051658000}]}'),
        (
            '{"2014-05-02T16:30:00.000Z":5,"2014-05-02T16:35:00.000Z":0}',
            '{"2014-05-02T17:30:00.000Z":5,"2014-05-02T17:35:00.000Z":0}',
        ),
        ('{"1399048058":5}', '{"1399048058":5}'),
        (
            '{"ext":{"timesync":{"tc":1399048058000,"ts":1399048058001,"l":1399048058000}}}',
            '{"ext":{"timesync":{"tc":1399051658000,"ts":1399051658001,"l":1399048058000}}}',
        ),
        ('{"advice":{"timeout":30000},"_dismiss_timeout":2}', '{"advice":{"timeout":30000},"_dismiss_timeout":2}'),
        ('{"text":"2014-05-02T16:30:00.000Z"}', '{"text":"2014-05-02T16:30:00.000Z"}'),
    ],
)
def test_instants_are_told_anew(recorded, told):
    assert body(recorded, HOUR_US) == told


V2 = """{"durationMin":30,"timezone":"Europe/Berlin","slots":[
{"utcTime":"2014-03-29T17:30:00.000Z","localTime":"2014-03-29T18:30:00.000","capacity":2},
{"localTime":"2014-03-29T20:00+01:00","utcTime":"2014-03-29T19:00:00.000Z","capacity":2},]}"""


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        # A day later is summer time.
        ("{}", {"29T17": "30T17", "29T18:30": "30T19:30", "29T20:00+01": "30T21:00+02", "29T19": "30T19"}),
        # Nobody knows the clocks there; the clocks are others; there is no UTC time: moved like UTC.
        ("Europe/Berlin Mars/Base", {"29T": "30T"}),
        ("Europe/Berlin Asia/Tokyo", {"29T": "30T"}),
        ("utcTime utctime", {"29T18": "30T18", "29T20": "30T20"}),
    ],
)
def test_local_time_is_what_clocks_show(recorded, told):
    before, _, after = recorded.partition(" ")
    text = V2.replace(before, after)
    expected = text
    for one, other in told.items():
        expected = expected.replace(one, other)
    assert body(text, 24 * HOUR_US) == expected


@pytest.mark.parametrize(
    ("kept", "told"),
    [("localTime", {"29T17": "30T17", "29T19": "30T19"}), ("utcTime", {"29T18": "30T18", "29T20": "30T20"})],
)
def test_kept_slots_stay(kept, told):
    expected = V2
    for one, other in told.items():
        expected = expected.replace(one, other)
    rules = load(f'[times]\n{kept} = "keep"', "rules.toml")
    assert body(V2, 24 * HOUR_US, compiled_by=compiler(rules=rules)) == expected


def test_keys_obey_rules():
    rules = load('[times]\nopen = "event"\nholidays = "keep"', "rules.toml")
    text = '{"open":{"1399048200":1},"holidays":{"2014-05-02T16:30:00Z":1},"free":{"2014-05-02T16:30:00Z":1}}'
    told = '{"open":{"1399051800":1},"holidays":{"2014-05-02T16:30:00Z":1},"free":{"2014-05-02T17:30:00Z":1}}'
    assert body(text, HOUR_US, compiled_by=compiler(rules=rules)) == told


def test_instants_by_their_class():
    text = b'{"2014-05-02T16:27:38Z":1,"_expires":"2014-05-02T16:27:38Z","_desired_time":"2014-05-02T16:27:38Z"}'
    assert compiler().body(text).instants == {(CALENDAR, STARTED_US), (EVENT, STARTED_US)}


FRAME = """{"data":{"message":{"startedAt":"2014-05-02T16:27:38Z",
"transcriptToShow":[["Message.Text","Stan","Hello.","8","CLIENT"],["Notice.Left","Kristi","left",17,"AGENT"]],}}}"""


def test_elapsed_counts_told_instants():
    template = compiler().body(FRAME.encode())
    started, first, second = sorted(template.instants)
    told = {started: STARTED_US + HOUR_US, first: first[1] + HOUR_US + 3 * SECOND_US, second: second[1] + HOUR_US}
    expected = FRAME.replace("16:27:38Z", "17:27:38Z").replace('"8"', '"11"')
    assert [at_us - STARTED_US for _, at_us in (first, second)] == [8 * SECOND_US, 17 * SECOND_US]
    assert template.render(Telling(told, ORIGIN, "/genesys", "", {})).decode() == expected


def test_elapsed_counts_from_the_story():
    text = '{"transcriptToShow":[["Message.Text","Stan","Hello.","8","CLIENT"]]}'
    template = compiler(started_us=STARTED_US).body(text.encode())
    assert template.instants == {(EVENT, STARTED_US), (EVENT, STARTED_US + 8 * SECOND_US)}
    assert compiler().body(text.encode()).is_literal


@pytest.mark.parametrize("seconds", ['"08"', '"-1"', '"8.5"', '"1e3"', '""', "null", '"9999999999"', '"x"'])
def test_other_seconds_stay(seconds):
    text = f'{{"transcriptToShow":[["Message.Text","Stan","Hello.",{seconds},"CLIENT"]]}}'
    assert compiler(started_us=STARTED_US).body(text.encode()).is_literal


# Identities.


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        (SERVICE, OTHER),
        (f"service.chat.refresh.{SERVICE}", f"service.chat.refresh.{OTHER}"),
        (f"/1/{SERVICE}/x?id={SERVICE}&y", f"/1/{OTHER}/x?id={OTHER}&y"),
        (f"_{SERVICE}_", f"_{OTHER}_"),
        (rf"{{\"_id\":\"{SERVICE}\",\"_action\":\"x\"}}", rf"{{\"_id\":\"{OTHER}\",\"_action\":\"x\"}}"),
        (rf"http:\/\/x\/{SERVICE}\/y", rf"http:\/\/x\/{OTHER}\/y"),
        (f"x{SERVICE}", f"x{SERVICE}"),
        (f"{SERVICE}9", f"{SERVICE}9"),
        (SERVICE.lower(), SERVICE.lower()),
    ],
)
def test_identities_between_others(recorded, told):
    known = compiler(identities={SERVICE})
    assert body(f'["{recorded}"]', compiled_by=known, identities={SERVICE: OTHER}) == f'["{told}"]'


def test_longest_identity_wins():
    known = compiler(identities={"abc-1234", "abc-1234-5678"})
    told = body('["abc-1234-5678"]', compiled_by=known, identities={"abc-1234": "x", "abc-1234-5678": "y"})
    assert told == '["y"]'


def test_identity_inside_own_url():
    known = compiler(identities={SERVICE})
    text = f'{{"_resource_url":"{ORIGIN}/genesys/1/service/{SERVICE}/x"}}'
    told = body(text, compiled_by=known, origin="http://here:1", identities={SERVICE: OTHER})
    assert told == f'{{"_resource_url":"http://here:1/genesys/1/service/{OTHER}/x"}}'


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ('{"12345678":12345678}', '{"87654321":87654321}'),
        ("[12345678,-12345678,12345678.5,1e12345678]", "[87654321,-12345678,12345678.5,1e12345678]"),
        ('{"id": 12345678,}', '{"id": 87654321,}'),
        (r'["{\"no\":12345678}"]', r'["{\"no\":87654321}"]'),
    ],
)
def test_numbers_and_keys_are_told(recorded, told):
    assert body(recorded, compiled_by=compiler(identities={"12345678"}), identities={"12345678": "87654321"}) == told


@pytest.mark.parametrize(
    ("recorded", "told"),
    [
        ('["k/é12345"]', '["z/é98765"]'),
        (r'["k\/é12345"]', r'["z\/é98765"]'),
        (r'["k/\u00e912345"]', r'["z/\u00e998765"]'),
        ('["?key=k%2F%C3%A912345&x"]', '["?key=z%2F%C3%A998765&x"]'),
        (r'["line\nk/é12345"]', r'["line\nz/é98765"]'),
    ],
)
def test_identity_keeps_its_writing(recorded, told):
    known = compiler(identities={"k/é12345"})
    assert body(recorded, compiled_by=known, identities={"k/é12345": "z/é98765"}) == told


# What the app said.


SENT = (Kind.SEND, 0)


def echoed(text, said, at=None, **others):
    """A body with what the app said in the first value that is "Hello.", or at that place."""
    at = text.index("Hello.") if at is None else at
    template = compiler(identities={SERVICE}).body(text.encode(), {at: Echo(SENT, ("message",))})
    told = telling(template, **others)
    return template.render(replace(told, said={SENT: {"message": said}} if said is not None else {})).decode()


@pytest.mark.parametrize(
    ("said", "told"),
    [("Bye.", "Bye."), ('a "b"\n', r"a \"b\"\n"), ("é😀", "é😀"), ("", ""), ("Hello.", "Hello."), (None, "Hello.")],
)
def test_echo_is_the_apps(said, told):
    assert echoed('{"text" : "Hello.", }', said) == f'{{"text" : "{told}", }}'


def test_echo_of_the_same_keeps_its_bytes():
    assert echoed(r'["\u0048ello."]', "Hello.", at=2) == r'["\u0048ello."]'


def test_untold_echo_has_its_identities():
    others = {"identities": {SERVICE: OTHER}}
    assert echoed(f'["Hello. {SERVICE}"]', None, **others) == f'["Hello. {OTHER}"]'
    assert echoed(f'["Hello. {SERVICE}"]', f"Hello. {SERVICE}", **others) == f'["Hello. {SERVICE}"]'


@pytest.mark.parametrize("field", ["_user_header", "gms_user"])
@pytest.mark.parametrize("raw", ["alice", r"alice\u0040example", r"a\/b"])
def test_user_is_the_apps(raw, field):
    text = f'{{"{field}":"{raw}"}}'
    recorded = json.loads(text)[field]
    assert body(text) == text
    assert json.loads(body(text, identities={recorded: 'b\\o"b é'})) == {field: 'b\\o"b é'}


# Headers.


@pytest.mark.parametrize(
    ("name", "recorded", "told"),
    [
        ("Date", "Fri, 02 May 2014 16:32:38 GMT", "Fri, 02 May 2014 17:32:38 GMT"),
        ("last-modified", "Fri, 02 May 2014 16:32:38 GMT", "Fri, 02 May 2014 17:32:38 GMT"),
        ("Expires", "Fri, 02 May 2014 16:32:38 GMT", "Fri, 02 May 2014 17:32:38 GMT"),
        ("Expires", "0", "0"),
        ("Expires", "-1", "-1"),
        (
            "Set-Cookie",
            f"id={SERVICE};Path=/genesys;Expires=Fri, 02-May-2014 16:32:38 GMT;Max-Age=300",
            f"id={OTHER};Path=/genesys;Expires=Fri, 02-May-2014 17:32:38 GMT;Max-Age=300",
        ),
        ("apns-expiration", "1399048058", "1399051658"),
        ("apns-expiration", "0", "0"),
        ("Location", f"{ORIGIN}/genesys/1/service/{SERVICE}", f"http://here:1/p/gms/1/service/{OTHER}"),
        ("Location", "https://login.example/?next=/genesys", "https://login.example/?next=/genesys"),
        ("X-Built", "Fri, 02 May 2014 16:32:38 GMT", "Fri, 02 May 2014 16:32:38 GMT"),
        ("ETag", '"1399048058"', '"1399048058"'),
        ("X-Name", "J\xfcrgen \xff", "J\xfcrgen \xff"),
    ],
)
def test_headers_are_told_anew(name, recorded, told):
    others = {"origin": "http://here:1/p", "base": "/gms", "identities": {SERVICE: OTHER}}
    assert header(name, recorded, HOUR_US, **others) == told


def test_parts_are_told_like_the_whole():
    """What only begins or ends inside of a cut is no part of it."""
    text = f'["{SERVICE}", "x", "{SERVICE}"]'.encode()
    first, last = text.index(b'"') + 1, text.rindex(SERVICE.encode())

    parts = compiler(identities={SERVICE}).parts(text, [(first, last), (last, last + 8)])

    told = [part.render(telling(part, identities={SERVICE: OTHER})) for part in parts]
    assert told == [text[first:last].replace(SERVICE.encode(), OTHER.encode()), text[last : last + 8]]
