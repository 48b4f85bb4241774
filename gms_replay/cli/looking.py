"""`show` and `check`: what a cassette holds."""

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gms_replay.cli.options import FILE, NOW, RULES, SHIFT, complain, echo, rules_of
from gms_replay.errors import GmsReplayError, OptionError

if TYPE_CHECKING:
    from gms_replay.audit import Audit
    from gms_replay.model import Recording


@click.command()
@click.argument("cassette", type=FILE)
@click.option("--identities", "shows_identities", is_flag=True, help="Tell which values are identities, and why.")
@click.option("--pushes", "shows_pushes", is_flag=True, help="Tell what GMS told the devices, and what became of it.")
@click.option("--json", "as_json", is_flag=True, help="Tell the identities, or the pushes, as one JSON object.")
@click.option("--rules", type=FILE, metavar="FILE", help="What is special to your GMS: here, its identities.")
def show(cassette: Path, shows_identities: bool, shows_pushes: bool, as_json: bool, rules: Path | None) -> None:
    """Tell the visits in CASSETTE as a person would, in order.

    With --identities: the values that further sessions are told otherwise, where they travel, and why they count; and
    what looks like one and is left alone. With --pushes: what was seen on its way to a device, or presumably was.
    """
    import json

    from gms_replay.cassette.reader import read
    from gms_replay.formats import passport, pushes, tale

    if rules is not None and not shows_identities:
        raise OptionError("--rules: it goes with --identities")
    if shows_pushes and shows_identities:
        raise OptionError("--pushes: it does not go with --identities; ask for one after the other")
    if as_json and not (shows_pushes or shows_identities):
        raise OptionError("--json: it goes with --identities or --pushes")
    recording, said, name = read(cassette), rules_of(rules), str(cassette)
    if as_json:
        told = passport.to_json(recording, said, name) if shows_identities else pushes.to_json(recording, name)
        click.echo(json.dumps(told, indent=2))
    elif shows_identities:
        echo(passport.tell(recording, said, name))
    else:
        echo(pushes.tell(recording, name) if shows_pushes else tale.tell(recording, name))


@click.command()
@click.argument("cassette", type=FILE, nargs=-1, required=True)
@click.option("--json", "as_json", is_flag=True, help="Tell everything as one JSON object, lists uncut.")
@click.option(
    "--repair",
    "repaired",
    type=FILE,
    metavar="NEW",
    help="Save what is whole into NEW, a cassette that is not there yet.",
)
@click.option("--secrets", is_flag=True, help="Look for secrets instead: in files of any sort, and all in folders.")
@click.option("--times", is_flag=True, help="List all that looks like an instant, and what will be told instead.")
@NOW
@SHIFT
@RULES
def check(
    cassette: tuple[Path, ...],
    as_json: bool,
    repaired: Path | None,
    secrets: bool,
    times: bool,
    now: int | None,
    shift: str,
    rules: Path | None,
) -> None:
    """Say what CASSETTE holds, and what in it is damaged, unfinished, not understood or left unclassified.

    Exits 1 where something is damaged, also where --repair saved what is whole, and where there was nothing to save.
    The rest is replayed all the same. --now, --shift and --rules are for --times: what will be told instead depends on
    them, as with `serve`.

    With --secrets: whether any file or folder that is named holds credentials, or says who somebody is. What was
    redacted is none. Exits 1 where there is any, 2 where a file cannot be read, or not as the cassette that it is, or
    packs more than is looked at.
    """
    if secrets:
        if times or repaired or now is not None or shift != "exact":
            raise OptionError("--secrets: it goes with --json and --rules only; ask for the rest one after the other")
        _check_secrets(cassette, rules, as_json=as_json)
        return
    if len(cassette) > 1:
        raise OptionError(f"{cassette[1]}: one cassette is checked at a time; only --secrets takes several files")
    _check(cassette[0], repaired, times, now, shift, rules, as_json=as_json)


def _check_secrets(named: tuple[Path, ...], rules: Path | None, *, as_json: bool) -> None:
    import json

    from gms_replay.formats import leaks
    from gms_replay.scan import files

    said, scanned, unread = rules_of(rules), [], False
    for file in files.files(named):
        try:
            scanned.append(files.scan(file, said))
        except OptionError as error:
            complain(error)
            unread = True
    for remark in files.empty(named):
        complain(GmsReplayError(remark))
    # Of what was not looked at nobody knows what it holds.
    unread = unread or any(one.remark for one in scanned)
    if as_json:
        click.echo(json.dumps(leaks.to_json(scanned), indent=2))
    else:
        echo(leaks.tell(scanned))
    if unread or any(one.found for one in scanned):
        sys.exit(2 if unread else 1)


def _check(
    cassette: Path,
    repaired: Path | None,
    times: bool,
    now: int | None,
    shift: str,
    rules: Path | None,
    *,
    as_json: bool,
) -> None:
    import json

    from gms_replay.cassette import repair
    from gms_replay.cassette.integrity import damage, examine
    from gms_replay.findings import find
    from gms_replay.formats import checkup
    from gms_replay.formats import times as tables
    from gms_replay.sessions import split

    if not times and (now is not None or shift != "exact" or rules is not None):
        raise OptionError("--now, --shift and --rules say nothing without --times")
    if repaired is not None:
        repair.require_new(repaired)
    examined = examine(cassette)
    saved = repair.save(examined, repaired) if repaired is not None else None
    visits = split(examined.recording)
    findings = find(examined.recording, visits)
    told = _audit(examined.recording, rules, now, shift) if times else None
    if as_json:
        report = checkup.to_json(examined, len(visits), findings, str(cassette))
        report |= {"times": tables.to_json(told)} if told else {}
        report |= {"repaired": checkup.repaired_to_json(saved, str(repaired))} if repaired else {}
        click.echo(json.dumps(report, indent=2))
    else:
        echo(checkup.tell(examined, len(visits), findings, str(cassette)))
        echo(tables.tell(told) if told else ())
        echo(checkup.tell_repaired(saved, str(repaired)) if repaired else ())
    if examined.flaws:
        complain(damage(cassette, examined.flaws, is_repaired=repaired is not None))
    if examined.flaws or (repaired is not None and saved is None):
        sys.exit(1)


def _audit(recording: "Recording", rules: Path | None, now_us: int | None, shift: str) -> "Audit":
    from gms_replay.audit import audit
    from gms_replay.timeline import Shift

    now_us = time.time_ns() // 1000 if now_us is None else now_us
    return audit(recording, rules_of(rules), now_us, Shift(shift))
