import itertools
import runpy
from dataclasses import replace
from pathlib import Path

import factories
import pytest
from factories import CALLBACK, MENU, QUEUE, SERVICE, Tape, at
from hypothesis import given, settings

from gms_replay import joining, sessions
from gms_replay.model import Exchange, Recording, Run, Socket

recordings = runpy.run_path(str(Path(__file__).parent / "cassette" / "recordings.py"))["recordings"]


def later(recording: Recording, run: Run) -> Recording:
    """The same as another run."""
    return replace(recording, runs=(run,))


def counts(recording: Recording) -> list[int]:
    return [len(getattr(recording, name)) for name in recording.__dataclass_fields__]


@given(recordings(), recordings())
@settings(max_examples=60, deadline=None)
def test_any_recordings_are_one(one: Recording, other: Recording) -> None:
    alone = joining.join([one]).recording
    joined = joining.join([one, other])
    known, added = joined.known[1], joined.added[1]

    assert factories.without_ids(alone) == factories.without_ids(one)
    assert known + added == sum(counts(other)) - len(other.runs)
    for name in joined.recording.__dataclass_fields__:
        ids = [getattr(fact, "id", getattr(fact, "exchange_id", 0)) for fact in getattr(joined.recording, name)]
        assert ids == sorted(set(ids))
    assert joining.join([one, one]).recording == alone
    assert joining.join([one, one]).added == (sum(counts(one)) - len(one.runs), 0)


@pytest.mark.parametrize("turned", [False, True])
def test_of_an_exchange_there_is_one_socket(turned: bool) -> None:
    tape = Tape()
    tape.ask(0, "GET", "/genesys/cometd", status=101)
    recording = tape.recording()
    told = [replace(recording, sockets=(one,)) for one in (Socket(1, 5), Socket(1, 6, 9, 1000))]

    joined = joining.join(told[::-1] if turned else told)

    assert joined.recording.sockets == (Socket(1, 6, 9, 1000),)
    assert joined.known[1] == 2


def test_facts_get_ids_by_time() -> None:
    first, second = Tape(), Tape()
    for at_s in (0, 20):
        first.ask(at_s, "GET", f"/genesys/1/service/first/{at_s}")
    for at_s in (10, 30):
        second.ask(at_s, "GET", f"/genesys/1/service/second/{at_s}")

    joined = joining.join([second.recording(), first.recording()]).recording

    assert [(one.id, one.request.target[-2:]) for one in joined.exchanges] == [
        (1, "/0"),
        (2, "10"),
        (3, "20"),
        (4, "30"),
    ]
    assert [run.id for run in joined.runs] == [1]


def test_order_of_a_recording_is_kept() -> None:
    visit = factories.visit()
    swapped = {message.id: len(visit.messages) + 1 - message.id for message in visit.messages}
    odd = replace(visit, messages=tuple(replace(one, id=swapped[one.id]) for one in reversed(visit.messages)))

    joined = joining.join([odd, later(Recording(), Run(1, 0, "", None, ()))]).recording

    assert [one.raw for one in joined.messages] == [one.raw for one in odd.messages]


def test_owners_are_found_again() -> None:
    visit = factories.over_socket(factories.visit())
    other = later(visit, replace(visit.runs[0], started_at_us=0))

    joined = joining.join([visit, other]).recording

    carriers = {one.id: one for one in joined.exchanges}
    assert counts(joined) == [2 * number for number in counts(visit)]
    assert all(carriers[one.exchange_id].response.status == 101 for one in (*joined.messages, *joined.sockets))
    for run, exchanges in itertools.groupby(
        sorted(joined.exchanges, key=lambda one: one.run_id), lambda one: one.run_id
    ):
        assert [one.request for one in exchanges] == [one.request for one in visit.exchanges], run


def test_what_ended_meanwhile_is_one_fact() -> None:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    ended = replace(tape.recording(), sockets=(Socket(1, at(0), at(9), 1000, "over"),))
    begun = replace(ended, exchanges=(replace(ended.exchanges[0], outcome=None),), sockets=(Socket(1, at(0)),))

    assert [joining.join(some).recording for some in ((begun, ended), (ended, begun), (ended, ended))] == [ended] * 3


def test_other_outcomes_are_other_facts() -> None:
    tape = Tape()
    tape.ask(0, "GET", QUEUE)
    recording = tape.recording()
    (exchange,) = recording.exchanges
    assert exchange.outcome is not None
    other = replace(recording, exchanges=(replace(exchange, outcome=replace(exchange.outcome, error="lost")),))

    assert len(joining.join([recording, other]).recording.exchanges) == 2


def test_visit_beyond_the_end_of_a_file_is_shared() -> None:
    begins, goes_on = Tape(), Tape()
    begins.ask(0, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    goes_on.ask(5, "GET", QUEUE)
    goes_on.ask(9, "POST", MENU)
    other = later(goes_on.recording(), Run(1, at(4), "regular", None, ()))

    joined = joining.join([begins.recording(), other])

    assert joining.shared(joined) == (joining.Shared(1, (0, 1), None),)
    assert len(sessions.split(joined.recording)) == 1


def test_ids_that_are_given_twice_are_found() -> None:
    visit = factories.visit()
    other = later(visit, Run(1, 0, "regular", None, ()))

    assert joining.shared(joining.join([visit, other])) == (joining.Shared(1, (0, 1), SERVICE),)
    assert joining.shared(joining.join([visit, visit])) == ()


def test_nothing_is_made_of_nothing() -> None:
    assert joining.join([Recording(), Recording()]) == joining.Joined(Recording(), (0, 0), (0, 0), {})
    assert isinstance(factories.visit().exchanges[0], Exchange)
