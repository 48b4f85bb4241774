import pytest

from gms_replay.cassette.extent import Limits, Tally


def test_tallies_add_up():
    assert Tally(1, 2, 3, 4) + Tally(10, 20, 30, 40, 5) + Tally(committed_at_us=4) == Tally(11, 22, 33, 44, 5)


@pytest.mark.parametrize(
    ("limits", "is_reached"),
    [
        (Limits(), False),
        (Limits(size_bytes=10), True),
        (Limits(size_bytes=11), False),
        (Limits(age_us=20), True),
        (Limits(age_us=21), False),
        (Limits(size_bytes=11, age_us=20), True),
    ],
)
def test_either_limit_is_enough(limits, is_reached):
    assert limits.reached(size_bytes=10, age_us=20) is is_reached
