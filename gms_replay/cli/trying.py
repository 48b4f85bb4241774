"""`simulate` and `demo`, for those who have no GMS at hand."""

import sys
from pathlib import Path

import click

from gms_replay.cli.options import FILE


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to serve on.")
@click.option("--port", default=8081, show_default=True, type=click.IntRange(0, 65535), help="0 picks one.")
@click.option("--quick", is_flag=True, help="Agents and queues fifty times faster than people.")
@click.option("--trailing-comma", is_flag=True, help="One dialog as the vendor's article prints it: it does not parse.")
@click.option(
    "--seed",
    type=int,
    metavar="N",
    help="Draw agents, words, identities, queues and delays from N: the same N, and after each start the same visits "
    "in their order.",
)
@click.option(
    "--service",
    "services",
    multiple=True,
    metavar="NAME",
    help="A configured callback; others are refused. May be repeated.  [default: any name]",
)
@click.option(
    "--gms-version",
    default="current",
    show_default=True,
    type=click.Choice(["current", "changed"]),
    help="The GMS that is recorded, or a later one, which differs as the README says.",
)
@click.option("--apns", metavar="URL", help="What stands for Apple: devices of type ios are pushed to over it.")
@click.option("--fcm", metavar="URL", help="What stands for Google: the same for fcm, gcm and android.")
@click.option("--customhttp", metavar="URL", help="Where the notices for devices of type customhttp go.")
@click.option("--apns-topic", default="com.example.app", show_default=True, metavar="BUNDLE_ID", help="The app's.")
@click.option("--fcm-project", default="example-project", show_default=True, metavar="ID", help="The app's.")
@click.option("--push-proxy", metavar="URL", help="HTTP proxy for all pushes: a recorder.")
@click.option("--push-ca", type=FILE, metavar="FILE", help="PEM file with the only CA to trust for pushes.")
def simulate(
    host: str,
    port: int,
    quick: bool,
    trailing_comma: bool,
    seed: int | None,
    services: tuple[str, ...],
    gms_version: str,
    apns: str | None,
    fcm: str | None,
    customhttp: str | None,
    apns_topic: str,
    fcm_project: str,
    push_proxy: str | None,
    push_ca: Path | None,
) -> None:
    """Run a small GMS, for those who have none at hand.

    It plays voice and chat callbacks, now, after waiting and by appointment (08:00 to 18:00 UTC), wakes apps by push
    (of those whose device is httpcb: by POST to its URL), and has agents to chat with over Comet. It dials nobody but
    these devices and whom options name.
    """
    from gms_replay import reach
    from gms_replay.simulator.server import serve as serve_simulator
    from gms_replay.simulator.settings import PushSettings, Settings
    from gms_replay.simulator.versions import VERSIONS

    def announce(url: str) -> None:
        click.echo(f"simulated GMS: {reach.shown(url)}")

    pushes = PushSettings(
        apns=apns,
        fcm=fcm,
        customhttp=customhttp,
        apns_topic=apns_topic,
        fcm_project=fcm_project,
        proxy=push_proxy,
        ca=push_ca,
    )
    settings = Settings(
        quick=quick,
        trailing_comma=trailing_comma,
        seed=seed,
        services=frozenset(services),
        pushes=pushes,
        version=VERSIONS[gms_version],
    )
    serve_simulator(host, port, settings, announce)


@click.command()
@click.option("--cassette", type=FILE, default=Path("demo.sqlite"), show_default=True, help="File to leave behind.")
def demo(cassette: Path) -> None:
    """Record a visit through mitmdump, play it back, and compare what the app was told."""
    from rich.console import Console

    from gms_replay.demo.show import play

    sys.exit(play(cassette, Console()))
