"""Two recordings, graded."""

from dataclasses import replace
from typing import Any

import pytest
from disguised import STAND_INS, People, visit_of
from factories import (
    AVAILABILITY,
    CALLBACK,
    CHAT_DIALOG,
    HELLO,
    JOINED,
    LEFT,
    MENU,
    ORDER,
    QUEUE,
    REPLY,
    SERVICE,
    THANKS,
    URL,
    WRITES,
    Tape,
    chat_recording,
    frame,
    menu,
    record_visit,
    slots,
    visit,
)  # fmt: skip

from gms_replay import grading
from gms_replay.grades import Grade
from gms_replay.leniency import Leniency
from gms_replay.model import Body, Exchange, Recording
from gms_replay.privacy import WITHHELD


def _changed(old: bytes, new: bytes) -> Recording:
    """The usual visit, with other words in GMS's answers."""
    recording = visit()
    assert any(one.response and old in one.response.body.plain for one in recording.exchanges)
    return replace(recording, exchanges=tuple(_with(one, old, new) for one in recording.exchanges))


def _with(one: Exchange, old: bytes, new: bytes) -> Exchange:
    if not (one.outcome and one.response):
        return one
    body = Body(one.response.body.plain.replace(old, new))
    return replace(one, outcome=replace(one.outcome, response=replace(one.response, body=body)))


def test_same_is_equal() -> None:
    found = grading.compare(visit(), visit(), Leniency())

    assert (found.worst, found.differences) == (Grade.EQUAL, ())
    assert found.compared["answers"] > 0


@pytest.mark.parametrize(
    ("new", "grades"),
    [
        (b'"_action":"Other"', {Grade.OTHER_VALUE}),
        (b'"_action":1', {Grade.OTHER_TYPE}),
        (b'"_deed":"StartChat"', {Grade.MISSING_FIELD, Grade.NEW_FIELD}),
    ],
)
def test_changed_field_is_graded(new: bytes, grades: set[Grade]) -> None:
    old = next(form for form in (b'"_action":"StartChat"', b'"_action": "StartChat"') if _holds(form))
    found = grading.compare(visit(), _changed(old, new), Leniency())

    assert {one.grade for one in found.differences} == grades


def test_differences_are_counted_by_grade() -> None:
    found = grading.compare(_started(a=1, b="x"), _started(a=2, c="x"), Leniency())

    assert found.counts == {Grade.NEW_FIELD: 1, Grade.OTHER_VALUE: 1, Grade.MISSING_FIELD: 1}


def test_what_the_app_asks_may_be_left_out() -> None:
    old, new = _menus("a", "b"), _menus("a", "x")

    found = [
        grading.compare(old, new, Leniency(compares_requests=is_compared)).differences for is_compared in (True, False)
    ]

    assert [[one.path for one in differences] for differences in found] == [["title"], []]


def test_what_was_redacted_stands_for_what_is_true() -> None:
    old, new = visit_of(People(), "off"), visit_of(STAND_INS)
    other = visit_of(replace(STAND_INS, agent="Lopq Nax"))

    assert _found(old, new) == []
    assert (Grade.OTHER_VALUE, "chat AGENT Message.Text") in _found(old, other)


@pytest.mark.parametrize(("redaction", "grades"), [("on", []), ("off", [Grade.OTHER_TYPE, Grade.OTHER_VALUE])])
def test_what_was_withheld_is_no_difference(redaction: str, grades: list[Grade]) -> None:
    """Nobody can say what was there; who redacts nothing, withholds nothing."""

    def answered(answer: dict[str, Any] | str, redaction: str) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, answer)
        recording = tape.recording()
        return replace(recording, runs=tuple(replace(run, redaction=redaction) for run in recording.runs))

    found = grading.compare(answered({"_id": SERVICE}, "off"), answered(WITHHELD, redaction), Leniency())

    assert [one.grade for one in found.differences] == grades


def test_learned_is_volatile() -> None:
    old = next(form for form in (b'"_action":"StartChat"', b'"_action": "StartChat"') if _holds(form))
    changed = _changed(old, b'"_action":"Other"')
    learned = Leniency().learned(grading.compare(visit(), changed, Leniency()).differences, {})

    assert grading.compare(visit(), changed, learned).worst is Grade.VOLATILE


def _holds(form: bytes) -> bool:
    return any(one.response and form in one.response.body.plain for one in visit().exchanges)


def _chat(*lines: str, reply_s: float = 12) -> Recording:
    """A chat whose events come one second apart, but for what comes before the agent's reply."""
    at_s, events = 2.0, []
    for number, line in enumerate(lines, start=1):
        at_s += reply_s - 8 if line is REPLY else 1
        events.append((at_s, frame(number, line)))
    return chat_recording(*events)


def _found(old: Recording, new: Recording) -> list[tuple[Grade, str]]:
    return [(one.grade, one.place) for one in grading.compare(old, new, Leniency()).differences]


WHOLE = (JOINED, HELLO, WRITES, REPLY, THANKS, LEFT)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ((JOINED, HELLO, WRITES, REPLY, THANKS), [(Grade.MISSING, "chat AGENT Notice.Left")]),
        ((*WHOLE[:4], '["Message.Text","Kristi","Hello?","15","AGENT"]', *WHOLE[4:]),
         [(Grade.EXTRA, "chat AGENT Message.Text")]),
        ((HELLO, JOINED, WRITES, REPLY, THANKS, LEFT), [(Grade.OTHER_ORDER, "chat AGENT Notice.Joined")]),
        ((JOINED, HELLO, WRITES, WRITES, REPLY, THANKS, LEFT), [(Grade.VOLATILE, "chat AGENT Notice.TypingStarted")]),
        ((*WHOLE[:3], '["Message.Text","Kristi","Go away.","12","AGENT"]', *WHOLE[4:]),
         [(Grade.OTHER_VALUE, "chat AGENT Message.Text")]),
    ],
)  # fmt: skip
def test_lines_are_compared_as_lines(lines: tuple[str, ...], expected: list[tuple[Grade, str]]) -> None:
    assert _found(_chat(*WHOLE), _chat(*lines)) == expected


def test_slower_agent_is_told_once() -> None:
    assert _found(_chat(*WHOLE), _chat(*WHOLE, reply_s=40)) == [(Grade.SLOWER, "chat lines")]
    assert _found(_chat(*WHOLE, reply_s=40), _chat(*WHOLE)) == []


def test_wait_after_another_act_is_no_slower_one() -> None:
    events = [(2.0, frame(1, JOINED)), (9.5, frame(2, REPLY))]

    assert _found(chat_recording(*events, sends=(9,)), chat_recording(*events)) == [
        (Grade.MISSING, "request send"), (Grade.MISSING, "send"),
    ]  # fmt: skip


def test_spread_of_waits_is_learned() -> None:
    spreads_us = grading.compare(_chat(*WHOLE), _chat(*WHOLE, reply_s=20), Leniency()).rows[0].spreads_us
    leniency = Leniency().learned([], spreads_us)

    assert spreads_us["chat lines"] == 8_000_000
    for reply_s, grades in ((28, [Grade.VOLATILE]), (30, [Grade.SLOWER])):
        found = grading.compare(_chat(*WHOLE), _chat(*WHOLE, reply_s=reply_s), leniency)
        assert [one.grade for one in found.differences] == grades


def test_status_is_no_field() -> None:
    def answered(status: int) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "status": "new"}, status=status)
        return tape.recording()

    assert _found(answered(200), answered(202)) == [(Grade.OTHER_VALUE, "start callback sales")]


def test_each_thing_is_checked_once() -> None:
    (row,) = grading.compare(_chat(*WHOLE), _chat(*WHOLE[:3], WRITES, *WHOLE[3:]), Leniency()).rows
    names = [(check.sort, check.where) for check in row.checks]

    assert len(set(names)) == len(names)
    assert {check.where: check.grade for check in row.checks if check.differences} == {
        "chat AGENT Notice.TypingStarted 2 (new)": Grade.VOLATILE
    }
    assert ("answers", "start callback sales time taken") in names


def _menus(*titles: str) -> Recording:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    for at_s, title in enumerate(titles, start=1):
        tape.ask(at_s, "POST", MENU, {"title": title}, menu(URL, "2014-05-02T16:57:40Z"))
    return tape.recording()


def test_first_request_that_departs_is_named() -> None:
    rows = grading.compare(_menus("a", "b", "c"), _menus("a", "x", "c"), Leniency()).rows

    assert rows[0].departs is not None
    assert (rows[0].departs.where, rows[0].departs.path) == (
        "request dialog get-dialog-user-confirmation-provide_code-false 2", "title",
    )  # fmt: skip


def test_chosen_visits_alone_are_compared() -> None:
    tape = Tape()
    record_visit(tape)
    tape.user = "bob@example.com"
    tape.ask(100, "POST", CALLBACK, ORDER, {"_id": SERVICE[::-1]})
    both = tape.recording()

    def compared(*pairs: tuple[int, int | None]) -> list[tuple[int | None, int | None, Grade]]:
        rows = grading.compare(both, visit(), Leniency(), pairs).rows
        return [(row.old, row.new, row.grade) for row in rows]

    assert compared((1, None)) == [(1, 1, Grade.EQUAL)]
    assert compared((2, None)) == [(2, 1, Grade.EXTRA)]
    assert compared((2, 1), (1, 1)) == [(2, 1, Grade.EXTRA), (1, 1, Grade.EQUAL)]


def test_time_slots_are_no_fields() -> None:
    def asked(*instants: str) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        tape.ask(1, "GET", AVAILABILITY, b"", slots(*instants))
        return tape.recording()

    assert (
        _found(asked("2014-05-02T16:30:00.000Z"), asked("2026-01-03T09:05:00.000Z", "2026-01-03T09:10:00.000Z")) == []
    )


@pytest.mark.parametrize("wrong", [b'{"_id": "1",}', b'{"_id": "1"', b'{"_id": "1"} x'])
def test_json_with_mistakes_is_no_json(wrong: bytes) -> None:
    def answered(body: bytes) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, body)
        return tape.recording()

    differences = grading.compare(answered(b'{"_id": "1"}'), answered(wrong), Leniency()).differences
    assert (Grade.OTHER_VALUE, "form of the body") in [(one.grade, one.path) for one in differences]
    assert not grading.compare(answered(wrong), answered(wrong), Leniency()).differences


def test_events_do_not_move_as_the_calendar() -> None:
    def told(**fields: str) -> Recording:
        return _started(**fields)

    was = {"_desired_time": "2014-05-02T16:30:00.000Z", "made": "2014-05-02T16:00:00.000Z"}
    now = {"_desired_time": "2014-05-02T18:00:00.000Z", "made": "2014-05-02T17:30:00.000Z"}
    assert _found(told(**was), told(**now)) == [(Grade.OTHER_VALUE, "start callback sales")]


def test_what_was_told_once_is_told_again_the_same() -> None:
    def told(first_s: int, second_s: int) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        started = {"startedAt": f"2014-05-02T16:27:{first_s}Z"}
        tape.ask(first_s, "POST", MENU, b"", started)
        tape.ask(second_s, "POST", CHAT_DIALOG, b"", started)
        return tape.recording()

    assert _found(told(10, 20), told(40, 90)) == []


def test_where_a_url_leads_counts_but_for_gms() -> None:
    def led(gms: str, shop: str) -> Recording:
        return _started(_comet_url=f"http://{gms}/genesys/cometd", shop=f"https://{shop}/genesys/cometd2")

    assert _found(led("a:8080", "shop"), led("b", "shop")) == []
    assert _found(led("a", "shop"), led("a", "mall")) == [(Grade.OTHER_VALUE, "start callback sales")]


def test_empty_body_is_no_empty_object() -> None:
    def answered(body: bytes) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        tape.ask(1, "POST", MENU, b"", body)
        return tape.recording()

    (found,) = grading.compare(answered(b""), answered(b"{}"), Leniency()).differences
    assert (found.grade, found.path, found.note) == (Grade.OTHER_TYPE, "whole body", "text became object")


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"slots": []}, {"slots": [{"utcTime": "2014-05-02T16:30:00.000Z"}]}, []),
        ({}, {"2014-05-02T16:30:00.000Z": 5}, []),
        ({"a": {"b": 1}}, {"c": {"b": 1}}, [(Grade.MISSING_FIELD, "a"), (Grade.NEW_FIELD, "c")]),
        ({"a": {"b": 1}}, {"a": [1]}, [(Grade.OTHER_TYPE, "a")]),
        ({"a": True}, {"a": False}, []),
        ({"a": True}, {"a": None}, [(Grade.OTHER_TYPE, "a")]),
    ],
)
def test_of_states_types_count(old: dict[str, Any], new: dict[str, Any], expected: list[tuple[Grade, str]]) -> None:
    def polled(state: dict[str, Any]) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        tape.ask(1, "GET", AVAILABILITY, b"", state)
        return tape.recording()

    found = grading.compare(polled(old), polled(new), Leniency()).differences
    assert [(one.grade, one.path) for one in found] == expected


def _booked(later_s: int, slot: str, desired: str, echoed: str) -> Recording:
    tape = Tape()
    tape.ask(later_s, "GET", AVAILABILITY, b"", slots(slot))
    tape.ask(
        later_s + 5, "POST", CALLBACK, ORDER | {"_desired_time": desired}, {"_id": SERVICE, "_desired_time": echoed}
    )
    return tape.recording()


MONDAY, TUESDAY = "2014-05-05T08:00:00.000Z", "2014-05-06T08:00:00.000Z"


@pytest.mark.parametrize(
    ("slot", "desired", "echoed", "expected"),
    [
        (TUESDAY, TUESDAY, TUESDAY, []),
        (MONDAY, TUESDAY, TUESDAY, ["request start callback sales"]),
        (MONDAY, MONDAY, TUESDAY, ["start callback sales"]),
    ],
    ids=["as GMS has room", "as the app asks", "as GMS pleases"],
)
def test_calendar_moves(slot: str, desired: str, echoed: str, expected: list[str]) -> None:
    old, new = _booked(0, MONDAY, MONDAY, MONDAY), _booked(3600, slot, desired, echoed)

    assert _found(old, new) == [(Grade.OTHER_VALUE, place) for place in expected]


def test_instant_that_stands_still_is_no_difference() -> None:
    def built(later_s: int, at: str) -> Recording:
        tape = Tape()
        tape.ask(later_s, "POST", CALLBACK, ORDER, {"_id": SERVICE, "built": at})
        return tape.recording()

    assert _found(built(0, "2014-01-01T00:00:00Z"), built(500, "2014-01-01T00:00:00Z")) == []
    assert _found(built(0, "2014-01-01T00:00:00Z"), built(500, "2014-01-01T00:00:59Z")) != []


def test_one_wrong_id_is_one_difference() -> None:
    def told(*ids: str) -> Recording:
        tape = Tape()
        for at_s, one in enumerate(ids):
            tape.ask(at_s, "POST", CALLBACK if not at_s else MENU, ORDER, {"ticket": one, "_id": SERVICE})
        return tape.recording()

    old, wrong = (
        told("ticket-4711aaaabbbbcccc", "ticket-4711aaaabbbbcccc", "ticket-4711aaaabbbbcccc"),
        "ticket-9999bbbbccccdddd",
    )
    assert _found(old, told(wrong, "ticket-4711aaaabbbbcccc", "ticket-4711aaaabbbbcccc")) == [
        (Grade.OTHER_VALUE, "start callback sales")
    ]
    assert _found(old, told(wrong, wrong, wrong)) == []


@pytest.mark.parametrize(
    ("was", "now"),
    [
        ("PRODUCT1", "PRODUCT2"),
        ("tel:+14155550142", "tel:+19005550199"),
        ("http://gms/version2/1", "http://gms/version3/1"),
    ],
)
def test_what_is_no_identity_is_the_same_word_for_word(was: str, now: str) -> None:
    assert _found(_started(value=was), _started(value=now)) == [(Grade.OTHER_VALUE, "start callback sales")]


def test_what_the_app_says_again_is_an_identity() -> None:
    def used(key: str) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "key": key})
        tape.ask(1, "POST", MENU, f"key={key}".encode(), {"for": f"the key {key}"})
        return tape.recording()

    assert _found(used("PRODUCT1"), used("PRODUCT2")) == []


def test_who_the_app_is_may_differ() -> None:
    def told(user: str) -> Recording:
        tape = Tape(user)
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "_user_header": user})
        return tape.recording()

    assert _found(told("ann"), told("bob@example.com")) == []


def test_chosen_visit_is_paired_among_what_is_left() -> None:
    def told(*services: str) -> Recording:
        tape = Tape()
        for at_s, service in enumerate(services):
            tape.ask(at_s * 100, "POST", CALLBACK, ORDER, {"_id": service * 32})
        return tape.recording()

    both, second = told("1", "2"), told("2")

    assert [one.new for one in grading.compare(both, second, Leniency(), [(2, None)]).rows] == [1]
    assert [one.new for one in grading.compare(both, both, Leniency(), [(2, 1), (1, None)]).rows] == [1, 2]
    assert [one.new for one in grading.compare(both, second, Leniency(), [(2, 1), (1, None)]).rows] == [1, None]


def _started(**fields: Any) -> Recording:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE} | fields)
    return tape.recording()


PLACE = {"_position": "1", "_eta": "2"}


def _polled(*states: tuple[int, Any]) -> Recording:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
    for at_s, (status, state) in enumerate(states, start=1):
        tape.ask(at_s, "GET", QUEUE, b"", state, status=status)
    return tape.recording()


@pytest.mark.parametrize(
    ("now", "found"),
    [
        ([(200, PLACE)] * 5, []),
        ([(200, PLACE), (500, PLACE), (200, PLACE)], [(Grade.OTHER_VALUE, "HTTP status")]),
        ([(200, PLACE), (200, {"_position": "1"}), (200, PLACE)], [(Grade.MISSING_FIELD, "_eta")]),
        ([(200, PLACE), (200, PLACE | {"_eta": 2})], [(Grade.OTHER_TYPE, "_eta")]),
        ([(200, PLACE), (200, PLACE | {"new": 2})], [(Grade.NEW_FIELD, "new")]),
    ],
)
def test_one_poll_of_many_is_found(now: list[tuple[int, Any]], found: list[tuple[Grade, str]]) -> None:
    differences = grading.compare(_polled(*[(200, PLACE)] * 3), _polled(*now), Leniency()).differences

    assert [(one.grade, one.path) for one in differences] == found


def test_what_may_lack_may_lack() -> None:
    some = _polled((200, PLACE), (200, {"_position": "1"}), (200, PLACE | {"_eta": None}))

    assert _found(some, _polled((200, PLACE), (200, {"_position": "1"}))) == []


def test_what_is_never_polled_is_missing() -> None:
    polled, none = _polled((200, PLACE)), _polled()

    assert _found(polled, none) == [(Grade.MISSING, "request queue position"), (Grade.MISSING, "queue position")]
    assert _found(none, polled) == [(Grade.EXTRA, "request queue position"), (Grade.EXTRA, "queue position")]


@pytest.mark.parametrize(
    ("target", "place"),
    [(f"{AVAILABILITY}?number-of-days=5", "availability sales"), ("/genesys/1/storage/60", "storage 60")],
)
def test_any_request_may_be_where_apps_depart(target: str, place: str) -> None:
    def asking(target: str) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        tape.ask(1, "GET", target, b"", {})
        return tape.recording()

    (row,) = grading.compare(asking(f"{AVAILABILITY}?number-of-days=3"), asking(target), Leniency()).rows

    assert row.departs
    assert row.departs.place == f"request {place}"


def test_hiccup_among_many_fails_nothing() -> None:
    def answered(*late_s: float) -> Recording:
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        for at_s in range(8):
            tape.ask(10 + at_s * 10, "POST", MENU, b"", {}, takes_s=9 if at_s in late_s else 0)
        return tape.recording()

    place = "dialog get-dialog-user-confirmation-provide_code-false"
    assert _found(answered(), answered(3)) == [(Grade.VOLATILE, place)]
    assert _found(answered(), answered(3, 5)) == [(Grade.SLOWER, place)]


def test_what_was_learned_is_no_pattern() -> None:
    def listed(*items: dict[str, Any], **fields: Any) -> Recording:
        return _started(items=list(items), **fields)

    old, other = listed({"a": "x"}, text="one"), listed({"a": "x"}, {"a": "x"}, text="two")
    leniency = Leniency().learned(grading.compare(old, other, Leniency()).differences, {})

    assert {one.grade for one in grading.compare(old, other, leniency).differences} == {Grade.VOLATILE}
    worse = grading.compare(old, listed({"a": 7}), leniency).differences
    assert [(one.grade, one.path) for one in worse] == [(Grade.MISSING_FIELD, "text"), (Grade.OTHER_TYPE, "items.*.a")]


def test_server_may_be_called_otherwise() -> None:
    def told(host: str) -> Recording:
        tape = Tape(host=host)
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, "chatServerHost": host.partition(":")[0]})
        return tape.recording()

    assert _found(told("gms.example:8080"), told("127.0.0.1:9")) == []
