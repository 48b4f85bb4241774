import gzip
import json
from dataclasses import replace

import pytest
from apns_frames import PAYLOAD, TOKEN, enhanced, simple
from disguised import People, visit_of
from factories import Tape

from gms_replay import exposure, marks
from gms_replay.model import Connection, Direction, Frame, Push, Recording, Socket
from gms_replay.rules import Rules

SERVICE = "/genesys/1/service/A1/connect"


def told(recording: Recording) -> set[tuple[str, str]]:
    return {(one.place, one.value) for one in exposure.find(recording, Rules()) if one.is_secret}


def asked(target=SERVICE, said=b"{}", answer=b"{}", sent=(), headers=()) -> set[tuple[str, str]]:
    tape = Tape(user=None)
    tape.ask(0, "POST", target, said, answer, sent=sent, headers=headers)
    return told(tape.recording())


@pytest.mark.parametrize(
    ("request_", "place", "value"),
    [
        ({"sent": (("ApiKey", "sesame"),)}, "request header apikey", "sesame"),
        ({"sent": (("Cookie", "a=b; sid=sesame"),)}, "request header cookie", "sesame"),
        ({"sent": (("Referer", "https://app/?apikey=sesame"),)}, "request header referer, query apikey", "sesame"),
        ({"headers": (("Set-Cookie", "sid=sesame; Path=/"),)}, "answer header set-cookie", "sesame"),
        ({"target": f"{SERVICE}?secureKey=ses%61me"}, "request query secureKey", "sesame"),
        ({"target": "/3/device/00fc13ad77"}, "request path", "00fc13ad77"),
        ({"target": "/a/+4915198765433"}, "request path", "+4915198765433"),
        ({"sent": (("X-Caller", "to +4915198765433"),)}, "request header x-caller", "+4915198765433"),
        ({"sent": (("ApiKey", "ses+ame"),)}, "request header apikey", "ses+ame"),
        ({"target": '/a?{"pin":"sesame"}'}, "request query pin", "sesame"),
        ({"target": "/a?%7B%22pin%22%3A%22sesame%22%7D"}, "request query pin", "sesame"),
        ({"target": "/a?b=1;pin=sesame"}, "request query pin", "sesame"),
        ({"sent": (("X-User-Data", '{"pin":"sesame"}'),)}, "request header x-user-data, field pin", "sesame"),
        ({"said": {"phones": [{"number": "0151 1234567"}]}}, "request, field phones.0.number", "0151 1234567"),
        ({"said": b"first_name=Anna&b=1"}, "request, field first_name", "Anna"),
        ({"said": b"a=1&userData=%7B%22firstName%22%3A%22Anna%22%7D"}, "request, field userData.firstName", "Anna"),
        ({"said": {"a": {"phone": "+4915112345678"}}}, "request, field a.phone", "+4915112345678"),
        ({"said": {"userData": '{"firstName": "Anna"}'}}, "request, field userData.firstName", "Anna"),
        ({"said": {"a": [{"name": "password", "value": "sesame"}]}}, "request, field a.0.password", "sesame"),
        ({"said": {"apikey": {"name": "x", "value": "sesame"}}}, "request, field apikey.value", "sesame"),
        ({"answer": b'{"secureKey": "sesame",}'}, "answer, field secureKey", "sesame"),
        ({"answer": b'{"a": "5" b", "password": "ses ame"}'}, "answer, field password", "ses ame"),
        ({"answer": b'{"error": "no ann@home.com here'}, "answer, field error", "ann@home.com"),
        ({"answer": b"<p>secureKey='sesame'</p>"}, "answer, text", "sesame"),
        ({"answer": {"url": "http://a/b?apikey=sesame"}}, "answer, field url, query apikey", "sesame"),
        ({"answer": {"url": "a://b?u=c://d?apikey=sesame"}}, "answer, field url, query u, query apikey", "sesame"),
        ({"answer": b'cb({"userName": "jsmith1984"})'}, "answer, field userName", "jsmith1984"),
        ({"answer": b'\xef\xbb\xbf{"userName": "jsmith1984"}'}, "answer, field userName", "jsmith1984"),
        ({"answer": b'"{\\"userName\\": \\"jsmith1984\\"}"'}, "answer, field userName", "jsmith1984"),
        ({"answer": b'{"a": "b"} secureKey=sesame'}, "answer, text", "sesame"),
        ({"answer": {"ann@home.com": 1}}, "answer, field ann@home.com", "ann@home.com"),
        ({"answer": {"userName": 12345678}}, "answer, field userName", "12345678"),
        ({"answer": {"transcriptToShow": [["Notice.Joined", "Anna", "hi", "3", "AGENT"]]}}, None, "Anna"),
    ],
)
def test_every_place_is_looked_at(request_, place, value):
    found = asked(**request_)
    assert value in {one for _, one in found}
    assert place is None or (f"exchange 1, {place}", value) in found


def test_multipart_fields_are_read():
    body = b'--b\r\nContent-Disposition: form-data; name="lastName"\r\n\r\nBerg\r\n--b--\r\n'
    found = asked(said=body, sent=(("Content-Type", "multipart/form-data; boundary=b"),))
    assert found == {("exchange 1, request, field lastName", "Berg")}


def test_only_names_tell_secrets_in_binary_parts():
    part = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n\0\1 a@home.com b\r\n'
    body = part % b"photo" + part % b"lastName" + b"--b--\r\n"
    found = asked(said=body, sent=(("Content-Type", "multipart/form-data; boundary=b"),))
    assert {place for place, _ in found} == {"exchange 1, request, field lastName"}


def test_parts_in_parts_hide_no_field():
    inner = b"Content-Type: multipart/mixed; boundary=i\r\n\r\n--i\r\n\r\nx\r\n--i--\r\n"
    field = b'Content-Disposition: form-data; name="lastName"\r\n\r\nBerg\r\n'
    body = b"--b\r\n%s--b\r\n%s--b--\r\n" % (inner, field)
    found = asked(said=body, sent=(("Content-Type", "multipart/form-data; boundary=b"),))
    assert found == {("exchange 1, request, field lastName", "Berg")}


def test_json_in_a_private_field_is_judged_by_what_is_in_it():
    assert asked(answer={"user": json.dumps({"firstName": marks.marked("Kbu")})}) == set()


def test_urls_in_urls_without_end_are_bounded():
    urls = "h://a?b=" * 1500
    assert asked(answer={"url": urls, "secureKey": "sesame"}) == {("exchange 1, answer, field secureKey", "sesame")}


def test_request_without_answer_is_looked_at():
    tape = Tape(user=None)
    tape.ask_in_vain(0, "POST", SERVICE, {"secureKey": "sesame"})
    assert told(tape.recording()) == {("exchange 1, request, field secureKey", "sesame")}


@pytest.mark.parametrize(
    ("exchange_id", "found"), [(None, {("push 7, field message.phone", "+4915112345678")}), (1, set())]
)
def test_push_is_looked_at_where_its_exchange_is_not(exchange_id, found):
    push = Push(7, 1, exchange_id, "apns", 0, b'{"message": {"phone": "+4915112345678"}}')
    assert told(Recording(pushes=(push,))) == found


def test_content_codings_are_undone():
    tape, plain = Tape(user=None), b'{"secureKey": "sesame"}'
    tape.ask(0, "POST", SERVICE, b"", gzip.compress(plain), decoded=plain)
    assert told(tape.recording()) == {("exchange 1, answer, field secureKey", "sesame")}


def test_messages_frames_and_sockets_are_looked_at():
    tape = Tape(user=None)
    tape.comet(
        0, [{"channel": "/meta/handshake", "ext": {"auth": {"token": "sesame"}}}], [{"channel": "/meta/handshake"}]
    )
    frames = (
        Frame(1, 1, Direction.TO_SERVER, 1, simple()),
        Frame(2, 1, Direction.TO_SERVER, 1, enhanced(1, token=bytes.fromhex(marks.marked("0a" * 32)))),
        Frame(3, 1, Direction.TO_SERVER, 1, b"odd: ann@home.com"),
        Frame(4, 1, Direction.TO_SERVER, 1, simple(payload=json.dumps({"phone": "+4915112345678"}).encode())),
    )
    recording = replace(
        tape.recording(),
        messages=tuple(replace(one, channel="/chat/eve@home.com") for one in tape.recording().messages),
        connections=(Connection(1, 1, "h", 2195, "c:1", 1),),
        frames=frames,
        sockets=(Socket(1, 1, close_reason="bye bob@home.com"),),
    )
    assert told(recording) >= {
        ("message 1, field ext.auth.token", "sesame"),
        ("message 1, channel", "eve@home.com"),
        ("frame 1, token", TOKEN.hex()),
        ("frame 3", "ann@home.com"),
        ("frame 4, payload, field phone", "+4915112345678"),
        ("socket of exchange 1, reason", "bob@home.com"),
    }
    assert "frame 2" not in str(told(recording))
    assert PAYLOAD in frames[0].raw


def test_stand_ins_are_private_and_no_secret():
    who = People(
        *(marks.marked(one) for one in ("Kbu", "Naxo", "+4915198765432")),
        f"{marks.marked('fghij')}@lmno.example",
        marks.marked("Pwxazu"),
        marks.marked("z9xW8vUq7TsRqp"),
        marks.marked("90715"),
        f"{marks.marked('qrstu')}@tuvw.example",
        marks.marked("Lopq"),
    )
    recording = visit_of(who)
    assert {value for _, value in told(recording)} <= {"bob@example.com", "stan@example.com"}
    assert {who.key, who.phone, who.agent} <= {one.value for one in exposure.find(recording, Rules())}
