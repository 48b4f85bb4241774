import json
from urllib.parse import quote

import pytest

from gms_replay import jsonp

FRAME = '[{"channel":"/meta/handshake","text":"gr\u00fc\u00df"}]'


def target(**fields: str) -> str:
    return "/genesys/cometd/handshake?" + "&".join(f"{name}={quote(value)}" for name, value in fields.items())


def test_query_is_read() -> None:
    assert jsonp.asked(target(jsonp="cb._1", message=FRAME)) == jsonp.Asked("cb._1", (FRAME.encode(),))


def test_several_frames_are_read() -> None:
    assert jsonp.asked(f"{target(jsonp='cb', message='[1]')}&message=[2]") == jsonp.Asked("cb", (b"[1]", b"[2]"))


def test_question_without_frame() -> None:
    assert jsonp.asked(target(jsonp="cb")) == jsonp.Asked("cb", ())


@pytest.mark.parametrize("callback", ["", "a(b", "alert(1)//", "x" * 65, "a b", "\u00fc"])
def test_other_names_are_no_callbacks(callback: str) -> None:
    assert jsonp.asked(target(jsonp=callback, message=FRAME)) is None


@pytest.mark.parametrize("path", ["/genesys/cometd", "/genesys/cometd?message=[]", "/jsonp=x/cometd?a=1"])
def test_other_requests_are_none(path: str) -> None:
    assert jsonp.asked(path) is None


def test_script_calls_back() -> None:
    assert jsonp.script("cb", b'[{"a":1}]') == b'cb([{"a":1}])'


def test_script_has_one_line() -> None:
    """Before ECMAScript 2019 these two letters ended a line, inside a text as well."""
    script = jsonp.script("cb", json.dumps(["\u2028 \u2029"], ensure_ascii=False).encode())

    assert script == rb'cb(["\u2028 \u2029"])'
    assert json.loads(jsonp.frame(script)) == ["\u2028 \u2029"]


@pytest.mark.parametrize(
    "script", ["cb([1])", "a.b-c$_1([1]);", "/**/cb([1])", "\n/* by GMS */ cb ( [1] ) ;\n", " [1] ", "[1]"]
)
def test_frame_is_taken_out(script: str) -> None:
    assert json.loads(jsonp.frame(script.encode())) == [1]


@pytest.mark.parametrize("script", [b"cb([])" + b" " * 100_000 + b"x", b"cb(" * 50_000, b"/*" * 50_000, b"cb([1]"])
def test_no_call_is_left_alone_at_once(script: bytes) -> None:
    assert jsonp.frame(script) == script


def test_frame_may_hold_brackets() -> None:
    assert jsonp.frame(b'cb(["a) (b"]);') == b'["a) (b"]'


def test_script_says_what_it_is() -> None:
    headers = (("content-type", "application/json"), ("x", "y"))

    assert jsonp.scripted(headers) == (("content-type", "text/javascript;charset=UTF-8"), ("x", "y"))
