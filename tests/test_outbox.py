import json

from gms_replay.control import HoldPushes, ReleasePushes, TellPushes
from gms_replay.events import Action, Noted, Respond, SendPush
from gms_replay.outbox import Outbox

SECOND_US = 1_000_000


def push(name: str, session: str = "s1") -> SendPush:
    return SendPush(session, 1, 0, "apns", None, name, "wake", (), b"{}")


def posted(outbox: Outbox, *actions: Action) -> list[tuple[int, str | None]]:
    """The numbers and services of what may go."""
    return numbered(outbox.post(list(actions)))


def numbered(actions: list[Action]) -> list[tuple[int, str | None]]:
    return [(one.number, one.service_id) for one in actions if isinstance(one, SendPush)]


def told(answers: list[Respond]) -> dict[int, list[str]]:
    """The services of the pushes in each answer, by its request."""
    return {one.request_id: [push["_id"] for push in json.loads(one.body)["pushes"]] for one in answers}


def test_pushes_are_numbered_in_order() -> None:
    outbox = Outbox()
    note = Noted("hello")

    actions = outbox.post([push("a"), note, push("b")])

    assert actions[1] is note
    assert numbered(actions) == [(1, "a"), (2, "b")]
    assert posted(outbox, push("c")) == [(3, "c")]


def test_held_pushes_wait_for_their_release() -> None:
    outbox = Outbox(holds_all=True)

    assert posted(outbox, push("a"), push("b", "s2"), push("c")) == []
    assert numbered([*outbox.obey(ReleasePushes(1, None))]) == [(1, "a")]
    assert numbered([*outbox.obey(ReleasePushes(5, "s1"))]) == [(2, "c")]
    assert numbered([*outbox.obey(HoldPushes(False, None))]) == [(3, "b")]
    assert posted(outbox, push("d")) == [(4, "d")]


def test_one_session_is_held() -> None:
    outbox = Outbox()
    outbox.obey(HoldPushes(True, "s2"))

    assert posted(outbox, push("a"), push("b", "s2")) == [(1, "a")]
    assert json.loads(outbox.holding_told([])) == {"told": [], "holding": ["s2"], "held": 1}
    assert numbered([*outbox.obey(HoldPushes(False, "s2"))]) == [(2, "b")]


def test_all_that_are_held_stay_so_when_one_session_is_let_go() -> None:
    outbox = Outbox(holds_all=True)
    outbox.obey(HoldPushes(True, "s1"))
    outbox.post([push("a")])

    assert outbox.obey(HoldPushes(False, "s1")) == []
    assert json.loads(outbox.holding_told([])) == {"told": [], "holding": "all", "held": 1}
    assert numbered([*outbox.obey(ReleasePushes(None, None))]) == [(1, "a")]


def test_who_asks_is_answered_at_once() -> None:
    outbox = Outbox()
    outbox.post([push("a"), push("b", "s2"), push("c")])
    outbox.listen(1, TellPushes(0, 0, None), 0)
    outbox.listen(2, TellPushes(1, 0, "s1"), 0)
    outbox.listen(3, TellPushes(3, 0, None), 0)

    assert told(outbox.answers(0)) == {1: ["a", "b", "c"], 2: ["c"], 3: []}
    assert outbox.answers(0) == []


def test_who_waits_is_answered_by_the_next() -> None:
    outbox = Outbox()
    outbox.listen(1, TellPushes(0, 30 * SECOND_US, "s2"), 0)
    outbox.post([push("a")])

    assert outbox.answers(SECOND_US) == []
    assert outbox.next_us == 30 * SECOND_US
    outbox.post([push("b", "s2"), push("c", "s2")])
    assert told(outbox.answers(2 * SECOND_US)) == {1: ["b", "c"]}
    assert outbox.next_us is None


def test_who_waits_in_vain_is_told_so() -> None:
    outbox = Outbox()
    outbox.listen(1, TellPushes(0, SECOND_US, None), 0)

    assert told(outbox.answers(SECOND_US - 1)) == {}
    assert told(outbox.answers(SECOND_US)) == {1: []}


def test_sessions_are_awaited_by_who_waits() -> None:
    outbox = Outbox()
    outbox.post([push("a")])
    outbox.listen(1, TellPushes(0, SECOND_US, "s1"), 0)
    outbox.listen(2, TellPushes(0, 0, "s2"), 0)
    outbox.listen(3, TellPushes(0, SECOND_US, "s3"), 0)

    assert [outbox.awaited(name, takes_all=False) for name in ("s1", "s2", "s3")] == [0, 0, 1]
    assert outbox.awaited("s1", takes_all=True) == -1
    outbox.gone(3)
    assert outbox.awaited("s3", takes_all=False) == 0


def test_held_pushes_are_awaited_by_nobody() -> None:
    outbox = Outbox()
    outbox.obey(HoldPushes(True, "s1"))
    outbox.listen(1, TellPushes(0, SECOND_US, None), 0)

    assert [outbox.awaited(name, takes_all=False) for name in ("s1", "s2")] == [0, 1]
    assert [outbox.awaited(name, takes_all=True) for name in ("s1", "s2")] == [0, -1]


def test_number_of_another_servers_is_none() -> None:
    outbox = Outbox()
    outbox.post([push("a")])
    outbox.listen(1, TellPushes(57, SECOND_US, None), 0)

    assert told(outbox.answers(0)) == {1: ["a"]}


def test_all_is_as_at_the_start_but_numbers() -> None:
    outbox = Outbox()
    outbox.obey(HoldPushes(True, None))
    outbox.post([push("a")])
    outbox.obey(ReleasePushes(1, None))
    outbox.forget("s1")
    outbox.clear()

    assert posted(outbox, push("b")) == [(2, "b")]
    assert json.loads(outbox.holding_told([])) == {"told": [], "holding": [], "held": 0}


def test_what_went_is_counted_where_it_was_seen() -> None:
    outbox = Outbox()
    outbox.post([push("a"), push("b")._replace(provider=None), push("c", "s2")])

    assert [outbox.told_count(name) for name in ("s1", "s2", "s3")] == [1, 1, 0]
    outbox.forget("s1")
    assert outbox.told_count("s1") == 0


def test_forgotten_session_is_told_of_no_more() -> None:
    outbox = Outbox()
    outbox.post([push("a"), push("b", "s2")])
    outbox.obey(HoldPushes(True, None))
    outbox.post([push("c"), push("d", "s2")])

    outbox.forget("s1")

    outbox.listen(1, TellPushes(0, 0, None), 0)
    assert told(outbox.answers(0)) == {1: ["b"]}
    assert numbered([*outbox.obey(ReleasePushes(None, None))]) == [(3, "d")]


def test_what_is_no_push_goes_as_it_is() -> None:
    actions: list[Action] = [Noted("hello")]

    assert Outbox(holds_all=True).post(actions) is actions
