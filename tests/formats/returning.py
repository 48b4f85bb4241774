"""What comes back of a recording out of another program's file, for comparing: each fact without ids."""

from collections import Counter
from dataclasses import fields, replace
from typing import Any

from gms_replay.model import Recording

_IDS = ("id", "run_id", "exchange_id", "connection_id")


def bare(fact: Any) -> Any:
    names = {one.name for one in fields(fact)}
    return replace(fact, **{name: 0 for name in _IDS if name in names})


def told(recording: Recording) -> Counter[Any]:
    """What such a file can hold: each exchange with its own, each connection with its frames, and how often."""
    runs = {run.id: bare(run) for run in recording.runs}
    exchanges = (
        (
            runs[one.run_id],
            bare(one),
            tuple(bare(message) for message in recording.messages if message.exchange_id == one.id),
            tuple(bare(push) for push in recording.pushes if push.exchange_id == one.id),
            tuple(bare(socket) for socket in recording.sockets if socket.exchange_id == one.id),
        )
        for one in recording.exchanges
    )
    connections = (
        (runs[one.run_id], bare(one), tuple(bare(frame) for frame in recording.frames if frame.connection_id == one.id))
        for one in recording.connections
    )
    return Counter([*exchanges, *connections])
