"""`diff`."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gms_replay.cli.options import FILE, OUTPUT, RULES, echo, rules_of
from gms_replay.errors import OptionError

if TYPE_CHECKING:
    from gms_replay import pushdiff
    from gms_replay.grades import Grade
    from gms_replay.grading import Comparison
    from gms_replay.leniency import Leniency
    from gms_replay.model import Recording


_FAIL_ON = "new-field"
"""A file of SQLite's (its documentation, "Database File Format")."""


@click.command()
@click.argument("old", type=FILE)
@click.argument("new", type=FILE, required=False)
@click.option(
    "--session",
    "named",
    multiple=True,
    metavar="N|ID",
    help="Compare this session of OLD, with the one of NEW that begins alike. May be repeated.  [default: all]",
)
@click.option(
    "--with-session",
    "named_now",
    multiple=True,
    metavar="N|ID",
    help="Compare it with this one of NEW, or of OLD where NEW is not given. As many as --session.",
)
@click.option("--pushes", "compares_pushes", is_flag=True, help="Compare what GMS told the devices, push by push.")
@click.option(
    "--fail-on",
    default=_FAIL_ON,
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
    new: Path | None,
    named: tuple[str, ...],
    named_now: tuple[str, ...],
    compares_pushes: bool,
    fail_on: str,
    learn: tuple[Path, ...],
    rules: Path | None,
    junit: Path | None,
    as_json: bool,
) -> None:
    """Say where the cassettes OLD and NEW tell something else.

    Each difference is graded; exits 1 from the grade of --fail-on up. Sessions are named as with `cut`; two of one
    cassette are compared by `diff OLD --session 1 --with-session 2`.

    With --pushes: whether two versions of GMS told the devices the same, whichever way the pushes were carried. Exits 0
    where they did, 1 where they did not.
    """
    from gms_replay import grading, pushdiff
    from gms_replay.cassette.reader import read
    from gms_replay.leniency import Leniency

    if compares_pushes and (junit or learn or rules or fail_on != _FAIL_ON):
        raise OptionError("--pushes: --fail-on, --learn, --rules and --junit say nothing of pushes; leave them out")
    if new is None:
        if not named_now:
            raise OptionError("NEW is missing: name a second cassette, or two sessions by --session and --with-session")
        new = old
    if len(named_now) not in (0, len(named)):
        raise OptionError("--with-session: name one for each --session, in the same order")
    least, leniency = grade_named(fail_on), Leniency.by(rules_of(rules))
    recorded, recorded_now = read(old), read(new)
    pairs = _chosen(recorded, recorded_now, named, named_now)
    if compares_pushes:
        _report_pushes(pushdiff.compare(recorded, recorded_now, pairs), str(old), str(new), as_json=as_json)
        return
    alike = None if pairs is None else [(one, None) for one, _ in pairs]
    found = grading.compare(recorded, recorded_now, learned(leniency, recorded, learn, alike), pairs)
    if not found.rows:
        raise OptionError(f"{old}, {new}: no app's visit is in either; of pushes alone --pushes tells")
    report(found, least, str(old), str(new), junit, as_json=as_json)


def _report_pushes(told: "pushdiff.Comparison", old: str, new: str, *, as_json: bool) -> None:
    import json

    from gms_replay.formats.pushdiff import tell, to_json

    if as_json:
        click.echo(json.dumps(to_json(told, old, new), indent=2))
    else:
        echo(tell(told, old, new))
    if not told.equal:
        sys.exit(1)


def _chosen(
    old: "Recording", new: "Recording", named: tuple[str, ...], named_now: tuple[str, ...]
) -> list[tuple[int, int | None]] | None:
    """The sessions to compare, by their numbers; None for all. Raises OptionError."""
    from itertools import zip_longest

    from gms_replay import cuttings, visits

    if not named:
        return None
    was, now = visits.split(old), visits.split(new)
    numbers = [cuttings.numbered(was, name) for name in named]
    others = [cuttings.numbered(now, name, "--with-session") for name in named_now]
    return list(zip_longest(numbers, others))


def learned(
    leniency: "Leniency",
    recorded: "Recording",
    others: Iterable[Path],
    pairs: "Sequence[tuple[int, int | None]] | None" = None,
) -> "Leniency":
    """What may differ, by other recordings of the same GMS, too; `pairs` as `grading.compare` has them."""
    from gms_replay import grading
    from gms_replay.cassette.reader import read

    for other in others:
        for row in grading.compare(recorded, read(other), leniency, pairs).rows:
            # A visit that was made once only teaches nothing.
            if row.old is not None and row.new is not None:
                leniency = leniency.learned(row.differences, row.spreads_us)
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
            raise OptionError(f"--junit {junit}: {error.strerror}: name a file that can be written") from None
    if as_json:
        click.echo(json.dumps(to_json(found, old, new), indent=2))
    else:
        echo(tell(found, old, new))
    if found.worst.severity >= least.severity:
        sys.exit(1)
