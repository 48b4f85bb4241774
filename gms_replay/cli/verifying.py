"""`verify`: a recorded app, played at a live GMS."""

import sys
import tempfile
from pathlib import Path

import click

from gms_replay.cli.options import FILE, RULES, rules_of
from gms_replay.errors import OptionError


@click.command()
@click.argument("cassette", type=FILE)
@click.option("--against", required=True, metavar="URL", help="The GMS, like http://gms.example.com:8080/genesys.")
@click.option(
    "--session", "named", multiple=True, metavar="N|ID", help="Play this visit. May be repeated.  [default: all]"
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.01, 1000),
    help="How many times faster the app is.",
)
@click.option(
    "--patience",
    "patience_s",
    default=60.0,
    show_default=True,
    type=click.FloatRange(0.1, 86_400),
    metavar="SECONDS",
    help="How long to wait for an answer, or for what the agent is to say.",
)
@click.option("--record", type=FILE, metavar="FILE", help="Keep what was recorded of the run, a cassette.")
@RULES
@click.option("--insecure", is_flag=True, help="Take any certificate of the GMS's: test systems often sign their own.")
def verify(
    cassette: Path,
    against: str,
    named: tuple[str, ...],
    speed: float,
    patience_s: float,
    record: Path | None,
    rules: Path | None,
    insecure: bool,
) -> None:
    """Play the app's side of CASSETTE at a live GMS, and say where it behaves otherwise.

    One visit after the other: the app says what it said, with the identities that this GMS gives, and with its own
    instants moved to now, those of the calendar by whole weeks; it waits for the agent as it did. Nobody but the host
    of --against is dialled, whatever URLs its answers name. Exits 0 where every request was answered with the recorded
    status and the same sorts of messages came, else 1.
    """
    from gms_replay import cuttings, visits
    from gms_replay.cassette.reader import read
    from gms_replay.formats.tale import plain
    from gms_replay.verify import run

    target = run.Target.parse(against)
    if record is not None and record.exists():
        raise OptionError(f"--record {record}: it is there already; name another, or remove it")
    of_all = visits.split(read(cassette))
    chosen = sorted(cuttings.choose(of_all, named))
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        kept = record or Path(folder, "run.sqlite")
        played = [of_all[number - 1] for number in chosen]
        plan = run.Plan(played, target, kept, speed, patience_s, rules_of(rules), insecure)
        troubles = run.play(plan, lambda line: click.echo(plain(line)))
    if not troubles:
        click.echo(f"{against}: answered and told as recorded")
        return
    click.echo(f"{against}: otherwise than recorded")
    for line in troubles:
        click.echo(f"  {plain(line)}")
    sys.exit(1)
