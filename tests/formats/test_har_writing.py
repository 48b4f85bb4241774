from dataclasses import replace
from typing import Any

import pytest

from gms_replay.formats import har_writing
from gms_replay.formats.foreign import Told
from gms_replay.model import Body, Direction, Exchange, Headers, Outcome, Request, Response, Socket

START_US = 1_399_048_050_123_456
HEADERS: Headers = (
    ("Host", "gms:8080"),
    ("Cookie", "a=1; b=2"),
    ("Content-Type", "application/json"),
    ("gms_user", "J\xc3\xb6rg"),
    ("odd", "J\xf6rg"),
)
REQUEST = Request(
    "POST", "http", "192.0.2.1", 80, "/1/service?x=1&y=", "HTTP/1.1", HEADERS, Body(b"{}"), START_US, START_US + 1500,
    "192.0.2.7:5",
)  # fmt: skip
RESPONSE = Response(
    200, "OK", "HTTP/1.1", (("Set-Cookie", "c=3; Path=/; HttpOnly"), ("Location", "/2")), Body(b"\xff"),
    START_US + 2000, START_US + 4000,
)  # fmt: skip


def entry(outcome: Outcome | None = None, **fields: Any) -> dict[str, Any]:
    return har_writing.entry(Told(Exchange(1, 1, replace(REQUEST, **fields), outcome)))


def test_entry():
    assert entry(Outcome(START_US + 4000, RESPONSE)) == {
        "startedDateTime": "2014-05-02T16:27:30.123456+00:00",
        "time": 4.0,
        "request": {
            "method": "POST",
            "url": "http://gms:8080/1/service?x=1&y=",
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}],
            "headers": [
                {"name": "Host", "value": "gms:8080"},
                {"name": "Cookie", "value": "a=1; b=2"},
                {"name": "Content-Type", "value": "application/json"},
                {"name": "gms_user", "value": "Jörg"},
                {"name": "odd", "value": "J\xf6rg"},
            ],
            "queryString": [{"name": "x", "value": "1"}, {"name": "y", "value": ""}],
            "headersSize": -1,
            "bodySize": 2,
            "postData": {"mimeType": "application/json", "params": [], "text": "{}"},
        },
        "response": {
            "status": 200,
            "statusText": "OK",
            "httpVersion": "HTTP/1.1",
            "cookies": [{"name": "c", "value": "3"}],
            "headers": [{"name": "Set-Cookie", "value": "c=3; Path=/; HttpOnly"}, {"name": "Location", "value": "/2"}],
            "content": {"size": 1, "compression": 0, "mimeType": "", "text": "/w==", "encoding": "base64"},
            "redirectURL": "/2",
            "headersSize": -1,
            "bodySize": 1,
        },
        "cache": {},
        "timings": {"send": 1.5, "wait": 0.5, "receive": 2.0},
        "connection": "192.0.2.7:5",
    }


@pytest.mark.parametrize(
    ("outcome", "error"), [(None, "unfinished when the recording ended"), (Outcome(START_US, None, "lost"), "lost")]
)
def test_no_answer_has_status_0(outcome, error):
    told = entry(outcome)["response"]

    assert (told["status"], told["_error"], told["content"]) == (0, error, {"size": 0, "mimeType": ""})


@pytest.mark.parametrize(
    ("kind", "body", "told"),
    [
        ("application/json", "ü", {"text": "ü"}),
        ("text/html", "ü", {"text": "w7w=", "encoding": "base64"}),
        ("text/html; charset=utf-8", "ü", {"text": "ü"}),
        ("text/html", "u", {"text": "u"}),
    ],
)
def test_text_is_what_every_reader_makes_the_same_of(kind, body, told):
    response = replace(RESPONSE, headers=(("content-type", kind),), body=Body(body.encode()))

    content = entry(Outcome(START_US, response))["response"]["content"]
    assert {name: content[name] for name in ("text", "encoding") if name in content} == told


def test_coded_body_is_told_decoded():
    response = replace(RESPONSE, body=Body(b"coded!!", b"plain"))

    told = entry(Outcome(START_US, response))["response"]
    assert (told["content"]["text"], told["content"]["size"], told["content"]["compression"]) == ("plain", 5, -2)
    assert told["bodySize"] == 7


@pytest.mark.parametrize("host", ["", "[", "a b:c"])
def test_place_that_no_url_can_name(host):
    assert entry(headers=(("host", host),), host=host)["request"]["url"] == "http://unknown/"


@pytest.mark.parametrize(
    ("started_us", "told"),
    [(-1, "1970-01-01T00:00:00.000000+00:00"), (2**62, "9999-12-31T00:00:00.000000+00:00")],
)
def test_instant_that_no_calendar_has(started_us, told):
    assert entry(started_at_us=started_us)["startedDateTime"] == told


def test_answer_before_the_request_was_whole():
    assert entry(Outcome(START_US, replace(RESPONSE, started_at_us=START_US + 1)))["timings"]["wait"] == 0


def test_frames():
    frames = ((Direction.TO_SERVER, START_US, b"[]"), (Direction.TO_CLIENT, START_US, b"\xff"))
    upgraded = Exchange(1, 1, REQUEST, Outcome(START_US, RESPONSE))

    told = har_writing.entry(Told(upgraded, Socket(1, START_US), frames))

    assert told["_webSocketMessages"] == [
        {"type": "send", "time": START_US / 1e6, "opcode": 1, "data": "[]"},
        {"type": "receive", "time": START_US / 1e6, "opcode": 2, "data": "/w=="},
    ]
