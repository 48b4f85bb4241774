"""`export` and `import`: a cassette as text, and back."""

from pathlib import Path
from typing import Any

import click

from gms_replay.cli.options import FILE
from gms_replay.errors import FormatError, OptionError


@click.command()
@click.argument("cassette", type=FILE)
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


@click.command(name="import")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("cassette", type=FILE)
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
