"""What a recording tells while it happens: acts, messages, and why nothing is recorded where nothing is.

Strategy: each trouble and each stranger is told once, because apps retry for as long as they live; a server that could
not be reached is told anew when it has answered in between. A stranger is a host; where all goes to the GMS, a path.
"""

import logging
import time
from collections.abc import Callable

from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.server_hooks import ServerConnectionHookData
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import TlsData

from gms_replay import gms
from gms_replay.formats import tale
from gms_replay.mitmdump.snapshots import address
from gms_replay.model import Exchange, Frame, Message
from gms_replay.record.connections import is_stranger
from gms_replay.record.recorder import is_recorded

_MOST_REMEMBERED = 1000
_TOLD = "gms_stranger_told"


class Live:
    """An addon, to stand after the recorder, that gives lines to `tell`.

    `trust` says how apps come to trust the proxy; `one_host`: all traffic goes to one; `onboarding` is the host that
    mitmproxy answers for itself.
    """

    def __init__(
        self, tell: Callable[[str], None], *, trust: str, one_host: bool = False, onboarding: str = "mitm.it"
    ) -> None:
        self._tell = tell
        self._trust = trust
        self._one_host = one_host
        self._onboarding = onboarding
        self._user: str | None = None
        self._polls: dict[str, str] = {}
        self._troubles: dict[str, str] = {}
        self._strangers: set[tuple[str, str]] = set()
        self.passed = 0
        """How many requests and connections passed unrecorded."""

    def watch(self, exchange: Exchange, messages: tuple[Message, ...]) -> None:
        """Tell what was recorded: an exchange that ended, or one whose WebSocket brought messages."""
        for line in tale.acts(exchange, messages):
            if not line.is_typing and not (line.is_poll and self._is_old(exchange, line.text)):
                self._name(gms.gms_user(exchange.request.headers), line.at_us)
                self._say(line.who, line.text, line.at_us)

    def watch_frame(self, frame: Frame) -> None:
        """Tell what passed over a connection that carries pushes."""
        line = tale.framed(frame)
        self._say(line.who, line.text, line.at_us)

    def response(self, flow: HTTPFlow) -> None:
        # Version 11 may tell an answer after an error: that flow has ended already.
        if not flow.error:
            self._ended(flow)

    def error(self, flow: HTTPFlow) -> None:
        self._ended(flow)

    def tcp_message(self, flow: TCPFlow) -> None:
        if is_stranger(flow) and _TOLD not in flow.metadata:
            flow.metadata[_TOLD] = True
            self._pass(_place(*address(flow.server_conn)), "no HTTP")

    def tcp_end(self, flow: TCPFlow) -> None:
        # One that ended in its first frame is known by its end only.
        self.tcp_message(flow)

    def tcp_error(self, flow: TCPFlow) -> None:
        self.tcp_message(flow)

    def server_connect_error(self, data: ServerConnectionHookData) -> None:
        if data.server.error == "connection cancelled":
            return
        if (data.server.error or "").startswith("Request destination unknown"):
            self._trouble(
                "loop",
                "a request leads back to this recorder: --gms names the GMS itself; without it, set this as a proxy",
            )
        else:
            place = _place(*address(data.server))
            self._trouble(place, f"cannot reach {place}: {data.server.error}; does it run, and is its address right?")

    def tls_failed_server(self, data: TlsData) -> None:
        place = _place(*address(data.context.server))
        error = data.conn.error or "no reason given"
        way_out = "; --insecure takes any certificate" if "certificate" in error.lower() else ""
        self._trouble(place, f"no TLS with {place}: {error}{way_out}")

    def tls_failed_client(self, data: TlsData) -> None:
        name = data.conn.sni or _place(*address(data.context.server))
        self._trouble(f"app {name}", f"an app broke off TLS for {name}: {data.conn.error}; {self._trust}")

    def _ended(self, flow: HTTPFlow) -> None:
        asked = flow.request
        if flow.response:
            self._troubles.pop(_place(asked.host, asked.port), None)
        if not is_recorded(flow) and asked.pretty_host != self._onboarding:
            path = f"{asked.method} {asked.path.partition('?')[0]}"
            self._pass(_place(asked.host, asked.port), path, path if self._one_host else "")

    def _pass(self, place: str, what: str, path: str = "") -> None:
        self.passed += 1
        stranger = place, path
        if stranger not in self._strangers and len(self._strangers) < _MOST_REMEMBERED:
            self._strangers.add(stranger)
            self._say("", f"passes unrecorded: {place} ({what})")

    def _is_old(self, exchange: Exchange, poll: str) -> bool:
        """Whether a poll brought the same as the one before it of the same app."""
        request = exchange.request
        app = gms.gms_user(request.headers) or request.client.rpartition(":")[0]
        before = self._polls.pop(app, None)
        _remember(self._polls, app, poll)
        return before == poll

    def _name(self, user: str | None, at_us: int) -> None:
        if user and user != self._user:
            self._say("", f"user {user}", at_us)
            self._user = user

    def _trouble(self, key: str, text: str) -> None:
        if self._troubles.get(key) != text:
            _remember(self._troubles, key, text)
            self._say("", text)

    def _say(self, who: str, text: str, at_us: int | None = None) -> None:
        shown = time.strftime("%H:%M:%S", time.localtime(None if at_us is None else at_us / 1_000_000))
        self._tell(tale.plain(f"{shown}  {who:4}  {text}"))


class Remarks(logging.Handler):
    """Gives what mitmproxy and the recorder log as errors to `tell`, each as one line."""

    def __init__(self, tell: Callable[[str], None]) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        reason = record.exc_info[1] if record.exc_info else None
        why = f" ({type(reason).__name__}: {reason})" if reason else ""
        self._tell(tale.plain(" ".join(f"{record.name}: {record.getMessage()}{why}".split())))


def _remember(memory: dict[str, str], key: str, text: str) -> None:
    if len(memory) >= _MOST_REMEMBERED:
        del memory[next(iter(memory))]
    memory[key] = text


def _place(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
