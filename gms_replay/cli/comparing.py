"""`diff`."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gms_replay.cli.options import FILE, OUTPUT, RULES, echo, rules_of
from gms_replay.errors import OptionError

if TYPE_CHECKING:
    from gms_replay.grades import Grade
    from gms_replay.grading import Comparison
    from gms_replay.leniency import Leniency
    from gms_replay.model import Recording


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE)
@click.option("--pushes", "compares_pushes", is_flag=True, help="Compare what GMS told the devices, push by push.")
@click.option(
    "--fail-on",
    default="new-field",
    show_default=True,
    metavar="GRADE",
    help="The least grade that makes it exit 1, of: volatile, new-field, slower, extra, other-order, other-value, "
    "other-type, missing-field, missing.",
)
@click.option("--learn", type=FILE, multiple=True, metavar="FILE", help="What differs from OLD there may differ.")
@RULES
@click.option("--junit", type=OUTPUT, metavar="FILE", help="Write the differences there as JUnit XML.")
@click.option("--json", "as_json", is_flag=True, help="Tell all of it as one JSON object.")
def diff(
    old: Path,
    new: Path,
    compares_pushes: bool,
    fail_on: str,
    learn: tuple[Path, ...],
    rules: Path | None,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Say where the cassettes OLD and NEW tell something else.

    Each difference is graded; exits 1 from the grade of --fail-on up.

    With --pushes: whether two versions of GMS told the devices the same, whichever way the pushes were carried. Exits 0
    where they did, 1 where they did not.
    """
    import json

    from gms_replay import grading, pushdiff
    from gms_replay.cassette.reader import read
    from gms_replay.formats.pushdiff import tell, to_json
    from gms_replay.leniency import Leniency

    if not compares_pushes:
        least, leniency = grade_named(fail_on), Leniency.by(rules_of(rules))
        recorded = read(old)
        found = grading.compare(recorded, read(new), learned(leniency, recorded, learn))
        if not found.rows:
            raise OptionError(f"{old}, {new}: no app's visit is in either; of pushes alone --pushes tells")
        report(found, least, str(old), str(new), junit, as_json=as_json)
        return
    told = pushdiff.compare(read(old), read(new))
    if as_json:
        click.echo(json.dumps(to_json(told, str(old), str(new)), indent=2))
    else:
        echo(tell(told, str(old), str(new)))
    if not told.equal:
        sys.exit(1)


def learned(leniency: "Leniency", recorded: "Recording", others: Iterable[Path]) -> "Leniency":
    """What may differ, by other recordings of the same GMS, too."""
    from gms_replay import grading
    from gms_replay.cassette.reader import read

    for other in others:
        leniency = leniency.learned(grading.compare(recorded, read(other), leniency).differences)
    return leniency


def grade_named(name: str) -> "Grade":
    """The grade that --fail-on names. Raises OptionError."""
    from gms_replay.grades import Grade

    there_are = {grade.option: grade for grade in Grade if grade is not Grade.EQUAL}
    if name not in there_are:
        raise OptionError(f"--fail-on: {name!r} is no grade; there are {', '.join(there_are)}")
    return there_are[name]


def report(found: "Comparison", least: "Grade", old: str, new: str, junit: Path | None, *, as_json: bool) -> None:
    """Tells a comparison as it was asked for, and exits 1 from the grade `least` up."""
    import json

    from gms_replay.formats.grading import tell, to_json
    from gms_replay.formats.junit import to_xml

    if junit is not None:
        try:
            junit.write_text(to_xml(found, least), encoding="utf-8")
        except OSError as error:
            raise OptionError(f"--junit: {junit}: {error.strerror}: name a file that can be written") from None
    if as_json:
        click.echo(json.dumps(to_json(found, old, new), indent=2))
    else:
        echo(tell(found, old, new))
    if found.worst.severity >= least.severity:
        sys.exit(1)
