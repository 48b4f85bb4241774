"""A stage that plays in a thread of its own, beside whoever asks: in this process, or by a server on loopback."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, MutableMapping
from concurrent.futures import Future
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from gms_replay.errors import GmsReplayError
from gms_replay.replay.stage import Stage
from gms_replay.replay.wire import BREAK

if TYPE_CHECKING:
    from gms_replay.replay.server import ReplayServer

_T = TypeVar("_T")
_RawHeaders = list[tuple[bytes, bytes]]


class Asking(NamedTuple):
    """A request as it is handed in. `target`: path and query; `headers`: with the host."""

    method: str
    scheme: str
    target: bytes
    headers: _RawHeaders
    body: bytes = b""
    http_version: str = "1.1"


class Part(NamedTuple):
    """A piece of a body; `next` is the one after it, as soon as that is there, None where this is the last."""

    body: bytes
    next: "Future[Part] | None"


class Answer(NamedTuple):
    """What came out of it: the head, and of the body what came first."""

    status: int
    headers: _RawHeaders
    body: bytes
    rest: Future[Part] | None = None


class Held:
    """A request under way, for any thread. `answer` ends with None where it was let go.

    Where the connection breaks, it raises ConnectionResetError; `Part.next`, or that, ConnectionAbortedError at the end
    of an answer that was cut.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, stage: Stage, asking: Asking) -> None:
        self.answer: Future[Answer | None] = Future()
        self._loop = loop
        self._asking = asking
        self._is_taken = False
        self._is_over = asyncio.Event()
        self._head: tuple[int, _RawHeaders] | None = None
        self._rest: Future[Part] | None = None
        asked = asyncio.run_coroutine_threadsafe(self._ask(stage), loop)
        asked.add_done_callback(self._end)

    def let_go(self) -> None:
        """Hangs up, as an app does that waits no longer; whoever has all of an answer has nothing to let go."""
        # The loop may have ended with the last answer.
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._is_over.set)

    async def _ask(self, stage: Stage) -> None:
        asking = self._asking
        path, _, query = asking.target.partition(b"?")
        scope: MutableMapping[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": asking.http_version,
            "method": asking.method,
            "scheme": asking.scheme,
            "path": path.decode("latin-1"),
            "raw_path": path,
            "query_string": query,
            "headers": asking.headers,
            "client": None,
            "extensions": {BREAK: self._break},
        }
        await stage.app(scope, self._receive, self._send)

    async def _receive(self) -> MutableMapping[str, Any]:
        if self._is_taken:
            await self._is_over.wait()
            return {"type": "http.disconnect"}
        self._is_taken = True
        return {"type": "http.request", "body": self._asking.body}

    async def _send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self._head = message["status"], list(message["headers"])
        elif self._head is not None and not self._is_over.is_set():
            # Servers tell no body where none was asked for (RFC 9110, section 9.3.2).
            body = b"" if self._asking.method == "HEAD" else message["body"]
            before, self._rest = self._rest, Future() if message.get("more_body") else None
            if before is None:
                self.answer.set_result(Answer(*self._head, body, self._rest))
            else:
                before.set_result(Part(body, self._rest))

    def _break(self, resets: bool) -> None:
        """Whoever waits gets what a socket would tell him."""
        waiting = self.answer if self._rest is None else self._rest
        waiting.set_exception(ConnectionResetError() if resets else ConnectionAbortedError())
        self._is_over.set()

    def _end(self, asked: "Future[None]") -> None:
        """Nothing comes any more: whoever waits yet, waits for nothing."""
        failure = asked.exception()
        if failure is not None:
            for waiting in (self.answer, self._rest):
                if waiting is not None and not waiting.done():
                    waiting.set_exception(failure)
        elif not self.answer.done():
            self.answer.set_result(None)
        elif self._rest is not None and not self._rest.done():
            self._rest.set_result(Part(b"", None))


class Beside:
    """An event loop in a thread of its own, in which a stage plays until it is closed; it closes the stage, too.

    Whoever asks it after that gets a GmsReplayError.
    """

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._loop = asyncio.new_event_loop()
        self._server: ReplayServer | None = None
        self._serving: Future[None] | None = None
        # Whoever never closes it shall not wait for it at the end of the process.
        self._thread = threading.Thread(target=self._loop.run_forever, name="gms_replay", daemon=True)
        self._thread.start()
        self._is_closed = False

    @property
    def is_closed(self) -> bool:
        return self._is_closed

    def ask(self, asking: Asking) -> Held:
        """Hands a request in."""
        self._require_open()
        return Held(self._loop, self.stage, asking)

    def look(self, at: Callable[[Stage], _T]) -> _T:
        """What `at` finds on the stage, while nothing else happens there."""

        self._require_open()

        async def looked() -> _T:
            return at(self.stage)

        return self._do(looked())

    def serve(self) -> str:
        """Lets a server on loopback answer, too, on a port that it picks: its origin ("http://127.0.0.1:49152")."""
        from gms_replay.replay.server import ReplayServer

        self._require_open()
        if self._server is None:
            ready: Future[str] = Future()
            self._server = ReplayServer(self.stage.app, self.stage.aside, "127.0.0.1", 0, announce=ready.set_result)
            self._serving = asyncio.run_coroutine_threadsafe(self._server.serve_beside(), self._loop)
            self._serving.add_done_callback(lambda _: ready.done() or ready.cancel())
            ready.result()
        return self._server.origin

    def close(self) -> None:
        """Answers what is held, and ends all. Raises CassetteError where something could not be recorded."""
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if self._server is not None and self._serving is not None:
                self._server.should_exit = True
                self._serving.result()
            self._do(self._end())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self.stage.close()

    def _require_open(self) -> None:
        if self._is_closed:
            raise GmsReplayError("the player has ended, with its test or its transport; ask it before that")

    async def _end(self) -> None:
        await self.stage.end()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        # What is held has been answered; it has to be handed out yet.
        await asyncio.gather(*others, return_exceptions=True)

    def _do(self, what: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result()
