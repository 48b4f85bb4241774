"""The writer process: hears on its standard input what the proxy saw, until that ends, and writes it down.

It outlives the proxy for as long as it takes to write what it was told, also where the proxy was killed.
"""

import gc
import pickle
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, BinaryIO

from gms_replay.cassette.series import Series
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.mitmdump.seen import Seen
from gms_replay.model import Exchange, Frame, Message
from gms_replay.record.clerk import Clerk
from gms_replay.record.protocol import Begin, Begun, Failed, Flush, Flushed, Framed, Recorded, Report
from gms_replay.redact import opening

if TYPE_CHECKING:
    from gms_replay.redact.redactor import Redactor

_PROGRESS_EACH_S = 0.5
_INPUT_BYTES = 256 << 10
_OBJECTS_BETWEEN_COLLECTIONS = 100_000

Say = Callable[[Report], None]


def main() -> None:
    """The whole life of the process. What ends the proxy, ends this too, but later: by the end of its input."""
    for number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
        signal.signal(number, signal.SIG_IGN)
    # Facts hold no circles. Looking for some among them costs an eighth of this process's time.
    gc.freeze()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    with open(sys.stdin.fileno(), "rb", buffering=_INPUT_BYTES, closefd=False) as source:
        write_down(source, _sayer(sys.stdout.buffer))


def write_down(source: BinaryIO, say: Say) -> None:
    """Read a `Begin`, then what was seen; tell by `say` what became of it."""
    begin: Begin = pickle.load(source)
    try:
        series = Series(begin.cassette, partial(_open, begin, opening.redactor(begin.wish), say), begin.limits)
    except CassetteError as error:
        say(Failed(str(error)))
        return

    def watch(exchange: Exchange, messages: tuple[Message, ...]) -> None:
        if begin.is_watched:
            say(Recorded(exchange, messages))

    def watch_frame(frame: Frame) -> None:
        if begin.is_watched:
            say(Framed(frame))

    with _progress(series, say if begin.is_watched else None):
        try:
            clerk = Clerk(series, watch, watch_frame)
            for some in _heard(source):
                for seen in some:
                    if isinstance(seen, Flush):
                        series.drain()
                        say(Flushed(seen.number))
                    else:
                        clerk.take(seen)
                clerk.pause()
            clerk.end()
        except CassetteError as error:
            # The next file cannot be opened. Whatever else comes is lost, but must not hold up who sends it.
            say(Failed(str(error)))
            for _ in _heard(source):
                pass
        try:
            series.close()
        except CassetteError as error:
            say(Failed(str(error)))


def _open(begin: Begin, redactor: "Redactor | None", say: Say, path: Path, started_at_us: int) -> Writer:
    writer = opening.writer(
        redactor,
        path,
        started_at_us=started_at_us,
        mode=begin.mode,
        upstream=begin.upstream,
        versions=begin.versions,
        is_durable=begin.is_durable,
        on_failure=lambda error: say(Failed(str(error))),
    )
    say(Begun(path, writer.run_id))
    return writer


def _heard(source: BinaryIO) -> Iterator[list[Seen | Flush]]:
    while True:
        try:
            yield pickle.load(source)
        except (EOFError, pickle.UnpicklingError):
            # The end, perhaps in the middle, where the proxy was killed.
            return


def _sayer(sink: BinaryIO) -> Say:
    lock = Lock()

    def say(report: Report) -> None:
        with lock:
            try:
                pickle.dump(report, sink)
                sink.flush()
            except OSError:
                # The proxy was killed: nobody is there to hear.
                pass

    return say


@contextmanager
def _progress(series: Series, say: Say | None) -> Iterator[None]:
    """Tells now and again how far a series is, while that changes."""
    is_over = Event()

    def tell() -> None:
        told = None
        while say and not is_over.wait(_PROGRESS_EACH_S):
            progress = series.progress
            if progress != told:
                say(progress)
                told = progress

    thread = Thread(target=tell, name="gms-replay-progress")
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    main()
