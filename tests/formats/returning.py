"""What comes back of a recording out of another program's file, for comparing: each fact without ids."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields, replace
from typing import Any

from gms_replay.model import Recording

_IDS = ("id", "run_id", "exchange_id", "connection_id")


def bare(fact: Any) -> Any:
    names = {one.name for one in fields(fact)}
    return replace(fact, **{name: 0 for name in _IDS if name in names})


def told(recording: Recording) -> Counter[Any]:
    """What such a file can hold: each exchange with its own, each connection with its frames, and how often.

    Facts of an exchange are told in the order of time, as their ids are given anew.
    """

    def own(facts: Iterable[Any], owner: str, number: int) -> tuple[Any, ...]:
        of_it = [one for one in facts if getattr(one, owner) == number]
        return tuple(bare(one) for one in sorted(of_it, key=lambda one: getattr(one, "at_us", 0)))

    runs = {run.id: bare(run) for run in recording.runs}
    exchanges = (
        (
            runs[one.run_id],
            bare(one),
            own(recording.messages, "exchange_id", one.id),
            own(recording.pushes, "exchange_id", one.id),
            own(recording.sockets, "exchange_id", one.id),
        )
        for one in recording.exchanges
    )
    connections = (
        (runs[one.run_id], bare(one), own(recording.frames, "connection_id", one.id)) for one in recording.connections
    )
    return Counter([*exchanges, *connections])
