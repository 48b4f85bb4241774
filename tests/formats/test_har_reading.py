import base64
from typing import Any

import pytest

from gms_replay.errors import FormatError
from gms_replay.formats import har_reading
from gms_replay.formats.fields import Fields
from gms_replay.formats.foreign import Told
from gms_replay.model import Body, Direction, Request, Response, Socket

START = "2014-05-02T18:27:30.123+02:00"
START_US = 1_399_048_050_123_000

# As Chrome's developer tools save it.
ENTRY: dict[str, Any] = {
    "_connectionId": "5136",
    "_initiator": {"type": "script"},
    "_priority": "High",
    "_resourceType": "fetch",
    "cache": {},
    "connection": "443",
    "pageref": "page_1",
    "request": {
        "method": "POST",
        "url": "https://gms.example:8443/genesys/1/service/callback/sales?a=1#here",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":authority", "value": "gms.example:8443"},
            {"name": ":method", "value": "POST"},
            {"name": "gms_user", "value": "Jörg"},
            {"name": "content-type", "value": "application/json"},
        ],
        "queryString": [{"name": "a", "value": "1"}],
        "cookies": [],
        "headersSize": -1,
        "bodySize": 14,
        "postData": {"mimeType": "application/json", "text": '{"name":"ü"}'},
    },
    "response": {
        "status": 200,
        "statusText": "",
        "httpVersion": "http/2.0",
        "headers": [
            {"name": ":status", "value": "200"},
            {"name": "set-cookie", "value": "a=1; Path=/\nb=2"},
            {"name": "content-encoding", "value": "br"},
            {"name": "content-type", "value": "application/json;charset=UTF-8"},
        ],
        "cookies": [],
        "content": {"size": 14, "mimeType": "application/json", "text": '{"_id":"ß"}', "compression": 3},
        "redirectURL": "",
        "headersSize": -1,
        "bodySize": -1,
        "_transferSize": 250,
        "_error": None,
    },
    "serverIPAddress": "192.0.2.1",
    "startedDateTime": START,
    "time": 31.25,
    "timings": {
        "blocked": 1, "dns": -1, "ssl": 4, "connect": 6, "send": 0.25, "wait": 20, "receive": 4, "_blocked_queueing": 1
    },
}  # fmt: skip


def told(entry: dict[str, Any]) -> Told:
    return har_reading.exchange(Fields.of_object(entry, "visit.har, entry 3", may_hold_more=True))


def changed(part: str, **fields: Any) -> dict[str, Any]:
    return ENTRY | {part: ENTRY[part] | fields}


def request(**fields: Any) -> Request:
    return told(changed("request", **fields)).exchange.request


def response(**fields: Any) -> Response | None:
    return told(changed("response", **fields)).exchange.response


def test_request():
    assert told(ENTRY).exchange.request == Request(
        method="POST",
        scheme="https",
        host="gms.example",
        port=8443,
        target="/genesys/1/service/callback/sales?a=1",
        http_version="HTTP/2.0",
        headers=(("host", "gms.example:8443"), ("gms_user", "J\xc3\xb6rg"), ("content-type", "application/json")),
        body=Body('{"name":"ü"}'.encode()),
        started_at_us=START_US + 7000,
        ended_at_us=START_US + 7250,
    )


def test_response_without_the_coding_that_its_body_has_no_more():
    assert told(ENTRY).exchange.response == Response(
        status=200,
        reason="",
        http_version="HTTP/2.0",
        headers=(
            ("set-cookie", "a=1; Path=/"),
            ("set-cookie", "b=2"),
            ("content-type", "application/json;charset=UTF-8"),
        ),
        body=Body('{"_id":"ß"}'.encode()),
        started_at_us=START_US + 27_250,
        ended_at_us=START_US + 31_250,
    )


def test_coding_stays_where_it_is_true():
    wire = base64.b64encode(b"\x78\x9c\xcb\x48\xcd\xc9\xc9\x07\x00\x06\x2c\x02\x15").decode()
    found = response(
        headers=[{"name": "Content-Encoding", "value": "deflate"}], content={"text": wire, "encoding": "base64"}
    )

    assert found
    assert found.headers == (("Content-Encoding", "deflate"),)
    assert found.body.plain == b"hello"


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("http://gms/", ("http", "gms", 80, "/")),
        ("http://gms", ("http", "gms", 80, "/")),
        ("wss://gms/genesys/cometd", ("https", "gms", 443, "/genesys/cometd")),
        ("ws://[::1]:8080/a", ("http", "::1", 8080, "/a")),
        ("http://gms/m\xfcnchen?q=%20ß", ("http", "gms", 80, "/m%C3%BCnchen?q=%20%C3%9F")),
    ],
)
def test_urls(url, place):
    one = request(url=url)

    assert (one.scheme, one.host, one.port, one.target) == place


@pytest.mark.parametrize(
    "url", ["", "gms/a", "ftp://gms/a", "http:///a", "http://[/a", "http://gms:x/", "http://gms:99999/", 7]
)
def test_bad_url_is_named(url):
    with pytest.raises(FormatError, match=r"^visit\.har, entry 3: field request\.url: expected "):
        request(url=url)


@pytest.mark.parametrize(
    ("posted", "body"),
    [
        (None, b""),
        ({"mimeType": "text/html", "text": "ü"}, b"\xc3\xbc"),
        ({"mimeType": "text/html; charset=latin-1", "text": "ü"}, b"\xfc"),
        ({"mimeType": "text/html; charset=latin-1", "text": "\u20ac"}, b"\xe2\x82\xac"),
        ({"mimeType": "text/html; charset=none", "text": "ü"}, b"\xc3\xbc"),
        ({"mimeType": "a/b", "text": "/w==", "_encoding": "base64"}, b"\xff"),
        ({"mimeType": "a/b", "params": []}, b""),
        (
            {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": '{"a":"b c"}', "value": ""}]},
            b'{"a":"b c"}',
        ),
        (
            {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "1"}, {"name": "c"}]},
            b"a+b=1&c=",
        ),
    ],
)
def test_posted(posted, body):
    assert request(postData=posted).body == Body(body)


@pytest.mark.parametrize("status", [0, None])
def test_no_answer(status):
    entry = changed("response", status=status, _error="net::ERR_FAILED")

    outcome = told(entry).exchange.outcome
    assert outcome
    assert (outcome.response, outcome.error, outcome.at_us) == (None, "net::ERR_FAILED", START_US + 31_250)


def test_answer_that_was_cut_off():
    outcome = told(changed("response", _error="connection lost")).exchange.outcome

    assert outcome
    assert outcome.response
    assert outcome.error == "connection lost"


def test_without_timings_it_was_waited_for():
    one = told({name: value for name, value in ENTRY.items() if name != "timings"}).exchange

    assert one.request.ended_at_us == START_US
    assert one.response
    assert one.response.started_at_us == one.response.ended_at_us == START_US + 31_250


def test_client_is_known_where_it_is_named():
    assert told(ENTRY | {"connection": "192.0.2.7:51234"}).exchange.request.client == "192.0.2.7:51234"


def test_socket():
    messages = [
        {"type": "send", "time": 1_399_048_051.5, "opcode": 1, "data": "[]"},
        {"type": "receive", "time": 1_399_048_052, "opcode": 2, "data": "/w=="},
        {"type": "receive", "time": 1_399_048_053, "opcode": 9, "data": ""},
        # As Playwright tells it.
        {"type": "receive", "time": 1_399_048_054_250.5, "opcode": 1, "data": "[]"},
    ]

    found = told(changed("response", status=101) | {"_webSocketMessages": messages})

    assert found.socket == Socket(0, START_US + 31_250)
    assert found.frames == (
        (Direction.TO_SERVER, 1_399_048_051_500_000, b"[]"),
        (Direction.TO_CLIENT, 1_399_048_052_000_000, b"\xff"),
        (Direction.TO_CLIENT, 1_399_048_054_250_500, b"[]"),
    )


def test_socket_of_chrome_lasts_until_it_is_closed():
    message = {"type": "receive", "time": START_US / 1e6 + 0.03, "opcode": 1, "data": "[]"}
    error = {"type": "error", "time": START_US / 1e6, "opcode": -1, "data": "reset"}

    found = told(changed("response", status=101) | {"_webSocketMessages": [message, error]})

    opened_us, closed_us = START_US + 27_250, START_US + 31_250
    assert found.socket == Socket(0, opened_us, closed_us)
    assert found.exchange.response
    assert found.exchange.response.ended_at_us == opened_us
    assert len(found.frames) == 1


@pytest.mark.parametrize("url", ["data:text/plain,a", "blob:https://a/b", "chrome-extension://a/b.js", "about:blank"])
def test_other_business_is_told_apart(url: str):
    assert not har_reading.is_http(changed("request", url=url))
    assert all(har_reading.is_http(entry) for entry in (ENTRY, changed("request", url="no URL"), {}, 7))


@pytest.mark.parametrize(
    ("entry", "lacks"),
    [
        (ENTRY, False),
        (changed("response", content={"size": 14}), True),
        (changed("response", content={"size": 0}), False),
        (changed("response", content={"size": "14"}), False),
        (changed("response", content=None), False),
        (changed("request", postData={"mimeType": "multipart/form-data", "params": [{"name": "a"}]}), True),
        (changed("request", postData={"mimeType": "x-www-form-urlencoded", "params": [{"name": "a"}]}), False),
        (ENTRY | {"response": None}, False),
    ],
)
def test_lost_body_is_known(entry: dict[str, Any], lacks: bool):
    told(entry)
    assert har_reading.lacks_body(entry) is lacks


def test_null_is_as_nothing():
    nulls = changed("request", headers=[{"name": "a", "value": None}], postData=None)
    found = told(nulls | {"response": None, "timings": None, "connection": None, "_webSocketMessages": None}).exchange

    assert ("a", "") in found.request.headers
    assert found.outcome
    assert found.outcome.error == "no answer"


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        (
            ENTRY | {"startedDateTime": "2014-05-02T16:27:30"},
            "field startedDateTime: expected an instant with its zone",
        ),
        (ENTRY | {"startedDateTime": "yesterday"}, "field startedDateTime: expected an instant with its zone"),
        (ENTRY | {"request": None}, "field request: expected a JSON object, found null"),
        (changed("timings", wait=float("nan")), "field timings.wait: expected a number"),
        (changed("timings", wait="1"), 'field timings.wait: expected a number, found "1"'),
        (changed("request", method=7), "field request.method: expected text, found 7"),
        (changed("request", headers=[{"value": "a"}]), "field request.headers[0].name: missing"),
        (changed("request", headers=[{"name": "a", "value": "\ud800"}]), "field request.headers[0].value: "),
        (
            changed("response", content={"text": "a", "encoding": "base64"}),
            "field response.content.text: expected base64",
        ),
        (changed("response", status="200"), 'field response.status: expected a whole number of 64 bits, found "200"'),
        (
            ENTRY | {"_webSocketMessages": [{"type": 7}]},
            "field _webSocketMessages[0].type: expected text, found 7",
        ),
    ],
)
def test_bad_entry_is_named(entry: dict[str, Any], problem: str):
    with pytest.raises(FormatError) as refused:
        told(entry)

    assert f"visit.har, entry 3: {problem}" in str(refused.value)
