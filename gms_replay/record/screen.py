"""What a person sees: lines, and on a terminal a status line below them.

A recorder outlives its audience: when nobody can be told any more, it goes on in silence.
"""

import contextlib
import os
import sys
from collections.abc import Callable
from io import TextIOWrapper
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

_REFRESHES_PER_S = 2
_SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"


class Screen:
    """Writes to a terminal, or plain lines to anything else. Texts must have no control characters."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        if isinstance(out, TextIOWrapper):
            # A line that the terminal's encoding cannot hold is better told with escapes than not at all.
            out.reconfigure(errors="backslashreplace")
        self._is_terminal = out.isatty()
        self._console = Console(file=out, force_terminal=self._is_terminal, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._is_lost = False

    def line(self, text: str) -> None:
        """Tell one line."""
        if self._is_lost:
            return
        try:
            if self._is_terminal:
                self._console.print(Text(text), soft_wrap=True)
            else:
                print(text, file=self._out, flush=True)
        except OSError:
            self._lose()

    def show_status(self, tell: Callable[[], str]) -> None:
        """Keep what `tell` returns, called in a thread of its own, below the lines; only on a terminal."""
        if not self._is_terminal or self._console.is_dumb_terminal:
            return
        self._live = Live(
            get_renderable=lambda: Text(tell(), style="dim", no_wrap=True, overflow="ellipsis"),
            console=self._console,
            refresh_per_second=_REFRESHES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()

    def close(self) -> None:
        """Take the status line away; lines can still be told."""
        live, self._live = self._live, None
        if live:
            with contextlib.suppress(OSError):
                live.stop()

    def abandon(self) -> None:
        """Leave the terminal usable, at once and whatever holds its locks."""
        if self._live:
            with contextlib.suppress(OSError):
                os.write(self._out.fileno(), _SHOW_CURSOR)

    def _lose(self) -> None:
        self._is_lost = True
        # Else Python complains at exit that what is left in the buffer cannot be written.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
