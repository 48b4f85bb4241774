"""The command line. It only wires: each verb is one function that calls a room, and exits 0, 1 (differs) or 2 (misuse).

What a verb needs is imported inside it: starting up is felt every day.
"""

import math
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gms_replay import __version__, instants
from gms_replay.errors import FormatError, GmsReplayError, OptionError

if TYPE_CHECKING:
    from gms_replay.audit import Audit
    from gms_replay.model import Recording
    from gms_replay.rules import Rules

# Whether it can be read is said by whoever reads it, as all else that is wrong with a file.
_FILE = click.Path(path_type=Path, readable=False)


class _Verbs(click.Group):
    """Shows errors of ours as the one line that they are."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except GmsReplayError as error:
            _complain(error)
            ctx.exit(2)


def _complain(error: GmsReplayError) -> None:
    from gms_replay.formats.tale import plain

    # A file's name may hold a line break, and peers' texts are quoted.
    click.echo(f"gms-replay: {plain(str(error))}", err=True)


def _instant(ctx: click.Context, param: click.Parameter, value: str | None) -> int | None:
    found = instants.parse(value) if value else None
    if value and found is None:
        raise click.BadParameter(f"{value!r} is no instant; write it like 2014-05-02T16:27:38Z")
    return found[0] if found else None


def _pattern(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None
    return value


@click.group(cls=_Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="gms-replay")
def main() -> None:
    """Record Genesys Mobile Services sessions, Comet included, and play them back as a server."""


@main.command()
@click.argument("cassette", type=_FILE)
@click.option("--gms", metavar="URL", help="The GMS, like http://gms.example:8080/genesys.  [default: forward proxy]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets phones in.")
@click.option("--port", default=8010, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@click.option(
    "--hosts",
    callback=_pattern,
    default="",
    metavar="REGEX",
    help="Record all that goes to hosts in whose host:port this is found.  [default: what looks like GMS]",
)
@click.option(
    "--max-mib", type=click.IntRange(1, 999_999_999), metavar="N", help="Begin a new file when one has so many MiB."
)
@click.option(
    "--max-minutes", type=click.IntRange(1, 999_999_999), metavar="N", help="Begin a new file after so many minutes."
)
@click.option("--insecure", is_flag=True, help="Take any certificate of the GMS's: test systems often sign their own.")
def record(
    cassette: Path,
    gms: str | None,
    host: str,
    port: int,
    hosts: str,
    max_mib: int | None,
    max_minutes: int | None,
    insecure: bool,
) -> None:
    """Record into CASSETTE what apps and a GMS say to each other, and tell it as it happens.

    With --gms the app uses the printed URL instead of the GMS's own. Without, the app keeps its URLs and uses this as
    its proxy. An existing CASSETTE gets a further run. Ctrl+C stops.
    """
    from gms_replay.record.gms_url import GmsUrl

    upstream = GmsUrl.parse(gms) if gms is not None else None
    # The whole of mitmproxy takes a second: not for an option that is wrong.
    from gms_replay.record import run

    run.record(run.Plan(cassette, upstream, host, port, hosts, max_mib, max_minutes, insecure))


def _number(_: click.Context, __: click.Parameter, value: float) -> float:
    # Which stands in no order, so no range keeps it out.
    if math.isnan(value):
        raise click.BadParameter("nan is no number; 1 is as recorded, 10 ten times faster")
    return value


@main.command()
@click.argument("cassette", type=_FILE)
@click.option("--identities", "shows_identities", is_flag=True, help="Tell which values are identities, and why.")
@click.option("--pushes", "shows_pushes", is_flag=True, help="Tell what GMS told the devices, and what became of it.")
@click.option("--json", "as_json", is_flag=True, help="Tell the identities, or the pushes, as one JSON object.")
@click.option("--rules", type=_FILE, metavar="FILE", help="What is special to your GMS: here, its identities.")
def show(cassette: Path, shows_identities: bool, shows_pushes: bool, as_json: bool, rules: Path | None) -> None:
    """Tell the visits in CASSETTE as a person would, in order.

    With --identities: the values that further sessions are told otherwise, where they travel, and why they count; and
    what looks like one and is left alone. With --pushes: what was seen on its way to a device, or presumably was.
    """
    import json

    from gms_replay.cassette.reader import read
    from gms_replay.formats import passport, pushes, tale

    if rules is not None and not shows_identities:
        raise OptionError("--rules: it goes with --identities")
    if shows_pushes and shows_identities:
        raise OptionError("--pushes: it does not go with --identities; ask for one after the other")
    if as_json and not (shows_pushes or shows_identities):
        raise OptionError("--json: it goes with --identities or --pushes")
    recording, said, name = read(cassette), _rules(rules), str(cassette)
    if as_json:
        told = passport.to_json(recording, said, name) if shows_identities else pushes.to_json(recording, name)
        click.echo(json.dumps(told, indent=2))
    elif shows_identities:
        _echo(passport.tell(recording, said, name))
    else:
        _echo(pushes.tell(recording, name) if shows_pushes else tale.tell(recording, name))


def _echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


_NOW = click.option(
    "--now",
    callback=_instant,
    metavar="INSTANT",
    help="Instant at which every session starts for its app.  [default: now]",
)
_SHIFT = click.option(
    "--shift",
    default="exact",
    show_default=True,
    type=click.Choice(["exact", "weeks"]),
    help="How far time slots move: as all else, up to their grid, or by whole weeks, so that a Tuesday stays one.",
)
_RULES = click.option(
    "--rules", type=_FILE, metavar="FILE", help="What is special to your GMS: identities, times, matching."
)


@main.command()
@click.argument("cassette", type=_FILE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@_NOW
@_SHIFT
@click.option(
    "--clock",
    default="real",
    show_default=True,
    type=click.Choice(["real", "virtual"]),
    help="real: time passes. virtual: it stands, and jumps to what comes next when the app waits for it.",
)
@click.option(
    "--speed",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0.001, 1000),
    callback=_number,
    help="How many times faster than recorded. What the app waits for by itself is not.",
)
@click.option(
    "--missing-act",
    default="go-on",
    show_default=True,
    type=click.Choice(["wait", "go-on", "miss"]),
    help="What to do after ten seconds when the story waits for what the app does not do: wait on, go on without, or "
    "wait on and say so.",
)
@click.option("--seed", default=0, show_default=True, help="What the ids of further sessions are drawn from.")
@click.option(
    "--on-miss",
    default="error",
    show_default=True,
    metavar="error|pass:URL",
    help="What to do with a request that the cassette has no answer for: 404, or send it on to a live GMS.",
)
@click.option("--record-new", type=_FILE, metavar="FILE", help="Record what is sent on, into this cassette.")
@_RULES
@click.option("--strict", is_flag=True, help="Exit 1 at the end where there were misses, or parts that nobody used.")
@click.option("--compress-sockets", is_flag=True, help="Compress WebSockets where the app offers permessage-deflate.")
@click.option(
    "--json",
    "as_json",
    is_flag=True,
    help="Print JSON: a line with the URLs, at the end one with misses and unused parts.",
)
def serve(
    cassette: Path,
    host: str,
    port: int,
    now: int | None,
    shift: str,
    clock: str,
    speed: float,
    missing_act: str,
    seed: int,
    on_miss: str,
    record_new: Path | None,
    rules: Path | None,
    strict: bool,
    compress_sockets: bool,
    as_json: bool,
) -> None:
    """Play CASSETTE as a GMS."""
    from gms_replay.cassette.reader import hold

    said = _rules(rules)
    with hold(cassette) as facts:
        # The rest takes as long to import as a large cassette to be searched for damage, which is done meanwhile.
        from gms_replay.acts import MissingAct
        from gms_replay.clocks import Clock, Pacing
        from gms_replay.replay import run
        from gms_replay.timeline import Shift

        pacing = Pacing(now, speed, MissingAct(missing_act), Clock(clock), Shift(shift))
        plan = run.Plan(
            cassette, host, port, pacing, seed, said, on_miss, record_new, strict, as_json, compress_sockets
        )
        is_as_wanted = run.serve(plan, facts, say=click.echo, note=lambda text: click.echo(text, err=True))
    if not is_as_wanted:
        sys.exit(1)


def _rules(path: Path | None) -> "Rules":
    from gms_replay.rules import Rules, load

    if path is None:
        return Rules()
    try:
        return load(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError as error:
        raise OptionError(f"{path}: not UTF-8 at byte {error.start}: a rules file is TOML") from None
    except OSError as error:
        raise OptionError(f"{path}: cannot be read: {error.strerror}") from None


@main.command()
@click.argument("cassette", type=_FILE)
@click.option("--json", "as_json", is_flag=True, help="Tell everything as one JSON object, lists uncut.")
@click.option("--times", is_flag=True, help="List all that looks like an instant, and what will be told instead.")
@_NOW
@_SHIFT
@_RULES
def check(cassette: Path, as_json: bool, times: bool, now: int | None, shift: str, rules: Path | None) -> None:
    """Say what CASSETTE holds, and what in it is damaged, unfinished, not understood or left unclassified.

    Exits 1 where something is damaged. The rest is replayed all the same. --now, --shift and --rules are for --times:
    what will be told instead depends on them, as with `serve`.
    """
    import json

    from gms_replay.cassette.integrity import damage, examine
    from gms_replay.findings import find
    from gms_replay.formats import checkup
    from gms_replay.formats import times as tables
    from gms_replay.sessions import split

    if not times and (now is not None or shift != "exact" or rules is not None):
        raise OptionError("--now, --shift and --rules say nothing without --times")
    examined = examine(cassette)
    visits = split(examined.recording)
    findings = find(examined.recording, visits)
    told = _audit(examined.recording, rules, now, shift) if times else None
    if as_json:
        report = checkup.to_json(examined, len(visits), findings, str(cassette))
        click.echo(json.dumps(report | ({"times": tables.to_json(told)} if told else {}), indent=2))
    else:
        _echo(checkup.tell(examined, len(visits), findings, str(cassette)))
        _echo(tables.tell(told) if told else ())
    if examined.flaws:
        _complain(damage(cassette, examined.flaws))
        sys.exit(1)


def _audit(recording: "Recording", rules: Path | None, now_us: int | None, shift: str) -> "Audit":
    from gms_replay.audit import audit
    from gms_replay.timeline import Shift

    now_us = time.time_ns() // 1000 if now_us is None else now_us
    return audit(recording, _rules(rules), now_us, Shift(shift))


@main.command()
@click.argument("cassette", type=_FILE)
@click.option("--to", "form", required=True, type=click.Choice(["jsonl"]), help="Format to write.")
@click.option(
    "--output", "-o", type=click.File("w", encoding="utf-8"), default="-", help="File to write.  [default: -]"
)
def export(cassette: Path, form: str, output: Any) -> None:
    """Write every fact of CASSETTE as text."""
    from gms_replay.cassette.reader import read
    from gms_replay.formats import jsonl

    recording = read(cassette)
    if Path(output.name).exists() and cassette.samefile(output.name):
        raise OptionError(f"--output {output.name}: that is the cassette itself; name another file")
    for line in jsonl.dump(recording):
        output.write(line + "\n")


@main.command(name="import")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("cassette", type=_FILE)
def import_(source: str, cassette: Path) -> None:
    """Make CASSETTE from what `export --to jsonl` wrote to SOURCE (- for standard input)."""
    from gms_replay.cassette.copy import write
    from gms_replay.formats import jsonl

    with click.open_file(source, "rb") as file:
        content = file.read()
    name = "standard input" if source == "-" else source
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(f"{name}: not UTF-8 at byte {error.start}: give what `export` wrote") from None
    write(cassette, jsonl.load(text.split("\n"), name))


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@click.option("--quick", is_flag=True, help="Agents and queues fifty times faster than people.")
@click.option("--trailing-comma", is_flag=True, help="One dialog as the vendor's article prints it: it does not parse.")
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Draw agents, words, identities, queues and delays from N: the same N, the same visit.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="A configured callback; others are refused. May be repeated.  [default: any name]",
)
def simulate(
    host: str, port: int, quick: bool, trailing_comma: bool, seed: int | None, services: tuple[str, ...]
) -> None:
    """Run a small GMS, for those who have none at hand.

    It plays voice and chat callbacks, now, after waiting and by appointment (08:00 to 18:00 UTC), wakes apps whose
    device is `httpcb` by POST, and has agents to chat with over Comet.
    """
    from gms_replay.simulator.server import serve as serve_simulator
    from gms_replay.simulator.settings import Settings

    def announce(url: str) -> None:
        click.echo(f"simulated GMS: {url}")

    settings = Settings(quick=quick, trailing_comma=trailing_comma, seed=seed, services=frozenset(services))
    serve_simulator(host, port, settings, announce)


@main.command()
@click.option("--cassette", type=_FILE, default=Path("demo.sqlite"), show_default=True, help="File to leave behind.")
def demo(cassette: Path) -> None:
    """Record a visit through mitmdump, play it back, and compare what the app was told."""
    from rich.console import Console

    from gms_replay.demo.show import play

    sys.exit(play(cassette, Console()))


if __name__ == "__main__":
    main()
