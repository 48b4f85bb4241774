import pytest

from gms_replay.simulator.mailbox import Mailbox


def box(*letters):
    """A mailbox with letters on /a, each a chat and a position."""
    made = Mailbox()
    for number, (chat, position) in enumerate(letters):
        made.post("/a", b"%d" % number, chat, position)
    return made


def everything(channel):
    return True


def read(made, wanted=everything):
    return [int(letter.event) for letter in made.take(wanted)]


def test_letters_are_taken_once():
    made = box(("chat", 1), ("chat", 2))
    assert (made.has(everything), read(made), read(made), made.has(everything)) == (True, [0, 1], [], False)


def test_unwanted_letters_stay():
    made = box(("chat", 1))
    made.post("/b", b"1", "", None)
    assert read(made, lambda channel: channel == "/b") == [1]
    assert read(made) == [0]


def test_letters_go_back_into_their_places():
    made = box(("chat", 1), ("chat", 2), ("chat", 3))
    first, *_ = made.take(everything)
    made.post("/a", b"3", "chat", 4)
    made.put_back([first])
    assert read(made) == [0, 3]


@pytest.mark.parametrize(("position", "unread"), [(0, [1, 2]), (1, [2]), (2, []), (9, [])])
def test_reader_says_how_much_it_has(position, unread):
    """Of the chat that was heard of last; what was taken of another one stays taken."""
    made = box(("old", 7), ("chat", 1), ("chat", 2))
    made.take(everything)
    made.read_to(position)
    assert read(made) == unread


def test_letter_without_lines_is_read_when_taken():
    made = box(("chat", 1), ("chat", None))
    made.take(everything)
    made.post("/a", b"2", "chat", None)
    made.read_to(1)
    assert read(made) == [2]
