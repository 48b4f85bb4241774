"""The replay server as a mitmproxy addon, which brings it TLS, HTTP/2 and any host's name.

As a reverse proxy it plays to whoever comes; as a proxy, to who asks a host of the cassette's. Others are blocked, or
pass with their TLS untouched.

Strategy: our server runs on loopback in mitmproxy's own loop, and every flow is pointed at it before mitmproxy looks
for the server that was asked for. For that, no connection may be opened before a request is there
(`connection_strategy`). Whatever else would dial, `server_connect` stops, before any name is looked up.
"""

# Half of mitmproxy's own methods say nothing of their types.
# mypy: allow-untyped-calls

import asyncio
import logging
import os
import secrets
import sys
from collections.abc import Sequence
from typing import NoReturn

from mitmproxy import ctx
from mitmproxy.addonmanager import Loader
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.proxy.mode_specs import ProxyMode, RegularMode, ReverseMode, Socks5Mode, TransparentMode
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tls import ClientHelloData

from gms_replay import control, reach
from gms_replay.access import VARIABLE, Access
from gms_replay.access import token as checked
from gms_replay.errors import GmsReplayError, OptionError
from gms_replay.mitmdump import ending
from gms_replay.mitmdump.options import require_known
from gms_replay.replay import options, run
from gms_replay.replay.door import HEADER, Door, Fate
from gms_replay.replay.hosts import Hosts, Others
from gms_replay.replay.server import ReplayServer
from gms_replay.replay.stage import Stage

_PROGRAM = "gms_serve"
_HERE = "127.0.0.1"
_SERVED = ("http", "https")
_PROXIES = (RegularMode, Socks5Mode, TransparentMode)
_Place = tuple[str, int]
_log = logging.getLogger(__name__)

# Without the first two, mitmproxy dials the server that was asked for as soon as an app connects, or to show its
# certificate; without the third, it tells us its own name instead of the one that the app used; without the last, it
# logs where our server is instead of that name.
_NEEDED = {
    "connection_strategy": "lazy",
    "add_upstream_certs_to_client_chain": False,
    "keep_host_header": True,
    "showhost": True,
}


class GmsPlayer:
    """Plays a cassette to apps of a proxy, whatever server they ask: it is never dialled."""

    def __init__(self) -> None:
        self._door = Door()
        self._opened: _Served | None = None
        self._is_refused = False

    def load(self, loader: Loader) -> None:
        for name, (default, text) in options.OPTIONS.items():
            loader.add_option(name, Sequence[str], [default], text)

    def configure(self, updated: set[str]) -> None:
        wanted = {name: value for name, value in _NEEDED.items() if getattr(ctx.options, name, value) != value}
        if wanted:
            ctx.options.update(**wanted)

    def running(self) -> None:
        self._stage().start()

    def tls_clienthello(self, data: ClientHelloData) -> None:
        client, server = data.context.client, data.context.server
        places = [(data.client_hello.sni or "", server.address[1] if server.address else 0), server.address]
        if not isinstance(client.proxy_mode, ReverseMode) and self._stage().passes(*places):
            data.ignore_connection = True
            return
        # mitmproxy takes what the server speaks; where that is not asked, it takes what the app offers first.
        if ctx.options.http2 and b"h2" in data.client_hello.alpn_protocols:
            client.alpn = b"h2"

    def http_connect(self, flow: HTTPFlow) -> None:
        stage, place = self._stage(), (flow.request.host, flow.request.port)
        if not (_is_own(place) or stage.plays(place) or stage.passes(place)):
            flow.response = stage.blocked(*place)

    def server_connect(self, data: ServerConnectionHookData) -> None:
        stage, place = self._stage(), data.server.address
        if place != (_HERE, stage.port) and (
            isinstance(data.client.proxy_mode, ReverseMode) or not stage.passes(place)
        ):
            data.server.error = "gms_serve dials nobody here"

    def requestheaders(self, flow: HTTPFlow) -> None:
        stage = self._stage()
        request, app = flow.request, flow.client_conn
        is_reverse = isinstance(app.proxy_mode, ReverseMode)
        if not is_reverse:
            # A transparent proxy knows an address; the name is what the app says.
            place, named = (request.host, request.port), (request.pretty_host, request.port)
            is_for_player = _asks_player(flow)
            if _is_own(place) or (stage.passes(place, named) and not is_for_player):
                return
            if not (stage.plays(place, named) or is_for_player):
                flow.response = stage.blocked(*named)
                return
        host = request.host_header or f"{request.host}:{request.port}"
        scheme = ("https" if app.tls else "http") if is_reverse else request.scheme
        note = self._door.note(scheme, host, request.http_version, str(app.peername[0]))
        request.scheme, request.host, request.port = "http", _HERE, stage.port
        # Which was changed with them, and is what mitmproxy shows.
        request.host_header = host
        request.headers[HEADER] = note
        if not request.http_version.startswith("HTTP/1") and "content-length" not in request.headers:
            # HTTP/2 ends a body without its length; mitmproxy would pass it on in HTTP/1.1 with no end at all.
            request.headers["transfer-encoding"] = "chunked"

    def responseheaders(self, flow: HTTPFlow) -> None:
        """Ends an app's connection as a fault says; by itself mitmproxy would tell it of ours, with a 502."""
        assert flow.response is not None, "mitmproxy calls this with the head of an answer"
        match self._door.fate(flow.response.headers.pop(HEADER, None)):
            case Fate.RESET:
                flow.kill()
            case Fate.CUT:
                # Else it would wait for the rest.
                flow.response.stream = True

    async def done(self) -> None:
        if self._opened is not None:
            await self._opened.end()

    def _stage(self) -> "_Served":
        """Opens the cassette at its first use: `running`, or a request before it, for mitmproxy listens first."""
        if self._opened is None:
            try:
                self._opened = self._open()
            except GmsReplayError as error:
                self._refuse(error)
        return self._opened

    def _open(self) -> "_Served":
        require_known(ctx.options.deferred, options.OPTIONS)
        modes = list(map(ProxyMode.parse, ctx.options.mode))
        for mode in modes:
            is_served = mode.scheme in _SERVED if isinstance(mode, ReverseMode) else isinstance(mode, _PROXIES)
            if not is_served:
                raise OptionError(
                    f"--mode {mode.full_spec}: only regular, socks5, transparent, reverse:http://… and "
                    "reverse:https://… are served; write it like --mode reverse:https://api.push.apple.com@8443"
                )
        given = {name: getattr(ctx.options, name) for name in options.OPTIONS}
        if not any(given[options.TOKEN]):
            token = os.environ.get(VARIABLE, "")
            given[options.TOKEN] = [checked(VARIABLE, token) if token else ""]
        said = options.settings(given)
        listens = [mode.listen_host(ctx.options.listen_host) for mode in modes]
        served = _Served(said, self._door, is_here=all(map(reach.is_here, listens)))
        if any(isinstance(mode, _PROXIES) for mode in modes):
            _log.warning("gms_serve: %s", served.policy)
        return served

    def _refuse(self, error: GmsReplayError) -> NoReturn:
        # Hooks are called until the end; one line is enough.
        if self._is_refused:
            sys.exit(1)
        self._is_refused = True
        ending.refuse(_PROGRAM, error)


def _is_own(place: _Place) -> bool:
    """Whether it is mitmproxy's page with its certificate, which it serves itself."""
    return bool(ctx.options.onboarding and place[0] == ctx.options.onboarding_host)


def _asks_player(flow: HTTPFlow) -> bool:
    """Whether a tester asks the player itself, at the proxy's own address, as at a server's."""
    request, proxy = flow.request, flow.client_conn.sockname
    return control.PREFIX in request.path.partition("?")[0] and request.port == proxy[1]


class _Served:
    """The cassette, opened, and the server that plays it. Raises CassetteError, StoryError or OptionError."""

    def __init__(self, said: options.Settings, door: Door, *, is_here: bool) -> None:
        self._said = said
        drawn = None if said.token or is_here else secrets.token_urlsafe(16)
        access = Access(said.token or drawn)
        self._stage = Stage(said.play, note=_log.warning, log=_log.info, door=door, access=access)
        try:
            self._hosts = Hosts(self._stage.facts.hosts(), said.hosts)
            self._server = ReplayServer(self._stage.app, self._stage.aside, _HERE, 0, announce=lambda origin: None)
        except BaseException:
            self._stage.close()
            raise
        self.port = self._server.port
        self._told: set[str] = set()
        self._serving: asyncio.Task[None] | None = None
        count = len(self._stage.stories)
        _log.warning("gms_serve: playing %s: %d session%s", said.play.cassette, count, "s" * (count != 1))
        if drawn is not None:
            _log.warning("gms_serve: other machines ask %s with this token: %s", control.PREFIX, drawn)

    @property
    def policy(self) -> str:
        """What a proxy does with whom."""
        fate = "pass" if self._said.others is Others.PASS else "are blocked"
        return f"apps of this proxy are played {self._hosts}; others {fate}"

    def plays(self, *places: _Place | None) -> bool:
        """Whether one of these, a host and its port, is played."""
        return any(self._hosts.are(*place[:2]) for place in places if place)

    def passes(self, *places: _Place | None) -> bool:
        """Whether none of these is played, and others may pass."""
        return self._said.others is Others.PASS and not self.plays(*places)

    def blocked(self, host: str, port: int) -> Response:
        """The answer to who asks another host; it is logged once for each."""
        line = (
            f"{host}:{port} is no host of the cassette's, and blocked: "
            f"--set {options.HOSTS}=REGEX plays to it, --set {options.OTHERS}=pass lets it pass"
        )
        if host not in self._told:
            self._told.add(host)
            _log.warning("gms_serve: %s", line)
        return Response.make(403, f"gms_serve: {line}\n", {"content-type": "text/plain; charset=utf-8"})

    def start(self) -> None:
        """Lets the server answer; until then who comes waits."""
        self._serving = asyncio.get_running_loop().create_task(self._server.serve_beside())

    async def end(self) -> None:
        """Answers what is held, and closes all; leaves by SystemExit(1) where strictness found something."""
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving
        player = self._stage.player
        complaints = list(run.found(player, player.unused)) if self._said.strict else []
        try:
            self._stage.close()
        except GmsReplayError as error:
            ending.refuse(_PROGRAM, error)
        for line in complaints:
            ending.tell(_PROGRAM, f"strict: {line}")
        if complaints:
            sys.exit(1)
