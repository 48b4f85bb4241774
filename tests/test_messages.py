import chats2
import pytest
from factories import CALLBACK, JOINED, ORDER, REPLY, SERVICE, Tape, frame

from gms_replay.items import Event
from gms_replay.story import compile_stories


def events_of(tape: Tape) -> dict[str, tuple[Event, ...]]:
    (only,) = compile_stories(tape.recording())
    return only.events


def begun() -> Tape:
    tape = Tape()
    tape.ask(0, "POST", CALLBACK, ORDER, b'{"_id":"%s"}' % SERVICE.encode())
    return tape


def test_events_are_kept_by_channel() -> None:
    tape = begun()
    tape.poll(1, 1, frame(1, JOINED), b'{"channel":"/news","data":"one"}', frame(2, REPLY))

    events = events_of(tape)

    assert [event.raw for event in events["/_genesys"]] == [frame(1, JOINED), frame(2, REPLY)]
    assert [event.raw for event in events["/news"]] == [b'{"channel":"/news","data":"one"}']


def test_message_told_again_is_no_other() -> None:
    """An app that missed what a chat told was told it once more. Other news may be said twice."""
    tape = begun()
    news = b'{"channel":"/news","data":{"id":"room-1"}}'
    tape.poll(1, 1, frame(1, JOINED), news)
    tape.poll(3, 1, frame(1, JOINED), frame(2, REPLY), news)

    events = events_of(tape)
    assert [event.raw for event in events["/_genesys"]] == [frame(1, JOINED), frame(2, REPLY)]
    assert events["/_genesys"][1].gap_us == 2_000_000
    assert [event.raw for event in events["/news"]] == [news, news]


def test_replies_are_no_events() -> None:
    tape = begun()
    tape.open_comet(1)
    tape.comet(
        2, [{"channel": "/chat", "data": "hi", "id": "4"}], [{"channel": "/chat", "id": "4", "successful": True}]
    )

    assert events_of(tape) == {}


@pytest.mark.parametrize(("named", "counts"), [(True, [1, 1, 1]), (False, [1, 1, 1, 2, 2])])
def test_lines_of_chat2_that_were_told_are_told_once(named: bool, counts: list[int]) -> None:
    """Unless nobody can tell which chat they are of."""
    tape = Tape()
    for at_s, lines in ((1, [1]), (2, [2]), (3, [1]), (4, [1, 2]), (5, [2, 3])):
        told = chats2.told(*((index, f"line {index}") for index in lines))
        tape.poll(at_s, 0.1, chats2.event({name: value for name, value in told.items() if named or name != "chatId"}))

    events = events_of(tape)[chats2.CHANNEL]

    assert [event.raw.count(b"line ") for event in events] == counts
    assert b"line 3" in events[-1].raw


def test_end_of_chat2_is_told_beside_lines_that_were() -> None:
    tape = Tape()
    tape.poll(1, 0.1, chats2.event(chats2.told((1, "Hi"))))
    for at_s in (2, 3):
        tape.poll(at_s, 0.1, chats2.event(chats2.told((1, "Hi"), chatEnded=True)))

    _, end = events_of(tape)[chats2.CHANNEL]

    assert (b'"chatEnded": true' in end.raw, b'"messages": []' in end.raw) == (True, True)


def test_end_of_chat2_is_told_to_who_asks_again() -> None:
    """It is the answer to who leaves a chat that is over."""
    tape = Tape()
    for at_s in (1, 2):
        tape.poll(at_s, 0.1, chats2.event(chats2.told(nextPosition=5, chatEnded=True)))

    assert [event.position for event in events_of(tape)[chats2.CHANNEL]] == [(chats2.CHAT, 5)] * 2
