from dataclasses import replace

import pytest

from gms_replay.model import (
    Body,
    Direction,
    Exchange,
    Message,
    Outcome,
    Outline,
    Push,
    Recording,
    Request,
    Response,
    Transport,
    end_to_end,
    for_any_page,
    header,
)

REQUEST = Request("GET", "http", "gms", 8080, "/", "HTTP/1.1", (), Body(), 0, 1)
RESPONSE = Response(200, "OK", "HTTP/1.1", (), Body(), 2, 3)


@pytest.mark.parametrize(
    ("body", "plain"),
    [(Body(b"\x1f\x8b", b"{}"), b"{}"), (Body(b"{}"), b"{}"), (Body(b"\x1f\x8b", b""), b""), (Body(), b"")],
)
def test_plain_is_decoded_if_any(body, plain):
    assert body.plain == plain


@pytest.mark.parametrize(
    ("outcome", "response", "unfinished"),
    [(None, None, True), (Outcome(4, RESPONSE), RESPONSE, False), (Outcome(4, None, "reset"), None, False)],
)
def test_outcome_ends_an_exchange(outcome, response, unfinished):
    exchange = Exchange(1, 1, REQUEST, outcome)
    assert (exchange.response, exchange.unfinished) == (response, unfinished)


def test_headers_of_one_connection_stay_behind():
    sent = (("Set-Cookie", "a=1"), ("Connection", "close"), ("set-cookie", "b=2"), ("Access-Control-Max-Age", "9"))
    cookies = (("set-cookie", "a=1"), ("set-cookie", "b=2"))
    assert end_to_end(sent) == (*cookies, ("access-control-max-age", "9"))
    assert for_any_page(sent) == cookies


def test_first_header_of_any_case():
    headers = (("GMS_User", "a"), ("gms_user", "b"))
    assert (header(headers, "gms_USER"), header(headers, "host")) == ("a", None)


@pytest.mark.parametrize(("ended_at_us", "asked_at_us"), [(5, 5), (None, 0)])
def test_request_is_had_when_it_ends_as_far_as_it_got(ended_at_us, asked_at_us):
    assert replace(REQUEST, ended_at_us=ended_at_us).asked_at_us == asked_at_us


@pytest.mark.parametrize(("status", "is_refusal"), [(200, False), (302, False), (400, True), (503, True)])
def test_refusal_is_told_by_its_status(status, is_refusal):
    assert replace(RESPONSE, status=status).is_refusal is is_refusal


def visit():
    """Two exchanges with their messages, and a push that came by the second."""
    answers = [replace(RESPONSE, body=Body(text)) for text in (b'{"_id":"a1"}', b'{"id":"b2"}')]
    requests = [replace(REQUEST, headers=(("GMS_User", "ann"),)), replace(REQUEST, method="POST", ended_at_us=None)]
    exchanges = [Exchange(n + 1, 1, requests[n], Outcome(4, answers[n])) for n in range(2)]
    told = Direction.TO_CLIENT, Transport.LONG_POLLING
    messages = [Message(n + 1, n + 1, *told, 3, 0, f"/{n}", b"{}") for n in range(2)]
    pushes = [Push(1, 1, 2, "apns", 9, b"a1"), Push(2, 1, None, "fcm", 9, b"b2")]
    return Recording((), tuple(exchanges), messages=tuple(messages), pushes=tuple(pushes))


def test_recording_is_read_by_parts():
    recording = visit()

    assert list(recording.answers_with([b'"_id"', b"a1"])) == [(1, b'{"_id":"a1"}')]
    assert [one.message_id for one in recording.carried()] == [1, 2]
    part = recording.part([2], [1])
    assert ([one.id for one in part.exchanges], [one.id for one in part.messages]) == ([2], [1])
    assert recording.providers() == {"apns", "fcm"}
    assert [one.id for one in recording.pushed_with([b"b2"]).pushes] == [2]


def test_requests_in_the_same_words_are_one_outline():
    recording = visit()
    again = replace(recording.exchanges[0], id=3)

    outlines = list(replace(recording, exchanges=(*recording.exchanges, again)).outlines("gms_user"))

    assert outlines == [
        Outline("GET", "/", "ann", b"", [(1, 1), (1, 3)]),
        Outline("POST", "/", None, b"", [(0, 2)]),
    ]


def test_message_without_channel_is_not_carried():
    recording = visit()
    first, second = recording.messages

    carried = replace(recording, messages=(replace(first, channel=""), second)).carried()

    assert [one.message_id for one in carried] == [2]
