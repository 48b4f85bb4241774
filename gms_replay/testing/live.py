"""What a test sees of a live GMS while mitmdump records it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from gms_replay import control, sessions, witness
from gms_replay.cassette import reader
from gms_replay.errors import GmsReplayError, OptionError
from gms_replay.testing.server import seconds
from gms_replay.testing.told import Told

_PATIENCE_S = 60


class Live:
    """A `GmsServer` that is recorded: `url` is the recorder's ("http://127.0.0.1:49152"), `path` the GMS's.

    Transcripts are of the last visit that this run of the recorder has in the cassette, whatever else is named: which
    session is which, only the player knows.
    """

    def __init__(self, url: str, path: str, cassette: Path) -> None:
        self.base_url = url + path
        self.comet_url = f"{self.base_url}/cometd"
        self.misses = ()
        self.sessions: list[dict[str, Any]] = []
        self.pushes: list[dict[str, Any]] = []
        self._url = url
        self._cassette = cassette
        self._told: Told | None = None

    @property
    def faults(self) -> "LiveFaults":
        return LiveFaults()

    def next_push(self, within_s: float = 10) -> dict[str, Any]:
        raise OptionError("a live GMS sends its pushes to the device that the app names; record without next_push")

    def forget_misses(self) -> None:
        pass

    def transcript(self, session: str | None = None) -> Told:
        self._await_disk()
        recording = reader.read(self._cassette)
        run_id = recording.runs[-1].id
        found = [one for one in sessions.split(recording) if one[-1].exchange.run_id == run_id]
        self._told = Told.of(witness.recorded(found[-1]) if found else witness.Witness().transcript(0))
        return self._told

    def recorded(self, visit: int | None = None, session: str | None = None) -> Told:
        """What is being recorded, as it was told last: whatever a test holds against it passes."""
        return self._told or self.transcript()

    def _await_disk(self) -> None:
        """Waits until all that the recorder has passed is in the cassette."""
        try:
            httpx.get(f"{self._url}{control.RECORDED}", trust_env=False, timeout=_PATIENCE_S).raise_for_status()
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise GmsReplayError(
                f"{self._cassette}: is not recorded any more, perhaps its test is over: {reason}"
            ) from None


class LiveFaults:
    """`GmsFaults` that nobody can add to: what goes wrong at a live GMS, it decides itself."""

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(())

    def add(self, **rule: object) -> int:
        raise OptionError("a live GMS takes no faults; record without gms_server.faults, and play with them")

    def drop(self, number: int | None = None) -> None:
        pass


class LiveClock:
    """A `GmsClock` that nobody can put forward."""

    @property
    def now(self) -> datetime:
        return datetime.now(UTC)

    def advance(self, by: float | timedelta, session: str | None = None) -> None:
        time.sleep(seconds("advance", by))

    def to_next(self, session: str | None = None) -> None:
        # What comes next comes by itself.
        pass


class LiveTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends whatever is asked, of any host, to the recorder at `url`."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._sync = httpx.HTTPTransport(trust_env=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._sync.handle_request(self._led(request))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # Its connections belong to the loop that asks, and each test may have its own.
        async with httpx.AsyncHTTPTransport(trust_env=False) as wire:
            answer = await wire.handle_async_request(self._led(request))
            body = b"".join([part async for part in answer.aiter_raw()])
        return httpx.Response(answer.status_code, headers=answer.headers, stream=httpx.ByteStream(body))

    def close(self) -> None:
        self._sync.close()

    async def aclose(self) -> None:
        self.close()

    def _led(self, request: httpx.Request) -> httpx.Request:
        # Another one: by the URL of its own the client knows whose the answer's cookies are. The Host header stays, of
        # which GMS makes the URLs in its answers.
        url = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return httpx.Request(
            request.method, url, headers=request.headers, stream=request.stream, extensions=request.extensions
        )
