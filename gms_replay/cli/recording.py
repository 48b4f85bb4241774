"""`record`."""

from pathlib import Path

import click

from gms_replay.cli.options import FILE, PRIVATE, REDACT, REDACT_KEY, pattern, rules_of, wish_of


@click.command()
@click.argument("cassette", type=FILE)
@click.option("--gms", metavar="URL", help="The GMS, like http://gms.example:8080/genesys.  [default: forward proxy]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on; 0.0.0.0 lets phones in.")
@click.option("--port", default=8010, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@click.option(
    "--hosts",
    callback=pattern,
    default="",
    metavar="REGEX",
    help="Record all that goes to hosts in whose host:port this is found.  [default: what looks like GMS, APNs, FCM or "
    "GMS's notices by HTTP]",
)
@click.option(
    "--max-mib", type=click.IntRange(1, 999_999_999), metavar="N", help="Begin a new file when one has so many MiB."
)
@click.option(
    "--max-minutes", type=click.IntRange(1, 999_999_999), metavar="N", help="Begin a new file after so many minutes."
)
@click.option(
    "--durable", is_flag=True, help="Wait for the disk at each commit, so that no loss of power takes what is recorded."
)
@click.option("--insecure", is_flag=True, help="Take any certificate of the GMS's: test systems often sign their own.")
@REDACT
@REDACT_KEY
@PRIVATE
def record(
    cassette: Path,
    gms: str | None,
    host: str,
    port: int,
    hosts: str,
    max_mib: int | None,
    max_minutes: int | None,
    durable: bool,
    insecure: bool,
    redact: str,
    redact_key: Path | None,
    rules: Path | None,
) -> None:
    """Record into CASSETTE what apps and a GMS say to each other, and tell it as it happens.

    With --gms the app uses the printed URL instead of the GMS's own. Without, the app keeps its URLs and uses this as
    its proxy. An existing CASSETTE gets a further run. Ctrl+C stops.
    """
    from gms_replay.base_url import BaseUrl

    upstream = BaseUrl.parse(gms, "--gms") if gms is not None else None
    # Whatever is wrong with them is said by the names that they have here.
    wish = wish_of(redact, redact_key, rules_of(rules))
    # The whole of mitmproxy takes a second: not for an option that is wrong.
    from gms_replay.record import run

    plan = run.Plan(
        cassette, upstream, host, port, hosts, max_mib, max_minutes, insecure, wish.mode, redact_key, rules, durable
    )
    run.record(plan)
