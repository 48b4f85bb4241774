"""The command line. It only wires: each verb is one function that calls a room, and exits 0, 1 (differs) or 2 (misuse).

What a verb needs is imported inside it: starting up is felt every day.
"""

from typing import Any

import click

from gms_replay import __version__
from gms_replay.cli import comparing, cutting, exchanging, looking, recording, serving, trying, verifying
from gms_replay.cli.options import complain
from gms_replay.errors import GmsReplayError


class _Verbs(click.Group):
    """Shows errors of ours as the one line that they are."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GmsReplayError as error:
            complain(error)
            ctx.exit(2)


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
    cutting.cut,
    cutting.merge,
    trying.simulate,
    trying.demo,
):
    main.add_command(_verb)
