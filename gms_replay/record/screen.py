"""What a person sees: lines, and on a terminal a status line below them.

A recorder outlives its audience. Lines are written in a thread of their own, because a pipe that nobody reads, or a
terminal that was paused, holds up whoever writes to it; and when nobody can be told any more, it goes on in silence.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper
from queue import Full, Queue
from threading import Thread
from typing import TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

_REFRESHES_PER_S = 2
_MOST_WAITING = 1000
_PATIENCE_S = 2.0
_LOOK_AGAIN_S = 0.01
_SHOW_CURSOR = b"\r\x1b[K\x1b[?25h"


class Screen:
    """Writes to a terminal, or plain lines to anything else. Texts must have no control characters.

    No method waits for the audience, but `close`, and that for two seconds at most.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        if isinstance(out, TextIOWrapper):
            # A line that the terminal's encoding cannot hold is better told with escapes than not at all.
            out.reconfigure(errors="backslashreplace")
        self._is_terminal = out.isatty()
        self._console = Console(file=out, force_terminal=self._is_terminal, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None
        self._is_lost = False
        self._unseen = 0
        self._steps: Queue[Callable[[], None]] = Queue(_MOST_WAITING)
        Thread(target=self._work, name="gms-replay-screen", daemon=True).start()

    def line(self, text: str) -> None:
        """Tell one line."""
        if self._later(partial(self._write, text, self._unseen)):
            self._unseen = 0
        else:
            self._unseen += 1

    def show_status(self, tell: Callable[[], str]) -> None:
        """Keep what `tell` returns, called in a thread of its own, below the lines; only on a terminal."""
        if self._is_terminal and not self._console.is_dumb_terminal:
            self._later(partial(self._start, tell))

    def close(self) -> bool:
        """Take the status line away, and wait until all is told; False where nobody reads it. Lines can still come."""
        self._later(self._stop)
        give_up_at = time.monotonic() + _PATIENCE_S
        while self._steps.unfinished_tasks:
            if time.monotonic() > give_up_at:
                return False
            time.sleep(_LOOK_AGAIN_S)
        return True

    def abandon(self) -> None:
        """Leave the terminal usable, at once and whatever holds its locks."""
        if self._live:
            file = self._out.fileno()
            with contextlib.suppress(OSError):
                os.set_blocking(file, False)
                os.write(file, _SHOW_CURSOR)
            # The terminal is the shell's too.
            with contextlib.suppress(OSError):
                os.set_blocking(file, True)

    def _later(self, step: Callable[[], None]) -> bool:
        try:
            self._steps.put_nowait(step)
        except Full:
            return False
        return True

    def _work(self) -> None:
        while True:
            step = self._steps.get()
            try:
                if not self._is_lost:
                    step()
            except OSError:
                self._lose()
            finally:
                self._steps.task_done()

    def _write(self, text: str, unseen: int) -> None:
        for line in [f"{unseen} lines are left out here: nobody read them in time"] * bool(unseen) + [text]:
            if self._is_terminal:
                self._console.print(Text(line), soft_wrap=True)
            else:
                print(line, file=self._out, flush=True)

    def _start(self, tell: Callable[[], str]) -> None:
        self._live = Live(
            get_renderable=lambda: Text(tell(), style="dim", no_wrap=True, overflow="ellipsis"),
            console=self._console,
            refresh_per_second=_REFRESHES_PER_S,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=sys.stderr.isatty(),
        )
        self._live.start()

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live:
            live.stop()

    def _lose(self) -> None:
        self._is_lost = True
        # Else Python complains at exit that what is left in the buffer cannot be written.
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)
