"""What the cassette has no answer for, sent on to a live GMS: only where the user named it."""

from collections.abc import Callable
from http.cookiejar import CookieJar, DefaultCookiePolicy

import httpx

from gms_replay.base_url import BaseUrl
from gms_replay.errors import OptionError
from gms_replay.events import TEXT, Asked, Respond
from gms_replay.model import Body, Outcome, Request, Response, end_to_end, for_any_page
from gms_replay.replay.keeping import Keeper

_OURS = frozenset({"gms_session", "x-forwarded-prefix", "accept-encoding"})
_PATIENCE_S = 30


def wanted(on_miss: str) -> BaseUrl:
    """Who answers what the cassette does not, by "pass:URL"; the path is the app's business. Raises OptionError."""
    word, _, url = on_miss.partition(":")
    if word != "pass" or not url:
        raise OptionError(f"--on-miss {on_miss}: it is `error` or pass:URL")
    return BaseUrl.parse(url, "--on-miss pass:")


class Passing:
    """Asks a live GMS. `clock` gives microseconds since 1970 UTC, `note` gets a remark for each request.

    `keeper`: who records request and answer; None for nobody.
    """

    def __init__(
        self, upstream: BaseUrl, keeper: Keeper | None, *, clock: Callable[[], int], note: Callable[[str], None]
    ) -> None:
        self._upstream = upstream
        self._keeper = keeper
        self._clock = clock
        self._note = note
        self._http: httpx.AsyncClient | None = None

    async def ask(self, request_id: int, asked: Asked) -> Respond:
        """The live answer, or 502 with the reason where there is none."""
        request = self._request(asked)
        exchange_id = self._keeper.begin(request) if self._keeper else None
        try:
            answer = await self._sent(request)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
            why = f"{self._upstream.origin} gave no answer: {str(error) or type(error).__name__}"
            self._end(exchange_id, Outcome(self._clock(), error=why))
            self._note(f"passed: {asked.method} {asked.target}: {why}")
            return Respond(request_id, 502, TEXT, why.encode())
        self._end(exchange_id, Outcome(self._clock(), answer))
        self._note(f"passed: {asked.method} {asked.target}: {self._upstream.origin} answered {answer.status}")
        return Respond(request_id, answer.status, for_any_page(answer.headers), answer.body.wire)

    async def close(self) -> None:
        """Ends connections, and waits until all that was recorded is on disk."""
        if self._http is not None:
            await self._http.aclose()
        if self._keeper is not None:
            self._keeper.close()

    def _request(self, asked: Asked) -> Request:
        # Plain, because nobody undoes a coding here. Host as the app said it: GMS makes its URLs from that.
        headers = (*(pair for pair in asked.headers if pair[0].lower() not in _OURS), ("accept-encoding", "identity"))
        now_us = self._clock()
        return Request(
            method=asked.method,
            scheme=self._upstream.scheme,
            host=self._upstream.host,
            port=self._upstream.port,
            target=asked.target,
            http_version="HTTP/1.1",
            headers=headers,
            body=Body(asked.body),
            started_at_us=now_us,
            ended_at_us=now_us,
            client=f"{asked.peer}:0" if asked.peer else "",
        )

    async def _sent(self, request: Request) -> Response:
        if self._http is None:
            # Whose cookies they are, each app knows: the jar takes none.
            jar = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            # The next request may be made in another event loop, where kept connections are of no use.
            limits = httpx.Limits(max_keepalive_connections=0)
            self._http = httpx.AsyncClient(trust_env=False, timeout=_PATIENCE_S, cookies=jar, limits=limits)
        target = request.target.encode("latin-1")
        url = httpx.URL(self._upstream.origin).copy_with(raw_path=target if target.startswith(b"/") else b"/" + target)
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in end_to_end(request.headers)]
        sending = self._http.build_request(request.method, url, headers=headers, content=request.body.wire)
        answer = await self._http.send(sending, stream=True)
        began_us = self._clock()
        try:
            wire = b"".join([piece async for piece in answer.aiter_raw()])
        finally:
            await answer.aclose()
        told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
        return Response(answer.status_code, answer.reason_phrase, "HTTP/1.1", told, Body(wire), began_us, self._clock())

    def _end(self, exchange_id: int | None, outcome: Outcome) -> None:
        if self._keeper is not None:
            self._keeper.end(exchange_id, outcome)
