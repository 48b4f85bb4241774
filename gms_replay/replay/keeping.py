"""What comes in anew, recorded as a recorder would."""

import errno
import os
from collections.abc import Callable
from pathlib import Path

from gms_replay import __version__
from gms_replay.cassette.opening import errors_named, require_cassette
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError
from gms_replay.events import PushTaken
from gms_replay.model import Outcome, Request
from gms_replay.redact import opening
from gms_replay.redact.wishes import Wish


class Keeper:
    """Records into a cassette, in a run that is begun with the first that comes: without that nothing is written.

    `upstream`: where misses are sent on, None for nowhere. `wish`: what is replaced before it is stored. Raises
    CassetteError where the file cannot be recorded into. What shows later (another recorder has it, the disk is full)
    is noted once; what comes then is lost.
    """

    def __init__(
        self, file: Path, upstream: str | None, wish: Wish, *, clock: Callable[[], int], note: Callable[[str], None]
    ) -> None:
        self._file = file
        self._upstream = upstream
        self._redactor = opening.redactor(wish)
        self._clock = clock
        self._note = note
        self._writer: Writer | None = None
        self._failure: CassetteError | None = None
        _require_recordable(file)

    def begin(self, request: Request) -> int | None:
        """Records a request that has passed; the number of its exchange, None where it is lost."""
        writer = self._opened()
        if writer is None:
            return None
        exchange_id = writer.begin_exchange()
        writer.request(exchange_id, request)
        return exchange_id

    def end(self, exchange_id: int | None, outcome: Outcome | None) -> None:
        """Records how an exchange ended, None where nobody knows."""
        if self._writer is None or exchange_id is None:
            return
        if outcome is not None:
            self._writer.outcome(exchange_id, outcome)
        self._writer.exchange_over(exchange_id)

    def keep(self, taken: PushTaken) -> None:
        """Records a push that came in, with its exchange."""
        request = taken.exchange.request
        exchange_id = self.begin(request)
        if self._writer is not None and exchange_id is not None:
            self._writer.push(exchange_id, taken.provider, request.asked_at_us, request.body.plain)
        self.end(exchange_id, taken.exchange.outcome)

    def close(self) -> None:
        """Waits until all that was recorded is on disk, when nothing comes any more. Raises CassetteError."""
        if self._failure is not None:
            raise self._failure
        if self._writer is not None:
            self._writer.close()

    def _opened(self) -> Writer | None:
        if self._writer is None and self._failure is None:
            try:
                self._writer = opening.writer(
                    self._redactor,
                    self._file,
                    started_at_us=self._clock(),
                    mode="serve",
                    upstream=self._upstream,
                    versions=(("gms_replay", __version__),),
                    on_failure=self._tell,
                )
            except CassetteError as error:
                self._failure = error
                self._tell(error)
        return self._writer

    def _tell(self, error: Exception) -> None:
        self._note(f"--record-new {self._file}: {error}")


def _require_recordable(file: Path) -> None:
    is_there = os.path.lexists(file)
    with errors_named(file, "written"):
        if is_there:
            require_cassette(file)
        place = file if is_there else file.absolute().parent
        place.stat()
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
