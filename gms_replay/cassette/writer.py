"""Writes facts into a cassette while they happen.

Callers put facts into a bounded queue; one thread takes them out and commits in batches. A put waits while the queue is
full, so nothing is dropped, and a slow disk slows the recorder. While it grows the file is in WAL mode: what is
committed survives a kill, and readers see it. `close` makes it one plain file.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from sqlalchemy import Table

from gms_replay.cassette import claim, closings, inserts, opening, rows, schema, seals
from gms_replay.cassette.backlog import Backlog
from gms_replay.cassette.extent import Tally
from gms_replay.errors import CassetteError
from gms_replay.model import (
    Body,
    Connection,
    Direction,
    Frame,
    Message,
    Outcome,
    Push,
    Redaction,
    Request,
    Run,
    Socket,
    Transport,
)

_log = logging.getLogger(__name__)

# A fact is promised to be on disk within a second: a quarter to gather a batch leaves the rest to the disk.
_GATHER_S = 0.25
_WAITING_FACTS = 2000
_WAITING_BYTES = 32 << 20
# What a fact takes besides its bodies: headers, and Python's own.
_FACT_BYTES = 4 << 10
# How long until somebody notices that the file is gone when nothing happens.
_IDLE_S = 5.0
# Readers that come one after the other without a gap keep SQLite from using the -wal anew: where it has grown by so
# much, wait a moment for those that are there, and give its space back.
_WAL_BYTES = 32 << 20
_PATIENCE_WITH_READERS_MS = 500
# How long to wait for others that have the file open: a reader is soon gone.
_PATIENCE_AT_CLOSE_S = 5.0
_RETIRED_RETRY_S = 1.0

_Fact = tuple[Table, rows.Values]


class Writer:
    """One run of a recorder: creates a cassette, or appends to one, upgrading an older format first.

    Raises CassetteError, or a kind of it that says more, when the file is anything but a cassette, cannot be written,
    or is being recorded into; it is then as it was. `on_failure` is called once, in the writer's thread, when facts
    cannot be written, or the file is gone: those and all later ones are lost, and puts return at once.

    What is committed survives the end of this program. With `is_durable` each commit waits for the disk, and survives
    that of the machine.

    The methods may be called from any thread. An exchange is begun, then gets its request, then all else, then is over;
    a connection is begun, gets its frames, and is over. A fact out of this order, or after `close`, raises ValueError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        started_at_us: int,
        mode: str,
        upstream: str | None,
        versions: tuple[tuple[str, str], ...],
        redaction: Redaction = Redaction.OFF,
        is_durable: bool = False,
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self._path = Path(path)
        self._on_failure = on_failure
        self._is_durable = is_durable
        self._failure: Exception | None = None
        with opening.errors_named(self._path, "written"):
            run = Run(0, started_at_us, mode, upstream, versions, redaction)
            claimed = claim.take(self._path, rows.of_run(run), is_durable=is_durable)
        self._connection, self._run_id, self._last_ids = claimed.connection, claimed.run_id, claimed.last_ids
        self._ids_before = dict(claimed.last_ids)
        self._files = tuple((file, _identity(os.stat(file))) for file in (self._path, _wal(self._path.resolve())))
        self._size_bytes = 0
        self._trim_at_bytes = _WAL_BYTES
        opening.driver(self._connection).execute(f"PRAGMA busy_timeout = {_PATIENCE_WITH_READERS_MS}")
        self._committed_at_us: int | None = None
        self._requestless: set[int] = set()
        self._under_way: set[int] = set()
        self._sockets: set[int] = set()
        self._connections: set[int] = set()
        self._lock = threading.Lock()
        self._retired = False
        self._closed = False
        self._close_wanted = threading.Event()
        self._backlog: Backlog[_Fact] = Backlog(_WAITING_FACTS, _WAITING_BYTES)
        self._thread = threading.Thread(target=self._work, name="gms-replay-writer", daemon=True)
        self._thread.start()

    @property
    def path(self) -> Path:
        return self._path

    @property
    def run_id(self) -> int:
        return self._run_id

    @property
    def failure(self) -> Exception | None:
        """Why facts could not be written, once that has happened."""
        return self._failure

    @property
    def is_done(self) -> bool:
        """Whether the file is closed, or given up."""
        return not self._thread.is_alive()

    @property
    def size_bytes(self) -> int:
        """How large the file was, with its -wal, after the last commit; 0 before."""
        return self._size_bytes

    @property
    def waiting(self) -> int:
        """How many facts are not on disk yet."""
        return len(self._backlog)

    @property
    def tally(self) -> Tally:
        """What this run was told so far."""
        exchanges, messages, pushes, frames = (
            self._last_ids[table] - self._ids_before[table]
            for table in (schema.request, schema.message, schema.push, schema.frame)
        )
        return Tally(exchanges, messages, pushes, frames, self._committed_at_us)

    def begin_exchange(self) -> int:
        """A new exchange's id, unique in the file."""
        with self._lock:
            self._require_unretired()
            exchange_id = self._next_id(schema.request)
            self._requestless.add(exchange_id)
            self._under_way.add(exchange_id)
            return exchange_id

    def request(self, exchange_id: int, request: Request) -> Request:
        """An exchange's request, once it has passed; what is kept of it."""
        with self._lock:
            self._require_open()
            if exchange_id not in self._requestless:
                raise ValueError(f"exchange {exchange_id} was not begun, or has its request already")
            body = _size(request.body)
            self._put(schema.request, rows.of_request(exchange_id, self._run_id, request), body)
            self._requestless.remove(exchange_id)
            return request

    def outcome(self, exchange_id: int, outcome: Outcome) -> Outcome:
        """How an exchange ended; what is kept of it. The first outcome counts; any further one is ignored."""
        with self._lock:
            self._require_request(exchange_id)
            body = _size(outcome.response.body) if outcome.response else 0
            self._put(schema.outcome, rows.of_outcome(exchange_id, outcome), body)
            return outcome

    def message(
        self,
        exchange_id: int,
        direction: Direction,
        transport: Transport,
        at_us: int,
        index: int,
        channel: str,
        raw: bytes,
    ) -> Message:
        """One Bayeux message, which gets its id here; see model.Message."""
        with self._lock:
            self._require_request(exchange_id)
            message_id = self._next_id(schema.message)
            message = Message(message_id, exchange_id, direction, transport, at_us, index, channel, raw)
            self._put(schema.message, rows.of_message(message), len(raw))
            return message

    def push(self, exchange_id: int | None, provider: str, at_us: int, payload: bytes) -> None:
        """One notification on its way to a device; see model.Push."""
        with self._lock:
            if exchange_id is not None:
                self._require_request(exchange_id)
            push = Push(self._next_id(schema.push), self._run_id, exchange_id, provider, at_us, payload)
            self._put(schema.push, rows.of_push(push), len(payload))

    def socket_opened(self, exchange_id: int, at_us: int) -> None:
        """The exchange became a WebSocket."""
        with self._lock:
            self._require_request(exchange_id)
            self._put(schema.socket, rows.of_socket(Socket(exchange_id, at_us)))
            self._sockets.add(exchange_id)

    def socket_closed(
        self, exchange_id: int, at_us: int, code: int | None, reason: str, closed_by: Direction | None
    ) -> None:
        """The exchange's WebSocket was closed. The first close counts; any further one is ignored."""
        with self._lock:
            self._require_open()
            if exchange_id not in self._sockets:
                raise ValueError(f"exchange {exchange_id} opened no socket")
            # When it was opened stands in a fact of its own.
            socket = Socket(exchange_id, at_us, at_us, code, reason, closed_by)
            self._put(schema.socket_end, rows.of_socket_end(socket))

    def exchange_over(self, exchange_id: int) -> None:
        """Nothing more comes of an exchange, or of the socket that it opened."""
        with self._lock:
            self._require_request(exchange_id)
            self._under_way.remove(exchange_id)
            self._sockets.discard(exchange_id)
            self._end_if_over()

    def begin_connection(self, host: str, port: int, client: str, opened_at_us: int) -> int:
        """A connection that carries pushes; its id, unique in the file. See model.Connection."""
        with self._lock:
            self._require_unretired()
            connection_id = self._next_id(schema.connection)
            connection = Connection(connection_id, self._run_id, host, port, client, opened_at_us)
            self._put(schema.connection, rows.of_connection(connection))
            self._connections.add(connection_id)
            return connection_id

    def frame(self, connection_id: int, direction: Direction, at_us: int, raw: bytes) -> Frame:
        """One frame of a connection, or bytes of it that are none, which gets its id here; see model.Frame."""
        with self._lock:
            self._require_connection(connection_id)
            frame = Frame(self._next_id(schema.frame), connection_id, direction, at_us, raw)
            self._put(schema.frame, rows.of_frame(frame), len(raw))
            return frame

    def connection_over(self, connection_id: int) -> None:
        """Nothing more comes of a connection."""
        with self._lock:
            self._require_connection(connection_id)
            self._connections.remove(connection_id)
            self._end_if_over()

    def retire(self) -> None:
        """Take no new exchange or connection; when the last one that was begun is over, close without being asked."""
        with self._lock:
            self._retired = True
            self._end_if_over()

    def drain(self) -> None:
        """Wait until every fact so far is on disk, or given up."""
        self._backlog.drain()

    def close(self) -> None:
        """Wait until every fact is on disk and the cassette is one plain file. Raises the failure, if there was one."""
        with self._lock:
            self._closed = self._retired = True
            self._close_wanted.set()
            self._backlog.end()
        self._thread.join()
        if self._failure:
            raise self._failure

    def _end_if_over(self) -> None:
        if self._retired and not (self._under_way or self._connections):
            self._closed = True
            self._backlog.end()

    def _next_id(self, table: Table) -> int:
        self._last_ids[table] += 1
        return self._last_ids[table]

    def _require_request(self, exchange_id: int) -> None:
        self._require_open()
        if exchange_id in self._requestless or not 0 < exchange_id <= self._last_ids[schema.request]:
            raise ValueError(f"exchange {exchange_id} has no request yet")
        if exchange_id not in self._under_way:
            raise ValueError(f"exchange {exchange_id} is over")

    def _require_connection(self, connection_id: int) -> None:
        self._require_open()
        if connection_id not in self._connections:
            raise ValueError(f"connection {connection_id} was not begun, or is over")

    def _require_unretired(self) -> None:
        if self._retired:
            raise ValueError(f"the writer of {self._path} is retired")

    def _require_open(self) -> None:
        if self._closed:
            raise ValueError(f"the writer of {self._path} is closed")

    def _put(self, table: Table, values: rows.Values, body_bytes: int = 0) -> None:
        # Under the lock, so that facts reach the file in the order of their ids, and none comes after the end.
        self._require_open()
        self._backlog.put((table, values), _FACT_BYTES + body_bytes)

    def _work(self) -> None:
        more = True
        while more:
            facts, more = self._backlog.take(_GATHER_S, _IDLE_S)
            self._attempt(partial(self._commit, facts))
            self._backlog.written()
        self._attempt(self._settle)
        self._attempt(partial(seals.close, self._connection, self._path, is_durable=self._is_durable))
        self._connection.close()

    def _attempt(self, step: Callable[[], None]) -> None:
        """Do a step, unless one has failed before. After a failure the thread goes on, so that no put blocks."""
        if self._failure is not None:
            return
        try:
            with opening.errors_named(self._path, "written"):
                step()
        except Exception as failure:
            self._failure = failure
            if self._on_failure is not None:
                self._tell(self._on_failure, failure)

    def _tell(self, on_failure: Callable[[Exception], None], failure: Exception) -> None:
        try:
            on_failure(failure)
        except Exception:
            _log.exception("%s: its owner could not take that writing failed: %s", self._path, failure)

    def _commit(self, facts: list[_Fact]) -> None:
        if facts:
            with self._connection.begin():
                inserts.insert(opening.driver(self._connection), facts)
        self._trim(self._look_at_files())
        if facts:
            self._committed_at_us = time.time_ns() // 1000

    def _look_at_files(self) -> int:
        """Note their size; the -wal's is returned. SQLite writes on into files that are gone: raise where they are."""
        found = []
        for file, identity in self._files:
            try:
                found.append(os.stat(file))
            except FileNotFoundError:
                raise _gone(self._path, file, "removed") from None
            if _identity(found[-1]) != identity:
                raise _gone(self._path, file, "replaced")
        self._size_bytes = sum(status.st_size for status in found)
        return found[-1].st_size

    def _trim(self, wal_bytes: int) -> None:
        if wal_bytes < self._trim_at_bytes:
            return
        (is_busy, *_) = opening.driver(self._connection).execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        self._trim_at_bytes = _WAL_BYTES + (wal_bytes if is_busy else 0)

    def _settle(self) -> None:
        with self._connection.begin():
            closings.close(opening.driver(self._connection), self._run_id)
        self._look_at_files()
        while not opening.leave_wal_mode(self._connection, _PATIENCE_AT_CLOSE_S):
            # Nobody waits for a retired file until all is closed.
            if self._close_wanted.wait(_RETIRED_RETRY_S):
                raise CassetteError(
                    f"{self._path}: all is recorded, but another program keeps the file open; "
                    f"keep {self._path.name}-wal beside it"
                )


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino


def _size(body: Body) -> int:
    return len(body.wire) + len(body.decoded or b"")


def _gone(path: Path, file: Path, how: str) -> CassetteError:
    wal = _wal(path)
    rest = (
        "" if file.name == wal.name else f"; if it is elsewhere, put {wal.name}, which holds the last of it, beside it"
    )
    return CassetteError(f"{path}: {file.name} was {how} while it was recorded into{rest}; record into another file")
