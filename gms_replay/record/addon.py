"""The recorder as a mitmproxy addon: its hooks, its options, and the cassette that it opens."""

# Half of mitmproxy's own methods say nothing of their types.
# mypy: allow-untyped-calls

import logging
import platform
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

from mitmproxy import ctx, version
from mitmproxy.addonmanager import Loader
from mitmproxy.http import HTTPFlow, Response
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode
from mitmproxy.tcp import TCPFlow
from mitmproxy.tls import ClientHelloData

from gms_replay import __version__, control
from gms_replay.access import Access
from gms_replay.cassette.extent import Progress
from gms_replay.errors import GmsReplayError
from gms_replay.events import NOBODY, Asked, Respond
from gms_replay.model import Redaction
from gms_replay.record import ending, notices, options
from gms_replay.record.protocol import Begin, Begun, Framed, Recorded
from gms_replay.record.recorder import Recorder
from gms_replay.record.writer_process import WriterProcess

_ASKED_FIRST = ("http", "https")
"""Of what a reverse proxy stands before: where the client speaks first."""
_log = logging.getLogger(__name__)

Watch = Callable[[Begun | Recorded | Framed], None]
"""Told of each file that is begun, of each exchange at its end, and of WebSocket messages and frames as they come."""


class GmsRecorder:
    """Records what looks like GMS, or what goes to the hosts that it is told, into a cassette.

    There is no `done` hook: mitmproxy ends held polls and sockets after it. The cassette is closed at exit.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        """`watch` is told in mitmproxy's loop, a moment later, or at exit when that has ended."""
        self._watch = watch
        self._has_watch_failed = False
        self._writer: WriterProcess | None = None
        self._opened: Recorder | None = None
        self._is_refused = False
        self._mode = Redaction.ON

    @property
    def progress(self) -> Progress | None:
        """How far the recording is, for any thread, where it is watched; None before that is known."""
        return self._writer.progress if self._writer else None

    def load(self, loader: Loader) -> None:
        for name, (default, text) in options.OPTIONS.items():
            loader.add_option(name, Sequence[str], [default], text)

    def configure(self, updated: set[str]) -> None:
        # GMS builds the URLs in its answers from Host: without this, an app behind a reverse proxy would follow them
        # past the recorder.
        if "mode" not in updated:
            return
        modes = _modes()
        if any(isinstance(mode, ReverseMode) for mode in modes):
            ctx.options.keep_host_header = True
        if all(isinstance(mode, ReverseMode) and mode.scheme in _ASKED_FIRST for mode in modes):
            # Else mitmproxy dials before it reads, and hangs up where nobody is there: no request would be recorded,
            # and no app told why.
            ctx.options.connection_strategy = "lazy"

    def running(self) -> None:
        self._recorder()
        if ctx.master.addons.get(_ServerFirst.name) is None:
            ctx.master.addons.add(_ServerFirst())

    def request(self, flow: HTTPFlow) -> Awaitable[None] | None:
        recorder = self._recorder()
        if flow.request.path == control.RECORDED:
            return self._flush(flow)
        recorder.asked(flow)
        return None

    def responseheaders(self, flow: HTTPFlow) -> None:
        self._recorder().answering(flow)

    def response(self, flow: HTTPFlow) -> None:
        self._recorder().ended(flow)

    def error(self, flow: HTTPFlow) -> None:
        if flow.request.timestamp_end is None:
            # Cut off inside its body: there was no `request`.
            self._recorder().asked(flow)
        self._recorder().ended(flow)

    def websocket_start(self, flow: HTTPFlow) -> None:
        self._recorder().socket_opened(flow)

    def websocket_message(self, flow: HTTPFlow) -> None:
        self._recorder().socket_message(flow)

    def websocket_end(self, flow: HTTPFlow) -> None:
        self._recorder().socket_closed(flow)

    def tcp_start(self, flow: TCPFlow) -> None:
        self._recorder().connections.opened(flow)

    def tcp_message(self, flow: TCPFlow) -> None:
        self._recorder().connections.passed(flow)

    def tcp_end(self, flow: TCPFlow) -> None:
        self._recorder().connections.closed(flow)

    def tcp_error(self, flow: TCPFlow) -> None:
        self._recorder().connections.closed(flow)

    async def _flush(self, flow: HTTPFlow) -> None:
        admitted = Access().admitted(_asked(flow))
        if isinstance(admitted, Respond):
            flow.response = Response.make(admitted.status, admitted.body, dict(admitted.headers))
            return
        assert self._writer is not None, "opened with the recorder"
        await self._writer.flushed()
        flow.response = Response.make(204)

    def _recorder(self) -> Recorder:
        """Opens the cassette at its first use: `running`, or a request before it, for mitmproxy listens first."""
        if self._opened is None:
            try:
                self._opened = self._open()
            except GmsReplayError as error:
                self._refuse(error)
        return self._opened

    def _open(self) -> Recorder:
        told = ctx.options
        options.require_known(told.deferred)
        options.require_whole_bodies(told.stream_large_bodies)
        settings = options.settings(
            told.gms_cassette,
            told.gms_hosts,
            told.gms_redact,
            told.gms_redact_key,
            told.gms_rules,
            told.gms_redact_headers,
            told.gms_max_mib,
            told.gms_max_minutes,
            told.gms_durable,
        )
        self._mode = settings.wish.mode
        modes = _modes()
        begin = Begin(
            settings.cassette,
            settings.limits,
            mode="+".join(mode.type_name for mode in modes),
            upstream=" ".join(mode.data for mode in modes if mode.data) or None,
            versions=(
                ("gms_replay", __version__),
                ("mitmproxy", version.VERSION),
                ("python", platform.python_version()),
            ),
            is_watched=self._watch is not None,
            wish=settings.wish,
            is_durable=settings.is_durable,
        )
        self._writer = WriterProcess(begin, ctx.master.event_loop, self._hear)
        ending.close_at_exit(self._writer)
        return Recorder(self._writer.tell, settings.hosts, keep_frames=bool(told.save_stream_file))

    def _hear(self, report: Begun | Recorded | Framed) -> None:
        if isinstance(report, Begun):
            _log.warning("gms_record: recording into %s, %s", report.cassette, notices.kept(self._mode))
        if self._watch is None:
            return
        try:
            self._watch(report)
        except Exception:
            if not self._has_watch_failed:
                self._has_watch_failed = True
                _log.exception("gms_record: all is recorded, but it could not be shown")

    def _refuse(self, error: GmsReplayError) -> NoReturn:
        # Hooks are called until the end; one line is enough.
        if self._is_refused:
            sys.exit(1)
        self._is_refused = True
        ending.refuse(error)


def _asked(flow: HTTPFlow) -> Asked:
    request, app = flow.request, flow.client_conn
    headers = (*request.headers.items(multi=True), ("host", request.host_header or ""))
    # Of an app of a proxy, which names no server's address, mitmproxy tells how it would go on.
    scheme = "https" if app.tls else "http"
    return Asked(request.method, scheme, request.path, headers, b"", str(app.peername[0]) if app.peername else NOBODY)


class _ServerFirst:
    """An app that speaks TLS shall speak the HTTP that the server speaks: so that one is asked first, also by the lazy.

    An addon of its own, for it has to come after mitmproxy's own one for TLS; scripts come before.
    """

    name = "gms_record_server_first"

    def tls_clienthello(self, data: ClientHelloData) -> None:
        if isinstance(data.context.client.proxy_mode, ReverseMode) and data.context.server.tls:
            data.establish_server_tls_first = True


def _modes() -> list[ProxyMode]:
    return [ProxyMode.parse(mode) for mode in ctx.options.mode]
