"""How mitmproxy ends with the recorder: with all facts on disk, or with one line that says why not.

mitmproxy hides exceptions of addons, and calls them until the very end: so a refusal leaves by SystemExit, which it
lets pass, and the cassettes are closed when the interpreter exits.
"""

import asyncio
import atexit
import contextlib
import os
import sys
from collections.abc import Callable
from typing import NoReturn

from gms_replay.cassette.series import Series
from gms_replay.errors import CassetteError


def refuse(error: Exception) -> NoReturn:
    """End mitmproxy with exit 1 and a line on stderr. Only in its main thread."""
    tell(error)
    sys.exit(1)


def stopper(loop: asyncio.AbstractEventLoop) -> Callable[[Exception], None]:
    """What another thread calls to end mitmproxy: there, SystemExit would end that thread only."""

    def stop(_: Exception) -> None:
        # Where the loop is closed, mitmproxy is ending already. `close_at_exit` tells the reason, either way.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(sys.exit, 1)

    return stop


def close_at_exit(series: Series) -> None:
    """Drain and close the cassettes when the interpreter exits; what fails is told on stderr, and makes it exit 1."""

    def close() -> None:
        try:
            series.close()
        except CassetteError as error:
            tell(error)
            # Too late for SystemExit: the status is already settled.
            sys.stdout.flush()
            os._exit(1)

    atexit.register(close)


def tell(error: Exception) -> None:
    """One line on stderr."""
    print(f"gms_record: {error}", file=sys.stderr, flush=True)
