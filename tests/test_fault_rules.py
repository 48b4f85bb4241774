"""How rules for faults are written."""

import json
from typing import Any

import pytest

from gms_replay import fault_rules
from gms_replay.errors import OptionError
from gms_replay.faults import Do, Fault

PLAIN = {"on": "send", "do": "reset"}


@pytest.mark.parametrize(
    ("said", "fault"),
    [
        (PLAIN, Fault("send", Do.RESET)),
        (PLAIN | {"times": 3}, Fault("send", Do.RESET, times=frozenset({3}))),
        (PLAIN | {"times": [3, 4]}, Fault("send", Do.RESET, times=frozenset({3, 4}))),
        (PLAIN | {"first": 2, "every": 3, "count": 4}, Fault("send", Do.RESET, first=2, every=3, count=4)),
        (PLAIN | {"session": "bob"}, Fault("send", Do.RESET, "bob")),
        (PLAIN | {"session": 2}, Fault("send", Do.RESET, None, 2)),
        (PLAIN | {"session": "bob:2"}, Fault("send", Do.RESET, "bob", 2)),
        (
            {"on": "dialog connect", "do": "delay", "delay_ms": 5, "jitter_ms": 1.5, "chance": 0.5},
            Fault("dialog connect", Do.DELAY, delay_ms=5, jitter_ms=1.5, chance=0.5),
        ),
        ({"on": "any", "do": "cut", "after_bytes": 0}, Fault("any", Do.CUT, after_bytes=0)),
        ({"on": "any", "do": "alias"}, Fault("any", Do.ALIAS)),
        ({"on": "comet", "do": "hang"}, Fault("comet", Do.HANG)),
        ({"on": "/meta/handshake", "do": "refuse"}, Fault("/meta/handshake", Do.REFUSE)),
        ({"on": "/meta/*", "do": "reset"}, Fault("/meta/*", Do.RESET)),
        ({"on": "/meta/**", "do": "reset"}, Fault("/meta/**", Do.RESET)),
        ({"on": "/meta/disconnect", "do": "reset"}, Fault("/meta/disconnect", Do.RESET)),
        ({"on": "/_genesys", "do": "reorder"}, Fault("/_genesys", Do.REORDER, delay_ms=10_000)),
        ({"on": "push", "do": "lose"}, Fault("push", Do.LOSE)),
        ({"on": "push connect", "do": "double"}, Fault("push connect", Do.DOUBLE)),
        (
            {"on": "refresh", "do": "error", "status_code": 2, "message": "m"},
            Fault("refresh", Do.ERROR, status_code=2, message="m"),
        ),
        (
            {"on": "refresh", "do": "error", "status": 404, "exception": "e"},
            Fault("refresh", Do.ERROR, status=404, exception="e"),
        ),
    ],
)  # fmt: skip
def test_rule_is_read_and_told_the_same(said: dict[str, Any], fault: Fault) -> None:
    read = fault_rules.read(said, "fault")

    assert read == fault
    assert fault_rules.read(json.loads(json.dumps(read.as_json())), "fault") == fault


@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        (5, "fault: it is a rule, like"),
        ({}, "fault.do: None: it is one of"),
        ({"do": ["reset"]}, "fault.do: "),
        ({"do": "reset"}, "fault.on: None: nothing is called so"),
        (
            {"on": "sned", "do": "reset"},
            "fault.on: 'sned': nothing is called so; there are any, comet, push, a channel",
        ),
        # It would never strike.
        (
            {"on": "/meta/conect", "do": "reset"},
            "fault.on: '/meta/conect': no app says that; there are /meta/handshake, /meta/connect, ",
        ),
        ({"on": "/meta/con*", "do": "reset"}, "fault.on: '/meta/con*': no app says that"),
        ({"on": "/_gen*", "do": "lose"}, "fault.on: '/_gen*': in a channel * stands for whole segments, at its end"),
        ({"on": "/*/chat", "do": "lose"}, "fault.on: '/*/chat': in a channel * stands for whole segments, at its end"),
        ({"on": "/meta", "do": "reset"}, "fault.on: '/meta': no app says that"),
        ({"on": "send", "do": "double"}, "fault.on: double does not happen to 'send'; alias, cut"),
        ({"on": "send", "do": "forget"}, "fault.on: forget does not"),
        # A request that is not Comet's has no client that could be forgotten: it would hang.
        ({"on": "any", "do": "forget"}, "fault.on: forget does not"),
        ({"on": "push", "do": "reset"}, "fault.on: reset does not"),
        ({"on": "/_genesys", "do": "reset"}, "fault.on: reset does not"),
        ({"on": "/meta/connect", "do": "refuse"}, "fault.on: refuse does not"),
        (PLAIN | {"tims": 3}, "fault.tims: no such field; there are on, do, session, times"),
        (PLAIN | {"times": 0}, "fault.times: 0: it is a number from 1"),
        (PLAIN | {"times": []}, "fault.times: "),
        (PLAIN | {"times": [True]}, "fault.times: "),
        (PLAIN | {"times": "3"}, "fault.times: "),
        (PLAIN | {"times": 3, "count": 1}, "fault.count: times says which already"),
        (PLAIN | {"first": 0}, "fault.first: 0: it is a whole number from 1"),
        (PLAIN | {"every": 1.5}, "fault.every: "),
        (PLAIN | {"count": True}, "fault.count: "),
        (PLAIN | {"chance": 1.1}, "fault.chance: 1.1: it is a number from 0 to 1"),
        (PLAIN | {"chance": float("nan")}, "fault.chance: nan"),
        (PLAIN | {"chance": "1"}, "fault.chance: "),
        (PLAIN | {"session": True}, "fault.session: True: it is a session's name"),
        (PLAIN | {"session": "a b"}, "fault.session: gms_session: 'a b' names no session"),
        (PLAIN | {"session": 0}, "fault.session: 0: it is a session's name, or the number of a visit"),
        (PLAIN | {"session": -3}, "fault.session: -3: it is a session's name"),
        (PLAIN | {"session": 10**9}, "fault.session: gms_session: '1000000000' names no session"),
        (PLAIN | {"status": 500}, "fault.status: only error has it, not reset"),
        (PLAIN | {"delay_ms": -1}, "fault.delay_ms: -1"),
        ({"on": "send", "do": "delay"}, "fault.delay_ms: how long?"),
        ({"on": "send", "do": "delay", "delay_ms": 0}, "fault.delay_ms: how long?"),
        ({"on": "send", "do": "error", "status": 200}, "fault.status: 200: it is a whole number from 400 to 599"),
        ({"on": "send", "do": "error", "status": 500, "status_code": 1}, "fault.status: status_code comes with"),
        ({"on": "send", "do": "error", "status_code": 3}, "fault.status_code: 3"),
        ({"on": "send", "do": "error", "message": 3}, "fault.message: 3: it is a text"),
        ({"on": "/meta/handshake", "do": "refuse", "advice": "no"}, "fault.advice: 'no': it is one of"),
    ],
)
def test_error_names_the_field(said: object, complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        fault_rules.read(said, "fault")

    assert str(caught.value).startswith(complaint)


def test_list_is_numbered() -> None:
    assert fault_rules.read_all([], "faults") == ()
    with pytest.raises(OptionError, match=r"^faults\[2\]\.do: "):
        fault_rules.read_all([PLAIN, {}], "faults")
    with pytest.raises(OptionError, match=r"^faults: it is a list of rules"):
        fault_rules.read_all(PLAIN, "faults")


def test_number_is_read() -> None:
    assert (fault_rules.number(None), fault_rules.number("3")) == (None, 3)
    with pytest.raises(OptionError, match=r"^'x' is no fault's number"):
        fault_rules.number("x")


def test_posted_rule_is_read() -> None:
    assert fault_rules.posted(json.dumps(PLAIN).encode()) == Fault("send", Do.RESET)


def test_whole_number_may_have_a_fraction_of_zero() -> None:
    posted = fault_rules.posted(b'{"on": "send", "do": "reset", "times": [1.0, 2e0], "session": 2.0}')

    assert posted == Fault("send", Do.RESET, visit=2, times=frozenset({1, 2}))
    with pytest.raises(OptionError, match=r"^fault\.first: 1\.5: "):
        fault_rules.posted(b'{"on": "send", "do": "reset", "first": 1.5}')


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        (b"{", "the body must be a JSON object"),
        (b"[" * 100_000, "the body must be a JSON object"),
        (b"3", "fault: it is a rule"),
    ],
)
def test_what_is_posted_wrongly(body: bytes, complaint: str) -> None:
    with pytest.raises(OptionError) as caught:
        fault_rules.posted(body)

    assert str(caught.value).startswith(complaint)
