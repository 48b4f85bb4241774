"""GMS's notices by HTTP, on their way to servers of anybody's, through mitmdump as a forward proxy."""

import json

import httpx
import pytest

from gms_replay import pushes, sessions
from gms_replay.formats import pushes as told

SERVICE = "3SQI3S31693JL9L3R0O5O6T4OC000U73"
WISH = f'{{"_id":"{SERVICE}","_action":"connect"}}'
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
GONE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"
TEXT = {"content-type": "text/plain;charset=UTF-8"}
JSON = {"content-type": "application/json"}

NOTICES = (
    ("/plain", TEXT, WISH, OK),
    ("/flawed", TEXT, f'{{"_id":"{SERVICE}",\n"_action":"connect",}}', OK),
    ("/quoted", JSON, json.dumps(WISH), OK),
    ("/custom", JSON, f'{{"deviceId":"phone","message":{WISH}}}', OK),
    ("/custom-text", JSON, json.dumps({"deviceId": "phone", "message": WISH}), OK),
    ("/refused", TEXT, WISH, GONE),
)
STRANGERS = (
    ("POST", "/analytics", JSON, f'{{"_id":"{SERVICE}","_action":"DialNumber","_tel_url":"5551234"}}'),
    ("POST", "/users", JSON | {"gms_user": "ann"}, WISH),
    ("PUT", "/put", JSON, WISH),
    ("POST", "/numbers", JSON, '{"_id":7,"_action":"connect"}'),
    ("POST", "/deep", JSON, f'{{"data":{WISH}}}'),
    ("POST", "/form", {"content-type": "application/x-www-form-urlencoded"}, "_id=a&_action=b"),
)


@pytest.fixture(scope="module")
def recording(upstream, start):
    """What was recorded of all of them, by default."""
    mitmdump = start("--mode", "regular@0").ready()
    at = f"http://127.0.0.1:{upstream.port}"
    with httpx.Client(trust_env=False, proxy=f"http://127.0.0.1:{mitmdump.ports[0]}") as sender:
        for method, path, headers, body in STRANGERS:
            upstream.plays(path, OK)
            assert sender.request(method, at + path, headers=headers, content=body).status_code == 200
            upstream.asked(path)
        for path, headers, body, answer in NOTICES:
            upstream.plays(path, answer)
            sender.post(at + path, headers=headers, content=body)
            # It reaches its server untouched.
            assert upstream.asked(path).endswith(b"\r\n\r\n" + body.encode())
    # The last of all: written in order, the others would be there.
    mitmdump.exchange("/refused")
    assert mitmdump.end() == 0
    return mitmdump.recorded(lambda recording: recording)


def test_notices_are_recorded_and_nothing_else(recording):
    assert [exchange.request.target for exchange in recording.exchanges] == [path for path, *_ in NOTICES]
    assert [(push.provider, push.payload.decode()) for push in recording.pushes] == [
        ("httpcb", body) for _, _, body, _ in NOTICES
    ]


def test_notices_say_what_became_of_them(recording):
    exchanges = {exchange.id: exchange for exchange in recording.exchanges}
    read = [pushes.read(push, exchanges[push.exchange_id]) for push in recording.pushes]

    assert {(one.service_id, one.action) for one in read} == {(SERVICE, "connect")}
    at = f"http://127.0.0.1:{exchanges[1].request.port}"
    assert [one.device for one in read] == [
        f"{at}/plain",
        f"{at}/flawed",
        f"{at}/quoted",
        "phone",
        "phone",
        f"{at}/refused",
    ]
    assert [one.result.reason for one in read] == [None] * 5 + ["status 503"]


def test_notices_are_nobody_s_visit(recording):
    lines = list(told.tell(recording, "visit.sqlite"))

    assert sessions.split(recording) == ()
    assert lines[0] == "visit.sqlite: 6 pushes seen, 0 derived from what the apps ask for"
    assert lines[-1].endswith("/refused: refused with 503, status 503")
