"""What `check` tells: in lines for people, as one JSON object for machines."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from typing import Any

from gms_replay.cassette.integrity import Examined
from gms_replay.cassette.repair import MADE_UP, Saved
from gms_replay.cassette.states import State
from gms_replay.findings import Finding, Sort
from gms_replay.formats.tale import count, moment, plain
from gms_replay.model import Recording, Redaction, Run

_SHOWN = 10
_HEADINGS = {
    Sort.UNFINISHED: "unfinished",
    Sort.NOT_UNDERSTOOD: "not understood",
    Sort.UNCLASSIFIED: "left unclassified",
}
_NOUNS = {
    "runs": ("run",),
    "sessions": ("session",),
    "exchanges": ("exchange",),
    "messages": ("Bayeux message",),
    "pushes": ("push", "pushes"),
    "sockets": ("socket",),
    "connections": ("APNs connection",),
    "frames": ("APNs frame",),
}
_LEFT_OUT = _NOUNS | {"answers": ("answer",)}
_REDACTIONS = {
    Redaction.OFF: "not redacted",
    Redaction.ON: "redacted",
    Redaction.TYPED: "redacted, what people typed too",
}
_UNKNOWN = "nobody knows whether redacted: take it for not redacted"
_STATES = {
    State.CLOSED: "closed: one plain file",
    State.OPEN: "open in another program: it is being recorded, most likely",
    State.LEFT: "left open by a recorder that was killed: keep the file that ends in -wal beside it",
    State.OPEN_OR_LEFT: "being recorded, or left open by a recorder that was killed: keep its -wal beside it",
    State.WAL_MISSING: "left open, and the file that ends in -wal is not beside it: the last facts may be missing",
}


def tell(examined: Examined, visits: int, findings: Sequence[Finding], name: str) -> Iterator[str]:
    """The lines: what the file is, what it holds, then each sort of finding with the first of its list."""
    yield f"{plain(name)}: {_format(examined)}, {_size(examined.size_bytes)}, {_STATES[examined.state]}"
    if examined.has_foreign_wal:
        yield "  the file that ends in -wal beside it is not its own, and was left out"
    for run in examined.recording.runs:
        yield f"  {plain(_run(run))}"
    counts = _counts(examined, visits)
    yield f"  {', '.join(count(counts[what], *names) for what, names in _NOUNS.items())}"
    yield from _damaged(examined)
    for sort, heading in _HEADINGS.items():
        yield from _listed(heading, [_finding(one) for one in findings if one.sort is sort])


def to_json(examined: Examined, visits: int, findings: Sequence[Finding], name: str) -> dict[str, Any]:
    """The same, whole, as what JSON can hold. Instants are integer microseconds since 1970 UTC."""
    return {
        "file": name,
        "format": examined.format,
        "size_bytes": examined.size_bytes,
        "state": examined.state,
        "has_foreign_wal": examined.has_foreign_wal,
        "runs": [asdict(run) for run in examined.recording.runs],
        "counts": _counts(examined, visits),
        "tables": [asdict(table) for table in examined.counts],
        "damaged": [asdict(flaw) for flaw in examined.flaws],
        **{sort.replace(" ", "_"): [_as_json(one) for one in findings if one.sort is sort] for sort in Sort},
    }


def tell_repaired(saved: Saved | None, name: str) -> Iterator[str]:
    """What was saved of a cassette into which file, and what of it could not be."""
    if saved is None:
        yield f"saved: nothing, so {plain(name)} was not made"
        return
    held = ", ".join(count(number, *_NOUNS[kind]) for kind, number in _held(saved.recording).items())
    yield f"saved into {plain(name)}: {held}"
    for kind, number in saved.left_out.items():
        yield f"  left out: {count(number, *_LEFT_OUT[kind])}, for what carried it is lost"
    if saved.made_up_runs:
        yield f"  made up: {count(saved.made_up_runs, 'run')}, for the recorded one is lost"


def repaired_to_json(saved: Saved | None, name: str) -> dict[str, Any]:
    """The same as what JSON can hold; `file` is null where none was made."""
    if saved is None:
        return {"file": None, "saved": {}, "left_out": {}, "made_up_runs": 0}
    return {
        "file": name,
        "saved": _held(saved.recording),
        "left_out": saved.left_out,
        "made_up_runs": saved.made_up_runs,
    }


def _as_json(finding: Finding) -> dict[str, Any]:
    return {"exchange_id": finding.exchange_id, "operation": finding.operation, "text": finding.text}


def _counts(examined: Examined, visits: int) -> dict[str, int]:
    return {"runs": len(examined.recording.runs), "sessions": visits} | _held(examined.recording)


def _held(recording: Recording) -> dict[str, int]:
    return {
        "runs": len(recording.runs),
        "exchanges": len(recording.exchanges),
        "messages": len(recording.messages),
        "pushes": len(recording.pushes),
        "sockets": len(recording.sockets),
        "connections": len(recording.connections),
        "frames": len(recording.frames),
    }


def _damaged(examined: Examined) -> Iterator[str]:
    yield from _listed("damaged", [str(flaw) for flaw in examined.flaws])
    if examined.flaws:
        for table in examined.counts:
            of = "an unknown number of" if table.rows is None else table.rows
            yield f"  readable: {table.readable} of {of} rows in {table.table}"


def _listed(heading: str, lines: Iterable[str]) -> Iterator[str]:
    lines = [plain(line) for line in lines]
    yield f"{heading}: {len(lines) or 'nothing'}"
    yield from (f"  {line}" for line in lines[:_SHOWN])
    if len(lines) > _SHOWN:
        yield f"  … and {len(lines) - _SHOWN} more"


def _finding(finding: Finding) -> str:
    place = "" if finding.exchange_id is None else f"exchange {finding.exchange_id}"
    where = ", ".join(part for part in (place, finding.operation) if part)
    return f"{where}: {finding.text}"


def _format(examined: Examined) -> str:
    return "a cassette" if examined.format is None else f"a cassette of format {examined.format}"


def _run(run: Run) -> str:
    tools = ", ".join(f"{program} {version}" for program, version in run.versions)
    upstream = f" to {run.upstream}" if run.upstream else ""
    redaction = _UNKNOWN if run.mode == MADE_UP else _REDACTIONS[run.redaction]
    return f"run {run.id}, {moment(run.started_at_us)} ({run.mode}{upstream}; {tools}; {redaction})"


def _size(size_bytes: int) -> str:
    return f"{size_bytes / 1024:.0f} KiB" if size_bytes >= 1024 else f"{size_bytes} bytes"
