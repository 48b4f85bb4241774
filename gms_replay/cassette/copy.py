"""Writes a whole recording into a new cassette, for import."""

import os
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy import Connection, Table

from gms_replay.cassette import closings, inserts, opening, rows, schema, seals
from gms_replay.cassette.upgrades import upgrade
from gms_replay.errors import CassetteError
from gms_replay.model import Recording, Socket


def write(path: str | os.PathLike[str], recording: Recording) -> None:
    """Make a new cassette that holds a recording, with its ids.

    Raises CassetteError, and leaves nothing behind, where a file of that name exists, the system refuses, or a fact
    belongs to one that is not in the recording.
    """
    file = Path(path)
    if os.path.lexists(file):
        raise CassetteError(f"{file}: exists already; remove it, or name another file")
    # Under another name until it is whole, so that no half cassette is ever taken for one.
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    with opening.errors_named(file, "written"):
        opening.claim(part)
        try:
            with opening.connect(part, "rw") as connection:
                upgrade(connection)
                with connection.begin():
                    _insert(connection, recording)
                    if missing := opening.dangling(connection):
                        raise CassetteError(f"{file}: cannot be written: {missing}; add that, or leave this out")
                seals.close(connection, part)
            part.rename(file)
        finally:
            opening.remove(part)


def _insert(connection: Connection, recording: Recording) -> None:
    file = opening.driver(connection)
    inserts.insert(file, _rows(recording))
    if recording.runs:
        closings.close(file, max(run.id for run in recording.runs))


def _rows(recording: Recording) -> Iterator[tuple[Table, rows.Values]]:
    exchanges, sockets = recording.exchanges, recording.sockets
    yield from ((schema.run, rows.of_run(run)) for run in recording.runs)
    yield from ((schema.request, rows.of_request(one.id, one.run_id, one.request)) for one in exchanges)
    yield from ((schema.outcome, rows.of_outcome(one.id, one.outcome)) for one in exchanges if one.outcome)
    yield from ((schema.message, rows.of_message(message)) for message in recording.messages)
    yield from ((schema.push, rows.of_push(push)) for push in recording.pushes)
    yield from ((schema.socket, rows.of_socket(socket)) for socket in sockets)
    yield from ((schema.socket_end, rows.of_socket_end(one)) for one in sockets if _has_end(one))
    yield from ((schema.connection, rows.of_connection(connection)) for connection in recording.connections)
    yield from ((schema.frame, rows.of_frame(frame)) for frame in recording.frames)


def _has_end(socket: Socket) -> bool:
    return socket != Socket(socket.exchange_id, socket.opened_at_us)
