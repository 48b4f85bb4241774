import gzip
import zlib
from dataclasses import replace

import brotli
import pytest
from apns_frames import enhanced, item, items, refusal, simple
from hypothesis import given
from hypothesis import strategies as st

from gms_replay import apns, model, privacy
from gms_replay.mitmdump import codings
from gms_replay.model import Body, Direction, Headers, Outcome, Redaction, Request, Response
from gms_replay.redact.redactor import Redactor
from gms_replay.redact.standins import StandIns
from gms_replay.redact.wishes import Wish
from gms_replay.rules import Rules

KEY = b"a key for tests!"
STAND_INS = StandIns(KEY)
OF = STAND_INS.of
SECRET = b'{"token":"hunter-4711"}'
TOLD = SECRET.replace(b"hunter-4711", OF("hunter-4711").encode())


def redactor(**wish: object) -> Redactor:
    return Redactor(replace(Wish(key=KEY), **wish))  # type: ignore[arg-type]


def request(body: bytes = b"", headers: Headers = (), target: str = "/a", decoded: bytes | None = None) -> Request:
    return Request("POST", "http", "gms.example", 80, target, "HTTP/1.1", headers, Body(body, decoded), 1, 2)


def response(body: bytes = b"", headers: Headers = (), decoded: bytes | None = None, reason: str = "OK") -> Response:
    return Response(200, reason, "HTTP/1.1", headers, Body(body, decoded), 3, 4)


def test_what_one_part_names_is_known_in_all() -> None:
    told = redactor().request(
        request(SECRET, (("X-Trace", "hunter-4711"), ("Referer", "http://a/?b=hunter-4711")), "/a/hunter-4711")
    )

    known = OF("hunter-4711")
    assert told.target == f"/a/{known}"
    assert told.headers == (("X-Trace", known), ("Referer", f"http://a/?b={known}"))
    assert told.body.wire == TOLD


def test_token_of_a_socket_may_stand_beside_its_protocol() -> None:
    token = "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJURUFNMTIzNDU2In0.c2lnbmF0dXJl"
    headers = (("Sec-WebSocket-Protocol", f"access_token, {token}"), ("Sec-WebSocket-Key", "dGhlIHNhbXBsZQ=="))

    assert redactor().request(request(headers=headers, target=f"/a/{token}")) == request(
        headers=(("Sec-WebSocket-Protocol", f"access_token, {OF(token)}"), headers[1]), target=f"/a/{OF(token)}"
    )


def test_links_hold_both_ways() -> None:
    by = redactor()
    given_cookie = by.outcome(Outcome(5, response(headers=(("Set-Cookie", "JSESSIONID=node01abc;Path=/"),))))
    shown = by.request(request(headers=(("Cookie", "a=b; JSESSIONID=node01abc"),)))

    assert given_cookie.response is not None
    assert given_cookie.response.headers == (("Set-Cookie", f"JSESSIONID={OF('node01abc')};Path=/"),)
    assert shown.headers[0][1].endswith(f"JSESSIONID={OF('node01abc')}")


def test_nothing_secret_stays_as_it_is() -> None:
    headers = (("Host", "gms.example"), ("Content-Length", "9"), ("Date", "Fri, 02 May 2014 16:27:30 GMT"))
    one = request(b'{"a":"b"}', headers)

    assert redactor().request(one) == one


def test_equal_bodies_are_told_anew_where_more_is_known() -> None:
    by = redactor()
    body = b'{"x":"hunter-4711"}'

    assert by.request(request(body)).body.wire == body
    by.request(request(SECRET))
    assert by.request(request(body)).body.wire == body.replace(b"hunter-4711", OF("hunter-4711").encode())


def test_length_is_that_of_the_body() -> None:
    body = b'{"email":"ann@mail.test"}'
    headers = (("content-length", str(len(body))), ("X-Length", str(len(body))))

    told = redactor().request(request(body, headers))
    assert told.headers == (("content-length", str(len(told.body.wire))), ("X-Length", str(len(body))))
    assert len(told.body.wire) != len(body)


@pytest.mark.parametrize(
    ("coding", "code"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("br", brotli.compress),
        ("br, gzip", lambda plain: gzip.compress(brotli.compress(plain))),
    ],
)
def test_coding_is_done_again(coding: str, code: object) -> None:
    wire = code(SECRET)  # type: ignore[operator]
    headers = (("Content-Encoding", coding),)

    told = redactor().outcome(Outcome(5, response(wire, headers, SECRET))).response
    assert told is not None
    assert told.body.decoded == TOLD == codings.decoded(told.body.wire, headers)


def test_nothing_secret_in_a_coded_body() -> None:
    one = response(gzip.compress(b"{}"), (("Content-Encoding", "gzip"),), b"{}")

    assert redactor().outcome(Outcome(5, one)).response == one


def test_what_does_not_decode_is_withheld() -> None:
    told = redactor().request(request(gzip.compress(SECRET)[:-4], (("Content-Encoding", "gzip"),)))

    assert told.body == Body(privacy.WITHHELD.encode())


def test_what_only_claims_to_be_coded_is_read() -> None:
    assert redactor().request(request(SECRET, (("Content-Encoding", "gzip"),))).body.wire == TOLD


def test_errors_and_reasons() -> None:
    by = redactor()
    by.request(request(b"", (("apikey", "hunter-4711"),)))

    told = by.outcome(Outcome(5, response(reason="no hunter-4711"), "no user ann@mail.test"))
    assert told.response is not None
    assert (told.response.reason, told.error) == (f"no {OF('hunter-4711')}", f"no user {OF('ann@mail.test')}")
    assert by.outcome(Outcome(5)) == Outcome(5)
    assert by.text("http://gms:sesame@gms.example:8080") == f"http://{OF('gms')}:{OF('sesame')}@gms.example:8080"


@pytest.mark.parametrize(
    "outcome", [Outcome(5, error="at http://ann:hunter-4711@h"), Outcome(5, response(reason="token=hunter-4711"))]
)
def test_what_programs_say_is_known(outcome: Outcome) -> None:
    by = redactor()
    by.learn_outcome(outcome)

    assert by.request(request(target="/a/hunter-4711")).target == f"/a/{OF('hunter-4711')}"


def test_message_is_told_as_its_body_is() -> None:
    by = redactor()
    raw = b'{"channel":"/service/chatV2/x","data":{"secureKey":"ab12cd34ef"}}'

    message = by.message(raw, Direction.TO_SERVER)
    assert by.request(request(b"[" + raw + b"]")).body.wire == b"[" + message + b"]" != b"[" + raw + b"]"
    assert by.message(b"no JSON, but ab12cd34ef", Direction.TO_CLIENT) == f"no JSON, but {OF('ab12cd34ef')}".encode()
    assert by.push(SECRET) == TOLD


TOKEN = bytes(range(32))
PAYLOAD = b'{"aps":{"alert":"write to ann@mail.test"}}'


@pytest.mark.parametrize(
    "raw",
    [
        simple(TOKEN, PAYLOAD),
        enhanced(7, token=TOKEN, payload=PAYLOAD),
        items(item(1, TOKEN), item(2, PAYLOAD), item(3, b"\0\0\0\x09"), item(5, b"\x0a")),
    ],
)
def test_frame_of_each_command(raw: bytes) -> None:
    by = redactor()
    was, told = apns.read(raw), apns.read(by.frame(raw, Direction.TO_SERVER))

    assert isinstance(was, apns.Sent)
    assert isinstance(told, apns.Sent)
    assert told.token == STAND_INS.raw(TOKEN)
    assert told.payload == PAYLOAD.replace(b"ann@mail.test", OF("ann@mail.test").encode())
    assert replace(told, token=was.token, payload=was.payload) == was
    assert by.text(TOKEN.hex()) == OF(TOKEN.hex())


@pytest.mark.parametrize(
    "raw", [simple(TOKEN, PAYLOAD), enhanced(7, token=TOKEN, payload=PAYLOAD), items(item(1, TOKEN))]
)
def test_frame_that_is_cut_off(raw: bytes) -> None:
    for length in range(len(raw)):
        told = redactor().frame(raw[:length], Direction.TO_SERVER)
        assert TOKEN[:8] not in told
        assert told == privacy.WITHHELD.encode() if length == 0 else told[0] == raw[0]


def test_bytes_that_are_no_frame() -> None:
    by = redactor()

    assert by.frame(b"GET / HTTP/1.1", Direction.TO_SERVER) == privacy.WITHHELD.encode()
    assert by.frame(refusal(8, 7), Direction.TO_CLIENT) == refusal(8, 7)
    assert by.frame(b"\0 no ann@mail.test", Direction.TO_CLIENT) == privacy.WITHHELD.encode()
    assert by.frame(b"no ann@mail.test", Direction.TO_CLIENT) == f"no {OF('ann@mail.test')}".encode()


def test_run_says_what_was_wanted() -> None:
    assert redactor().redaction is Redaction.ON
    assert redactor(mode=Redaction.TYPED).redaction is Redaction.TYPED
    assert redactor(rules=Rules(types=True)).redaction is Redaction.TYPED


def test_what_people_type_by_wish() -> None:
    assert redactor().message(b'{"message":"I am"}', Direction.TO_SERVER) == b'{"message":"I am"}'
    assert b"I am" not in redactor(mode=Redaction.TYPED).message(b'{"message":"I am"}', Direction.TO_SERVER)


def test_large_and_many_bodies() -> None:
    by = redactor()
    large = b'{"x":"' + b"y " * 50_000 + b'","token":"hunter-4711"}'

    assert OF("hunter-4711").encode() in by.request(request(large)).body.wire
    for number in range(5000):
        by.request(request(b"{}", (("X-Number", str(number)),)))
    assert by.request(request(SECRET)).body.wire == TOLD


@given(st.binary(max_size=100), st.sampled_from(list(Direction)))
def test_any_bytes_of_a_connection(raw: bytes, direction: Direction) -> None:
    by = redactor()

    assert by.frame(raw, direction) == by.frame(raw, direction)


@given(st.binary(max_size=80), st.sampled_from(["gzip", "deflate", "br", "zstd", "odd", ""]), st.text(max_size=20))
def test_any_request(raw: bytes, coding: str, target: str) -> None:
    headers = (("Content-Encoding", coding), ("Content-Type", target))
    decoded = codings.decoded(raw, headers)

    told = redactor().request(request(raw, headers, target, decoded))
    assert model.header(told.headers, "content-encoding") == coding
