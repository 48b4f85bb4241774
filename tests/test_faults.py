"""Which rule strikes what, and whom it struck."""

import pytest

from gms_replay.faults import AddFault, Do, DropFaults, Fault, Faults, TellFaults, share

RESET = Fault("send", Do.RESET)


@pytest.mark.parametrize(
    ("fault", "struck"),
    [
        (RESET, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (Fault("send", Do.RESET, times=frozenset({3, 5})), [3, 5]),
        (Fault("send", Do.RESET, first=7), [7, 8, 9]),
        (Fault("send", Do.RESET, every=4), [1, 5, 9]),
        (Fault("send", Do.RESET, first=2, every=3), [2, 5, 8]),
        (Fault("send", Do.RESET, first=2, count=2), [2, 3]),
        (Fault("send", Do.RESET, chance=0), []),
    ],
)
def test_rule_says_which_times(fault: Fault, struck: list[int]) -> None:
    found: list[int] = []
    for number in range(1, 10):
        if fault.strikes(number, len(found), 0.5):
            found.append(number)

    assert found == struck


def test_chance_is_drawn_by_seed_rule_session_and_count() -> None:
    rule = Fault("send", Do.RESET, chance=0.3)

    def drawn(rule: Fault = rule, seed: int = 0, session: str = "s1") -> list[bool]:
        faults = Faults(seed=seed)
        draws = (share(faults.drawn(rule, session, number)) for number in range(1000))
        return [rule.strikes(1, 0, draw) for draw in draws]

    assert drawn() == drawn()
    others = (drawn(seed=1), drawn(session="s2"), drawn(Fault("any", Do.RESET, chance=0.3)))
    assert all(drawn() != other for other in others)
    assert 250 < sum(drawn()) < 350


@pytest.mark.parametrize(
    ("on", "names", "is_named"),
    [
        ("send", {"any", "send"}, True),
        ("send", {"any", "refresh"}, False),
        ("dialog connect", {"any", "dialog", "dialog connect"}, True),
        ("/service/chatV2/*", {"/service/chatV2/support"}, True),
        ("/**", {"/_genesys"}, True),
        ("/**", {"/meta/connect"}, False),
        ("/*", {"/_genesys"}, True),
        ("/*", {"/service/chatV2/support"}, False),
        ("/*", {"/meta/connect"}, False),
        # What is no channel has no place among them.
        ("/*", {"any", "comet", "send"}, False),
        ("/*", {"push", "push connect-inbound"}, False),
        ("/**", {"any", "comet", "send", "push"}, False),
        ("/meta/*", {"/meta/connect"}, True),
        ("/meta/*", {"/_genesys"}, False),
    ],
)
def test_rule_names_what_it_concerns(on: str, names: set[str], is_named: bool) -> None:
    assert Fault(on, Do.DELAY).names(names) is is_named


@pytest.mark.parametrize(
    ("session", "visit", "is_for"),
    [(None, None, True), ("s1", None, True), (None, 2, True), ("s1", 2, True), ("s2", 2, False), ("s1", 1, False)],
)
def test_rule_names_whom_it_concerns(session: str | None, visit: int | None, is_for: bool) -> None:
    assert Fault("any", Do.RESET, session, visit).is_for("s1", 2) is is_for


def test_delay_lies_within_its_jitter() -> None:
    fault = Fault("any", Do.DELAY, delay_ms=100, jitter_ms=50)

    assert [fault.delay_us(draw) for draw in (0, 0.5)] == [100_000, 125_000]
    assert RESET.delay_us(0.9) == 0


def test_share_is_less_than_one() -> None:
    assert 0.999 < share(b"\xff" * 64) < 1
    assert share(bytes(64)) == 0


def test_what_struck_is_told() -> None:
    faults = Faults([RESET, Fault("any", Do.CUT, "bob", 2, times=frozenset({3, 1}))])
    faults.note(1, "s1")
    faults.note(1, "s1")
    faults.note(1, "bob")

    assert faults.obey(TellFaults()) == {
        "faults": [
            {"number": 1, "on": "send", "do": "reset", "struck": 3, "sessions": {"s1": 2, "bob": 1}},
            {
                "number": 2, "on": "any", "do": "cut", "session": "bob:2", "times": [1, 3], "struck": 0, "sessions": {},
            },
        ]
    }  # fmt: skip
    assert faults.idle == ("fault 2 (cut on any) struck nobody",)
    faults.forget()
    assert len(faults.idle) == 2


@pytest.mark.parametrize(
    ("fault", "status"),
    [
        (Fault("send", Do.ERROR, status=503), {"status": 503}),
        (Fault("send", Do.ERROR, status=404), {"status": 404}),
        (Fault("send", Do.ERROR, status_code=2), {"status_code": 2}),
        (RESET, {}),
    ],
)
def test_status_that_counts_is_told(fault: Fault, status: dict[str, int]) -> None:
    assert fault.as_json() == {"on": "send", "do": fault.do} | status


def test_rules_come_and_go() -> None:
    faults = Faults([RESET])
    assert faults.obey(AddFault(Fault("any", Do.HANG, visit=2)))["number"] == 2
    assert [one["number"] for one in faults.obey(TellFaults(2))["faults"]] == [2]
    assert faults.obey(DropFaults(1)) == {"dropped": [1]}
    assert faults.obey(DropFaults(1)) == {"dropped": []}
    assert list(faults.rules) == [2]
    assert faults.obey(DropFaults(None)) == {"dropped": [2]}
    assert not faults.rules
    # No number is ever another rule's.
    assert faults.add(RESET) == 3
