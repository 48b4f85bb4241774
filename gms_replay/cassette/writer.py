"""Writes facts into a cassette while they happen.

Callers put facts into a bounded queue; one thread takes them out and commits in batches. A put waits while the queue is
full, so nothing is dropped, and a slow disk slows the recorder. While it grows the file is in WAL mode: what is
committed survives a kill, and readers see it. `close` makes it one plain file.
"""

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from queue import Empty, Queue

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy.dialects import sqlite

from gms_replay.cassette import opening, rows, schema
from gms_replay.cassette.upgrades import upgrade
from gms_replay.errors import CassetteError
from gms_replay.model import Direction, Message, Outcome, Push, Request, Socket, Transport

_log = logging.getLogger(__name__)

# A fact is promised to be on disk within a second: a quarter to gather a batch leaves the rest to the disk.
_GATHER_S = 0.25
_QUEUE_FACTS = 1000
_BATCH_FACTS = 1000
# How long to wait for others that have the file open: another recorder stays, a reader is soon gone.
_PATIENCE_AT_START_S = 1.0
_PATIENCE_AT_CLOSE_S = 5.0

_Fact = tuple[Table, rows.Values]

_INSERTS = {table: insert(table) for table in (schema.request, schema.message, schema.push)} | {
    # The first end of an exchange or a socket is the one that counts.
    table: sqlite.insert(table).on_conflict_do_nothing()
    for table in (schema.outcome, schema.socket, schema.socket_end)
}


class Writer:
    """One run of a recorder: creates a cassette, or appends to one, upgrading an older format first.

    Raises CassetteError, or a kind of it that says more, when the file is anything but a cassette, cannot be written,
    or is being recorded into; it is then as it was. `on_failure` is called once, in the writer's thread, when facts
    cannot be written: those and all later ones are lost, and puts return at once.

    The methods may be called from any thread. An exchange is begun, then gets its request, then all else; a fact out of
    this order, or after `close`, raises ValueError.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        started_at_us: int,
        mode: str,
        upstream: str | None,
        versions: tuple[tuple[str, str], ...],
        on_failure: Callable[[Exception], None] | None = None,
    ) -> None:
        self._path = Path(path)
        self._on_failure = on_failure
        self._failure: Exception | None = None
        with opening.errors_named(self._path, "written"):
            self._connection, self._run_id, self._last_ids = _start(
                self._path, {"started_at_us": started_at_us, "mode": mode, "upstream": upstream, "versions": versions}
            )
        self._requestless: set[int] = set()
        self._sockets: set[int] = set()
        self._lock = threading.Lock()
        self._closed = False
        self._queue: Queue[_Fact | None] = Queue(_QUEUE_FACTS)
        self._thread = threading.Thread(target=self._work, name="gms-replay-writer", daemon=True)
        self._thread.start()

    @property
    def run_id(self) -> int:
        return self._run_id

    @property
    def failure(self) -> Exception | None:
        """Why facts could not be written, once that has happened."""
        return self._failure

    def begin_exchange(self) -> int:
        """A new exchange's id, unique in the file."""
        with self._lock:
            exchange_id = self._next_id(schema.request)
            self._requestless.add(exchange_id)
            return exchange_id

    def request(self, exchange_id: int, request: Request) -> None:
        """An exchange's request, once it has passed."""
        with self._lock:
            if exchange_id not in self._requestless:
                raise ValueError(f"exchange {exchange_id} was not begun, or has its request already")
            self._put(schema.request, rows.of_request(exchange_id, self._run_id, request))
            self._requestless.remove(exchange_id)

    def outcome(self, exchange_id: int, outcome: Outcome) -> None:
        """How an exchange ended. The first outcome counts; any further one is ignored."""
        with self._lock:
            self._require_request(exchange_id)
            self._put(schema.outcome, rows.of_outcome(exchange_id, outcome))

    def message(
        self,
        exchange_id: int,
        direction: Direction,
        transport: Transport,
        at_us: int,
        index: int,
        channel: str,
        raw: bytes,
    ) -> None:
        """One Bayeux message; see model.Message."""
        with self._lock:
            self._require_request(exchange_id)
            message_id = self._next_id(schema.message)
            message = Message(message_id, exchange_id, direction, transport, at_us, index, channel, raw)
            self._put(schema.message, rows.of_message(message))

    def push(self, exchange_id: int | None, provider: str, at_us: int, payload: bytes) -> None:
        """One notification on its way to a device; see model.Push."""
        with self._lock:
            if exchange_id is not None:
                self._require_request(exchange_id)
            push = Push(self._next_id(schema.push), self._run_id, exchange_id, provider, at_us, payload)
            self._put(schema.push, rows.of_push(push))

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
            if exchange_id not in self._sockets:
                raise ValueError(f"exchange {exchange_id} opened no socket")
            # When it was opened stands in a fact of its own.
            socket = Socket(exchange_id, at_us, at_us, code, reason, closed_by)
            self._put(schema.socket_end, rows.of_socket_end(socket))

    def close(self) -> None:
        """Wait until every fact is on disk and the cassette is one plain file. Raises the failure, if there was one."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._queue.put(None)
        self._thread.join()
        if self._failure:
            raise self._failure

    def _next_id(self, table: Table) -> int:
        self._last_ids[table] += 1
        return self._last_ids[table]

    def _require_request(self, exchange_id: int) -> None:
        if exchange_id in self._requestless or not 0 < exchange_id <= self._last_ids[schema.request]:
            raise ValueError(f"exchange {exchange_id} has no request yet")

    def _put(self, table: Table, values: rows.Values) -> None:
        # Under the lock, so that facts reach the file in the order of their ids, and none comes after the end.
        if self._closed:
            raise ValueError(f"the writer of {self._path} is closed")
        self._queue.put((table, values))

    def _work(self) -> None:
        more = True
        while more:
            facts, more = self._gather()
            self._attempt(partial(self._commit, facts))
        self._attempt(self._settle)
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

    def _gather(self) -> tuple[list[_Fact], bool]:
        """What comes within a moment of the first fact, and whether more can come."""
        facts: list[_Fact] = []
        until = float("inf")
        while len(facts) < _BATCH_FACTS and (left_s := until - time.monotonic()) > 0:
            try:
                fact = self._queue.get(timeout=left_s if facts else None)
            except Empty:
                break
            if fact is None:
                return facts, False
            if not facts:
                until = time.monotonic() + _GATHER_S
            facts.append(fact)
        return facts, True

    def _commit(self, facts: list[_Fact]) -> None:
        by_table: defaultdict[Table, list[rows.Values]] = defaultdict(list)
        for table, values in facts:
            by_table[table].append(values)
        with self._connection.begin():
            for table, batch in by_table.items():
                self._connection.execute(_INSERTS[table], batch)

    def _settle(self) -> None:
        if not opening.leave_wal_mode(self._connection, _PATIENCE_AT_CLOSE_S):
            raise CassetteError(
                f"{self._path}: all is recorded, but another program keeps the file open; "
                f"keep {self._path.name}-wal beside it"
            )


def _start(path: Path, run: rows.Values) -> tuple[Connection, int, dict[Table, int]]:
    """Open or create a cassette, and begin a run: its connection, the run's id, the last id of each table."""
    with ExitStack() as undo:
        if os.path.lexists(path):
            opening.require_cassette(path)
        else:
            opening.claim(path)
            undo.callback(opening.remove, path)
        connection = opening.connect(path, "rw")
        undo.callback(connection.close)
        opening.check(connection, path)
        # A recorder keeps its file in WAL mode, which nobody else can end while it lives.
        if not opening.leave_wal_mode(connection, _PATIENCE_AT_START_S):
            raise CassetteError(f"{path}: another program records into it; end that one, or name another file")
        upgrade(connection)
        _require_tables(connection)
        # Before the first transaction: only that makes the mode, and with it our claim on the file, take hold.
        opening.enter_wal_mode(connection)
        with connection.begin():
            run_id = connection.execute(insert(schema.run).values(run)).lastrowid
            tables = (schema.request, schema.message, schema.push)
            last_ids = {table: connection.scalar(select(func.max(table.c.id))) or 0 for table in tables}
        undo.pop_all()
        return connection, run_id, last_ids


def _require_tables(connection: Connection) -> None:
    """Raise what SQLite says of a table or column that is not there, before anything is written."""
    with connection.begin():
        for table in schema.metadata.sorted_tables:
            connection.execute(select(table).limit(0))
