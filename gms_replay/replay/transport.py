"""The player as a transport of httpx's, for clients and async clients: no socket, no port, any host.

Strategy: the stage plays in a thread of its own, so that a poll may be held for one thread or task while another asks.
Both kinds of client hand in the same request; they differ only in how they wait for the answer.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Unpack

import httpx

from gms_replay.replay import plays
from gms_replay.replay.beside import Answer, Asking, Beside, Held, Part
from gms_replay.replay.plays import Options
from gms_replay.replay.stage import Stage


class ReplayTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers each request from a cassette, with the options of `gms-replay serve` as keywords.

    `httpx.Client(transport=ReplayTransport("visit.sqlite", clock="virtual"))`, or `httpx.AsyncClient` (on asyncio).
    What is held longer than the client's read timeout ends with httpx.ReadTimeout, what a fault breaks off with
    httpx.ReadError or, in the middle of an answer, RemoteProtocolError. A client that is closed closes its
    transport, and that ends the player; a further client gets a transport by `shared`. Raises CassetteError, StoryError
    or OptionError.
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

    def shared(self) -> "ReplayTransport":
        """A transport for a further client of the same player, which goes on when that client is closed."""
        return self.on(self._beside)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answers a client's request."""
        held = self._held(request, request.read())
        with _patient(held, request):
            return _response(held.answer.result(_patience_s(request)), held, request)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answers an async client's request."""
        held = self._held(request, await request.aread())
        with _patient(held, request):
            async with asyncio.timeout(_patience_s(request)):
                return _response(await asyncio.shield(asyncio.wrap_future(held.answer)), held, request)

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


@contextmanager
def _patient(held: Held, request: httpx.Request) -> Iterator[None]:
    """Lets a request go whose answer is not waited for to its end."""
    try:
        yield
    except TimeoutError:
        held.let_go()
        reason = "no answer of the player's within the client's read timeout"
        raise httpx.ReadTimeout(reason, request=request) from None
    except ConnectionResetError:
        raise httpx.ReadError("connection reset by a fault", request=request) from None
    except ConnectionAbortedError:
        raise httpx.RemoteProtocolError("an answer cut short by a fault", request=request) from None
    except BaseException:
        held.let_go()
        raise


def _response(answer: Answer | None, held: Held, request: httpx.Request) -> httpx.Response:
    if answer is None:
        raise httpx.RemoteProtocolError("the player hung up", request=request)
    if answer.rest is None:
        return httpx.Response(answer.status, headers=answer.headers, content=answer.body, request=request)
    body = _Body(Part(answer.body, answer.rest), held, request)
    return httpx.Response(answer.status, headers=answer.headers, stream=body, request=request)


class _Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that comes in pieces, to be read once, until the client closes the answer."""

    def __init__(self, first: Part, held: Held, request: httpx.Request) -> None:
        self._first = first
        self._held = held
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        part = self._first
        yield part.body
        while part.next is not None:
            with _patient(self._held, self._request):
                part = part.next.result(_patience_s(self._request))
            yield part.body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        part = self._first
        yield part.body
        while part.next is not None:
            with _patient(self._held, self._request):
                async with asyncio.timeout(_patience_s(self._request)):
                    part = await asyncio.shield(asyncio.wrap_future(part.next))
            yield part.body

    def close(self) -> None:
        self._held.let_go()

    async def aclose(self) -> None:
        self._held.let_go()
