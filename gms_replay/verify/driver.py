"""Plays the app's side of a visit at a live GMS: one step of its script after the other, through a recorder.

What goes wrong on the way (no answer, a refused handshake, a message that never comes) is said and passed over, for
what is compared is what the recorder saw. Only where nothing that follows can make sense, a visit ends early.
"""

import asyncio
import ssl
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from gms_replay import bayeux, script
from gms_replay.errors import BayeuxError
from gms_replay.forwards import Forwards, Said
from gms_replay.gms import Act
from gms_replay.grades import Difference, Grade
from gms_replay.model import Headers, Transport
from gms_replay.script import Ask, Close, Counting, Event, Open, Publish, Script, Step, Subscribe, Unsubscribe
from gms_replay.sessions import Visited
from gms_replay.verify import cookies, own_headers
from gms_replay.verify.comet_client import CometClient
from gms_replay.verify.progress import Happening, Sort

_BETWEEN_POLLS_S = 1.0
"""How often a state is polled whose recorded poll was a single one."""
_QUICKEST_S = 0.02


@dataclass(frozen=True, slots=True)
class Way:
    """How the GMS is reached. `origin`: its ("http://gms.example:8080"); `proxy`: the recorder's URL, whose CA has
    `ca_file`. `speed`: by how much pauses are shorter. `patience_s`: how long anything is waited for that lacks.
    """

    origin: str
    proxy: str
    ca_file: Path
    speed: float
    patience_s: float
    headers: Headers = ()


@dataclass(frozen=True, slots=True)
class Played:
    """How it went.

    `troubles`: what was otherwise than recorded, as far as it is seen while playing. `unreached`: what two recordings
    do not show: states that were polled for and never told, a transport that is not offered.
    """

    troubles: tuple[str, ...]
    unreached: tuple[Difference, ...]


class LostError(Exception):
    """What follows can make no sense: why."""


class Driver:
    """One app at one visit. `tell` gets each thing that happens in it."""

    def __init__(self, played: Script, forwards: Forwards, way: Way, tell: Callable[[Happening], None]) -> None:
        self._script = played
        self._forwards = forwards
        self._way = way
        self._tell = tell
        self._step = 0
        self._clients: dict[str, CometClient] = {}
        self._listening: list[asyncio.Task[None]] = []
        """Each ends with its client."""
        self._counting = Counting()
        self._told = asyncio.Condition()
        self._missing: dict[script.Looks, int] = {}
        self._recorded = {(event.looks, event.number): event for event in played.events}
        self._last_told_s = 0.0
        self._is_mapped = False
        self._troubles: list[str] = []
        self._unreached: list[Difference] = []

    async def play(self) -> Played:
        """Goes through the whole script."""
        self._say("begins", Sort.BEGINS)
        async with AsyncExitStack() as self._opened:
            self._http = await self._opened.enter_async_context(
                httpx.AsyncClient(
                    proxy=self._way.proxy,
                    verify=ssl.create_default_context(cafile=self._way.ca_file),
                    timeout=self._way.patience_s,
                    trust_env=False,
                )
            )
            ended_s = time.monotonic()
            try:
                for number, step in enumerate(self._script.steps, start=1):
                    self._step = number
                    await self._wait(step, ended_s)
                    await self._trying(self._do(step))
                    ended_s = time.monotonic()
            except LostError as lost:
                self._trouble(f"gives up: {lost}")
        await asyncio.gather(*self._listening)
        self._count_events()
        self._say("ends", Sort.ENDS)
        return Played(tuple(self._troubles), tuple(self._unreached))

    def _say(self, line: str, sort: Sort = Sort.DID) -> None:
        self._tell(Happening(sort, line, self._step, len(self._script.steps)))

    def _trouble(self, line: str) -> None:
        self._troubles.append(line)
        self._say(line, Sort.WENT_WRONG)

    def _count_events(self) -> None:
        """Events that came more or less often than recorded."""
        recorded = Counter(event.looks for event in self._script.events)
        for seen in sorted(recorded.keys() | self._counting.seen()):
            count = self._counting.count(seen)
            if count != recorded[seen]:
                self._trouble(f"told {count} times, recorded {recorded[seen]} times: {_shown(seen)}")

    async def _wait(self, step: Step, ended_s: float) -> None:
        if step.after:
            self._say(f"waits to be told {_shown(step.after.looks)}", Sort.WAITS)
            await self._hear(step.after)
        due_s = max(ended_s, self._last_told_s if step.after else 0) + step.pause_us / 1e6 / self._way.speed
        await asyncio.sleep(max(0.0, due_s - time.monotonic()))

    async def _hear(self, event: Event) -> None:
        """Waits for an event like that; what does not come within patience is not waited for again."""

        def is_here() -> bool:
            return self._counting.has(event, self._missing.get(event.looks, 0))

        try:
            async with self._told, asyncio.timeout(self._way.patience_s):
                await self._told.wait_for(is_here)
        except TimeoutError:
            self._missing[event.looks] = event.number - self._counting.count(event.looks)
            self._trouble(f"not told within {self._way.patience_s:g} s: {_shown(event.looks)}")

    async def _do(self, step: Step) -> None:
        match step.act:
            case Ask() as ask:
                await self._ask(ask)
            case Open() as opened:
                await self._open(opened, step.began_us)
            case Subscribe(client, channel):
                self._says(step, bayeux.SUBSCRIBE)
                await self._with(client, lambda comet: comet.subscribe(channel), f"Comet: subscribes to {channel}")
            case Unsubscribe(client, channel):
                self._says(step, bayeux.UNSUBSCRIBE)
                await self._with(client, lambda comet: comet.unsubscribe(channel), f"Comet: leaves {channel}")
            case Publish(client, channel, data) as publish:
                self._says(step, channel)
                said = self._forwarded({"data": data}, step.began_us)["data"]
                what = f"Comet: publishes {publish.operation or channel}"
                await self._with(client, lambda comet: comet.publish(channel, said), what)
            case Close(client):
                self._says(step, bayeux.DISCONNECT)
                await self._close(client)

    # REST.

    async def _ask(self, ask: Ask) -> None:
        if not ask.polls:
            await self._asked(ask.asked[0])
            return
        recorded = ask.asked[-1].exchange.response
        wanted = recorded.body.plain if recorded else b""
        until_s = time.monotonic() + self._way.patience_s + _lasted_s(ask) / self._way.speed
        for number in range(10**9):
            began_s = time.monotonic()
            one = ask.asked[min(number, len(ask.asked) - 1)]
            answer = await self._asked(one, is_first=number == 0)
            if recorded is None or recorded.is_refusal:
                return
            if answer is None or answer.status_code >= 400:
                if answer is None or number:
                    self._lack(ask, wanted, b"", f"no answer at poll {number + 1}")
                return
            if script.is_reached(ask.operation, wanted, answer.content):
                self._forwards.learn(wanted, answer.content)
                return
            if time.monotonic() > until_s:
                waited = f"not within {self._way.patience_s:g} s"
                self._trouble(f"{ask.operation}: {waited} what was recorded: {script.state(wanted)}")
                self._lack(ask, wanted, answer.content, waited)
                return
            await asyncio.sleep(max(0.0, began_s + _between_s(ask, number) / self._way.speed - time.monotonic()))

    def _lack(self, ask: Ask, recorded: bytes, live: bytes, note: str) -> None:
        place = str(ask.operation)
        sides = script.state(recorded), script.state(live) or None
        self._unreached.append(Difference(Grade.MISSING, place, place, "", *sides, note))

    async def _asked(self, one: Visited, *, is_first: bool = True) -> httpx.Response | None:
        said = own_headers.put(self._forwards.request(one.exchange.request, one.operation), self._way.headers)
        recorded = one.exchange.response
        try:
            answer = await self._http.send(self._request(said))
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            self._trouble(f"{one.operation}: no answer: {str(error) or type(error).__name__}")
            self._judge(one, None)
            return None
        self._say(f"{one.operation}: {answer.status_code}", Sort.DID if is_first else Sort.WAITS)
        if answer.status_code in _WANTS_CREDENTIALS:
            for name in own_headers.unknown(said.headers):
                hint = f"{name} is a stand-in, for the cassette is redacted; give the live one by --header"
                self._trouble(f"{one.operation}: {answer.status_code}: {hint} '{name}: …'")
        if recorded is not None:
            self._forwards.learn(recorded.body.plain, answer.content)
            live = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
            self._forwards.learn_headers(recorded.headers, live)
        self._judge(one, answer)
        return answer

    def _request(self, said: Said) -> httpx.Request:
        """Path and headers by the bytes that the app sent: httpx would write some otherwise, and add its own."""
        target = self._dialled(said.url).removeprefix(self._way.origin)
        url = httpx.URL(self._way.origin).copy_with(raw_path=_on_wire(target))
        request = self._http.build_request(said.method, url, content=said.body or None)
        kept = [(name, value) for name, value in request.headers.raw if name.lower() in _KEPT]
        headers = [*kept, *((_on_wire(name), _on_wire(value)) for name, value in said.headers)]
        if words := cookies.said(self._http.cookies, str(url), said.cookies):
            headers.append((b"cookie", _on_wire(words)))
        request.headers = httpx.Headers(headers)
        return request

    def _judge(self, one: Visited, answer: httpx.Response | None) -> None:
        """A visit that does not begin leads nowhere."""
        recorded = one.exchange.response
        if answer is not None and recorded is not None and answer.status_code != recorded.status:
            self._trouble(f"{one.operation}: {answer.status_code}, recorded {recorded.status}")
        if one.operation.act is Act.START and recorded is not None and not recorded.is_refusal:
            if answer is None:
                raise LostError(f"{one.operation} was not answered, and all that follows needs what it tells")
            if answer.status_code >= 400:
                raise LostError(f"{one.operation} was refused with {answer.status_code}, and all that follows needs it")

    def _dialled(self, url: str) -> str:
        """A URL at the GMS that was named: nobody else is dialled, whatever host an answer leads to."""
        parts = urlsplit(url)
        if parts.scheme and f"{parts.scheme}://{parts.netloc}" != self._way.origin and not self._is_mapped:
            self._is_mapped = True
            self._say(f"its URLs lead to {parts.scheme}://{parts.netloc}; asked is {self._way.origin} all the same")
        return self._way.origin + (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    # Comet.

    async def _open(self, opened: Open, asked_us: int) -> None:
        request = opened.by.exchange.request
        said = own_headers.put(self._forwards.request(request, opened.by.operation), self._way.headers)
        url = self._dialled(said.url).removesuffix("/handshake")
        kept = {
            name: _as_text(value)
            for name, value in said.headers
            if name not in _AIOHTTPS and not name.startswith("sec-websocket")
        }
        if said.cookies:
            kept["cookie"] = _as_text(said.cookies)
        comet = CometClient(
            url,
            headers=kept,
            jar=self._http.cookies,
            timeout_s=self._way.patience_s,
            transports=_wanted(opened.transport),
            proxy=self._way.proxy,
            ca_file=self._way.ca_file if url.startswith("https:") else None,
        )
        comet.says[bayeux.HANDSHAKE] = self._forwarded(opened.beside, asked_us)
        comet.says[bayeux.CONNECT] = self._forwarded(opened.connects_with, asked_us)
        self._say("Comet: shakes hands")
        if recorded := opened.by.exchange.response:
            # Whatever it set, the live one sets in its place, or nobody does.
            self._forwards.learn_headers(recorded.headers, ())
        await self._opened.enter_async_context(comet)
        if comet.transport is not opened.transport:
            sides = opened.transport.value, comet.transport.value
            self._unreached.append(Difference(Grade.MISSING, "Comet", "Comet", "transport", *sides, "not offered"))
        self._forwards.learn(opened.answer, bayeux.dump(comet.shaken))
        self._clients[opened.client] = comet
        self._listening.append(asyncio.create_task(self._listen(comet)))

    async def _listen(self, comet: CometClient) -> None:
        try:
            async for message in comet:
                live = bayeux.Parsed(bayeux.dump(message), message)
                async with self._told:
                    event = self._counting.event(live, 0)
                    recorded = self._recorded.get((event.looks, event.number + self._missing.get(event.looks, 0)))
                    if recorded:
                        self._forwards.learn(recorded.raw, live.raw)
                    self._last_told_s = time.monotonic()
                    self._told.notify_all()
        except BayeuxError as error:
            self._trouble(f"Comet: {error}")

    def _says(self, step: Step, channel: str) -> None:
        """What the client of a step will say on a channel, beside what it has to."""
        if not isinstance(step.act, Ask | Open) and (comet := self._clients.get(step.act.client)):
            comet.says[channel] = self._forwarded(step.act.beside, step.began_us)

    def _forwarded(self, said: dict[str, Any], asked_us: int) -> dict[str, Any]:
        return bayeux.parse(self._forwards.data(bayeux.dump(said), asked_us))[0].fields

    async def _with(self, client: str, act: Callable[[CometClient], Awaitable[None]], what: str) -> None:
        if comet := self._clients.get(client):
            self._say(what)
            await act(comet)

    async def _trying(self, act: Awaitable[None]) -> None:
        try:
            await act
        except BayeuxError as error:
            self._trouble(f"Comet: {error}")

    async def _close(self, client: str) -> None:
        if comet := self._clients.pop(client, None):
            self._say("Comet: disconnects")
            await comet.__aexit__(None, None, None)


_WANTS_CREDENTIALS = (401, 403)
_KEPT = frozenset({b"host", b"content-length"})
_AIOHTTPS = frozenset({"content-type", "accept", "origin", "upgrade", "pragma", "cache-control"})
"""Headers of a handshake that the client sets for itself."""


def _on_wire(recorded: str) -> bytes:
    """What was recorded of bytes, as these; what a live GMS told may have other characters."""
    try:
        return recorded.encode("latin-1")
    except UnicodeEncodeError:
        return recorded.encode("utf-8", "replace")


def _as_text(recorded: str) -> str:
    """The same for aiohttp, which writes headers in UTF-8."""
    try:
        return recorded.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return recorded


def _wanted(transport: Transport) -> tuple[Transport, ...]:
    """Where the recorded transport is not offered any more, the other: what follows can be seen all the same."""
    if transport is Transport.WEBSOCKET:
        return (Transport.WEBSOCKET, Transport.LONG_POLLING)
    return (Transport.LONG_POLLING, Transport.WEBSOCKET)


def _lasted_s(ask: Ask) -> float:
    return (ask.asked[-1].at_us - ask.asked[0].at_us) / 1e6


def _between_s(ask: Ask, number: int) -> float:
    """How long the app waited between the beginnings of two polls; beyond the recorded ones, as it usually did."""
    if len(ask.asked) == 1:
        return _BETWEEN_POLLS_S
    place = min(number, len(ask.asked) - 2)
    return max(_QUICKEST_S, (ask.asked[place + 1].at_us - ask.asked[place].at_us) / 1e6)


def _shown(looks: script.Looks) -> str:
    return " ".join(part for part in looks if part)
