import json

import pytest
from factories import PROVIDERS, Tape

from gms_replay import gms, httpcb
from gms_replay.gms import Kind
from gms_replay.httpcb import Notice, plain, read, recognise

WISH = '{"_id":"3SQI3S31693JL9L3","_action":"connect"}'
FLAWED = '{"_id":"3SQI3S31693JL9L3",\n"_action":"connect",}'


@pytest.mark.parametrize("wish", [WISH, FLAWED], ids=["JSON", "flawed"])
@pytest.mark.parametrize(
    ("form", "device"),
    [
        ("%s", None),
        (" %s\n", None),
        ('{"message":%s}', None),
        ('{"deviceId":"phone","message":%s}', "phone"),
        ('{"deviceId":"","message":%s}', None),
        ('{"deviceId":7,"message":%s}', None),
        ('{"message":%s,"deviceId":"phone",}', "phone"),
    ],
)
def test_notice_is_read(form: str, device: str | None, wish: str) -> None:
    body = form % wish

    for text in (body, json.dumps(body), json.dumps(json.dumps(body)), form % json.dumps(wish)):
        assert read(text.encode()) == Notice("3SQI3S31693JL9L3", "connect", device)


@pytest.mark.parametrize(
    "body",
    [
        "",
        "_action",
        '"_action',
        '"',
        '{"_action":"connect"}',
        '{"_id":"a"}',
        '{"_id":7,"_action":"connect"}',
        '{"_id":"a","_action":null}',
        '{"_id":"","_action":"connect"}',
        '{"_id":"a","_action":""}',
        '{"_id":"a","message":{"_action":"connect"}}',
        '{"_id":"a","_action":"connect","event":"push_opened"}',
        '{"_id":"a","_action":"connect","message":"hello"}',
        f'{{"message":{WISH},"sent":{{"at":1}}}}',
        f"[{WISH}]",
        f'{{"data":{WISH}}}',
        f'{{"message":[{WISH}]}}',
        f'{{"message":{{"inner":{WISH}}}}}',
        "_id=a&_action=connect",
        "\xff" + WISH,
    ],
)
def test_other_bodies_are_none(body: str) -> None:
    assert read(body.encode("latin-1")) is None


@pytest.mark.parametrize("field", ["_dialog_id", "_label", "_tel_url", "_text", "_start_chat_url", "_content"])
@pytest.mark.parametrize("value", ["null", '"a"', '{"a":[]}'])
def test_dialogs_are_none(field: str, value: str) -> None:
    """Which apps post to their own analytics."""
    dialog = f'{{"_id":"a","{field}":{value},"_action":"DialNumber"}}'

    for body in (dialog, f'{{"message":{dialog}}}', f'{{"{field}":{value},"message":{WISH}}}'):
        assert read(body.encode()) is None
        assert read(json.dumps(body).encode()) is None


def test_large_bodies_are_not_read_through() -> None:
    assert read(f'{{"message":{WISH}}}'.encode() + b" " * 16_000) is not None
    assert read(f'{{"message":{WISH}}}'.encode() + b" " * 17_000) is None


@pytest.mark.parametrize(
    ("method", "target", "headers", "expected"),
    [
        ("POST", "/wake?now=1", (), (Kind.PUSH, "httpcb")),
        ("POST", "/wake", (("GMS_USER", "ann"),), None),
        ("PUT", "/wake", (), None),
        ("GET", "/wake", (), None),
        ("POST", "/genesys/1/service/abc/connect", (), (Kind.DIALOG, "connect")),
        ("POST", "/3/device/abc", (), (Kind.PUSH, "device")),
    ],
)
def test_posts_of_nobody_s_are_recognised(
    method: str, target: str, headers: tuple[tuple[str, str], ...], expected: tuple[Kind, str] | None
) -> None:
    found = recognise(method, target, headers, WISH.encode())

    assert (found and (found.kind, found.name)) == expected


def test_recorded_notice_is_recognised() -> None:
    tape = Tape(user=None)
    exchange = tape.push(0, "connect", provider="httpcb", payload=WISH.encode())

    found = httpcb.operation(exchange)

    assert found == recognise("POST", PROVIDERS["httpcb"], (), exchange.request.body.plain)
    assert found is not None


def test_what_is_comet_stays_it() -> None:
    frame = b'[{"channel":"/meta/handshake","ext":{"_id":"a","_action":"b"}}]'

    assert recognise("POST", "/any", (), frame) == gms.recognise("POST", "/any", frame)


def test_provider_has_a_name() -> None:
    notice = recognise("POST", "/wake", (), WISH.encode())

    assert notice is not None
    assert gms.PUSH_PROVIDERS[notice.name] == httpcb.PROVIDER


@pytest.mark.parametrize(
    ("body", "text"), [(b'"a"', b"a"), (b"a", b"a"), (b'"', b'"'), (b'"\\ud800"', b"\\ud800"), (b'""""a""""', b'"a"')]
)
def test_strings_are_opened(body: bytes, text: bytes) -> None:
    assert plain(body) == text
