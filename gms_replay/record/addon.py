"""The recorder as a mitmproxy addon: its hooks, its options, and the cassette that it opens."""

import logging
import platform
import time
from collections.abc import Sequence

from mitmproxy import ctx, version
from mitmproxy.addonmanager import Loader
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from gms_replay import __version__
from gms_replay.cassette.writer import Writer
from gms_replay.errors import GmsReplayError
from gms_replay.record import ending, options
from gms_replay.record.recorder import Recorder

_log = logging.getLogger(__name__)


class GmsRecorder:
    """Records what looks like GMS, or what goes to the hosts that it is told, into a cassette.

    There is no `done` hook: mitmproxy ends held polls and sockets after it. The cassette is closed at exit.
    """

    def __init__(self) -> None:
        self._opened: Recorder | None = None
        self._arriving: set[str] = set()

    def load(self, loader: Loader) -> None:
        for name, (default, text) in options.OPTIONS.items():
            loader.add_option(name, Sequence[str], [default], text)

    def configure(self, updated: set[str]) -> None:
        # GMS builds the URLs in its answers from Host: without this, an app behind a reverse proxy would follow them
        # past the recorder.
        if "mode" in updated and any(isinstance(mode, ReverseMode) for mode in _modes()):
            ctx.options.keep_host_header = True

    def running(self) -> None:
        self._recorder()

    def requestheaders(self, flow: HTTPFlow) -> None:
        self._arriving.add(flow.id)

    def request(self, flow: HTTPFlow) -> None:
        self._arriving.discard(flow.id)
        self._recorder().asked(flow)

    def responseheaders(self, flow: HTTPFlow) -> None:
        self._recorder().answering(flow)

    def response(self, flow: HTTPFlow) -> None:
        self._recorder().ended(flow)

    def error(self, flow: HTTPFlow) -> None:
        if flow.id in self._arriving:
            # Cut off inside its body: there was no `request`.
            self._arriving.remove(flow.id)
            self._recorder().asked(flow)
        self._recorder().ended(flow)

    def websocket_start(self, flow: HTTPFlow) -> None:
        self._recorder().socket_opened(flow)

    def websocket_message(self, flow: HTTPFlow) -> None:
        self._recorder().socket_message(flow)

    def websocket_end(self, flow: HTTPFlow) -> None:
        self._recorder().socket_closed(flow)

    def _recorder(self) -> Recorder:
        """Opens the cassette at its first use: `running`, or a request before it, for mitmproxy listens first."""
        if self._opened is None:
            try:
                self._opened = _open()
            except GmsReplayError as error:
                ending.refuse(error)
        return self._opened


def _open() -> Recorder:
    told = ctx.options
    options.require_known(told.deferred)
    options.require_whole_bodies(told.stream_large_bodies)
    settings = options.settings(told.gms_cassette, told.gms_hosts, told.gms_redact)
    modes = _modes()
    writer = Writer(
        settings.cassette,
        started_at_us=time.time_ns() // 1000,
        mode="+".join(mode.type_name for mode in modes),
        upstream=" ".join(mode.data for mode in modes if mode.data) or None,
        versions=(
            ("gms_replay", __version__),
            ("mitmproxy", version.VERSION),
            ("python", platform.python_version()),
        ),
        on_failure=ending.stopper(ctx.master.event_loop),
    )
    ending.close_at_exit(writer)
    _log.warning("gms_record: recording into %s, secrets and personal data as they are", settings.cassette)
    return Recorder(writer, settings.hosts, keep_frames=bool(told.save_stream_file))


def _modes() -> list[ProxyMode]:
    return [ProxyMode.parse(mode) for mode in ctx.options.mode]
