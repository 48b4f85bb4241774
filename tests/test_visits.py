import random
from dataclasses import replace

import chats2
import factories
import pytest
from factories import CALLBACK, CHAT_PATH, HELLO, QUEUE, SERVICE, Tape, frame

from gms_replay import visits
from gms_replay.model import Recording

OTHER = "3SQI3S31693JL9L3R0O5O6T4OC000U99"


def groups(tape: Tape) -> list[list[int]]:
    return [[number for number, _ in visit.questions] for visit in visits.split(tape.recording())]


def start(tape: Tape, at_s: float, service: str) -> None:
    tape.ask(at_s, "POST", CALLBACK, factories.ORDER, f'{{"_id":"{service}"}}')


def ann_and_ben(ben_s: float) -> Tape:
    """Ann's visit from the start on, and Ben's, who asks from then on."""
    tape = Tape(user="ann")
    start(tape, 0, SERVICE)
    tape.user = "ben"
    start(tape, ben_s, OTHER)
    return tape


def test_service_id_separates_visits() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.ask(2, "GET", QUEUE.replace(SERVICE, OTHER))
    tape.ask(3, "GET", QUEUE)

    assert groups(tape) == [[1, 4], [2, 3]]


def test_tag_joins_comet_client() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.poll(2, 1, client="first")
    tape.poll(4, 1, frame(1, HELLO), client="first")

    assert groups(tape) == [[1, 3, 4], [2]]


def test_chat_session_joins_services() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    tape.ask(1, "POST", CHAT_PATH, b"", {"chatSessionId": factories.CHAT})
    tape.ask(2, "POST", CHAT_PATH.replace(SERVICE, OTHER), b"", {"chatSessionId": factories.CHAT})

    assert groups(tape) == [[1, 2, 3]]


def test_chat2_is_one_visit_by_rest_and_over_comet() -> None:
    """Whichever begins it: by the chat's id, or by its key, which is all that some apps show."""
    begun = chats2.told((1, "Hello."))
    by_rest = Tape(user=None)
    by_rest.ask(0, "POST", chats2.REST, "nickname=Stan", begun)
    by_rest.ask(1, "POST", chats2.ONE_CHAT.replace(chats2.CHAT, "other") + "/refresh")
    chats2.publish(by_rest, 2, "requestNotifications", secureKey=chats2.KEY)
    over_comet = Tape(user=None)
    over_comet.ask(0, "POST", chats2.ONE_CHAT.replace(chats2.CHAT, "other") + "/refresh")
    chats2.publish(over_comet, 1, "requestChat")
    over_comet.poll(2, 1, chats2.event(begun))
    over_comet.ask(4, "POST", f"{chats2.ONE_CHAT}/refresh")

    assert groups(by_rest) == [[1, 3], [2]]
    assert groups(over_comet) == [[1], [2, 3, 4]]


def test_chats_of_one_user_are_two() -> None:
    tape = Tape()
    chats2.record_chat(tape, client="first")
    chats2.record_chat(tape, 100, client="second", chat="0001JaBBFDMA00C8", key="00f26a0c41b75e93")
    half = len(tape.exchanges) // 2

    assert [sorted(group) for group in groups(tape)] == [
        list(range(1, half + 1)),
        list(range(half + 1, 2 * half + 1)),
    ]


def test_empty_ids_join_nothing() -> None:
    tape = Tape(user=None)
    for client, chat in (("first", "0001JaBBFDMA00B7"), ("second", "0001JaBBFDMA00C8")):
        chats2.publish(tape, 0, "requestChat", client=client, secureKey="", chatId=None)
        tape.poll(1, 1, chats2.event(chats2.told(chat=chat, key="")), client=client)

    assert groups(tape) == [[1, 2], [3, 4]]


def test_stray_goes_to_user() -> None:
    tape = ann_and_ben(100)
    tape.user = "ann"
    tape.ask(101, "GET", factories.AVAILABILITY)

    assert groups(tape) == [[1, 3], [2]]


@pytest.mark.parametrize(("at_s", "found"), [((99, 3), [[1, 4], [3, 2]]), ((1, 101), [[1, 3], [2, 4]])])
def test_nameless_strays_go_each_to_nearest(at_s: tuple[int, int], found: list[list[int]]) -> None:
    """Though they ask in the same words."""
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 100, OTHER)
    for each_s in at_s:
        tape.ask(each_s, "GET", factories.AVAILABILITY)

    assert groups(tape) == found


def test_lists_of_callbacks_join_nothing() -> None:
    tape = ann_and_ben(1)
    tape.ask(2, "GET", f"{CALLBACK}?operand=AND", b"", f'[{{"_id":"{SERVICE}"}},{{"_id":"{OTHER}"}}]')

    assert groups(tape) == [[1], [2, 3]]


def test_strays_alone_are_a_session() -> None:
    tape = Tape()
    tape.ask(0, "GET", factories.AVAILABILITY)
    tape.ask(1, "GET", factories.AVAILABILITY)

    assert groups(tape) == [[1, 2]]


def test_foreign_traffic_is_left_out() -> None:
    tape = Tape()
    tape.ask(0, "GET", "/favicon.ico")
    tape.ask(1, "OPTIONS", CALLBACK)
    tape.ask(2, "POST", "/3/device/00fc13adff785122")

    assert visits.split(tape.recording()) == ()


def test_empty_recording_has_none() -> None:
    assert visits.split(Recording()) == ()


def test_forgiven_message_is_heard() -> None:
    tape = Tape(user=None)
    start(tape, 0, SERVICE)
    start(tape, 1, OTHER)
    tape.poll(2, 1, frame(1, HELLO))
    asked, event, reply = tape.messages
    tape.messages = [asked, replace(event, raw=event.raw.replace(b"}}", b",}}").replace(b"Hello.", b"Hel\nlo.")), reply]

    assert groups(tape) == [[1, 3], [2]]


def test_silent_client_joins_user() -> None:
    tape = ann_and_ben(10)
    tape.user = "ann"
    tape.open_comet(12)

    assert groups(tape) == [[1, 3, 4, 5], [2]]


def test_silent_clients_alone_stay_apart() -> None:
    tape = Tape(user=None)
    tape.poll(0, 1, client="first")
    tape.poll(2, 1, client="second")

    assert groups(tape) == [[1], [2]]


def test_named_client_keeps_its_visit() -> None:
    tape = Tape(user="ann")
    start(tape, 0, OTHER)
    tape.poll(2, 1, frame(1, HELLO))

    assert groups(tape) == [[1], [2]]


def test_earliest_visit_comes_first() -> None:
    tape = Tape(user=None)
    start(tape, 50, SERVICE)
    start(tape, 10, OTHER)

    assert groups(tape) == [[2], [1]]


def test_malformed_answer_tells_id() -> None:
    tape = Tape(user=None)
    tape.ask(0, "POST", CALLBACK, b"", b'{"_id":"%s",}' % SERVICE.encode())
    start(tape, 1, OTHER)
    tape.ask(2, "GET", QUEUE)

    assert groups(tape) == [[1, 3], [2]]


@pytest.mark.parametrize("seed", range(20))
def test_strays_go_to_the_nearest_however_many(seed: int) -> None:
    """To the earliest of those that last at the time, else to the nearest, the earlier of two."""
    dice = random.Random(seed)
    tape, homes, strays = Tape(user=None), [], []
    for number in range(8):
        begins, lasts = dice.randrange(40), dice.choice([0, 0, 2, 10, 30])
        service = f"3SQI3S31693JL9L3R0O5O6T4OC000U{number:02}"
        start(tape, begins, service)
        tape.ask(begins + lasts, "GET", QUEUE.replace(SERVICE, service))
        homes.append((begins, begins + lasts, len(tape.exchanges) - 1))
    for _ in range(10):
        at_s = dice.randrange(80)
        tape.ask(at_s, "GET", factories.AVAILABILITY)
        strays.append((at_s, len(tape.exchanges)))

    found = {number: group for group in groups(tape) for number in group}

    for at_s, number in strays:
        nearest = min(sorted(homes), key=lambda home: max(home[0] - at_s, at_s - home[1], 0))
        assert nearest[2] in found[number]


def test_polls_are_one_asking_and_in_their_order() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    for at_s in (5, 1, 3):
        tape.ask(at_s, "GET", QUEUE)
    tape.ask(2, "GET", f"{QUEUE}?again=1")

    (visit,) = visits.split(tape.recording())

    assert [(one.target, len(one.places)) for one in visit.askings] == [
        (factories.CALLBACK, 1), (QUEUE, 3), (f"{QUEUE}?again=1", 1)
    ]  # fmt: skip
    assert [number for number, _ in visit.questions] == [1, 3, 5, 4, 2]


def test_visit_knows_what_it_tells_of() -> None:
    tape = Tape()
    start(tape, 0, SERVICE)
    tape.ask(1, "GET", QUEUE)
    chats2.record_chat(tape, 2, client="first")

    (callback, chat) = visits.split(tape.recording())

    assert callback.service_ids == {SERVICE}
    assert callback.operations == {
        ("start callback", "sales", "", "1", ""),
        ("queue position", "", SERVICE, "1", ""),
    }
    assert (callback.user, callback.base, callback.start_us) == (factories.USER, "/genesys", factories.at(0))
    assert chat.service_ids == {chats2.CHAT, chats2.KEY}


def test_what_an_answer_tells_may_be_shown() -> None:
    tape = Tape()
    tape.ask(0, "POST", chats2.REST, b"nickname=Al", chats2.told())
    tape.ask(1, "POST", f"{chats2.ONE_CHAT}/refresh", b"", {"statusCode": 0})

    (chat,) = visits.split(tape.recording())

    assert chat.service_ids == {chats2.CHAT, chats2.KEY}


def test_key_that_only_the_app_shows_is_not_told() -> None:
    tape = Tape(user=None)
    chats2.publish(tape, 0, "requestChat")
    tape.poll(1, 1, chats2.event(chats2.told((1, "Hello."))))
    chats2.publish(tape, 3, "requestNotifications", secureKey="0123456789abcdef")

    (only,) = visits.split(tape.recording())

    assert only.service_ids == {chats2.CHAT, chats2.KEY}


def test_what_apps_attach_joins_nothing() -> None:
    """By names that mean something elsewhere in a message."""
    tape = Tape(user=None)
    for client, chat, key in (("first", chats2.CHAT, chats2.KEY), ("second", "0001JaBBFDMA00C8", "00f26a0c41b75e93")):
        data = {"userData": {"clientId": "mobile-app", "_id": "customer-42", "tag": f"service.chat.refresh.{SERVICE}"}}
        chats2.publish(tape, 0, "requestChat", client=client, **data)
        tape.poll(1, 1, chats2.event(chats2.told(chat=chat, key=key)), client=client)

    assert groups(tape) == [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    ("times", "together"),
    [
        ([], []),
        ([(0, 5), (6, 9)], [[0], [1]]),
        ([(0, 5), (3, 9), (8, 12), (20, 21)], [[0, 1, 2], [3]]),
        ([(0, 50), (3, 9), (20, 21)], [[0, 1, 2]]),
    ],
)
def test_visits_that_overlap_are_together(times, together):
    tape = Tape(user=None)
    for number, (began_s, ended_s) in enumerate(times):
        service = f"{number}{SERVICE[1:]}"
        tape.ask(began_s, "POST", CALLBACK, answer={"_id": service})
        tape.ask(ended_s, "GET", f"/genesys/1/service/{service}/check-queue-position", answer={"_position": "1"})
    assert visits.overlapping(visits.split(tape.recording())) == together


def test_message_that_is_no_json_belongs_to_nobody() -> None:
    tape = Tape()
    tape.poll(0, 1, frame(1, HELLO))
    tape.messages[1] = replace(tape.messages[1], raw=b'{"channel":')

    (visit,) = visits.split(tape.recording())

    assert [number for _, one in visit.questions for number in one.message_ids] == [1, 3]
