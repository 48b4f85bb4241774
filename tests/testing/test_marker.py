from datetime import UTC, datetime
from pathlib import Path

import pytest

from gms_replay.clocks import Clock
from gms_replay.errors import OptionError
from gms_replay.testing.marker import read


def test_path_begins_at_the_folder(tmp_path: Path) -> None:
    wish = read(["visit.sqlite"], {"strict": True}, tmp_path)

    assert (wish.play.cassette, wish.strict) == (tmp_path / "visit.sqlite", True)


def test_one_file_has_one_path(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "a", target_is_directory=True)
    names = ("../a/visit.sqlite", "../link/visit.sqlite", f"{tmp_path}/a/./visit.sqlite")

    assert {read([name], {}, tmp_path / "b").play.cassette for name in names} == {tmp_path / "a" / "visit.sqlite"}


def test_sessions_begin_now_by_a_virtual_clock(tmp_path: Path) -> None:
    pacing = read(["visit.sqlite"], {}, tmp_path).play.pacing

    assert pacing.clock is Clock.VIRTUAL
    assert pacing.now_us is not None
    assert pacing.now_us % 1_000_000 == 0
    assert datetime.fromtimestamp(pacing.now_us / 1_000_000, UTC).year > 2024


def test_a_real_clock_is_left_alone(tmp_path: Path) -> None:
    pacing = read(["visit.sqlite"], {"clock": "real"}, tmp_path).play.pacing

    assert (pacing.clock, pacing.now_us) == (Clock.REAL, None)


@pytest.mark.parametrize(
    ("arguments", "keywords", "complaint"),
    [
        ([], {}, "it names one cassette"),
        (["a", "b"], {}, "it names one cassette, .* not 2"),
        ([7], {}, "cassette is the path of a file, not 7"),
        (["a\0b"], {}, "cassette is the path of a file"),
        (["a"], {"strict": "yes"}, "strict is True or False, not 'yes'"),
        (["a"], {"speeed": 7}, "speeed: no such option; .* speed, strict"),
        (["a"], {"speed": 0}, "speed is a number"),
    ],
)
def test_wrong_words_are_refused(arguments: list[object], keywords: dict[str, object], complaint: str) -> None:
    with pytest.raises(OptionError, match=complaint):
        read(arguments, keywords, Path())
