import re
import runpy
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from mitmproxy.io import FlowWriter
from mitmproxy.test import tflow

from gms_replay.cassette.reader import read
from gms_replay.errors import FormatError
from gms_replay.formats import flowfile, incoming, jsonl
from gms_replay.model import Recording

recordings = runpy.run_path(str(Path(__file__).parents[1] / "cassette" / "recordings.py"))["recordings"]
told = runpy.run_path(str(Path(__file__).with_name("returning.py")))["told"]

ROOT = Path(__file__).parents[2]
SAMPLES = sorted((ROOT / "cassettes").glob("*.sqlite")) + sorted((ROOT / "tests" / "golden").glob("v2.sqlite"))


def written(recording: Recording) -> bytes:
    file = BytesIO()
    flowfile.dump(recording, file)
    return file.getvalue()


def saved(*flows) -> bytes:
    file = BytesIO()
    for flow in flows:
        FlowWriter(file).add(flow)
    return file.getvalue()


def again(content: bytes, hosts=None) -> Recording:
    return incoming.load(content, "visit.flow", hosts, "1").recording


@pytest.mark.parametrize("sample", sorted((ROOT / "cassettes").glob("*.sqlite")), ids=lambda path: path.stem)
def test_sample_returns_whole(sample):
    recording = read(sample)

    assert list(jsonl.dump(again(written(recording)))) == list(jsonl.dump(recording))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_second_file_equals_the_first(sample):
    first = again(written(read(sample)))

    assert again(written(first)) == first
    assert written(first) == written(again(written(first)))


@settings(max_examples=40)
@given(recordings())
def test_whatever_was_recorded_returns(recording):
    assume(recording.exchanges or recording.connections)

    assert told(again(written(recording))) == told(recording)


def test_error_and_unfinished_stay_apart():
    recording = read(SAMPLES[0])
    whole, rest = recording.exchanges[0], recording.exchanges[1:]
    lost = replace(whole, outcome=replace(whole.outcome, response=None, error="connection lost"))
    for odd in (lost, replace(whole, outcome=None)):
        changed = again(written(replace(recording, exchanges=(odd, *rest))))
        assert changed.exchanges[0] == odd


def test_foreign_socket_is_told_as_messages():
    flow = tflow.twebsocketflow()
    flow.websocket.messages[0].content = b'[{"channel":"/meta/handshake"},{"channel":"/a"}]'

    recording = again(saved(flow), hosts=re.compile("."))

    assert [one.channel for one in recording.messages] == ["/meta/handshake", "/a", "", ""]
    assert recording.sockets[0].close_code == flow.websocket.close_code


def test_strangers_are_left_out():
    found = incoming.load(saved(tflow.tflow(resp=True), tflow.ttcpflow(), tflow.tdnsflow()), "f", None, "1")

    assert (found.recording, found.left_out) == (Recording(), 3)


@pytest.mark.parametrize("length", [1, 40])
def test_cut_file_is_named(length):
    content = written(read(SAMPLES[0]))

    with pytest.raises(FormatError, match=r"^visit\.flow, flow \d+: mitmproxy cannot read it: "):
        list(flowfile.load(content[:length], "visit.flow"))


@pytest.mark.parametrize("length", [-1, -2000])
def test_what_came_before_a_cut_is_taken(length):
    recording = read(SAMPLES[0])

    found = incoming.load(written(recording)[:length], "visit.flow", None, "1")

    assert found.recording.exchanges == recording.exchanges[: len(found.recording.exchanges)] != ()
    assert found.unread.startswith(f"visit.flow, flow {len(found.recording.exchanges) + 1}: mitmproxy cannot read it: ")


def test_streamed_bodies_are_known_to_be_lost():
    flow = tflow.tflow(resp=True)
    flow.response.raw_content = None

    assert incoming.load(saved(flow), "f", re.compile("."), "1").without_body == 1


def test_dropped_message_never_passed():
    flow = tflow.twebsocketflow()
    passed = len(flow.websocket.messages) - 1
    flow.websocket.messages[0].drop()

    assert len(again(saved(flow), re.compile(".")).messages) == passed


@pytest.mark.parametrize("content", [b"2:{}", b"0:}", b"4:3:abc", b"3:abc,", b"0:]", b"8:4:type,0:~}"])
def test_what_is_no_flow_is_named(content):
    with pytest.raises(FormatError, match=r"^visit\.flow, flow 1: "):
        list(flowfile.load(content, "visit.flow"))


@pytest.mark.parametrize(("at_s", "aside"), [(1e300, None), (float("nan"), None), (1.0, "{}x"), (1.0, '{"run":7}')])
def test_hostile_flow_is_named(at_s, aside):
    flow = tflow.tflow(resp=True)
    flow.request.timestamp_start = at_s
    if aside:
        flow.metadata["gms_replay"] = aside

    with pytest.raises(FormatError, match=r"^visit\.flow, flow 1"):
        list(flowfile.load(saved(flow), "visit.flow"))


@given(st.integers(0, 2500), st.integers(0, 255))
def test_any_byte_may_be_wrong(at, byte):
    content = bytearray(saved(tflow.tflow(resp=True)))
    content[at % len(content)] = byte

    refusal = ""
    try:
        again(bytes(content))
    except FormatError as error:
        refusal = str(error)
    assert re.fullmatch(r"(visit\.flow.+)?", refusal)
