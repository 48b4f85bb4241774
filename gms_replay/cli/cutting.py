"""`cut` and `merge`: sessions out of a cassette, and cassettes into one."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gms_replay.cli.options import FILE, echo, instant
from gms_replay.errors import OptionError

if TYPE_CHECKING:
    from gms_replay.joining import Joined
    from gms_replay.model import Recording


@click.command()
@click.argument("cassette", type=FILE)
@click.argument("out", type=FILE)
@click.option(
    "--session",
    "named",
    multiple=True,
    metavar="N|SERVICE_ID",
    help="A session, as `show` numbers it, or by its service or chat id. May be repeated.  [default: all]",
)
@click.option("--from", "from_us", callback=instant, metavar="INSTANT", help="Only what began then or later.")
@click.option("--to", "to_us", callback=instant, metavar="INSTANT", help="Only what began before that.")
@click.option("--others", is_flag=True, help="Take what this leaves behind: other sessions, and what belongs to none.")
def cut(
    cassette: Path, out: Path, named: tuple[str, ...], from_us: int | None, to_us: int | None, others: bool
) -> None:
    """Take sessions out of CASSETTE into a new cassette OUT, each whole, with its pushes. CASSETTE stays as it is."""
    from gms_replay import cuttings, visits
    from gms_replay.cassette.copy import write
    from gms_replay.cassette.reader import read
    from gms_replay.formats.tale import count, plain

    if not (named or from_us is not None or to_us is not None):
        raise OptionError("--session is missing: name what to take; `gms-replay show` numbers the sessions")
    recording = read(cassette)
    found = visits.split(recording)
    chosen: frozenset[int | None] = frozenset(cuttings.choose(found, named, from_us, to_us))
    if others:
        chosen = frozenset([None, *range(1, len(found) + 1)]) - chosen
    part = cuttings.cut(recording, found, chosen)
    write(out, part)
    told = list(_headings(part))
    echo(told or [plain(f"{out}: no session, {count(len(part.exchanges), 'exchange')}")])
    if cuttings.derives_anew(recording, part):
        click.echo("no push to Apple or Google is in it: where an app asks as if it had been told one, one is derived")


@click.command()
@click.argument("out", type=FILE)
@click.argument("cassettes", type=FILE, nargs=-1, required=True)
def merge(out: Path, cassettes: tuple[Path, ...]) -> None:
    """Put CASSETTES together into a new cassette OUT. What several of them have is in it once."""
    from gms_replay import joining
    from gms_replay.cassette.copy import write
    from gms_replay.cassette.reader import read
    from gms_replay.formats.tale import count, plain

    joined = joining.join([read(cassette) for cassette in cassettes])
    _refuse_repeated(joined, cassettes)
    across = joining.shared(joined)
    for one in across:
        if one.id_begun_twice:
            names = " and ".join(str(cassettes[place]) for place in one.sources)
            raise OptionError(
                f"{names}: both begin {one.id_begun_twice}, and would be one visit; leave one of them out"
            )
    write(out, joined.recording)
    echo(_headings(joined.recording))
    for one in across:
        click.echo(
            f"session {one.number} is from {' and '.join(plain(str(cassettes[place])) for place in one.sources)}"
        )
    for cassette, known in zip(cassettes, joined.known, strict=True):
        if known:
            click.echo(f"{plain(str(cassette))}: it shares {count(known, 'fact')} with those before it")


def _refuse_repeated(joined: "Joined", cassettes: tuple[Path, ...]) -> None:
    for place, cassette in enumerate(cassettes):
        if joined.known[place] and not joined.added[place]:
            raise OptionError(f"{cassette}: all of it is in those before it already; leave it out")


def _headings(recording: "Recording") -> Iterator[str]:
    from gms_replay.formats.tale import heading
    from gms_replay.sessions import split

    for number, session in enumerate(split(recording), start=1):
        yield heading(number, session)
