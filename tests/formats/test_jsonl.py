import base64
import json
import runpy
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gms_replay.errors import FormatError
from gms_replay.formats.jsonl import dump, load
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Exchange,
    Frame,
    Message,
    Push,
    Recording,
    Redaction,
    Request,
    Run,
    Socket,
    Transport,
)

recordings = runpy.run_path(str(Path(__file__).parents[1] / "cassette" / "recordings.py"))["recordings"]

FORMAT = '{"kind":"meta","format":2}'
OLDER_FORMAT = '{"kind":"meta","format":1}'
RUN = (
    '{"kind":"meta","run_id":1,"started_at_us":5,"mode":"regular","upstream":null,"versions":[["mitmproxy","11.0.2"]]}'
)
EXCHANGE = (
    '{"kind":"exchange","id":2,"run_id":1,"request":{"method":"POST","scheme":"http","host":"gms","port":8080,'
    '"target":"/1/service","http_version":"HTTP/1.1","headers":[["gms_user","M\xfcller"]],"body":{"text":"{}"},'
    '"started_at_us":10,"ended_at_us":11,"client":"192.0.2.7:5"},"outcome":null}'
)
MESSAGE = (
    '{"kind":"message","id":3,"exchange_id":2,"direction":"to-server","transport":"long-polling","at_us":12,"index":0,'
    '"channel":"/meta/connect","raw":{"text":"{\\"id\\":\\"1\\"}"}}'
)
PUSH = '{"kind":"push","id":4,"run_id":1,"exchange_id":null,"provider":"apns","at_us":9,"payload":{"base64":"AP8="}}'
SOCKET = (
    '{"kind":"socket","exchange_id":2,"opened_at_us":13,"closed_at_us":null,"close_code":null,"close_reason":"",'
    '"closed_by":null}'
)
CONNECTION = (
    '{"kind":"connection","id":5,"run_id":1,"host":"apns","port":2195,"client":"192.0.2.8:6","opened_at_us":14}'
)
FRAME = '{"kind":"frame","id":6,"connection_id":5,"direction":"to-client","at_us":15,"raw":{"base64":"CAgAAAAH"}}'
TEXT = [FORMAT, RUN, PUSH, EXCHANGE, MESSAGE, SOCKET, CONNECTION, FRAME]

REQUEST = Request(
    "POST",
    "http",
    "gms",
    8080,
    "/1/service",
    "HTTP/1.1",
    (("gms_user", "M\xfcller"),),
    Body(b"{}"),
    10,
    11,
    "192.0.2.7:5",
)
RECORDING = Recording(
    runs=(Run(1, 5, "regular", None, (("mitmproxy", "11.0.2"),)),),
    exchanges=(Exchange(2, 1, REQUEST),),
    messages=(Message(3, 2, Direction.TO_SERVER, Transport.LONG_POLLING, 12, 0, "/meta/connect", b'{"id":"1"}'),),
    pushes=(Push(4, 1, None, "apns", 9, b"\x00\xff"),),
    sockets=(Socket(2, 13),),
    connections=(Connection(5, 1, "apns", 2195, "192.0.2.8:6", 14),),
    frames=(Frame(6, 5, Direction.TO_CLIENT, 15, b"\x08\x08\0\0\0\x07"),),
)


def body_told(content: bytes, decoded: bytes | None = None) -> dict:
    request = replace(REQUEST, body=Body(content, decoded))
    lines = list(dump(Recording(exchanges=(Exchange(1, 1, request),))))
    return json.loads(lines[1])["request"]["body"]


@settings(max_examples=50)
@given(recordings())
def test_load_undoes_dump(recording):
    assert load(dump(recording), "text") == recording


@settings(max_examples=50)
@given(recordings())
def test_dumped_text_is_canonical(recording):
    text = list(dump(recording))

    assert list(dump(load(text, "text"))) == text


@settings(max_examples=50)
@given(recordings())
def test_lines_stay_whole(recording):
    lines = list(dump(recording))
    file = "".join(f"{line}\n" for line in lines).encode("utf-8")

    assert file.decode("utf-8").splitlines() == lines


@pytest.mark.parametrize(
    ("recording", "wanted"),
    [
        (replace(RECORDING, connections=(), frames=()), 1),
        (RECORDING, 2),
        (Recording((replace(RECORDING.runs[0], redaction=Redaction.ON),)), 3),
    ],
)
def test_lowest_format_is_named(recording, wanted):
    assert json.loads(next(dump(recording))) == {"kind": "meta", "format": wanted}


def test_redaction_of_a_run_is_told():
    run = replace(RECORDING.runs[0], redaction=Redaction.TYPED)

    lines = list(dump(Recording((run,))))

    assert lines[1].endswith(',"redaction":"typed"}')
    assert load(lines, "text").runs == (run,)


def test_unknown_redaction_is_named():
    line = TEXT[1].replace('"versions"', '"redaction":"half","versions"')

    with pytest.raises(FormatError, match=r"^text, line 2: field redaction: "):
        load([TEXT[0], line], "text")


def test_facts_in_order_of_time():
    assert list(dump(RECORDING)) == TEXT


def test_text_tells_the_recording():
    assert load(TEXT, "text") == RECORDING


def test_text_names_the_lowest_format_that_has_all():
    # So that an older gms-replay reads what it can, and says of the rest which one can.
    older = [OLDER_FORMAT, RUN, PUSH, EXCHANGE, MESSAGE, SOCKET]

    assert list(dump(load(older, "visit.jsonl"))) == older


def test_order_of_lines_is_free():
    assert load([FORMAT, "", *reversed(TEXT[1:]), " "], "text") == RECORDING


def test_same_instant_orders_by_kind():
    pushes = (Push(1, 1, None, "apns", 10, b""), Push(2, 1, None, "apns", 10, b""))
    recording = replace(RECORDING, pushes=pushes, messages=(replace(RECORDING.messages[0], at_us=10),))

    kinds = [(line["kind"], line.get("id")) for line in map(json.loads, dump(recording))]

    assert kinds[2:7] == [("exchange", 2), ("message", 3), ("push", 1), ("push", 2), ("socket", None)]


@pytest.mark.parametrize("content", [b"", b"a\tb\r\nc", "Gr\u00fc\u00dfe \U0001f600\u2028".encode()])
def test_readable_body_is_text(content):
    assert body_told(content) == {"text": content.decode()}


@pytest.mark.parametrize("content", [b"\xff", b"\x00", b"\x0b", b"\x1b[0m", b"\x7f", "\x85".encode()])
def test_other_body_is_base64(content):
    assert body_told(content) == {"base64": base64.b64encode(content).decode()}


def test_decoded_body_stands_beside():
    assert body_told(b"\x1f\x8b", b"{}") == {"base64": "H4s=", "decoded": {"text": "{}"}}


def test_lone_surrogates_survive_utf8():
    odd = replace(RECORDING, messages=(replace(RECORDING.messages[0], channel="/\ud800"),))
    file = "\n".join(dump(odd)).encode("utf-8")

    assert load(file.decode("utf-8").splitlines(), "text") == odd


def without(line: str, field: str) -> str:
    fields = json.loads(line)
    del fields[field]
    return json.dumps(fields)


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        ([], "visit.jsonl: empty; "),
        ([RUN], "visit.jsonl, line 1: field format: missing; "),
        (['{"kind":"meta","format":4}'], "visit.jsonl: format 4 of the text, this gms-replay knows 1 to 3; "),
        (['{"kind":"meta","format":0}'], "visit.jsonl: format 0 of the text, "),
        (["SQLite format 3"], "visit.jsonl, line 1: Expecting value"),
        ([FORMAT, "[1]"], "visit.jsonl, line 2: expected a JSON object, found a list; "),
        ([FORMAT, "[" * 100_000], "visit.jsonl, line 2: "),
        ([FORMAT, "1" * 5000], "visit.jsonl, line 2: "),
        (
            [FORMAT, '{"kind":"visit"}'],
            "line 2: field kind: expected one of meta, exchange, message, push, socket, connection, frame, found",
        ),
        ([FORMAT, without(RUN, "mode")], "line 2: field mode: missing; "),
        ([FORMAT, RUN.replace('"mode"', '"Mode"')], "line 2: field mode: missing; "),
        ([FORMAT, RUN.replace('"mode"', '"n":1,"mode"')], "line 2: field n: unknown field; "),
        ([FORMAT, RUN.replace('"regular"', "7")], "line 2: field mode: expected text, found 7; "),
        ([FORMAT, RUN.replace(":5,", ":5.0,")], "line 2: field started_at_us: expected a whole number of 64 bits, "),
        ([FORMAT, RUN.replace(":5,", ":true,")], "line 2: field started_at_us: expected a whole number"),
        ([FORMAT, RUN.replace(":5,", f":{2**63},")], "line 2: field started_at_us: expected a whole number"),
        ([FORMAT, RUN.replace('"11.0.2"', "11")], "line 2: field versions: expected text, found 11; "),
        ([FORMAT, RUN, EXCHANGE.replace("8080", '"8080"')], "line 3: field request.port: expected a whole number"),
        (
            [FORMAT, RUN, EXCHANGE.replace("M\xfc", "\u20ac")],
            "line 3: field request.headers: expected text in ISO 8859-1",
        ),
        (
            [FORMAT, RUN, EXCHANGE.replace('[["gms_user"', '[["a","b","c"],["gms_user"')],
            "field request.headers: expected a ",
        ),
        ([FORMAT, RUN, EXCHANGE.replace('"text"', '"base64"')], "line 3: field request.body.base64: expected base64, "),
        (
            [FORMAT, RUN, EXCHANGE.replace('"{}"', '"\\ud800"')],
            "line 3: field request.body.text: expected text that UTF-8",
        ),
        (
            [FORMAT, RUN, EXCHANGE.replace('{"text":"{}"}', '{"text":"","base64":""}')],
            "field request.body.text: unknown",
        ),
        (
            [FORMAT, RUN, EXCHANGE.replace('"outcome":null', '"outcome":{"at_us":1}')],
            "field outcome.response: missing; ",
        ),
        (
            [FORMAT, RUN, EXCHANGE, MESSAGE.replace("to-server", "up")],
            "field direction: expected one of to-server, to-cl",
        ),
        ([FORMAT, RUN, RUN], "line 3: field run_id: 1 is there twice; "),
        ([FORMAT, EXCHANGE], "line 2: field run_id: there is no run 1; "),
        ([FORMAT, RUN, MESSAGE], "line 3: field exchange_id: there is no exchange 2; "),
        ([FORMAT, RUN, FRAME], "line 3: field connection_id: there is no connection 5; "),
        ([FORMAT, CONNECTION], "line 2: field run_id: there is no run 1; "),
        ([FORMAT, RUN, CONNECTION, CONNECTION], "line 4: field id: 5 is there twice; "),
        ([FORMAT, RUN, EXCHANGE, SOCKET, SOCKET], "line 5: field exchange_id: 2 is there twice; "),
    ],
)
def test_bad_text_is_named(lines, problem):
    with pytest.raises(FormatError) as refused:
        load(lines, "visit.jsonl")

    message = str(refused.value)
    assert problem in message
    assert message.startswith("visit.jsonl")
    assert "\n" not in message


@given(st.text(st.sampled_from('{}[]":,\\0e- kindmetau\ud800')))
def test_any_line_loads_or_is_refused(line):
    with suppress(FormatError):
        assert load([FORMAT, line], "text") == Recording()
