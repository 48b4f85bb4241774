"""What a person sees at a terminal while visits are played: those under way, and above them what went wrong."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.table import Table as Grid
from rich.text import Text

from gms_replay.formats.tale import plain
from gms_replay.verify.progress import Happening, Sort

_REFRESHES_PER_S = 4


@dataclass(slots=True)
class _Row:
    happened: Happening
    began_s: float
    troubles: int = 0


class Table:
    """A row for each visit under way, inside `with`; then it is gone, and what went wrong stays above its place."""

    def __init__(self, names: Sequence[str], console: Console, now_s: Callable[[], float] = time.monotonic) -> None:
        self._names = names
        self._console = console
        self._now_s = now_s
        self._rows: dict[int, _Row] = {}
        self._ended = 0
        self._troubles = 0
        self._live = Live(
            get_renderable=self.shown, console=console, refresh_per_second=_REFRESHES_PER_S, transient=True
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def watch(self, visit: int, happened: Happening) -> None:
        if happened.sort is Sort.ENDS:
            self._rows.pop(visit, None)
            self._ended += 1
            return
        row = self._rows.setdefault(visit, _Row(happened, self._now_s()))
        row.happened = happened
        if happened.sort is Sort.WENT_WRONG:
            row.troubles += 1
            self._troubles += 1
            self._console.print(Text(plain(f"{self._names[visit]}: {happened.line}")), soft_wrap=True)

    def shown(self) -> Grid:
        """What stands there now."""
        so_far = f"{self._ended} of {len(self._names)} played, otherwise than recorded so far: {self._troubles}"
        grid = Grid(title=so_far, title_justify="left", box=None, pad_edge=False, header_style="bold", expand=True)
        for name in ("", "step", "time", "otherwise"):
            grid.add_column(name, no_wrap=True)
        grid.add_column("now", no_wrap=True, overflow="ellipsis", ratio=1)
        for visit, row in sorted(self._rows.copy().items()):
            now = row.happened
            passed = f"{self._now_s() - row.began_s:.0f} s"
            texts = (self._names[visit], f"{now.step}/{now.steps}", passed, str(row.troubles), plain(now.line))
            grid.add_row(*map(Text, texts))
        return grid
