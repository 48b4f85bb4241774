"""The recorder as a mitmproxy addon: its hooks, its options, and the cassette that it opens."""

import logging
import platform
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from mitmproxy import ctx, version
from mitmproxy.addonmanager import Loader
from mitmproxy.http import HTTPFlow
from mitmproxy.proxy.mode_specs import ProxyMode, ReverseMode

from gms_replay import __version__
from gms_replay.cassette.series import Progress, Series
from gms_replay.cassette.writer import Writer
from gms_replay.errors import CassetteError, GmsReplayError
from gms_replay.record import ending, options
from gms_replay.record.recorder import Recorder, Watch

_log = logging.getLogger(__name__)


class GmsRecorder:
    """Records what looks like GMS, or what goes to the hosts that it is told, into a cassette.

    There is no `done` hook: mitmproxy ends held polls and sockets after it. The cassette is closed at exit.
    """

    def __init__(self, watch: Watch | None = None) -> None:
        """`watch` is told in mitmproxy's loop what was recorded, see `recorder.Watch`."""
        self._watch = watch
        self._series: Series | None = None
        self._opened: Recorder | None = None
        self._is_refused = False
        self._arriving: set[str] = set()

    @property
    def progress(self) -> Progress | None:
        """How far the recording is, for any thread; None before the cassette is open."""
        return self._series.progress if self._series else None

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
        self._asked(flow)

    def responseheaders(self, flow: HTTPFlow) -> None:
        self._recorder().answering(flow)

    def response(self, flow: HTTPFlow) -> None:
        self._recorder().ended(flow)

    def error(self, flow: HTTPFlow) -> None:
        if flow.id in self._arriving:
            # Cut off inside its body: there was no `request`.
            self._arriving.remove(flow.id)
            self._asked(flow)
        self._recorder().ended(flow)

    def websocket_start(self, flow: HTTPFlow) -> None:
        self._recorder().socket_opened(flow)

    def websocket_message(self, flow: HTTPFlow) -> None:
        self._recorder().socket_message(flow)

    def websocket_end(self, flow: HTTPFlow) -> None:
        self._recorder().socket_closed(flow)

    def _asked(self, flow: HTTPFlow) -> None:
        recorder = self._recorder()
        try:
            recorder.asked(flow)
        except CassetteError as error:
            # The next file cannot be opened.
            self._refuse(error)

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
            told.gms_cassette, told.gms_hosts, told.gms_redact, told.gms_max_mib, told.gms_max_minutes
        )
        self._series = Series(settings.cassette, _writer, settings.limits)
        ending.close_at_exit(self._series)
        return Recorder(self._series, settings.hosts, keep_frames=bool(told.save_stream_file), watch=self._watch)

    def _refuse(self, error: GmsReplayError) -> NoReturn:
        # Hooks are called until the end; one line is enough.
        if self._is_refused:
            sys.exit(1)
        self._is_refused = True
        ending.refuse(error)


def _writer(path: Path, started_at_us: int) -> Writer:
    modes = _modes()
    writer = Writer(
        path,
        started_at_us=started_at_us,
        mode="+".join(mode.type_name for mode in modes),
        upstream=" ".join(mode.data for mode in modes if mode.data) or None,
        versions=(
            ("gms_replay", __version__),
            ("mitmproxy", version.VERSION),
            ("python", platform.python_version()),
        ),
        on_failure=ending.stopper(ctx.master.event_loop),
    )
    _log.warning("gms_record: recording into %s, secrets and personal data as they are", path)
    return writer


def _modes() -> list[ProxyMode]:
    return [ProxyMode.parse(mode) for mode in ctx.options.mode]
