"""The writer process, from the proxy's side.

What was seen is gathered for a moment and handed over in one write. When the writer falls behind, that write waits, and
the traffic with it: nothing is dropped, and what waits is bounded, here and there.
"""

import asyncio
import contextlib
import os
import pickle
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from queue import SimpleQueue
from threading import Thread
from typing import IO

from gms_replay.cassette.extent import Progress
from gms_replay.errors import CassetteError
from gms_replay.mitmdump.seen import Seen
from gms_replay.record.protocol import Begin, Begun, Failed, Flush, Flushed, Framed, Recorded, Report

# Of the second after which a fact is promised to be on disk.
_GATHER_S = 0.2
_PIPE_BYTES = 1 << 20


class WriterProcess:
    """Starts a process that writes a recording, and waits until it has begun. Raises CassetteError where it cannot.

    All methods are called in the thread of `loop`. There `hear` is told of each file that is begun, and of what was
    recorded where `begin` asks for it; and where facts cannot be written, SystemExit(1) ends the loop.
    """

    def __init__(
        self, begin: Begin, loop: asyncio.AbstractEventLoop, hear: Callable[[Begun | Recorded | Framed], None]
    ) -> None:
        self._cassette = begin.cassette
        self._loop = loop
        self._hear = hear
        self._reports: SimpleQueue[Report | None] = SimpleQueue()
        self._failure: CassetteError | None = None
        self._seen: list[Seen | Flush] = []
        self._flushes: dict[int, asyncio.Future[None]] = {}
        self._last_flush = 0
        self.progress: Progress | None = None
        """How far the recording is, where it is watched; None before it said so."""
        self._process, self._to_writer, from_writer = _start()
        self._write(begin)
        reports = self._listen(from_writer)
        first = next(reports)
        if isinstance(first, Failed):
            self._to_writer.close()
            self._process.wait()
            raise CassetteError(first.reason)
        self._take(first)
        self._listener = Thread(target=self._pass_on, args=(reports,), name="gms-replay-reports", daemon=True)
        self._listener.start()

    def tell(self, seen: Seen) -> None:
        """Hand something over, a moment later."""
        if not self._seen:
            self._loop.call_later(_GATHER_S, self._hand_over)
        self._seen.append(seen)

    def flushed(self) -> asyncio.Future[None]:
        """Done as soon as all that was told before is on disk."""
        self._last_flush += 1
        flushed = self._flushes[self._last_flush] = self._loop.create_future()
        self._seen.append(Flush(self._last_flush))
        self._hand_over()
        return flushed

    def close(self) -> None:
        """Wait until all is on disk, and the process is gone. Raises CassetteError where something was not written."""
        if not self._to_writer.closed:
            self._hand_over()
            with contextlib.suppress(OSError):
                self._to_writer.close()
            while (report := self._reports.get()) is not None:
                self._take(report)
        if self._failure:
            raise self._failure

    def _hand_over(self) -> None:
        seen, self._seen = self._seen, []
        self._write(seen)

    def _write(self, words: Begin | list[Seen | Flush]) -> None:
        # Where the process is gone, the listener says so.
        with contextlib.suppress(OSError):
            pickle.dump(words, self._to_writer, pickle.HIGHEST_PROTOCOL)
            self._to_writer.flush()

    def _listen(self, from_writer: IO[bytes]) -> Iterator[Report]:
        """All that the writer says, in a thread; at last, where it did not end by itself, that it failed."""
        with from_writer:
            try:
                while True:
                    yield pickle.load(from_writer)
            except EOFError:
                pass
            except pickle.UnpicklingError:
                # Ended in the middle of a word, or something else speaks there: it would not be understood any more.
                self._process.kill()
        if status := self._process.wait():
            how = f"was ended by {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
            yield Failed(f"{self._cassette}: the process that writes it {how}; what it had written can be read")

    def _pass_on(self, reports: Iterator[Report]) -> None:
        for report in reports:
            self._reports.put(report)
            # Where the loop has ended, `close` takes what is left.
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._take_next)
        self._reports.put(None)

    def _take_next(self) -> None:
        self._take(self._reports.get())
        if self._failure:
            # Told at exit.
            sys.exit(1)

    def _take(self, report: Report | None) -> None:
        match report:
            case Progress():
                self.progress = report
            case Failed(reason):
                # What fails later may fail because of it.
                self._failure = self._failure or CassetteError(reason)
            case Flushed(number):
                # Who asked may be gone, and at exit the loop.
                flushed = self._flushes.pop(number)
                if not flushed.done() and not self._loop.is_closed():
                    flushed.set_result(None)
            case Begun() | Recorded() | Framed():
                self._hear(report)


def _start() -> tuple[subprocess.Popen[bytes], IO[bytes], IO[bytes]]:
    # What this process can import, that one can; -P: and not what lies in the folder.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "gms_replay.record.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=_PIPE_BYTES,
        env=environment,
        # A Ctrl+C in a terminal is for all of its processes: this one ends when it has written all.
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # So that the proxy hardly ever waits; only Linux can, and it allows each user so much.
    with contextlib.suppress(ImportError, AttributeError, OSError):
        import fcntl

        fcntl.fcntl(process.stdin, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    return process, process.stdin, process.stdout
