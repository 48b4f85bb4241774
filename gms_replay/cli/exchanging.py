"""`export` and `import`: a cassette as text, and back."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gms_replay.cli.options import (
    BUNDLE_ID,
    FILE,
    OUTPUT_OR_FOLDER,
    PRIVATE,
    REDACT,
    REDACT_KEY,
    pattern,
    rules_of,
    wish_of,
)
from gms_replay.errors import CassetteError, OptionError

if TYPE_CHECKING:
    from gms_replay.model import Recording

_FORMATS = ["jsonl", "har", "flow", "apns", "mermaid"]
_STANDARD = Path("-")


@click.command()
@click.argument("cassette", type=FILE)
@click.option("--to", "form", required=True, type=click.Choice(_FORMATS), help="Format to write.")
@click.option(
    "--output",
    "-o",
    type=OUTPUT_OR_FOLDER,
    default="-",
    metavar="FILE|FOLDER",
    help="Where to write: a file, or, for apns, a folder, which is made.  [default: -]",
)
@BUNDLE_ID
def export(cassette: Path, form: str, output: Path, bundle_id: str | None) -> None:
    """Write CASSETTE in another format.

    jsonl: every fact, as text. har: an HTTP archive, for browsers. flow: what mitmweb and mitmdump read with -r. apns:
    the pushes that reached a device, or presumably did, each as a file for Xcode's simulator. mermaid: the sessions as
    sequence diagrams, in Markdown, which GitHub draws.
    """
    from gms_replay.cassette.reader import read

    if (form == "apns") != (bundle_id is not None):
        raise OptionError("--bundle-id: it goes with --to apns, which needs it: the app's, like com.example.app")
    if form == "apns" and output == _STANDARD:
        raise OptionError("--output: --to apns writes a file for each push; name a folder")
    recording = read(cassette)
    try:
        if form in {"har", "flow"}:
            _write_archive(recording, form, output)
        elif bundle_id is None:
            _write_lines(_lines(recording, form, cassette.name), output)
        else:
            _write_files(recording, output, bundle_id)
    except OSError as error:
        if output == _STANDARD:
            raise
        raise OptionError(f"--output {output}: cannot be written to: {error.strerror}") from None


def _lines(recording: "Recording", form: str, name: str) -> Iterator[str]:
    from gms_replay.formats import jsonl, mermaid

    return mermaid.tell(recording, name) if form == "mermaid" else jsonl.dump(recording)


def _write_lines(lines: Iterator[str], output: Path) -> None:
    with click.open_file(str(output), "w", encoding="utf-8") as file:
        for line in lines:
            file.write(line + "\n")


def _write_archive(recording: "Recording", form: str, output: Path) -> None:
    import gms_replay
    from gms_replay.formats import flowfile, foreign, har

    with click.open_file(str(output), "wb") as file:
        if form == "har":
            har.dump(recording, file, gms_replay.__version__)
        else:
            flowfile.dump(recording, file)
    for what in foreign.homeless(recording):
        click.echo(f"left out: {what}", err=True)


def _write_files(recording: "Recording", folder: Path, bundle_id: str) -> None:
    from gms_replay.formats import apns

    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.glob("*.apns")):
        raise OptionError(f"--output {folder}: there are .apns files already; remove them, or name another folder")
    names = []
    for name, content in apns.files(recording, bundle_id):
        (folder / name).write_bytes(content)
        names.append(name)
    for name in names or ["no push that reached a device"]:
        click.echo(name)


@click.command(name="import")
@click.argument("source", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.argument("cassette", type=FILE)
@click.option(
    "--hosts",
    callback=pattern,
    default="",
    metavar="REGEX",
    help="Of a HAR or flow file, import all that went to hosts in whose host:port this is found.  [default: what looks "
    "like GMS, APNs, FCM or GMS's notices by HTTP]",
)
@REDACT
@REDACT_KEY
@PRIVATE
def import_(source: str, cassette: Path, hosts: str, redact: str, redact_key: Path | None, rules: Path | None) -> None:
    """Make CASSETTE from SOURCE (- for standard input), whose content tells its format.

    jsonl: what `export --to jsonl` wrote. har: what a browser or a proxy saved. flow: what mitmproxy saved (mitmdump
    -w, or mitmweb). What a recorder of ours has redacted already stays as it is.
    """
    import re

    import gms_replay
    from gms_replay.cassette.copy import write
    from gms_replay.cassette.outputs import MAGIC
    from gms_replay.formats import incoming
    from gms_replay.formats.tale import count
    from gms_replay.redact import recordings

    wish = wish_of(redact, redact_key, rules_of(rules))
    with click.open_file(source, "rb") as file:
        content = file.read()
    name = "standard input" if source == "-" else source
    if content.startswith(MAGIC):
        raise OptionError(f"{name}: is a cassette already; play it, show it, or merge it as it is")
    found = incoming.load(content, name, re.compile(hosts) if hosts else None, gms_replay.__version__)
    kept = len(found.recording.exchanges) + len(found.recording.connections)
    why = f"not to hosts like {hosts}" if hosts else "not GMS; --hosts REGEX names what to import instead"
    if found.left_out and not kept:
        raise OptionError(f"{name}: nothing in it is imported: {why}")
    redacted = recordings.redact(found.recording, wish)
    write(cassette, redacted.recording)
    if redacted.withheld:
        click.echo(withheld(redacted.withheld), err=True)
    if found.left_out:
        click.echo(f"imported {kept}, left out {count(found.left_out, 'exchange')}: {why}", err=True)
    if found.unread:
        click.echo(f"imported {kept}; the rest cannot be: {found.unread}", err=True)
    if found.without_body:
        told = count(found.without_body, "exchange")
        click.echo(f"without a body that {name} does not hold: {told}; save it again with all content", err=True)


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--typed", is_flag=True, help="Also what people type.")
@REDACT_KEY
@PRIVATE
def redact(old: Path, new: Path, typed: bool, redact_key: Path | None, rules: Path | None) -> None:
    """Make cassette NEW of cassette OLD, with stand-ins for credentials and personal data. OLD stays as it is.

    What a recorder has replaced already stays, too: so more can be replaced later, by --typed or by a rules file.
    """
    from gms_replay.cassette.copy import write
    from gms_replay.cassette.reader import read
    from gms_replay.formats.tale import count, plain
    from gms_replay.redact import recordings

    wish = wish_of("typed" if typed else "on", redact_key, rules_of(rules))
    told = recordings.redact(read(old), wish, again=True)
    write(new, told.recording)
    click.echo(plain(f"{new}: secrets replaced in {count(told.changed, 'fact')} of {old}"))
    if told.withheld:
        click.echo(withheld(told.withheld))


def withheld(bodies: int) -> str:
    """What was not kept, and why."""
    what = "1 body or frame" if bodies == 1 else f"{bodies} bodies or frames"
    return f"withheld: {what}: nobody could read it, so nobody knows what is in it; `gms-replay check` says which"


@click.command()
@click.argument("cassette", type=FILE)
def textconv(cassette: Path) -> None:
    """Write CASSETTE as text for `git diff`: what was said, without what is another in each recording.

    What cannot be read is told as text, too, for git shows nothing at all where this fails.
    """
    from gms_replay.cassette.reader import read
    from gms_replay.formats import review

    try:
        lines = list(review.tell(read(cassette)))
    except CassetteError as error:
        lines = _unread(cassette, error)
    _write_lines(iter(lines), _STANDARD)


def _unread(file: Path, error: CassetteError) -> list[str]:
    """Why a file cannot be read, without its name, which git makes up; and which content it is."""
    import hashlib

    why = str(error).removeprefix(f"{file}: ")
    try:
        content = file.read_bytes()
    except OSError:
        raise error from None
    return [f"no text: {why}", f"{len(content)} bytes, SHA-256 {hashlib.sha256(content).hexdigest()}"]
