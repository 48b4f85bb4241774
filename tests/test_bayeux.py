import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from texts import documents, dumped, scraps

from gms_replay import bayeux
from gms_replay.bayeux import Parsed
from gms_replay.errors import BayeuxError

PROPERTY = settings(max_examples=50, deadline=None)

blanks = st.text(" \t\r\n", max_size=2).map(str.encode)
objects = dumped(documents().map(lambda value: value if isinstance(value, dict) else {"data": value}))


@st.composite
def frames(draw):
    """A frame with the messages in it, as values and as they stand there."""
    messages = draw(st.lists(objects, max_size=2))
    spaced = [draw(blanks) + raw + draw(blanks) for _, raw in messages]
    return messages, draw(blanks) + b"[" + (b",".join(spaced) or draw(blanks)) + b"]" + draw(blanks)


@PROPERTY
@given(frames())
def test_messages_keep_their_bytes(one):
    messages, frame = one
    assert [(parsed.fields, parsed.raw) for parsed in bayeux.parse(frame)] == messages


@PROPERTY
@given(objects, blanks)
def test_lone_message_is_frame(one, blank):
    value, raw = one
    assert bayeux.parse(blank + raw + blank) == (Parsed(raw, value),)


@PROPERTY
@given(scraps(b'{"channel":"/meta/connect"}', b"\xef\xbb\xbf", b"NaN"))
def test_bytes_parse_or_are_refused(frame):
    try:
        messages = bayeux.parse(frame)
    except BayeuxError:
        return
    assert all(json.loads(message.raw) == message.fields or b"NaN" in frame for message in messages)


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b"", "not JSON"),
        (b" ", "not JSON"),
        (b"[", "not JSON"),
        (b"[{}", "comma or the array's end at character 3"),
        (b"[{},]", "not JSON"),
        (b"[{} {}]", "comma or the array's end at character 4"),
        (b"{}{}", "text after the frame at character 2"),
        (b"[] []", "text after the frame at character 3"),
        (b'{"a":1,}', "not JSON"),
        (b"17", "a JSON object, not '17', at character 0"),
        (b'["{}"]', "a JSON object, not '\"{}\"', at character 1"),
        (b"[[{}]]", "a JSON object"),
        (b'{"a":"\xff"}', "not UTF-8 at byte 6"),
        (b"message=%5B%7B%7D%5D", "not JSON"),
        (b"\xef\xbb\xbf[{}]", "not JSON"),
        (b'{"a":' + b"9" * 5000 + b"}", "not JSON"),
    ],
)
def test_broken_frames_are_named(frame, reason):
    with pytest.raises(BayeuxError, match=reason) as caught:
        bayeux.parse(frame)
    assert "\n" not in str(caught.value)


def test_frames_may_follow_one_another():
    frames = b' [{"channel":"/a"}]\n{"channel":"/b"}[] '

    assert [parsed.channel for parsed in bayeux.parse_streamed(frames)] == ["/a", "/b"]
    with pytest.raises(BayeuxError, match="not JSON"):
        bayeux.parse_streamed(frames + b"garbage")


def test_no_depth_raises_else():
    for depth in range(2, 1500):
        with pytest.raises(BayeuxError):
            bayeux.parse(b"[" * depth + b"]" * depth)


def test_refusal_is_one_line():
    with pytest.raises(BayeuxError, match=r"not '\[\\n1\\n\]', at character 1"):
        bayeux.parse(b"[[\n1\n]]")


@pytest.mark.parametrize(
    ("subscription", "channel", "expected"),
    [
        ("/foo", "/foo", True),
        ("/foo", "/foo/bar", False),
        ("/foo/bar", "/foo", False),
        ("/foo/*", "/foo/bar", True),
        ("/foo/*", "/foo", False),
        ("/foo/*", "/foo/", False),
        ("/foo/*", "/foo/bar/baz", False),
        ("/foo/*", "/foobar", False),
        ("/foo/*", "/bar/foo", False),
        ("/foo/**", "/foo/bar", True),
        ("/foo/**", "/foo/bar/baz", True),
        ("/foo/**", "/foo", False),
        ("/foo/**", "/foo/", False),
        ("/foo/**", "/foobar/baz", False),
        ("/*", "/foo", True),
        ("/*", "/foo/bar", False),
        ("/*", "/", False),
        ("/*", "foo", False),
        ("/*", "", False),
        ("/**", "foo", False),
        ("/**", "/_genesys", True),
        ("/**", "/foo/bar", True),
        ("/foo*", "/foobar", False),
        ("/foo/*/baz", "/foo/bar/baz", False),
        ("/Foo", "/foo", False),
    ],
)
def test_wildcards_take_in(subscription, channel, expected):
    assert bayeux.matches(subscription, channel) is expected
    assert (subscription in bayeux.subscriptions_to(channel)) is expected


@PROPERTY
@given(st.text("/*a", max_size=6), st.text("/*a", max_size=6))
def test_what_takes_in_has_its_name(subscription, channel):
    assert (subscription in bayeux.subscriptions_to(channel)) is bayeux.matches(subscription, channel)


@PROPERTY
@given(st.lists(st.sampled_from("ab"), min_size=1, max_size=5), st.integers(0, 5))
def test_every_parent_takes_in(segments, depth):
    channel, parent = "/" + "/".join(segments), "".join(f"/{segment}" for segment in segments[:depth])
    assert bayeux.matches(f"{parent}/**", channel) is (depth < len(segments))
    assert bayeux.matches(f"{parent}/*", channel) is (depth == len(segments) - 1)


@pytest.mark.parametrize(
    ("channel", "meta"),
    [("/meta/connect", True), ("/meta", True), ("/metal/connect", False), ("/_genesys", False), ("", False)],
)
def test_channels_by_their_start(channel, meta):
    assert bayeux.is_meta(channel) == meta


@pytest.mark.parametrize(("channel", "service"), [("/service/a", True), ("/services/a", False), ("/a/service/", False)])
def test_service_channels_by_their_start(channel, service):
    assert bayeux.is_service(channel) is service


@pytest.mark.parametrize(
    ("channel", "may"),
    [
        ("/a", True),
        ("/**", True),
        ("/service/a", True),
        ("/", False),
        ("a", False),
        ("/meta/*", False),
        ("/" + "a" * 999, True),
        ("/" + "a" * 1000, False),
    ],
)
def test_own_channels_have_no_subscribers(channel, may):
    assert bayeux.may_be_subscribed_to(channel) is may


@pytest.mark.parametrize(
    ("fields", "channel", "is_event"),
    [
        ({"channel": "/_genesys", "data": {}}, "/_genesys", True),
        ({"channel": "/_genesys", "data": None, "id": "3"}, "/_genesys", True),
        ({"channel": "/_genesys", "successful": True, "id": "3"}, "/_genesys", False),
        ({"channel": "/meta/connect", "data": {}}, "/meta/connect", False),
        ({"channel": 7, "data": {}}, "", True),
        ({}, "", False),
    ],
)
def test_events_carry_data(fields, channel, is_event):
    message = Parsed(b"", fields)
    assert (message.channel, message.is_event) == (channel, is_event)


@pytest.mark.parametrize(
    ("fields", "client_id", "advice"),
    [
        ({"clientId": "a", "advice": {"timeout": 0}}, "a", {"timeout": 0}),
        ({"clientId": 7, "advice": []}, "", {}),
        ({"clientId": None, "advice": None}, "", {}),
        ({}, "", {}),
    ],
)
def test_odd_fields_count_as_missing(fields, client_id, advice):
    message = Parsed(b"", fields)
    assert (message.client_id, message.part("advice")) == (client_id, advice)


@PROPERTY
@given(st.lists(objects, max_size=2))
def test_frame_holds_its_messages(messages):
    raws = [raw for _, raw in messages]
    assert [parsed.raw for parsed in bayeux.parse(bayeux.frame(raws))] == raws


def test_frame_is_a_list_of_messages():
    told = [bayeux.frame(messages) for messages in ([], [b'{"a":1}'], [b'{"a":1}', b"{}"])]

    assert told == [b"[]", b'[{"a":1}]', b'[{"a":1},{}]']


@PROPERTY
@given(objects)
def test_dumped_message_reads_back(one):
    fields, _ = one
    assert bayeux.parse(bayeux.dump(fields)) == (Parsed(bayeux.dump(fields), fields),)


def test_dump_keeps_order_and_letters():
    assert bayeux.dump({"b": 1, "a": "é"}) == '{"b":1,"a":"é"}'.encode()


def test_lone_surrogate_reads_back():
    (message,) = bayeux.parse(b'{"id":"\\ud800"}')
    assert bayeux.parse(bayeux.dump(message.fields))[0].fields == {"id": "\ud800"}


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"id": "3", "channel": "/a", "data": 1}, {"channel": "/a", "id": "3", "successful": True}),
        ({"channel": "/a", "id": 3}, {"channel": "/a", "id": 3, "successful": True}),
        ({"channel": "/a", "id": None}, {"channel": "/a", "id": None, "successful": True}),
        ({"channel": "/a"}, {"channel": "/a", "successful": True}),
        (
            {"channel": "/a", "subscription": ["/b", 5]},
            {"channel": "/a", "subscription": ["/b", 5], "successful": True},
        ),
        ({"channel": "/a", "subscription": None}, {"channel": "/a", "successful": True}),
        ({}, {"channel": None, "successful": True}),
    ],
)
def test_reply_repeats_what_it_answers(asked, told):
    assert list(bayeux.reply(Parsed(b"", asked), successful=True).items()) == list(told.items())


@pytest.mark.parametrize(
    ("body", "frames"),
    [
        (b"[{}]", (b"[{}]",)),
        (b"", (b"",)),
        (b"message=%5B%7B%22a%22%3A%22%C3%A9+%2B%22%7D%5D", ('[{"a":"é +"}]'.encode(),)),
        (b"message=%5B%5D&x=1&message=%7B%7D", (b"[]", b"{}")),
        (b"message=", ()),
    ],
)
def test_posted_form_holds_frames(body, frames):
    assert bayeux.posted(body) == frames


@pytest.mark.parametrize("depth", [101, 985, 100_000])
def test_deep_frames_are_refused(depth):
    nested = b"[" * depth + b"]" * depth

    with pytest.raises(BayeuxError, match="nested deeper than 100 levels"):
        bayeux.parse(b'{"channel":"/a","id":%s}' % nested)


def test_endless_string_is_looked_at_once():
    # Looked at from each of its quotes it would take hours.
    with pytest.raises(BayeuxError, match="nested deeper"):
        bayeux.parse_recorded(b"[" * 101 + b'"' + b'\\"' * 500_000)


def test_many_brackets_are_not_deep():
    text = b'{"channel":"/a","data":[%s],"text":"%s"}' % (b",".join([b"{}"] * 200), b"[" * 200)

    assert len(bayeux.parse(text)) == 1


@pytest.mark.parametrize(
    ("sent", "taken"),
    [(0, 0), (1.9, 1), (86_400_000, 86_400_000), (86_400_001, 7), (-1, 7), ("1", 7), (True, 7), (None, 7)],
)
def test_durations_are_sane(sent: object, taken: int) -> None:
    assert bayeux.milliseconds(sent, 7) == taken


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        ("/any", ""),
        ("/service/any", ""),
        ("", "400::channel_missing"),
        ("any", "405::channel_invalid"),
        ("/" + "a" * 999, ""),
        ("/" + "a" * 1000, "405::channel_invalid"),
        ("/meta/any", "404:/meta/any:channel_unknown"),
    ],
)
def test_publishing_is_refused_where_nobody_can(channel: str, error: str) -> None:
    assert bayeux.why_unpublishable(channel) == error


@pytest.mark.parametrize(
    ("cookies", "browser"),
    [
        ("BAYEUX_BROWSER=1a2b", "1a2b"),
        ("a=1; BAYEUX_BROWSER=1a2b; b=2", "1a2b"),
        ("MY_BAYEUX_BROWSER=1", None),
        ("", None),
    ],
)
def test_browser_is_told_by_its_cookie(cookies: str, browser: str | None) -> None:
    assert bayeux.browser(cookies) == browser


@pytest.mark.parametrize(
    ("frame", "raws"),
    [
        (b'[{"channel":"/a","data":{"b":[1,],}, },]', [b'{"channel":"/a","data":{"b":[1,],}, }']),
        (b'[{"data":"line\nbreak"}, {"data":"a } in text"}]', [b'{"data":"line\nbreak"}', b'{"data":"a } in text"}']),
        (b'{"a":"\xff"}', b'{"a":"\xef\xbf\xbd"}'.split(b"\0")),
        (b'[{"a":1}]', [b'{"a":1}']),
    ],
    ids=["spare commas", "raw line break", "no UTF-8", "no flaw"],
)
def test_recorded_frame_is_forgiven(frame, raws):
    assert [message.raw for message in bayeux.parse_recorded(frame)] == raws


@pytest.mark.parametrize("frame", [b"[", b"[1]", b"", b'[{"a":}]', b"}{", b"[" * 200])
def test_other_flaws_of_a_recorded_frame_are_none_s_to_forgive(frame):
    with pytest.raises(BayeuxError):
        bayeux.parse_recorded(frame)
