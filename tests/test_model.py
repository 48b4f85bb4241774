import pytest

from gms_replay.model import Body, Exchange, Outcome, Request, Response, end_to_end, for_any_page, header

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
