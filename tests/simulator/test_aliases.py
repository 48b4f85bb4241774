import re
from random import Random

import pytest
from simulating import StandingClock

from gms_replay.simulator.aliases import Aliases

SOURCES = [Random(f"alias {number}") for number in range(50)]


@pytest.fixture
def clock():
    return StandingClock()


@pytest.fixture
def aliases(clock):
    return Aliases(Random(1), clock)


@pytest.mark.parametrize("source", SOURCES)
def test_alias_changes_once(source, clock):
    aliases = Aliases(source, clock)
    told = [aliases.at(position) for position in range(1, 20)]
    assert [told.index(alias) for alias in dict.fromkeys(told)] in ([0, 2], [0, 3], [0, 4], [0, 5])
    assert all(re.fullmatch("[1-9][0-9]{2}", alias) for alias in told)


def test_change_comes_at_different_positions(clock):
    first = [Aliases(Random(f"{number}"), clock) for number in range(50)]
    assert len({sum(one.at(position) == one.at(1) for position in range(1, 9)) for one in first}) == 4


def test_equal_sources_change_equally(clock):
    one, other = (Aliases(Random(7), clock) for _ in range(2))
    assert [one.at(position) for position in range(9)] == [other.at(position) for position in range(9)]


def test_next_alias_is_not_known_before(aliases):
    assert [aliases.takes(aliases.at(position), 1) for position in (1, 9)] == [True, False]


def test_old_alias_is_good_until_the_new_is_told(aliases, clock):
    aliases.answered(1)
    clock.now_us = 60_000_000
    assert aliases.takes(aliases.at(1), 9)


def test_old_alias_goes_ten_seconds_later(aliases, clock):
    clock.now_us = 1_000_000
    aliases.answered(9)
    clock.now_us = 11_000_000
    aliases.answered(9)
    in_time = aliases.takes(aliases.at(1), 9)
    clock.now_us += 1
    assert (in_time, aliases.takes(aliases.at(1), 9), aliases.takes(aliases.at(9), 9)) == (True, False, True)


@pytest.mark.parametrize("alias", ["", "117", "1000"])
def test_other_aliases_are_never_good(aliases, alias):
    assert not aliases.takes(alias, 1)
