from dataclasses import asdict

from disguised import STAND_INS, People, visit_of
from factories import CALLBACK, ORDER, SERVICE, Tape, visit

from gms_replay import counterparts, sessions
from gms_replay.alignment import Row
from gms_replay.disguise import Disguise, Hidden


def test_all_of_two_visits_is_laid_side_by_side():
    (session,) = sessions.split(visit())
    found = counterparts.of(session, session, None)
    assert [one.sort for one in found.all] == ["requests", "polls", "answers", "lines"]
    assert [one.is_told for one in found.all] == [False, False, True, True]
    assert all(one == other for series in found.all for one, other in series.pairs)
    assert [len(series.rows) for series in found.all] == [len(series.old) for series in found.all]


def test_what_was_replaced_has_its_place():
    (old,), (new,) = sessions.split(visit_of(People())), sessions.split(visit_of(STAND_INS))
    found = counterparts.of(old, new, Disguise(Hidden()))
    assert all(series.rows == tuple(Row(at, at) for at in range(len(series.old))) for series in found.all)


def test_weighed_places_decide_what_stands_for_whom():
    (old,), (new,) = sessions.split(visit_of(People())), sessions.split(visit_of(STAND_INS))
    disguise = Disguise(Hidden())
    counterparts.weigh(counterparts.of(old, new, disguise), disguise)
    disguise.settle()
    people = zip(asdict(People()).values(), asdict(STAND_INS).values(), strict=True)
    assert [disguise.as_there(one, other) for one, other in people] == list(asdict(STAND_INS).values())


def test_what_differs_otherwise_is_weighed_too():
    visits = []
    for answer in ({"firstName": "Ann"}, {"firstName": "Kbu", "isNew": True}):
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE, **answer})
        visits += sessions.split(tape.recording())
    disguise = Disguise(Hidden())
    counterparts.weigh(counterparts.of(*visits, disguise), disguise)
    disguise.settle()
    assert disguise.as_there("Hi Ann", "Hi Kbu") == "Hi Kbu"


def test_what_one_visit_lacks_has_no_pair():
    visits = []
    for events in ((b'{"channel":"/stocks","data":1}',), ()):
        tape = Tape()
        tape.ask(0, "POST", CALLBACK, ORDER, {"_id": SERVICE})
        tape.open_comet(1)
        tape.poll(2, 1, *events)
        visits += sessions.split(tape.recording())
    (told,) = (one for one in counterparts.of(*visits, None).told if one.sort == "messages on /stocks")
    assert (told.rows, list(told.pairs)) == ((Row(0, None),), [])


def test_polls_have_no_order():
    one, other = "/genesys/1/service/a/check-queue-position", "/genesys/1/service/callback/sales?operand=AND"
    tapes = []
    for targets in ((one, other), (other, one)):
        tape = Tape()
        for at_s, target in enumerate(targets):
            tape.ask(at_s, "GET", target)
        tapes.append(sessions.split(tape.recording())[0])
    polled = counterparts.of(*tapes, None).polled
    assert polled.rows == (Row(0, 0), Row(1, 1))
    assert [piece.place for piece in polled.old] == [piece.place for piece in polled.new]
