"""The player as a transport of httpx's, for clients and async clients: no socket, no port, any host.

Strategy: the stage plays in a thread of its own, so that a poll may be held for one thread or task while another asks.
Both kinds of client hand in the same request; they differ only in how they wait for the answer.
"""

import asyncio
import os
from typing import Unpack

import httpx

from gms_replay.replay import plays
from gms_replay.replay.beside import Answer, Asking, Beside, Held
from gms_replay.replay.plays import Options
from gms_replay.replay.stage import Stage


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers each request from a cassette, with the options of `gms-replay serve` as keywords.

    `httpx.Client(transport=ReplayTransport("visit.sqlite", clock="virtual"))`, or `httpx.AsyncClient` (on asyncio).
    What is held longer than the client's read timeout ends with httpx.ReadTimeout; the client closes the transport.
    Raises CassetteError, StoryError or OptionError.
    """

    def __init__(self, cassette: str | os.PathLike[str], **options: Unpack[Options]) -> None:
        self._beside = Beside(Stage(plays.play(cassette, options)))
        self._is_ours = True

    @classmethod
    def on(cls, beside: Beside) -> "ReplayTransport":
        """A transport to what plays already, and goes on when the transport is closed."""
        transport = cls.__new__(cls)
        transport._beside, transport._is_ours = beside, False
        return transport

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a client's request."""
        held = self._held(request, request.read())
        try:
            return _response(held.answer.result(_patience_s(request)), request)
        except TimeoutError:
            raise _timeout(request) from None
        finally:
            held.let_go()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers an async client's request."""
        held = self._held(request, await request.aread())
        try:
            async with asyncio.timeout(_patience_s(request)):
                return _response(await asyncio.shield(asyncio.wrap_future(held.answer)), request)
        except TimeoutError:
            raise _timeout(request) from None
        finally:
            held.let_go()

    def close(self) -> None:
        """Answers what is held, and ends. Raises CassetteError where something could not be recorded."""
        if self._is_ours:
            self._beside.close()

    async def aclose(self) -> None:
        """The same."""
        await asyncio.to_thread(self.close)

    def _held(self, request: httpx.Request, body: bytes) -> Held:
        if self._beside.is_closed:
            raise httpx.ConnectError("the replay transport is closed", request=request)
        url, headers = request.url, [(name.lower(), value) for name, value in request.headers.raw]
        return self._beside.ask(Asking(request.method, url.scheme, url.raw_path, headers, body))


def _patience_s(request: httpx.Request) -> float | None:
    timeout: dict[str, float | None] = request.extensions.get("timeout", {})
    return timeout.get("read")


def _timeout(request: httpx.Request) -> httpx.ReadTimeout:
    return httpx.ReadTimeout("no answer of the player's within the client's read timeout", request=request)


def _response(answer: Answer | None, request: httpx.Request) -> httpx.Response:
    if answer is None:
        raise httpx.RemoteProtocolError("the player hung up", request=request)
    return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
