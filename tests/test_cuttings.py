import random
from dataclasses import replace

import chats2
import factories
import pytest
from apns_frames import PAYLOAD, enhanced, refusal
from factories import CALLBACK, QUEUE, SERVICE, USER, Tape, at

from gms_replay import cuttings, joining, pushes, sessions, visits
from gms_replay.errors import OptionError
from gms_replay.model import Connection, Direction, Frame, Push, Recording, Run, Socket

BEN = "7WUM7W75075NP3P7V4S9S0X8SG444Y17"
SLOTS = factories.slots("2014-05-02T16:30:00.000Z")
ACTION = "get-dialog-start-chat"


def start(tape: Tape, at_s: float, service: str, user: str = USER) -> None:
    tape.user = user
    tape.ask(at_s, "POST", CALLBACK, factories.ORDER, b'{"_id":"%s"}' % service.encode())


def preflight(tape: Tape, at_s: float, target: str) -> int:
    return tape.ask(at_s, "OPTIONS", target, sent=(("Access-Control-Request-Method", "POST"),)).id


def two_visits() -> Recording:
    """Ann's whole visit and Ben's callback, with strays, preflights, pushes and what is nobody's among them."""
    tape = Tape()
    factories.record_visit(tape)
    start(tape, 5, BEN, "ben")
    tape.ask(6, "GET", QUEUE.replace(SERVICE, BEN))
    tape.ask(7, "GET", factories.AVAILABILITY, b"", SLOTS)
    preflight(tape, 1.5, QUEUE)
    preflight(tape, 30, QUEUE.replace(SERVICE, BEN))
    preflight(tape, 20, "/genesys/cometd")
    preflight(tape, 3, "/genesys/1/service/nobody/get-dialog-start-chat")
    tape.user = None
    tape.push(9, ACTION)
    tape.push(9.5, ACTION, payload={"message": {"_id": BEN, "_action": ACTION}})
    tape.push(9.7, ACTION, payload={"message": {"_id": "nobody", "_action": ACTION}})
    tape.ask(50, "GET", "/robots.txt")
    recording = tape.recording()
    lone = Run(2, at(100), "regular", None, ())
    return replace(recording, runs=(*recording.runs, lone), sockets=(Socket(8, at(16)),))


def cut(recording: Recording, *chosen: int | None) -> Recording:
    return cuttings.cut(recording, visits.split(recording), chosen)


def tellings(recording: Recording) -> list[tuple[object, object]]:
    """All that a story is compiled from, visit by visit."""
    found = sessions.split(recording)
    return list(zip(found, pushes.find(recording, found).of_visits, strict=True))


def parts(recording: Recording) -> list[Recording]:
    numbers = range(1, len(visits.split(recording)) + 1)
    return [cut(recording, number) for number in (*numbers, None)]


def test_session_alone_tells_the_same() -> None:
    whole = two_visits()
    told = tellings(whole)

    assert len(told) == 2
    assert [tellings(cut(whole, number)) for number in (1, 2)] == [told[:1], told[1:]]


def test_session_takes_what_is_its_own() -> None:
    whole = two_visits()
    targets = [[one.request.method[:4] + one.request.target for one in part.exchanges] for part in parts(whole)]

    ben = QUEUE.replace(SERVICE, BEN)
    assert targets[1] == [
        f"POST{CALLBACK}",
        f"GET{ben}",
        f"GET{factories.AVAILABILITY}",
        f"OPTI{ben}",
        f"POST{factories.PROVIDERS['apns']}",
    ]
    assert {f"OPTI{QUEUE}", "OPTI/genesys/cometd"} <= set(targets[0])
    assert targets[2] == [
        "OPTI/genesys/1/service/nobody/get-dialog-start-chat",
        f"POST{factories.PROVIDERS['apns']}",
        "GET/robots.txt",
    ]
    assert [[one.id for one in part.pushes] for part in parts(whole)] == [[1], [2], [3]]
    assert [[one.id for one in part.runs] for part in parts(whole)] == [[1], [1], [1, 2]]
    assert [len(part.sockets) for part in parts(whole)] == [1, 0, 0]


def test_parts_together_are_the_whole() -> None:
    whole = two_visits()

    joined = joining.join(parts(whole)).recording

    assert factories.without_ids(joined) == factories.without_ids(whole)
    assert [len(session) for session in sessions.split(joined)] == [len(one) for one in sessions.split(whole)]
    assert cut(whole, 1, 2, None) == whole


def test_page_where_comet_is_stays_nobodys() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    reply = {"channel": "/meta/handshake", "id": "1", "successful": True, "clientId": factories.CLIENT}
    tape.comet(1, [{"channel": "/meta/handshake", "id": "1"}], [reply], target="/events")
    page = tape.ask(2, "GET", "/events")

    assert [[one.id for one in part.exchanges] for part in parts(tape.recording())] == [[1, 2], [page.id]]


@pytest.mark.parametrize("seed", range(10))
def test_strays_stay_whosever_they_were(seed: int) -> None:
    dice = random.Random(seed)
    tape = Tape()
    for number in range(5):
        service = f"3SQI3S31693JL9L3R0O5O6T4OC000U{number:02}"
        begins = dice.randrange(40)
        start(tape, begins, service, dice.choice(["ann", "ben", "cai"]))
        tape.ask(begins + dice.choice([0, 5, 30]), "GET", QUEUE.replace(SERVICE, service))
    for number in range(12):
        tape.user = dice.choice(["ann", "ben", "cai", "dan", None])
        tape.ask(dice.randrange(80), "GET", factories.AVAILABILITY)
        if number % 4 == 0:
            tape.open_comet(dice.randrange(80), client=f"client{number}")
    whole = tape.recording()
    told = tellings(whole)
    some = sorted(dice.sample(range(5), 2))

    assert tellings(cut(whole, *(number + 1 for number in some))) == [told[number] for number in some]


def test_request_of_several_pushes_is_in_one_part() -> None:
    whole = two_visits()
    first, *others = whole.pushes
    shared = replace(whole, pushes=(first, replace(others[0], exchange_id=first.exchange_id), *others[1:]))

    assert [[one.id for one in part.pushes] for part in parts(shared)] == [[1, 2], [], [3]]
    assert first.exchange_id in {one.id for one in parts(shared)[0].exchanges}


def over_apns(*sent: tuple[Direction, bytes]) -> Recording:
    """Two callbacks, and a connection that carried these frames, a second apart."""
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, BEN, "ben")
    frames = tuple(Frame(number, 1, way, at(number + 2), raw) for number, (way, raw) in enumerate(sent, start=1))
    connections = tuple(Connection(number, 1, "push.example", 2195, "192.0.2.7:1", at(2)) for number in (1, 2))
    return replace(tape.recording(), connections=connections, frames=frames)


def push_of(service: str, identifier: int) -> tuple[Direction, bytes]:
    message = b',"message":{"_id":"%s","_action":"%s"}}' % (service.encode(), ACTION.encode())
    return Direction.TO_SERVER, enhanced(identifier, payload=PAYLOAD[:-1] + message)


REFUSED = (Direction.TO_CLIENT, refusal(8, 2))


def test_refusal_goes_with_all_that_it_decides() -> None:
    whole = over_apns(push_of(SERVICE, 1), push_of(BEN, 2), push_of("nobody", 3), push_of(SERVICE, 4), REFUSED)
    told = tellings(whole)

    assert [[one.id for one in part.frames] for part in parts(whole)] == [[1, 2, 4, 5], [2, 5], [2, 3, 5]]
    assert [tellings(cut(whole, number)) for number in (1, 2)] == [told[:1], told[1:]]
    assert [[one.id for one in part.connections] for part in parts(whole)] == [[1], [1], [1, 2]]
    assert joining.join(parts(whole)).recording == whole


def test_what_refuses_nothing_is_nobodys() -> None:
    whole = over_apns(push_of(SERVICE, 1), push_of(BEN, 2), (Direction.TO_CLIENT, refusal(8, 7)), (REFUSED[0], b"?"))

    assert [[one.id for one in part.frames] for part in parts(whole)] == [[1], [2], [3, 4]]


def test_parts_without_pushes_may_derive() -> None:
    whole = two_visits()
    others = replace(whole, pushes=whole.pushes[1:])

    assert [cuttings.derives_anew(whole, cut(whole, number)) for number in (1, 2)] == [False, False]
    assert [cuttings.derives_anew(others, cut(others, number)) for number in (1, 2)] == [True, False]


def test_sessions_are_chosen_by_number_id_and_time() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    start(tape, 10, BEN, "ben")
    chats2.record_chat(tape, 20, client="first")
    found = visits.split(tape.recording())

    assert cuttings.choose(found, ["2"]) == {2}
    assert cuttings.choose(found, [SERVICE, chats2.CHAT, "3"]) == {1, 3}
    assert cuttings.choose(found, [], at(10), None) == {2, 3}
    assert cuttings.choose(found, [], at(10) - 1, found[2].start_us) == {2}
    assert cuttings.choose(found, ["1", "2"], None, at(10)) == {1}


@pytest.mark.parametrize("name", ["0", "4", "-1", "", "\u0662", "99999999999", "nobody"])
def test_unknown_sessions_are_refused(name: str) -> None:
    found = visits.split(two_visits())

    with pytest.raises(OptionError, match=r"^--session .*: there is no such session; .* numbers them, here 1 to 2$"):
        cuttings.choose(found, [name])


def test_nothing_to_choose_is_refused() -> None:
    found = visits.split(two_visits())

    with pytest.raises(OptionError, match="no such session began then"):
        cuttings.choose(found, ["1"], at(1000))
    with pytest.raises(OptionError, match="there is no session in it, nothing that"):
        cuttings.choose((), ["1"])


def test_only_what_is_nobodys_can_be_all() -> None:
    lone = Recording(pushes=(Push(1, 1, None, "apns", 0, b"{}"),), runs=(Run(1, 0, "", None, ()),))

    assert cut(lone, None) == lone
