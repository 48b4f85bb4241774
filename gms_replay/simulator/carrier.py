"""How notices travel: httpx, by HTTP/2 where the other end speaks it.

Apple asks for one connection that is kept, with many streams at once. httpx keeps it, with two flaws. Where there is a
proxy it opens a tunnel for each request that finds none open yet: so to each provider one request at a time goes ahead,
until its own head is on the way, and the next finds the connection. And it keeps what leads nowhere any more (a proxy
that could not reach a provider once says so ever after): so what failed is tried over another connection.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gms_replay.errors import OptionError
from gms_replay.simulator.notices import Notice
from gms_replay.simulator.settings import PushSettings

_SAID_SHOWN = 200
_TOO_MANY = 429
_FAILED = 500

# Nobody waits for a place, and what is open stays so until the other end closes it.
_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=None, keepalive_expiry=None)


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a notice was not delivered, and whether that is the last word."""

    why: str
    is_final: bool = False


class Carrier:
    """Posts notices. Raises OptionError for a CA that is none."""

    def __init__(self, settings: PushSettings) -> None:
        self._proxy = settings.proxy
        self._trust = _trusting(settings.ca) if settings.ca else httpx.create_ssl_context(trust_env=False)
        self._timeout_s = settings.timeout_s
        self._lines: dict[str, _Line] = {}

    async def post(self, notice: Notice) -> Refusal | None:
        """Deliver a notice; None where it was taken, which only a 200 says."""
        async with self._line(notice) as line:
            try:
                async with asyncio.timeout(self._timeout_s):
                    answer = await line.post(notice)
            except TimeoutError:
                self._drop(line)
                return Refusal(f"no answer within {self._timeout_s:g} s")
            except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
                self._drop(line)
                # Beside httpx's own: names that no resolver can take raise UnicodeError.
                return Refusal(f"{type(error).__name__} {error}".strip())
            if answer.status_code >= _FAILED:
                self._drop(line)
            return None if answer.status_code == httpx.codes.OK else _refusal(notice, answer)

    async def close(self) -> None:
        """Hang up."""
        for line in self._lines.values():
            await line.client.aclose()

    @asynccontextmanager
    async def _line(self, notice: Notice) -> AsyncIterator["_Line"]:
        """The line to a provider, or the one for all other notices; one that was dropped is closed by its last user."""
        key = urlsplit(notice.url).netloc if notice.to_provider else ""
        line = self._lines.get(key) or self._lines.setdefault(key, _Line(key, self._client()))
        line.users += 1
        try:
            yield line
        finally:
            line.users -= 1
            if not line.users and self._lines.get(key) is not line:
                await line.client.aclose()

    def _drop(self, line: "_Line") -> None:
        if self._lines.get(line.key) is line:
            del self._lines[line.key]

    def _client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(
            http2=True,
            verify=self._trust,
            proxy=self._proxy,
            trust_env=False,
            follow_redirects=False,
            # None are kept: who is told has nothing to do with who was told before.
            cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
            # httpx's own starts anew with each piece of an answer, and when it strikes takes all streams down.
            timeout=None,
            limits=_LIMITS,
        )


class _Line:
    """What notices go over while nothing fails there."""

    def __init__(self, key: str, client: httpx.AsyncClient) -> None:
        self.key = key
        self.client = client
        self.users = 0
        self._opening = asyncio.Lock()

    async def post(self, notice: Notice) -> httpx.Response:
        if not notice.to_provider:
            return await self._send(notice, {})
        async with _Turn(self._opening) as turn:
            return await self._send(notice, {"trace": turn.trace})

    async def _send(self, notice: Notice, extensions: dict[str, Any]) -> httpx.Response:
        return await self.client.post(notice.url, content=notice.body, headers=notice.headers, extensions=extensions)


class _Turn:
    """One request's turn to find or open a connection; others wait for its end."""

    def __init__(self, opening: asyncio.Lock) -> None:
        self._opening = opening
        self._lasts = False

    async def __aenter__(self) -> "_Turn":
        await self._opening.acquire()
        self._lasts = True
        return self

    async def __aexit__(self, *_: object) -> None:
        self._end()

    async def trace(self, event: str, facts: dict[str, Any]) -> None:
        """What httpx tells of a request on its way ("trace" in its list of request extensions)."""
        # Through a proxy it tells of the request for a tunnel, too.
        if event.endswith(".send_request_headers.started") and facts["request"].method != b"CONNECT":
            self._end()

    def _end(self) -> None:
        if self._lasts:
            self._lasts = False
            self._opening.release()


def _refusal(notice: Notice, answer: httpx.Response) -> Refusal:
    printable = "".join(one if one.isprintable() else " " for one in answer.text)
    said = " ".join(printable.split())[:_SAID_SHOWN]
    why = f"answered with {answer.status_code}{': ' if said else ''}{said}"
    # APNs and FCM say so where it may be taken another time; of a subscriber's own server nobody knows.
    return Refusal(why, notice.to_provider and answer.status_code != _TOO_MANY and answer.status_code < _FAILED)


def _trusting(ca: Path) -> ssl.SSLContext:
    """Trust in one CA alone."""
    try:
        return ssl.create_default_context(cafile=ca)
    except ssl.SSLError:
        wrong = "it holds no certificate; it wants a CA's, as PEM, like mitmproxy's mitmproxy-ca-cert.pem"
    except OSError as error:
        wrong = f"cannot be read: {error.strerror}"
    raise OptionError(f"--push-ca {ca}: {wrong}")
