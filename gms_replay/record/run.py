"""mitmproxy run in this process, with the recorder in it and a person in front of it."""

# Half of mitmproxy's own methods say nothing of their types.
# mypy: allow-untyped-calls

import asyncio
import atexit
import errno
import logging
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from mitmproxy.addons import default_addons
from mitmproxy.master import Master
from mitmproxy.options import Options

from gms_replay.base_url import BaseUrl
from gms_replay.cassette.counts import count
from gms_replay.cassette.opening import errors_named, require_cassette
from gms_replay.errors import CassetteError, OptionError
from gms_replay.model import Redaction
from gms_replay.record import ending, notices
from gms_replay.record.addon import GmsRecorder
from gms_replay.record.live import Live, Remarks
from gms_replay.record.protocol import Begun, Framed, Recorded
from gms_replay.record.screen import Screen

_KILLED_BY_INTERRUPT = 128 + signal.SIGINT


@dataclass(frozen=True, slots=True)
class Plan:
    """What to record into which file, and where apps find us. `gms` is None for a forward proxy, port 0 picks one.

    `hosts` is a regular expression, "" for what looks like GMS. `insecure` takes any certificate of a server's.
    `redact_key` and `rules` are files, None for none.
    """

    cassette: Path
    gms: BaseUrl | None
    host: str
    port: int
    hosts: str = ""
    max_mib: int | None = None
    max_minutes: int | None = None
    insecure: bool = False
    redact: Redaction = Redaction.ON
    redact_key: Path | None = None
    rules: Path | None = None
    durable: bool = False


def record(plan: Plan) -> None:
    """Record until a signal says stop. Leaves by SystemExit(1), after one line, where that cannot be done.

    Raises NotACassetteError, CassetteTooNewError or CassetteDamagedError for a file that cannot be added to.
    """
    if os.path.lexists(plan.cassette):
        with errors_named(plan.cassette, "read"):
            require_cassette(plan.cassette)
    screen = Screen(sys.stdout)
    recording = _Recording(plan, screen)
    # What is registered first is called last: the recorder closes its files before.
    atexit.register(recording.tell_end)
    try:
        asyncio.run(recording.run())
    except SystemExit as end:
        recording.status = end.code
        raise
    finally:
        screen.close()


class _Recording:
    """One recording, from its first line to its last."""

    def __init__(self, plan: Plan, screen: Screen) -> None:
        self._plan = plan
        self._screen = screen
        self._door = notices.Door(plan.host, plan.port, plan.gms)
        self._live = Live(screen.line, trust=self._door.trust, one_host=plan.gms is not None)
        self._recorder = GmsRecorder(watch=self._watch)
        self._files: list[Begun] = []
        self.status: object = 0
        """What the program ends with, as SystemExit has it."""

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(_forgive)
        master = _Master(self._begun)
        master.addons.add(*default_addons(), self._recorder, self._live)
        master.options.update(**self._options())
        stop = _Stop(lambda: loop.call_soon_threadsafe(self._stop, master), self._screen)
        # A terminal that is closed hangs up (not on Windows); under nohup that is to be ignored.
        for number in {signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)}:
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, stop)
        await master.run()

    def tell_end(self) -> None:
        """The last lines, once the files are closed."""
        steps: list[str] = []
        for file, _ in self._files:
            try:
                counts = count(file)
            except CassetteError as error:
                ending.tell(error)
            else:
                self._screen.line(notices.closing(file, counts))
                if not steps or counts.exchanges or counts.frames:
                    steps = list(notices.next_steps(file, counts))
        if self._live.passed:
            self._screen.line(notices.unrecorded(self._live.passed))
        for line in steps:
            self._screen.line(line)
        if not self._screen.close():
            # What is stuck in a write would keep the interpreter from its end.
            os._exit(self.status if isinstance(self.status, int) else 0)

    def _options(self) -> dict[str, Any]:
        plan = self._plan
        more = {
            "gms_max_mib": plan.max_mib,
            "gms_max_minutes": plan.max_minutes,
            "gms_redact_key": plan.redact_key,
            "gms_rules": plan.rules,
        }
        return {
            "mode": [f"reverse:{plan.gms.origin}" if plan.gms else "regular"],
            "listen_host": plan.host,
            "listen_port": plan.port,
            "ssl_insecure": plan.insecure,
            "gms_cassette": [str(plan.cassette)],
            "gms_hosts": [plan.hosts],
            "gms_durable": ["true" if plan.durable else "false"],
            "gms_redact": [plan.redact],
        } | {name: [str(value)] for name, value in more.items() if value is not None}

    def _begun(self, port: int) -> None:
        """It listens, and the cassette is open."""
        logging.getLogger().addHandler(Remarks(self._screen.line))
        door = notices.Door(self._plan.host, port, self._plan.gms)
        first, mode = self._files[0], self._plan.redact
        for line in notices.opening(door, first.cassette, first.run_id, self._plan.hosts, mode):
            self._screen.line(line)
        started_at_us = _now_us()
        self._screen.show_status(lambda: self._status(started_at_us))

    def _watch(self, report: Begun | Recorded | Framed) -> None:
        match report:
            case Recorded(exchange, messages):
                self._live.watch(exchange, messages)
            case Framed(frame):
                self._live.watch_frame(frame)
            case Begun(cassette):
                if self._files:
                    self._screen.line(notices.going_on(cassette))
                self._files.append(report)

    def _status(self, started_at_us: int) -> str:
        progress = self._recorder.progress
        if progress is None:
            return ""
        return notices.status(progress, self._live.passed, now_us=_now_us(), started_at_us=started_at_us)

    def _stop(self, master: Master) -> None:
        self._screen.close()
        master.shutdown()


class _Master(Master):
    """mitmproxy's, which calls `begun` with its port once all addons run, and ends where it cannot listen."""

    def __init__(self, begun: Callable[[int], None]) -> None:
        super().__init__(Options())
        self._begun = begun

    async def running(self) -> None:
        # Before the addons: a recorder that nobody can reach shall make no file.
        (server,) = self.addons.get("proxyserver").servers
        if server.last_exception:
            ending.refuse(_deaf(self.options, server.last_exception))
        await super().running()
        self._begun(server.listen_addrs[0][1])


class _Stop:
    """A signal handler: the first signal asks for the end, a second Ctrl+C does not wait for it."""

    def __init__(self, ask: Callable[[], object], screen: Screen) -> None:
        self._ask = ask
        self._screen = screen
        self._is_asked = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self._is_asked:
            self._is_asked = True
            self._ask()
        elif number == signal.SIGINT:
            self._screen.abandon()
            os._exit(_KILLED_BY_INTERRUPT)


def _deaf(options: Options, error: Exception) -> OptionError:
    cause = error.__cause__ or error
    number = getattr(cause, "errno", None)
    reason = os.strerror(number) if number and number > 0 else getattr(cause, "strerror", None) or str(cause)
    way_out = "--port 0 picks a port" if number == errno.EADDRINUSE else "check --host and --port"
    return OptionError(f"{options.listen_host} port {options.listen_port} cannot be listened on: {reason}; {way_out}")


def _forgive(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    # Connections that are open at the end are cancelled; asyncio of Python 3.11 complains of each.
    if not isinstance(context.get("exception"), asyncio.CancelledError):
        loop.default_exception_handler(context)


def _now_us() -> int:
    return time.time_ns() // 1000
