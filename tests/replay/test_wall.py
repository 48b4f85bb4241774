from gms_replay.replay.wall import wall_clock_us


def test_wall_clock_is_microseconds() -> None:
    assert 1_700_000_000_000_000 < wall_clock_us() < 4_000_000_000_000_000
