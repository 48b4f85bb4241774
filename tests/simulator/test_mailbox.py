import pytest

from gms_replay.simulator.mailbox import Letter, Mailbox


def letter(text, position=None, chat="c1", channel="/_genesys"):
    return Letter(channel, text, chat, position)


def mailbox(*letters):
    box = Mailbox()
    for one in letters:
        box.post(one)
    return box


def everything(channel):
    return True


def nothing(channel):
    return False


def read(box, takes=everything):
    return [one.event for one in box.take(takes)]


def test_letters_are_read_once():
    box = mailbox(letter(b"1"), letter(b"2"))
    assert (read(box), read(box)) == ([b"1", b"2"], [])


def test_unsubscribed_letters_wait():
    box = mailbox(letter(b"1", channel="/other"), letter(b"2"))
    assert read(box, lambda channel: channel == "/_genesys") == [b"2"]
    assert read(box) == [b"1"]


@pytest.mark.parametrize(("takes", "waits"), [(everything, True), (nothing, False)])
def test_only_what_is_subscribed_waits(takes, waits):
    assert mailbox(letter(b"1")).waits_for(takes) is waits


def test_read_letters_wait_no_more():
    box = mailbox(letter(b"1"))
    read(box)
    assert not box.waits_for(everything)


def test_letters_come_back_in_order():
    box = mailbox(letter(b"1"), letter(b"2"))
    taken = box.take(everything)
    box.post(letter(b"3"))
    box.put_back(taken)
    assert read(box) == [b"1", b"2", b"3"]


def test_strange_letters_do_not_come_back():
    box = mailbox(letter(b"1"))
    box.put_back([letter(b"1")])
    assert read(box) == [b"1"]


def test_equal_letters_are_two():
    assert read(mailbox(letter(b"1"), letter(b"1"))) == [b"1", b"1"]


@pytest.mark.parametrize("is_read", [True, False])
def test_rewound_to_what_the_reader_has(is_read):
    box = mailbox(letter(b"2", 2), letter(b"3", 3), letter(b"4", 4))
    if is_read:
        read(box)
    box.rewind(3)
    assert read(box) == [b"4"]


def test_earlier_chats_are_not_rewound():
    box = mailbox(letter(b"9", 9, chat="c0"), letter(b"2", 2))
    read(box)
    box.rewind(0)
    assert read(box) == [b"2"]


def test_what_has_no_place_is_not_rewound():
    box = mailbox(letter(b"2", 2), letter(b"read"))
    read(box)
    box.post(letter(b"unread"))
    box.rewind(2)
    assert read(box) == [b"unread"]


def test_nothing_can_be_rewound():
    box = Mailbox()
    box.rewind(3)
    assert read(box) == []
