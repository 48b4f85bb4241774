"""The files of one recording: the one that was named, and further ones where a limit of size or age is reached.

Strategy: whatever belongs to an exchange, or to a connection, goes where it began. So a file that has reached a limit
is retired, not closed: it takes no new one, and ends by itself when the last one under way in it is over.
"""

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import Connection, select

from gms_replay.cassette import opening, schema
from gms_replay.cassette.extent import Limits, Progress, Tally
from gms_replay.cassette.reader import look_into
from gms_replay.cassette.writer import Writer


class Series:
    """Hands out the writer for each new exchange or connection.

    `open_writer(path, started_at_us)` begins a run in a file.
    Without limits all goes into the file that was named. With one, a recording goes on in the newest file of the series
    (`visit.sqlite`, `visit-2.sqlite`, …) that is there, if that is below its limits. Raises what `open_writer` raises.
    Only `progress` may be asked from other threads.
    """

    def __init__(
        self,
        path: Path,
        open_writer: Callable[[Path, int], Writer],
        limits: Limits,
        now_us: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._path = path
        self._open_writer = open_writer
        self._limits = limits
        self._now_us = now_us
        self._number = 1
        self._lock = threading.Lock()
        if limits != Limits():
            with opening.errors_named(path, "written"):
                self._number = self._newest()
            if self._is_spent(self._file()):
                self._go_on()
        self._done = Tally()
        self._writers: tuple[Writer, ...] = (self._open(),)

    def writer(self) -> Writer:
        """The writer for an exchange or connection that begins now."""
        current = self._writers[-1]
        if self._limits.reached(current.size_bytes, self._now_us() - self._started_at_us):
            self._go_on()
            # First the new one: where it cannot be opened, the old one is still there to be closed.
            following = self._open()
            current.retire()
            self._forget_done()
            self._writers = (*self._writers, following)
        return self._writers[-1]

    @property
    def progress(self) -> Progress:
        with self._lock:
            done, writers = self._done, self._writers
        told = sum((writer.tally for writer in writers), done)
        return Progress(
            path=writers[-1].path,
            run_id=writers[-1].run_id,
            exchanges=told.exchanges,
            messages=told.messages,
            pushes=told.pushes,
            frames=told.frames,
            size_bytes=writers[-1].size_bytes,
            committed_at_us=told.committed_at_us,
            waiting=sum(writer.waiting for writer in writers),
        )

    def drain(self) -> None:
        """Wait until every fact so far is on disk, or given up."""
        for writer in self._writers:
            writer.drain()

    def close(self) -> None:
        """Wait until every fact is on disk, and close all files. Raises the first failure, if there was one."""
        failures = [failure for writer in self._writers if (failure := _closed(writer))]
        if failures:
            raise failures[0]

    def _forget_done(self) -> None:
        done = tuple(writer for writer in self._writers if writer.is_done and not writer.failure)
        with self._lock:
            self._done = sum((writer.tally for writer in done), self._done)
            self._writers = tuple(writer for writer in self._writers if writer not in done)

    def _open(self) -> Writer:
        self._started_at_us = self._now_us()
        return self._open_writer(self._file(), self._started_at_us)

    def _file(self) -> Path:
        return self._numbered(self._number)

    def _numbered(self, number: int) -> Path:
        if number == 1:
            return self._path
        return self._path.with_name(f"{self._path.stem}-{number}{self._path.suffix}")

    def _go_on(self) -> None:
        """Count on to a file that is not there yet."""
        while os.path.lexists(self._file()):
            self._number += 1

    def _newest(self) -> int:
        """The last of the series without a gap: a file of another name that ends in a number is none of it."""
        number = 1
        while os.path.lexists(self._numbered(number + 1)):
            number += 1
        return number

    def _is_spent(self, path: Path) -> bool:
        if not os.path.lexists(path):
            return False
        with opening.errors_named(path, "read"):
            opening.require_cassette(path)
            wal = path.with_name(f"{path.name}-wal")
            size_bytes = path.stat().st_size + (wal.stat().st_size if wal.exists() else 0)
            last_run_at_us = look_into(path, _last_run_at_us)
        return self._limits.reached(size_bytes, self._now_us() - last_run_at_us)


def _last_run_at_us(connection: Connection) -> int:
    last = select(schema.run.c.started_at_us).order_by(schema.run.c.id.desc()).limit(1)
    with connection.begin():
        return connection.scalar(last) or 0


def _closed(writer: Writer) -> Exception | None:
    try:
        writer.close()
    except Exception as failure:
        return failure
    return None
