import pytest
from seen import ANSWER, ASKED, ENDED

from gms_replay.mitmdump import facts
from gms_replay.model import Body, Outcome, Request, Response

SECOND_US = 1_000_000


def test_request_in_our_words():
    assert facts.request(ASKED) == Request(
        method="GET",
        scheme="http",
        host="address",
        port=22,
        target="/path",
        http_version="HTTP/1.1",
        headers=(("header", "qvalue"), ("content-length", "7")),
        body=Body(b"content"),
        started_at_us=946681200 * SECOND_US,
        ended_at_us=946681201 * SECOND_US,
        client="127.0.0.1:22",
    )


def test_answer_in_our_words():
    assert facts.outcome(ENDED) == Outcome(
        946681203 * SECOND_US,
        Response(
            status=200,
            reason="OK",
            http_version="HTTP/1.1",
            headers=(("header-response", "svalue"), ("content-length", "7")),
            body=Body(b"message"),
            started_at_us=946681202 * SECOND_US,
            ended_at_us=946681203 * SECOND_US,
        ),
    )


def test_cut_off_has_no_end():
    assert facts.request(ASKED._replace(ended_at_s=None)).ended_at_us is None

    outcome = facts.outcome(ENDED._replace(answer=ANSWER._replace(ended_at_s=None, body=None), error="cut"))
    assert (outcome.error, outcome.response.ended_at_us, outcome.response.body) == ("cut", None, Body())


def test_any_bytes_survive():
    request = facts.request(
        ASKED._replace(path=b"/\xff?\xc3\xa9", fields=((b"\xfe", b"\xe9 "), (b"Host", b"h"), (b"host", b"i")))
    )

    assert (request.target, request.headers) == ("/\xff?\xc3\xa9", (("\xfe", "\xe9 "), ("Host", "h"), ("host", "i")))


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ((), (("host", "api.push.apple.com:443"),)),
        (((b"Host", b"other"),), (("Host", "other"),)),
    ],
)
def test_authority_becomes_host(fields, expected):
    told = ASKED._replace(http_version=b"HTTP/2.0", authority=b"api.push.apple.com:443", fields=fields)

    assert facts.request(told).headers == expected


def test_clients_address_is_unambiguous():
    assert facts.request(ASKED._replace(peer=("::1", 4000, 0, 0))).client == "[::1]:4000"
