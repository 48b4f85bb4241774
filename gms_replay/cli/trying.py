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


@click.command()
@click.option("--cassette", type=FILE, default=Path("demo.sqlite"), show_default=True, help="File to leave behind.")
def demo(cassette: Path) -> None:
    """Record a visit through mitmdump, play it back, and compare what the app was told."""
    from rich.console import Console

    from gms_replay.demo.show import play

    sys.exit(play(cassette, Console()))
