import json

import pytest

from gms_replay import bayeux
from gms_replay.simulator.sessions import Sessions


def message(**fields):
    (parsed,) = bayeux.parse(json.dumps({"channel": "/meta/connect", **fields}).encode())
    return parsed


def test_messages_name_their_session():
    sessions = Sessions()
    one, other = sessions.open("c1", "stan"), sessions.open("c2", "stan")
    assert (sessions.find(message(clientId="c1")), sessions.find(message(clientId="c2"))) == (one, other)


@pytest.mark.parametrize("fields", [{}, {"clientId": None}, {"clientId": ["c1"]}, {"clientId": "c2"}])
def test_unknown_names_find_nothing(fields):
    sessions = Sessions()
    sessions.open("c1", "stan")
    assert sessions.find(message(**fields)) is None


def test_newest_come_first():
    sessions = Sessions()
    one, _, newest = (sessions.open(*who) for who in (("c1", "stan"), ("c2", "kyle"), ("c3", "stan")))
    assert sessions.of("stan") == [newest, one]


def test_ended_ones_are_gone():
    sessions = Sessions()
    client = sessions.open("c1", "stan")
    for _ in range(2):
        sessions.end(client)
    assert (client in sessions, list(sessions)) == (False, [])


def test_subscriptions_take_by_pattern():
    client = Sessions().open("c1", "stan")
    client.subscriptions |= {"/a", "/b/**"}
    assert [client.takes(channel) for channel in ("/a", "/a/b", "/b/c/d")] == [True, False, True]


def test_nothing_held_is_nothing_woken():
    assert not Sessions().open("c1", "stan").wake()
