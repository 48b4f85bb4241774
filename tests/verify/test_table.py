"""What a terminal shows while visits are played."""

import io

from rich.console import Console

from gms_replay.verify.progress import Happening, Sort
from gms_replay.verify.table import Table


def test_those_under_way_are_shown() -> None:
    out = io.StringIO()
    now_s = [100.0]
    console = Console(file=out, force_terminal=True, width=80, color_system=None)
    table = Table(["session 1", "session 2", "session 3"], console, lambda: now_s[0])
    paper = Console(file=io.StringIO(), width=80)

    def shown() -> list[str]:
        with paper.capture() as capture:
            paper.print(table.shown())
        return [" ".join(line.split()) for line in capture.get().splitlines()]

    with table:
        table.watch(0, Happening(Sort.BEGINS, "begins", 0, 4))
        now_s[0] = 103.0
        table.watch(1, Happening(Sort.BEGINS, "begins", 0, 12))
        table.watch(0, Happening(Sort.ENDS, "ends", 4, 4))
        now_s[0] = 104.0
        table.watch(2, Happening(Sort.WAITS, "waits to be told [b]x\x1b[1m", 3, 9))
        table.watch(1, Happening(Sort.WENT_WRONG, "send: 500, recorded 200", 5, 12))
        now_s[0] = 112.0
        assert shown() == [
            "1 of 3 played, otherwise than recorded so far: 1",
            "step time otherwise now",
            "session 2 5/12 9 s 1 send: 500, recorded 200",
            "session 3 3/9 8 s 0 waits to be told [b]x\\u001b[1m",
        ]
    assert "session 2: send: 500, recorded 200\n" in out.getvalue()
