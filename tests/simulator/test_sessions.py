import json

import pytest

from gms_replay import bayeux
from gms_replay.simulator.call import Caller
from gms_replay.simulator.sessions import Sessions

HERE, ELSEWHERE = "10.0.0.1", "10.0.0.2"
STAN, KYLE, NOBODY = Caller("stan", HERE), Caller("kyle", HERE), Caller("", HERE)


def message(**fields):
    (parsed,) = bayeux.parse(json.dumps({"channel": "/meta/connect", **fields}).encode())
    return parsed


def test_messages_name_their_session():
    sessions = Sessions()
    one, other = sessions.open("c1", STAN), sessions.open("c2", STAN)
    assert (sessions.find(message(clientId="c1")), sessions.find(message(clientId="c2"))) == (one, other)


@pytest.mark.parametrize("fields", [{}, {"clientId": None}, {"clientId": ["c1"]}, {"clientId": "c2"}])
def test_unknown_names_find_nothing(fields):
    sessions = Sessions()
    sessions.open("c1", STAN)
    assert sessions.find(message(**fields)) is None


def test_newest_come_first():
    sessions = Sessions()
    one, _, newest = (sessions.open(*who) for who in (("c1", STAN), ("c2", KYLE), ("c3", STAN)))
    assert sessions.of("stan") == [newest, one]


def test_ended_ones_are_gone():
    sessions = Sessions()
    client = sessions.open("c1", STAN)
    for _ in range(2):
        sessions.end(client)
    assert (client in sessions, list(sessions)) == (False, [])


def test_subscriptions_take_by_pattern():
    client = Sessions().open("c1", STAN)
    client.subscriptions |= {"/a", "/b/**"}
    assert [client.takes(channel) for channel in ("/a", "/a/b", "/b/c/d")] == [True, False, True]


def test_nothing_held_is_nothing_woken():
    assert not Sessions().open("c1", STAN).wake()


def test_named_sessions_are_their_users():
    sessions = Sessions()
    sessions.chat_begins(KYLE)
    assert sessions.open("c1", STAN).user == "stan"


def test_nameless_one_is_whose_chat_began_last():
    sessions = Sessions()
    for caller in (STAN, KYLE, STAN):
        sessions.chat_begins(caller)
    assert sessions.open("c1", NOBODY).user == "stan"


def test_who_has_a_session_goes_last():
    sessions = Sessions()
    for caller in (STAN, KYLE):
        sessions.chat_begins(caller)
    assert [sessions.open(name, NOBODY).user for name in ("c1", "c2", "c3")] == ["kyle", "stan", "kyle"]


def test_who_comes_back_needs_no_name():
    sessions = Sessions()
    sessions.chat_begins(STAN)
    sessions.end(sessions.open("c1", NOBODY))
    assert sessions.open("c2", NOBODY).user == "stan"


def test_other_addresses_are_others():
    sessions = Sessions()
    early = sessions.open("c1", NOBODY)
    sessions.chat_begins(Caller("kyle", ELSEWHERE))
    assert (early.user, sessions.open("c2", NOBODY).user) == (None, None)


def test_early_session_waits_for_its_chat():
    sessions = Sessions()
    client = sessions.open("c1", NOBODY)
    sessions.chat_begins(STAN)
    assert client.user == "stan"


@pytest.mark.parametrize("name", ["stan", ""])
def test_early_session_is_not_theirs_who_have_one(name):
    sessions = Sessions()
    sessions.chat_begins(STAN)
    sessions.open("c1", Caller(name, HERE))
    client = sessions.open("c2", Caller("", ELSEWHERE))
    sessions.chat_begins(Caller("stan", ELSEWHERE))
    assert client.user is None


def test_apps_that_never_name_anybody_are_one():
    sessions = Sessions()
    early = sessions.open("c1", NOBODY)
    sessions.chat_begins(NOBODY)
    assert (early.user, sessions.open("c2", NOBODY).user) == ("", "")
