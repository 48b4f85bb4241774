"""`serve`."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from click.core import ParameterSource

from gms_replay import access, limits
from gms_replay.cli.options import BUNDLE_ID, FILE, NOW, REDACT, REDACT_KEY, RULES, SHIFT, rules_of, wish_of
from gms_replay.errors import OptionError

if TYPE_CHECKING:
    from gms_replay.replay.certificates import Certificates


def _token(context: click.Context, parameter: click.Parameter, said: str | None) -> str | None:
    is_set = parameter.name is not None and context.get_parameter_source(parameter.name) is ParameterSource.ENVIRONMENT
    return access.token(access.VARIABLE if is_set else "--token", said) if said else None


def _number(_: click.Context, __: click.Parameter, value: float) -> float:
    # Which stands in no order, so no range keeps it out.
    if math.isnan(value):
        raise click.BadParameter("nan is no number; 1 is as recorded, 10 ten times faster")
    return value


def _certificates(confdir: Path | None) -> "Certificates":
    from gms_replay.replay.certificates import Certificates

    return Certificates(confdir)


@click.command()
@click.argument("cassette", type=FILE)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8080, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@NOW
@SHIFT
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
@click.option(
    "--record-new",
    type=FILE,
    metavar="FILE",
    help="Record into this cassette what comes anew: misses that are sent on, and pushes that come in.",
)
@click.option(
    "--push-to",
    multiple=True,
    metavar="URL|apns:FOLDER|simctl:DEVICE",
    help="Who stands in for the devices: a URL that gets each push by POST when it is due, a folder that gets .apns "
    "files, a device of Xcode's simulator (or `booted`). May be repeated.",
)
@REDACT
@REDACT_KEY
@BUNDLE_ID
@click.option("--hold-pushes", is_flag=True, help="Hold pushes back until a test releases them.")
@RULES
@click.option(
    "--strict",
    is_flag=True,
    help="Exit 1 at the end where there were misses, pushes unlike the cassette's, or parts that nobody used.",
)
@click.option("--compress-sockets", is_flag=True, help="Compress WebSockets where the app offers permessage-deflate.")
@click.option(
    "--token",
    callback=_token,
    envvar=access.VARIABLE,
    show_envvar=True,
    metavar="TOKEN",
    help="What other machines, and pages of other sites, give to ask /__gms_replay__/. Where --host lets them in, "
    "one is drawn if there is none.",
)
@click.option("--tls", is_flag=True, help="Speak https, with certificates of mitmproxy's CA.")
@click.option(
    "--confdir",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where that CA is, or is to be made. Default: ~/.mitmproxy.",
)
@click.option(
    "--limit",
    "limit",
    multiple=True,
    metavar="NAME=NUMBER",
    help=f"Refuse what is more than that. May be repeated. Default: {limits.listed()}.",
)
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
    redact: str,
    redact_key: Path | None,
    push_to: tuple[str, ...],
    bundle_id: str | None,
    hold_pushes: bool,
    rules: Path | None,
    strict: bool,
    compress_sockets: bool,
    token: str | None,
    tls: bool,
    confdir: Path | None,
    limit: tuple[str, ...],
    as_json: bool,
) -> None:
    """Play CASSETTE as a GMS."""
    from gms_replay.cassette.reader import hold

    if confdir is not None and not tls:
        raise OptionError("--confdir: it goes with --tls")
    said, allowed = rules_of(rules), limits.parse(limit)
    wish = wish_of(redact, redact_key, said)
    with hold(cassette) as facts:
        # The rest takes as long to import as a large cassette to be searched for damage, which is done meanwhile.
        from gms_replay.acts import MissingAct
        from gms_replay.clocks import Clock, Pacing
        from gms_replay.replay import run
        from gms_replay.replay.plays import Play
        from gms_replay.timeline import Shift

        pacing = Pacing(now, speed, MissingAct(missing_act), Clock(clock), Shift(shift))
        play = Play(
            cassette=cassette,
            pacing=pacing,
            seed=seed,
            rules=said,
            on_miss=on_miss,
            record_new=record_new,
            wish=wish,
            push_to=push_to,
            bundle_id=bundle_id,
            holds_pushes=hold_pushes,
            limits=allowed,
        )
        plan = run.Plan(
            play,
            host,
            port,
            strict=strict,
            as_json=as_json,
            compress_sockets=compress_sockets,
            token=token,
            certificates=_certificates(confdir) if tls else None,
        )
        is_as_wanted = run.serve(plan, facts, say=click.echo, note=lambda text: click.echo(text, err=True))
    if not is_as_wanted:
        sys.exit(1)
