"""`verify`: a recorded app, played at a live GMS."""

import sys
import tempfile
from pathlib import Path

import click

from gms_replay.cli.comparing import grade_named, learned, report
from gms_replay.cli.options import FILE, OUTPUT, REDACT, REDACT_KEY, RULES, rules_of, wish_of
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
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="'NAME: VALUE'|@FILE",
    help="Say this header, or those of FILE, one a line, in place of the recorded one: a redacted CASSETTE holds no "
    "credentials. May be repeated.",
)
@click.option("--record", type=FILE, metavar="FILE", help="Keep what was recorded of the run, a cassette.")
@REDACT
@REDACT_KEY
@click.option(
    "--fail-on",
    default="new-field",
    show_default=True,
    metavar="GRADE",
    help="The least grade that makes it exit 1, as with diff.",
)
@click.option("--learn", type=FILE, multiple=True, metavar="FILE", help="What differs from CASSETTE there may differ.")
@click.option(
    "--slower",
    type=click.FloatRange(1),
    metavar="FACTOR",
    help="What takes more than so many times as long is slower.  [default: 2]",
)
@RULES
@click.option("--junit", type=OUTPUT, metavar="FILE", help="Write the differences there as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Tell the differences as one JSON object.")
@click.option(
    "--ca", type=FILE, metavar="FILE", help="PEM file with the only CAs to trust.  [default: the public ones]"
)
@click.option("--insecure", is_flag=True, help="Take any certificate of the GMS's: test systems often sign their own.")
def verify(
    cassette: Path,
    against: str,
    named: tuple[str, ...],
    speed: float,
    patience_s: float,
    headers: tuple[str, ...],
    record: Path | None,
    redact: str,
    redact_key: Path | None,
    fail_on: str,
    learn: tuple[Path, ...],
    slower: float | None,
    rules: Path | None,
    junit: Path | None,
    as_json: bool,
    ca: Path | None,
    insecure: bool,
) -> None:
    """Play the app's side of CASSETTE at a live GMS, and say where it behaves otherwise.

    The app says what it said, with the identities that this GMS gives, and with its own instants moved to now, those of
    the calendar by whole weeks; it waits for the agent as it did. Visits that overlapped are played beside each other.
    Nobody but the host of --against is dialled, whatever URLs its answers name. A recorder of our own sees the run,
    which is compared with CASSETTE, each difference graded. Exits 0 where none is as bad as --fail-on, else 1.
    """
    from rich.console import Console

    from gms_replay import cuttings, grading, visits
    from gms_replay.base_url import BaseUrl
    from gms_replay.cassette.reader import read
    from gms_replay.formats.tale import plain
    from gms_replay.leniency import Leniency
    from gms_replay.redact import wishes
    from gms_replay.verify import own_headers, run
    from gms_replay.verify.progress import Lines
    from gms_replay.verify.table import Table

    target, least = BaseUrl.parse(against, "--against"), grade_named(fail_on)
    said_instead = own_headers.read(headers)
    if record is not None and record.exists():
        raise OptionError(f"--record {record}: it is there already; name another, or remove it")
    recording = read(cassette)
    of_all = visits.split(recording)
    chosen = sorted(cuttings.choose(of_all, named))
    old = cuttings.cut(recording, of_all, chosen)
    said = rules_of(rules)
    # Whatever is wrong with them is said by the names that they have here.
    more = wishes.options(wish_of(redact, redact_key, said).mode, redact_key, rules)
    leniency = learned(Leniency.by(said, slower_factor=slower, compares_requests=False), old, learn)
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        kept = record or Path(folder, "run.sqlite")
        played = [of_all[number - 1] for number in chosen]
        plan = run.Plan(played, target, kept, speed, patience_s, said, insecure, ca, said_instead, more)
        names = [f"session {number}" for number in chosen]
        console = Console(stderr=True, highlight=False)
        # Not what rich takes for one: FORCE_COLOR, as CI sets it, makes one of a file.
        if sys.stderr.isatty() and not console.is_dumb_terminal:
            with Table(names, console) as table:
                ways = run.play(plan, table.watch)
        else:
            ways = run.play(plan, Lines(names, lambda line: click.echo(plain(line), err=True)).watch)
        found = run.with_unreached(grading.compare(old, read(kept), leniency), ways, leniency)
    report(found, least, str(cassette), against, junit, as_json=as_json)
