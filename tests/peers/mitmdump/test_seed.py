"""The JSON of the vendor's article, recorded through mitmdump and played back, byte for byte but for what must change.

Its menu has a trailing comma and its Comet frames have line breaks between and commas behind their values, so that no
JSON parser takes them; `$(…)` stands for what GMS fills in.
"""

import json
from pathlib import Path

import httpx
import pytest
from serving import Served, served

from gms_replay import bayeux, instants
from gms_replay.cassette import reader
from gms_replay.clocks import Pacing

SERVICE = "3SQIS3S1693JL9L3R00506T40C000UL4"
BASE = "http://gms.example/genesys"
EXPIRES = "2014-05-02T16:57:30.000Z"
NOW = "2026-03-04T09:00:00Z"
MENU = Path(__file__).with_name("provide_code_false.txt").read_bytes()
START_CHAT = b"""{
   "_dialog_id": "1",
   "_action":"StartChat",
   "_label":"Start Chat",
   "_start_chat_url":
   "$(ExtURLBase)/1/service/$(ServiceID)/ixn/chat",
   "_comet_url":"$(CometURL)",
   "_user_header":"$(GMSUser)",
   "_id_to_jump_before":"exit://",
   "_chat_parameters":{
      "subject":"None"
   },
   "_id":"$(ServiceID)"
}"""
SAYS = b"""{
   "data":{
      "message":{
         "startedAt":"2014-05-02T16:27:38Z",
         "chatIxnState":"TRANSCRIPT",
         "chatSessionId":"000FRa9NYM9A001K",
         "transcriptToShow":[["Message.Text","Stan","Hello.","8","CLIENT"]],
         "transcriptPosition":"2",
         "chatServiceMessage":"Chat service is available"
      },
      "id":"b2e607a0d21611e3000010932938a0ff",
      "tag":"service.chat.refresh.3SQIS3S1693JL9L3R00506T40C000UL4"
   },
   "channel":"/_genesys"
}"""
JOINS = b"""{
   "data":{
      "message":{
         "startedAt":"2014-05-02T16:27:38Z",
         "chatIxnState":"TRANSCRIPT",
         "chatSessionId":"000FRa9NYM9A001K",
         "transcriptToShow":[["Notice.Joined","Kristi Sippola",
\t\t "has joined the session","17","AGENT"]],
         "transcriptPosition":"3",
         "chatServiceMessage":"Chat service is available",
      },
      "id":"b7dd6460d21611e3000010932938a0ff",
      "tag":"service.chat.refresh.3SQIS3S1693JL9L3R00506T40C000UL4"
   },
   "channel":"/_genesys"
}"""


def filled(text: bytes, base: str = BASE, expires: str = EXPIRES, user: str = "alice") -> bytes:
    """The article's text with what GMS puts in its place."""
    values = {"ExtURLBase": base, "ServiceID": SERVICE, "Date": expires, "CometURL": f"{base}/cometd", "GMSUser": user}
    for name, value in values.items():
        text = text.replace(f"$({name})".encode(), value.encode())
    return text


def answer(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body


def ask(stage, path: str, body: bytes = b"") -> bytes:
    head = f"POST {path} HTTP/1.1\r\nHost: gms.example\r\ngms_user: alice\r\nConnection: close\r\n"
    return stage.mitmdump.send(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@pytest.fixture(scope="module")
def server(stage):
    """What was recorded of the article's visit, played on a day of its own."""
    for action, text in (
        ("get-dialog-user-confirmation-provide_code-false", MENU),
        ("get-dialog-start-chat", START_CHAT),
    ):
        path = f"/genesys/1/service/{SERVICE}/{action}"
        stage.upstream.plays(path, answer(filled(text)))
        ask(stage, path)
    connected = b'{"channel":"/meta/connect","id":"2","successful":true}'
    for suffix, told in (
        ("handshake", b'[{"channel":"/meta/handshake","id":"1","successful":true,"clientId":"1a2b3c4d5e6f7g8h"}]'),
        ("connect", b"[" + SAYS + b",\n" + JOINS + b"," + connected + b"]"),
    ):
        message = {"channel": f"/meta/{suffix}", "id": "1", "clientId": "1a2b3c4d5e6f7g8h"}
        stage.upstream.plays(f"/genesys/cometd/{suffix}", answer(told))
        ask(stage, f"/genesys/cometd/{suffix}", json.dumps([message]).encode())
    stage.mitmdump.exchange("/genesys/cometd/connect")
    with served(reader.read(stage.mitmdump.cassette), Pacing(now_us=instants.parse(NOW)[0])) as running:
        yield running


def told(server: Served, action: str) -> httpx.Response:
    url = f"{server.base}/1/service/{SERVICE}/{action}"
    return httpx.post(url, headers={"gms_user": "bob"}, trust_env=False, timeout=20)


def moved_to(instant: str, stage) -> str:
    """An instant of the recording, as a session that starts NOW tells it."""
    first = reader.read(stage.mitmdump.cassette).exchanges[0].request
    shift_us = (instants.parse(NOW)[0] - first.ended_at_us) // 1_000_000 * 1_000_000
    at_us, notation = instants.parse(instant)
    return instants.render(at_us + shift_us, notation)


def test_malformed_menu_is_shifted(stage, server):
    body = told(server, "get-dialog-user-confirmation-provide_code-false").content

    assert body == filled(MENU, base=server.base, expires=moved_to(EXPIRES, stage))


def test_chat_dialog_leads_back(server):
    body = told(server, "get-dialog-start-chat").content

    assert body == filled(START_CHAT, base=server.base, user="bob")


def test_malformed_frames_are_told(stage, server):
    with httpx.Client(base_url=server.base, headers={"gms_user": "bob"}, trust_env=False, timeout=20) as app:
        told(server, "get-dialog-user-confirmation-provide_code-false")
        told(server, "get-dialog-start-chat")
        [shaken] = app.post("/cometd/handshake", json=[{"channel": "/meta/handshake", "version": "1.0"}]).json()
        client = {"clientId": shaken["clientId"]}
        app.post("/cometd", json=[client | {"channel": "/meta/subscribe", "subscription": "/_genesys"}])
        frame = b""
        while frame.count(b"/_genesys") < 2:
            frame += app.post("/cometd/connect", json=[client | {"channel": "/meta/connect"}]).content

    started = moved_to("2014-05-02T16:27:38Z", stage).encode()
    for recorded in (SAYS, JOINS):
        assert recorded.replace(b"2014-05-02T16:27:38Z", started) in frame


def test_malformed_frames_are_kept(stage, server):
    messages = reader.read(stage.mitmdump.cassette).messages

    assert [message.raw for message in messages if message.channel == "/_genesys"] == [SAYS, JOINS]
    assert [bayeux.parse_recorded(raw)[0].channel for raw in (SAYS, JOINS)] == ["/_genesys", "/_genesys"]
