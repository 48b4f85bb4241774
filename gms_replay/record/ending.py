"""How mitmproxy ends with the recorder: with all facts on disk, or with one line that says why not.

mitmproxy hides exceptions of addons, and calls them until the very end: so a refusal leaves by SystemExit, which it
lets pass, and the cassettes are closed when the interpreter exits.
"""

import atexit
import os
import sys
from typing import NoReturn

from gms_replay.errors import CassetteError
from gms_replay.mitmdump import ending
from gms_replay.record.writer_process import WriterProcess

_PROGRAM = "gms_record"


def refuse(error: Exception) -> NoReturn:
    """End mitmproxy with exit 1 and a line on stderr. Only in its main thread."""
    ending.refuse(_PROGRAM, error)


def close_at_exit(writer: WriterProcess) -> None:
    """Let all be written when the interpreter exits; what fails is told on stderr, and makes it exit 1."""

    def close() -> None:
        try:
            writer.close()
        except CassetteError as error:
            tell(error)
            # Too late for SystemExit: the status is already settled.
            sys.stdout.flush()
            os._exit(1)

    atexit.register(close)


def tell(error: Exception) -> None:
    """One line on stderr."""
    ending.tell(_PROGRAM, error)
