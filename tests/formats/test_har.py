import json
import re
import runpy
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mitmproxy.io import FlowReader

from gms_replay.cassette.reader import read
from gms_replay.errors import FormatError
from gms_replay.formats import har, incoming, jsonl
from gms_replay.model import Recording

recordings = runpy.run_path(str(Path(__file__).parents[1] / "cassette" / "recordings.py"))["recordings"]
told = runpy.run_path(str(Path(__file__).with_name("returning.py")))["told"]

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "cassettes").glob("*.sqlite"))
GOLDEN = ROOT / "tests" / "golden" / "v2.sqlite"


def written(recording: Recording) -> bytes:
    file = BytesIO()
    har.dump(recording, file, "1")
    return file.getvalue()


def again(content: bytes, hosts: re.Pattern[str] | None = None) -> Recording:
    return incoming.load(content, "visit.har", hosts, "1").recording


GOLDEN_HAR = written(read(GOLDEN))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_sample_returns_whole(sample):
    recording = read(sample)

    assert list(jsonl.dump(again(written(recording)))) == list(jsonl.dump(recording))


@settings(max_examples=40)
@given(recordings())
def test_whatever_was_recorded_returns(recording):
    assert told(again(written(recording))) == told(recording)


def test_second_file_equals_the_first():
    first = again(written(read(GOLDEN)))

    assert again(written(first)) == first
    assert written(first) == written(again(written(first)))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_mitmproxy_reads_the_same(sample):
    recording = read(sample)

    flows = list(FlowReader(BytesIO(written(recording))).stream())

    exchanges = sorted(recording.exchanges, key=lambda one: one.request.started_at_us)
    assert [(flow.request.method, flow.request.path, flow.request.content) for flow in flows] == [
        (one.request.method, one.request.target, one.request.body.plain) for one in exchanges
    ]
    assert [(flow.response.status_code, flow.response.content) for flow in flows] == [
        (one.response.status, one.response.body.plain) if one.response else (0, b"") for one in exchanges
    ]


@pytest.mark.parametrize("host", ["\xff\xfe", "[::1", "a b", ""])
def test_mitmproxy_reads_what_names_no_place(host):
    recording = read(SAMPLES[0])
    one = recording.exchanges[0]
    odd = replace(one, request=replace(one.request, headers=(("Host", host),)))
    changed = replace(recording, exchanges=(odd, *recording.exchanges[1:]))

    assert len(list(FlowReader(BytesIO(written(changed))).stream())) == len(recording.exchanges)
    assert again(written(changed)).exchanges[0] == odd


@pytest.mark.parametrize("coding", ["gzip", "snappy", "gzip, br"])
def test_mitmproxy_reads_what_does_not_decode(coding):
    recording = read(SAMPLES[0])
    one = recording.exchanges[0]
    odd = replace(
        one,
        request=replace(one.request, headers=(("Host", "gms"), ("Content-Encoding", coding))),
        outcome=replace(one.outcome, response=replace(one.response, headers=(("Content-Encoding", coding),))),
    )
    changed = replace(recording, exchanges=(odd, *recording.exchanges[1:]))

    flows = list(FlowReader(BytesIO(written(changed))).stream())

    assert flows[0].response.content == one.response.body.plain
    assert again(written(changed)).exchanges[0] == odd


def test_strangers_are_left_out():
    entry: dict[str, Any] = {
        "startedDateTime": "2014-05-02T16:27:30Z",
        "request": {"method": "GET", "url": "https://example.com/"},
        "response": {"status": 204},
    }
    picture = entry | {"request": {"url": "data:image/png;base64,AA=="}}
    content = json.dumps({"log": {"entries": [entry, picture]}}).encode()

    assert incoming.load(content, "visit.har", None, "1").left_out == 2
    assert len(again(content, re.compile("^example")).exchanges) == 1


def test_lost_bodies_are_counted():
    entry: dict[str, Any] = {
        "startedDateTime": "2014-05-02T16:27:30Z",
        "request": {"method": "POST", "url": "https://gms/genesys/1/service/callback/sales"},
        "response": {"status": 200, "content": {"size": 9}},
    }

    assert incoming.load(json.dumps({"log": {"entries": [entry]}}).encode(), "visit.har", None, "1").without_body == 1


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b'{"log":', "visit.har: no whole HAR: "),
        (b'{"log":"\xff"}', "visit.har: no whole HAR: "),
        (b'{"log":' * 100_000, "visit.har: no whole HAR: "),
        (b'{"log":7}', "visit.har: field log: expected a JSON object, found 7; "),
        (b'{"log":{}}', "visit.har: field log.entries: missing; "),
        (b'{"log":{"entries":{}}}', "visit.har: field log.entries: expected a list, found an object; "),
        (b'{"log":{"entries":[7]}}', "visit.har, entry 1: expected a JSON object, found 7; "),
        (b'{"log":{"entries":[],"_gms_replay":{}}}', "visit.har: field log._gms_replay.connections: missing; "),
        (b'{"log":{"entries":[],"_gms_replay":{"connections":[{"a":1}]}}}', "visit.har, _gms_replay, connection 1: "),
    ],
)
def test_what_is_no_archive_is_named(content: bytes, problem: str):
    with pytest.raises(FormatError) as refused:
        again(content)

    assert problem in str(refused.value)


def test_hostile_aside_is_named():
    document = json.loads(written(read(GOLDEN)))
    document["log"]["entries"][1]["_gms_replay"]["exchange"] = {"request": {"started_at_us": 2**63}}

    with pytest.raises(
        FormatError, match=r"^visit\.har, entry 2, _gms_replay: field exchange\.request\.started_at_us: "
    ):
        again(json.dumps(document).encode())


@given(st.integers(0, 12_000), st.integers(0, 255))
def test_any_byte_may_be_wrong(at, byte):
    content = bytearray(GOLDEN_HAR)
    content[at % len(content)] = byte

    refusal = ""
    try:
        again(bytes(content))
    except FormatError as error:
        refusal = str(error)
    assert re.fullmatch(r"(visit\.har.+)?", refusal)
