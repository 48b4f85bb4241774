"""`diff`."""

import sys
from pathlib import Path

import click

from gms_replay.cli.options import FILE, echo
from gms_replay.errors import OptionError


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--pushes", "compares_pushes", is_flag=True, help="Compare what GMS told the devices, push by push.")
@click.option("--json", "as_json", is_flag=True, help="Tell all of it as one JSON object.")
def diff(old: Path, new: Path, compares_pushes: bool, as_json: bool) -> None:
    """Say where the cassettes OLD and NEW tell something else.

    With --pushes: whether two versions of GMS told the devices the same, whichever way the pushes were carried. Exits 0
    where they did, 1 where they did not.
    """
    import json

    from gms_replay import pushdiff
    from gms_replay.cassette.reader import read
    from gms_replay.formats.pushdiff import tell, to_json

    if not compares_pushes:
        raise OptionError("--pushes is missing: pushes are all that can be compared; gms-replay diff --pushes OLD NEW")
    found = pushdiff.compare(read(old), read(new))
    if as_json:
        click.echo(json.dumps(to_json(found, str(old), str(new)), indent=2))
    else:
        echo(tell(found, str(old), str(new)))
    if not found.equal:
        sys.exit(1)
