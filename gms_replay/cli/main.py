"""The command line. It only wires: each verb is one function that calls a room, and exits 0, 1 (differs), 2 (misuse)
or 130 (interrupted, as shells have it).

What a verb needs is imported inside it: starting up is felt every day.
"""

import errno
import os
import sys
from typing import Any

import click

from gms_replay import __version__
from gms_replay.cli import comparing, cutting, exchanging, looking, recording, serving, trying, verifying
from gms_replay.cli.options import complain
from gms_replay.errors import GmsReplayError

_INTERRUPTED = 130


class _Verbs(click.Group):
    """Shows errors of ours as the one line that they are, and those of the system that nobody else has named."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return self._flushed(ctx)
        except GmsReplayError as error:
            complain(error)
            ctx.exit(2)
        except KeyboardInterrupt:
            complain(GmsReplayError("interrupted"))
            ctx.exit(_INTERRUPTED)
        except OSError as error:
            # A reader that has seen enough (`| head`) is click's to deal with.
            if error.errno == errno.EPIPE:
                raise
            what = f"{error.filename}: " if error.filename else ""
            complain(GmsReplayError(f"cannot go on: {what}{error.strerror or error}"))
            _let_go_of_output()
            ctx.exit(2)

    def _flushed(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        finally:
            # What cannot be written is to be said here; Python would say it at its end, in many lines.
            if sys.stdout is not None:
                sys.stdout.flush()


def _let_go_of_output() -> None:
    """What is left in the buffer goes nowhere: Python tries once more at its end, and would complain."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gms-replay")
def main() -> None:
    """Record Genesys Mobile Services sessions, Comet included, and play them back as a server."""


for _verb in (
    recording.record,
    looking.show,
    serving.serve,
    looking.check,
    comparing.diff,
    verifying.verify,
    exchanging.export,
    exchanging.import_,
    exchanging.textconv,
    exchanging.redact,
    cutting.cut,
    cutting.merge,
    trying.simulate,
    trying.demo,
):
    main.add_command(_verb)
