"""What several verbs share: their options, and how they complain."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gms_replay import instants
from gms_replay.errors import GmsReplayError

if TYPE_CHECKING:
    from gms_replay.redact.wishes import Wish
    from gms_replay.rules import Rules

# Whether it can be read is said by whoever reads it, as all else that is wrong with a file.
FILE = click.Path(path_type=Path, readable=False)


class _Output(click.Path):
    """A file to write. Refused before anything is done, for a run may take long: a cassette that stands there.

    `makes_folders`: whether its folder may be missing.
    """

    def __init__(self, *, makes_folders: bool) -> None:
        super().__init__(readable=False)
        self._makes_folders = makes_folders

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        from gms_replay.cassette import outputs

        path, said = Path(str(super().convert(value, param, ctx))), param.opts[0] if param else ""
        outputs.require_no_cassette(path, said)
        if not self._makes_folders:
            outputs.require_folder(path, said)
        return path


OUTPUT = _Output(makes_folders=False)
OUTPUT_OR_FOLDER = _Output(makes_folders=True)

# "Bundle identifier" of Apple's "Information Property List".
_BUNDLE_ID = re.compile(r"[A-Za-z0-9.-]{1,155}", re.ASCII)


def instant(_: click.Context, __: click.Parameter, value: str | None) -> int | None:
    """The instant that an option names, also as `show` prints it; None where it is not there."""
    found = instants.parse(value.removesuffix(" UTC")) if value is not None else None
    if value is not None and found is None:
        raise click.BadParameter(f"{value!r} is no instant; write it like 2014-05-02T16:27:38Z")
    return found[0] if found else None


def pattern(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise click.BadParameter(f"{value!r} is no regular expression: {error}") from None
    return value


def _bundle(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is not None and not _BUNDLE_ID.fullmatch(value):
        raise click.BadParameter(
            f"{value!r} is no app's: it has letters, digits, dots and hyphens, like com.example.app"
        )
    return value


BUNDLE_ID = click.option(
    "--bundle-id",
    callback=_bundle,
    metavar="ID",
    help="The app that .apns files, and pushes to Xcode's simulator, are for.",
)
NOW = click.option(
    "--now",
    callback=instant,
    metavar="INSTANT",
    help="Instant at which every session starts for its app.  [default: now]",
)
SHIFT = click.option(
    "--shift",
    default="exact",
    show_default=True,
    type=click.Choice(["exact", "weeks"]),
    help="How far time slots move: as all else, up to their grid, or by whole weeks, so that a Tuesday stays one.",
)
RULES = click.option(
    "--rules", type=FILE, metavar="FILE", help="What is special to your GMS: identities, times, matching."
)

REDACT = click.option(
    "--redact",
    default="on",
    show_default=True,
    type=click.Choice(["on", "typed", "off"]),
    help="Replace credentials and personal data by stand-ins before anything is stored; typed: and what people type.",
)
REDACT_KEY = click.option(
    "--redact-key",
    type=FILE,
    metavar="FILE",
    help="A key of your own: then equal values get equal stand-ins in all cassettes.  [default: one is drawn]",
)

PRIVATE = click.option(
    "--rules", type=FILE, metavar="FILE", help="What is special to your GMS: here, what is private, in [redact]."
)


def wish_of(redact: str, redact_key: Path | None, rules: "Rules") -> "Wish":
    """What is to be replaced, as these options say."""
    from gms_replay.model import Redaction
    from gms_replay.redact.wishes import Wish, read_key

    return Wish(Redaction(redact), read_key("--redact-key", redact_key) if redact_key else None, rules)


def rules_of(path: Path | None) -> "Rules":
    from gms_replay.replay import rules_file
    from gms_replay.rules import Rules

    return Rules() if path is None else rules_file.read(path)


def echo(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def complain(error: GmsReplayError) -> None:
    from gms_replay.formats.tale import plain

    # A file's name may hold a line break, and peers' texts are quoted.
    click.echo(f"gms-replay: {plain(str(error))}", err=True)
