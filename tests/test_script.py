"""The app's side of a recorded visit: what it does, upon what, after how long."""

import json
from dataclasses import replace

import chats2
import factories
import pytest
from factories import CHAT_PATH, SERVICE, Tape, frame

from gms_replay import bayeux, script, sessions
from gms_replay.gms import Kind, Operation
from gms_replay.model import Transport
from gms_replay.script import Ask, Close, Counting, Open, Publish, Subscribe, Unsubscribe, compile_script

HI = '["Message.Text","Kristi","Hi","15","AGENT"]'
QUEUE = f"/genesys/1/service/{SERVICE}/check-queue-position"


def compiled(recording):
    (session,) = sessions.split(recording)
    return compile_script(session)


def acts(recording):
    return [type(step.act) for step in compiled(recording).steps]


def polled(*places):
    tape = Tape()
    tape.ask(0, "POST", "/genesys/1/service/callback/support", answer={"_id": SERVICE})
    for number, place in enumerate(places, start=1):
        tape.ask(number, "GET", QUEUE, answer={"_position": place})
    return tape


def test_polls_for_a_state_are_one_step():
    start, polls = compiled(polled("2", "1", "0").recording()).steps
    assert not start.act.polls
    assert polls.act.polls
    assert len(polls.act.asked) == 3


def test_an_act_between_polls_parts_them():
    tape = polled("1", "0")
    tape.ask(5, "POST", f"/genesys/1/service/{SERVICE}/snooze")
    tape.ask(6, "GET", QUEUE, answer={"_position": "0"})
    steps = compiled(tape.recording()).steps
    assert [len(step.act.asked) for step in steps] == [1, 2, 1, 1]


def test_bayeux_polls_are_no_steps():
    recording = factories.chat_recording((3, frame(1, HI)))
    assert [act for act in acts(recording) if act is not Ask] == [Open, Subscribe, Close]


def test_a_step_waits_for_what_was_told_before_it():
    recording = factories.chat_recording((3, frame(1, HI)), (7, frame(2, HI)), sends=(8,))
    (send,) = [
        step for step in compiled(recording).steps if isinstance(step.act, Ask) and step.act.operation.kind is Kind.SEND
    ]
    assert send.after.number == 2
    assert 0 < send.pause_us < 2_000_000


def test_what_is_published_is_said_by_its_client():
    steps = compiled(chats2.recorded_chat().recording()).steps
    published = [step.act for step in steps if isinstance(step.act, Publish)]
    assert [act.operation.kind for act in published] == [Kind.REQUEST_CHAT, Kind.SEND, Kind.DISCONNECT_CHAT]
    assert published[1].data["message"] == chats2.HELLO


def test_a_client_over_a_socket_opens_one():
    recording = factories.over_socket(factories.chat_recording((3, frame(1, HI))))
    (opened,) = [step.act for step in compiled(recording).steps if isinstance(step.act, Open)]
    assert opened.transport is Transport.WEBSOCKET


def test_what_an_app_has_when_it_leaves_is_kept():
    tape = Tape()
    tape.open_comet(0)
    said = {"channel": bayeux.DISCONNECT, "clientId": factories.CLIENT, "id": "9", "ext": {"transcriptPosition": "4"}}
    tape.comet(2, [said], [{"channel": bayeux.DISCONNECT, "id": "9", "successful": True}])
    *_, last = compiled(tape.recording()).steps
    assert last.act == Close(factories.CLIENT, {"ext": {"transcriptPosition": "4"}})


def test_what_is_said_beside_is_kept():
    tape, client = Tape(), factories.CLIENT
    shake = {"channel": bayeux.HANDSHAKE, "id": "1", "version": "1.0", "supportedConnectionTypes": ["websocket"]}
    connect = {"channel": bayeux.CONNECT, "clientId": client, "connectionType": "long-polling", "id": "2"}
    subscribe = {"channel": bayeux.SUBSCRIBE, "clientId": client, "subscription": ["/a", "/b"], "id": "3"}
    publish = {"channel": "/a", "clientId": client, "id": "4", "data": {}}
    leave = {"channel": bayeux.UNSUBSCRIBE, "clientId": client, "subscription": "/a", "id": "5"}
    said = (shake, connect | {"advice": {"timeout": 0}}, connect, subscribe, publish, leave)
    for number, message in enumerate(said):
        reply = {"channel": message["channel"], "id": message["id"], "successful": True, "clientId": client}
        tape.comet(number, [message | {"ext": {"token": number}}], [reply])
    opened, *subscribed, published, left, _ = [step.act for step in compiled(tape.recording()).steps]
    assert opened.beside == {"version": "1.0", "ext": {"token": 0}}
    assert opened.connects_with == {"ext": {"token": 1}}
    assert json.loads(opened.answer)["clientId"] == client
    assert [act.beside for act in subscribed] == [{"ext": {"token": 3}}] * 2
    assert published.beside == {"ext": {"token": 4}}
    assert left == Unsubscribe(client, "/a", {"ext": {"token": 5}})


def line(kind, who, text="x", state="TRANSCRIPT"):
    told = {"chatIxnState": state, "transcriptToShow": [[kind, "N", text, "1", who]]}
    return {"channel": "/_genesys", "data": {"message": told}}


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (line("Message.Text", "AGENT"), line("Message.Text", "AGENT", "y"), True),
        (line("Message.Text", "AGENT"), line("Message.Text", "CLIENT"), False),
        (line("Notice.Left", "AGENT"), line("Notice.Left", "AGENT", state="DISCONNECTED"), False),
        ({"channel": "/a", "data": 1}, {"channel": "/a", "data": "odd"}, True),
        ({"channel": "/a", "data": {"message": {"transcriptToShow": [1, [2]]}}}, {"channel": "/a"}, False),
        (json.loads(chats2.event(chats2.told((1, "a")))), json.loads(chats2.event(chats2.told((9, "b")))), True),
        (json.loads(chats2.event(chats2.told((1, "a")))), json.loads(chats2.event(chats2.told((1, "")))), False),
    ],
)
def test_events_are_known_by_their_looks(one, other, alike):
    assert (script.looks(one) == script.looks(other)) is alike


def test_missing_events_are_not_counted_on():
    counting = Counting()
    first = counting.event(bayeux.Parsed(b"", line("Message.Text", "AGENT")), 0)
    second = replace(first, number=2)
    assert (counting.has(second), counting.has(second, missing=1)) == (False, True)


@pytest.mark.parametrize(
    ("kind", "recorded", "live", "reached"),
    [
        (Kind.QUEUE_POSITION, b'{"_position": "0"}', b'{"_position": "1"}', False),
        (Kind.QUEUE_POSITION, b'{"_position": "1"}', b'{"_position": "0"}', True),
        (Kind.QUEUE_POSITION, b'{"_position": "1"}', b"nothing of the sort", True),
        (Kind.REFRESH, b'{"transcriptPosition": 3}', b'{"transcriptPosition": "2"}', False),
        (Kind.REFRESH, b'{"transcriptPosition": 3}', b'{"transcriptPosition": "4"}', True),
        (Kind.REFRESH, b'{"chatIxnState": "DISCONNECTED"}', b'{"chatIxnState": "TRANSCRIPT"}', False),
        (Kind.REFRESH, b'{"chatEnded": true, "nextPosition": 3}', b'{"chatEnded": true, "nextPosition": 3}', True),
    ],
)
def test_polls_end_when_they_tell_what_was_recorded(kind, recorded, live, reached):
    assert script.is_reached(Operation(kind, "/genesys"), recorded, live) is reached


def test_refreshes_of_a_chat_are_polls():
    tape = polled("0")
    for second in (3, 4, 5):
        tape.ask(second, "POST", f"{CHAT_PATH}/refresh", "transcriptPosition=0", {"transcriptPosition": second})
    assert len(compiled(tape.recording()).steps[-1].act.asked) == 3


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"_position": "3", "_total": "9"}', "_position 3"),
        (b'{"chatIxnState": "DISCONNECTED", "transcriptPosition": 7}', "transcriptPosition 7, over"),
        (b"<html>", ""),
    ],
)
def test_a_state_is_told_in_short(body, told):
    assert script.state(body) == told


def test_events_are_counted_by_their_looks():
    counting = Counting()
    for kind in ("Message.Text", "Message.Text", "Notice.Left"):
        counting.event(bayeux.Parsed(b"", line(kind, "AGENT")), 0)

    told = {seen: counting.count(seen) for seen in counting.seen()}

    assert told == {
        ("/_genesys", "TRANSCRIPT", "Message.Text AGENT"): 2,
        ("/_genesys", "TRANSCRIPT", "Notice.Left AGENT"): 1,
    }


@pytest.mark.parametrize(
    ("fields", "looks"),
    [
        ({"channel": "/a", "data": {"no": 1}}, ("/a",)),
        ({"channel": "/a", "data": {"message": [1]}}, ("/a",)),
        (json.loads(chats2.event({**chats2.told(), "messages": ["odd"]})), (chats2.CHANNEL, "", "")),
    ],
)
def test_odd_events_have_looks_too(fields, looks):
    assert script.looks(fields) == looks


def test_odd_subscriptions_are_no_steps():
    tape = Tape()
    tape.open_comet(0)
    said = {"channel": bayeux.SUBSCRIBE, "clientId": factories.CLIENT, "id": "9", "subscription": ["/a", 7]}
    tape.comet(2, [said], [{"channel": bayeux.SUBSCRIBE, "id": "9", "successful": False}])

    subscribed = [step.act.channel for step in compiled(tape.recording()).steps if isinstance(step.act, Subscribe)]

    assert subscribed == ["/_genesys", "/a"]
