import pytest
from apns_frames import enhanced, item, items, refusal, simple

from gms_replay.model import Direction, Frame
from gms_replay.refusals import Fate, Understood, understand

UP, DOWN = Direction.TO_SERVER, Direction.TO_CLIENT
TAKEN = Fate(0, None)
REFUSED = Fate(8, "InvalidToken")
LOST = Fate(None, "not delivered: after a refused one")
SHUT_OUT = Fate(None, "not delivered: after a shutdown")


def passed(*told: bytes, connection: int = 1) -> list[Frame]:
    """What passed over a connection, in order; refusals go to the client."""
    return [
        Frame(number, connection, DOWN if raw[:1] == b"\x08" else UP, number, raw) for number, raw in enumerate(told, 1)
    ]


def fates(*told: bytes) -> list[Fate | None]:
    return [one.fate for one in understand(passed(*told)).pushes]


def test_nothing_is_known_without_a_refusal() -> None:
    assert fates(simple(), enhanced(1), items()) == [None, None, None]


def test_refusal_tells_of_all_its_connection() -> None:
    """Also of those without an identifier."""
    listed = items(item(3, b"\0\0\0\x02"))

    assert fates(simple(), enhanced(1), listed, simple(), enhanced(3), refusal(8, 2)) == [
        TAKEN, TAKEN, REFUSED, LOST, LOST
    ]  # fmt: skip


def test_shutdown_names_the_last_that_was_taken() -> None:
    assert fates(enhanced(1), enhanced(2), enhanced(3), refusal(10, 2)) == [TAKEN, TAKEN, SHUT_OUT]


def test_what_is_sent_after_a_refusal_is_lost() -> None:
    """The same identifier again, too: it was on its way when the refusal came."""
    assert fates(enhanced(1), refusal(8, 1), enhanced(1), enhanced(2)) == [REFUSED, LOST, LOST]


@pytest.mark.parametrize(
    ("status", "expected"), [(8, [TAKEN, None, None, None, LOST]), (10, [TAKEN, TAKEN, None, None, SHUT_OUT])]
)
def test_identifier_that_is_used_again_leaves_it_open(status: int, expected: list[Fate | None]) -> None:
    assert fates(enhanced(1), enhanced(7), enhanced(2), enhanced(7), enhanced(3), refusal(status, 7)) == expected


@pytest.mark.parametrize("sent", [[], [simple()], [enhanced(1)], [items(item(3, b"\0"))]])
def test_refusal_of_nothing_known_is_an_orphan(sent: list[bytes]) -> None:
    understood = understand(passed(*sent, refusal(8, 0)))

    assert [(frame.raw, said.name) for frame, said in understood.orphans] == [(refusal(8, 0), "InvalidToken")]
    assert [one.fate for one in understood.pushes] == [None] * len(sent)


def test_second_refusal_is_an_orphan() -> None:
    understood = understand(passed(enhanced(1), enhanced(2), refusal(8, 2), refusal(1, 1)))

    assert [one.fate for one in understood.pushes] == [TAKEN, REFUSED]
    assert [said.identifier for _, said in understood.orphans] == [1]


def test_orphan_before_a_refusal_changes_nothing() -> None:
    assert fates(enhanced(1), refusal(8, 9), enhanced(2), refusal(8, 2)) == [TAKEN, REFUSED]


def test_connections_are_told_apart() -> None:
    first, second = passed(enhanced(1), enhanced(2)), passed(enhanced(1), refusal(8, 1), connection=2)
    frames = [
        Frame(number, frame.connection_id, frame.direction, number, frame.raw)
        for number, frame in enumerate([first[0], *second, first[1]], 1)
    ]

    understood = understand(frames)

    assert [(one.frame.id, one.fate) for one in understood.pushes] == [(1, None), (2, REFUSED), (4, None)]


def test_what_looks_like_a_frame_after_broken_ones_is_none() -> None:
    """It may be part of anything, however TCP cut it."""
    frames = passed(enhanced(1), b"\xff\xff", enhanced(2)) + passed(enhanced(3), connection=2)

    understood = understand(frames)

    assert [one.sent.identifier for one in understood.pushes] == [1, 3]
    assert [frame.raw for frame in understood.rest] == [b"\xff\xff", enhanced(2)]


def test_what_is_no_frame_is_the_rest() -> None:
    frames = [Frame(1, 1, UP, 1, b"?"), Frame(2, 1, UP, 2, refusal(8, 1)), Frame(3, 1, DOWN, 3, enhanced(1))]

    assert understand(frames) == Understood((), (), tuple(frames))
    assert understand(()) == Understood((), (), ())
