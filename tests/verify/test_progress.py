"""What is told while visits are played, as lines."""

import pytest

from gms_replay.verify.progress import Happening, Lines, Sort

STORY = [
    (0, Happening(Sort.BEGINS, "begins", 0, 7)),
    (0, Happening(Sort.WAITS, "waits to be told x", 1, 7)),
    (0, Happening(Sort.DID, "send: 200", 1, 7)),
    (1, Happening(Sort.WENT_WRONG, "not told within 3 s: x", 2, 9)),
    (0, Happening(Sort.ENDS, "ends", 7, 7)),
]


@pytest.mark.parametrize(
    ("names", "lines"),
    [
        (["session 4"], ["session 4: begins, 7 steps", "send: 200"]),
        (
            ["session 4", "session 5"],
            ["session 4: begins, 7 steps", "session 4: send: 200", "session 5: not told within 3 s: x"],
        ),
    ],
)
def test_what_was_done_and_went_wrong_is_a_line(names: list[str], lines: list[str]) -> None:
    told: list[str] = []
    watch = Lines(names, told.append).watch
    for visit, happened in STORY:
        if visit < len(names):
            watch(visit, happened)
    assert told == lines
