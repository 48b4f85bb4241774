import pytest

from gms_replay.clocks import Clock, Pacing, SessionTime, earlier

OPENED_US = 1_000_000
PINNED_US = 9_000_000


def virtual(now_us: int | None = None) -> SessionTime:
    return SessionTime(Pacing(now_us=now_us, clock=Clock.VIRTUAL), OPENED_US)


@pytest.mark.parametrize(("recorded_us", "speed", "paced_us"), [(10, 1.0, 10), (10, 4.0, 2), (10, 0.5, 20)])
def test_speed_shortens(recorded_us: int, speed: float, paced_us: int) -> None:
    assert Pacing(speed=speed).paced_us(recorded_us) == paced_us


@pytest.mark.parametrize(("now_us", "ahead_us"), [(None, 0), (PINNED_US, 8_000_000)])
def test_real_times_are_one(now_us: int | None, ahead_us: int) -> None:
    time = SessionTime(Pacing(now_us=now_us), OPENED_US)
    wall_us = OPENED_US + 7

    assert (time.patience_us(wall_us), time.protocol_us(wall_us), time.story_us(wall_us)) == (wall_us + ahead_us,) * 3
    assert time.wall_us(wall_us + ahead_us) == wall_us


def test_virtual_story_starts_when_pinned() -> None:
    assert virtual(PINNED_US).story_us(OPENED_US) == PINNED_US


def test_virtual_time_stands() -> None:
    """But for patience."""
    time = virtual()
    wall_us = OPENED_US + 7

    assert (time.protocol_us(wall_us), time.story_us(wall_us)) == (OPENED_US, OPENED_US)
    assert time.patience_us(wall_us) == wall_us


def test_jump_moves_the_story_alone() -> None:
    time = virtual()
    time.jump(OPENED_US + 50, OPENED_US)

    assert (time.protocol_us(OPENED_US), time.story_us(OPENED_US)) == (OPENED_US, OPENED_US + 50)
    assert time.told_us(OPENED_US) == OPENED_US + 50
    assert time.patience_us(OPENED_US) == OPENED_US


def test_nobody_jumps_back() -> None:
    time = virtual()
    time.jump(OPENED_US + 50, OPENED_US)
    time.jump(OPENED_US + 20, OPENED_US)

    assert time.story_us(OPENED_US) == OPENED_US + 50


@pytest.mark.parametrize("clock", list(Clock))
def test_put_forward_moves_all(clock: Clock) -> None:
    time = SessionTime(Pacing(clock=clock), OPENED_US)
    time.put_forward(50)

    moved = time.patience_us(OPENED_US), time.protocol_us(OPENED_US), time.story_us(OPENED_US)
    assert moved == (OPENED_US + 50,) * 3


@pytest.mark.parametrize("clock", list(Clock))
def test_patience_and_story_know_each_other(clock: Clock) -> None:
    """What patience waited till, and where the story was then."""
    time = SessionTime(Pacing(clock=clock), OPENED_US)
    time.jump(OPENED_US + 50, OPENED_US)
    now_us = OPENED_US + 9

    assert time.story_at_us(time.patience_us(now_us), now_us) == time.story_us(now_us)
    assert time.patience_at_us(time.story_us(now_us), now_us) == time.patience_us(now_us)


@pytest.mark.parametrize(
    ("one_us", "other_us", "expected_us"), [(None, None, None), (1, None, 1), (None, 2, 2), (1, 2, 1), (2, 1, 1)]
)
def test_earlier_of_two(one_us: int | None, other_us: int | None, expected_us: int | None) -> None:
    assert earlier(one_us, other_us) == expected_us
