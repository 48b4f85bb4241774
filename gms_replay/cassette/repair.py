"""What is whole of a damaged cassette, saved into a new one."""

import os
from dataclasses import dataclass, replace
from pathlib import Path

from gms_replay.cassette import copy, schema
from gms_replay.cassette.integrity import Examined
from gms_replay.errors import CassetteError
from gms_replay.model import Recording, Run

MADE_UP = "repair"
"""The mode of a run that stands for one that is lost."""


@dataclass(frozen=True, slots=True)
class Saved:
    """What goes into the new cassette; `left_out` are whole facts, by kind, whose request or connection is lost."""

    recording: Recording
    left_out: dict[str, int]
    made_up_runs: int


def require_new(path: str | os.PathLike[str]) -> None:
    """Raise CassetteError where a file of that name exists."""
    if os.path.lexists(path):
        raise CassetteError(f"{os.fspath(path)}: exists already; remove it, or name another file")


def save(examined: Examined, path: str | os.PathLike[str]) -> Saved | None:
    """Write what can be read of a cassette into a new one; None, and no file, where that is nothing.

    Raises CassetteError as `copy.write` does.
    """
    require_new(path)
    saved = whole(examined.recording)
    if saved.recording == Recording():
        return None
    copy.write(Path(path), saved.recording)
    read = sum(count.readable for count in examined.counts if count.table == schema.outcome.name)
    answers = read - sum(one.outcome is not None for one in saved.recording.exchanges)
    return replace(saved, left_out={"answers": answers} | saved.left_out) if answers else saved


def whole(recording: Recording) -> Saved:
    """The facts whose owners are there, too. A lost run is made up: it says little, and much belongs to it."""
    exchanges = {one.id for one in recording.exchanges}
    connections = {one.id for one in recording.connections}
    kept = replace(
        recording,
        messages=tuple(one for one in recording.messages if one.exchange_id in exchanges),
        pushes=tuple(one for one in recording.pushes if one.exchange_id is None or one.exchange_id in exchanges),
        sockets=tuple(one for one in recording.sockets if one.exchange_id in exchanges),
        frames=tuple(one for one in recording.frames if one.connection_id in connections),
    )
    runs = _runs(kept)
    kinds = ("messages", "pushes", "sockets", "frames")
    lost = {kind: len(getattr(recording, kind)) - len(getattr(kept, kind)) for kind in kinds}
    left_out = {kind: count for kind, count in lost.items() if count}
    return Saved(replace(kept, runs=runs), left_out, len(runs) - len(recording.runs))


def _runs(recording: Recording) -> tuple[Run, ...]:
    starts: dict[int, int] = {}
    for run_id, at_us in (
        *((one.run_id, one.request.started_at_us) for one in recording.exchanges),
        *((one.run_id, one.at_us) for one in recording.pushes),
        *((one.run_id, one.opened_at_us) for one in recording.connections),
    ):
        starts[run_id] = min(at_us, starts.get(run_id, at_us))
    known = {run.id: run for run in recording.runs}
    made_up = {run_id: Run(run_id, at_us, MADE_UP, None, ()) for run_id, at_us in starts.items()}
    return tuple((made_up | known)[run_id] for run_id in sorted(made_up | known))
