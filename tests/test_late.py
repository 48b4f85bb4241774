from collections.abc import Iterable

from gms_replay.late import Backlog, Late, Sort


def late(due_at_us: int, of: int | str = 1, **flags: bool) -> Late:
    return Late(due_at_us, Sort.ANSWER, of, lambda _: (), **flags)


def backlog(those: Iterable[Late]) -> Backlog:
    made = Backlog()
    for one in those:
        made.add(one)
    return made


def gone(those: Backlog) -> list[int]:
    """When each is due, as they go."""
    due_at_us = []
    while (first := those.first) is not None:
        those.remove(first)
        due_at_us.append(first.due_at_us)
    return due_at_us


def test_earliest_goes_first() -> None:
    assert gone(backlog([late(5, 1), late(3, 2), late(9, 3), late(4, 2)])) == [3, 4, 5, 9]


def test_what_came_first_goes_first_at_one_time() -> None:
    first, second = late(5, 2), late(5, 1)

    assert backlog([first, second]).first is first


def test_all_are_told_as_they_came() -> None:
    first, second = late(5, 2), late(3, 1)

    assert list(backlog([first, second])) == [first, second]


def test_what_comes_goes_behind_the_last_of_its_own() -> None:
    those = backlog([late(3, "/a"), late(5, "/a"), late(9, "/a", is_swapped=True), late(8, "/b")])

    assert [those.behind_us(of) for of in ("/a", "/b", "/c")] == [5, 8, None]


def test_what_went_is_late_no_more() -> None:
    one, other = late(3), late(5)
    those = backlog([one, other])

    those.remove(one)

    assert (list(those), list(those.of(1)), len(those)) == ([other], [other], 1)


def test_end_is_all_that_goes_there() -> None:
    those = backlog([late(3, 1), late(4, 2), late(5, 2, is_end=True)])

    assert [those.ends(of) for of in (1, 2, 3)] == [False, True, False]


def test_nothing_stays_of_who_hung_up() -> None:
    those = backlog([late(3, 1), late(4, 2), late(5, 1)])

    those.drop(1)

    assert (list(those.of(1)), those.behind_us(1), gone(those)) == ([], None, [4])


def test_many_that_hang_up_leave_the_rest() -> None:
    those = backlog([late(1000, 0), *(late(number, number) for number in range(1, 200)), late(1001, 0)])

    for number in range(1, 200):
        those.drop(number)

    assert gone(those) == [1000, 1001]


def test_those_that_wait_are_not_looked_at() -> None:
    # Looked at for each that comes, and for each that goes, they would take hours.
    those = Backlog()
    for number in range(100_000):
        those.add(late(max(number, those.behind_us(1) or 0)))

    assert gone(those) == list(range(100_000))
