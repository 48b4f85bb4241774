"""What a recording says of itself: at its start, in its status line, and at its end."""

import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gms_replay import reach
from gms_replay.base_url import BaseUrl
from gms_replay.cassette.counts import Counts
from gms_replay.cassette.extent import Progress
from gms_replay.formats.tale import count, plain
from gms_replay.model import Redaction

CA_FILE = "~/.mitmproxy/mitmproxy-ca-cert.pem"
"""Where mitmproxy keeps the certificate that apps must trust for https."""

_KIB_BYTES = 1024


@dataclass(frozen=True, slots=True)
class Door:
    """Where apps reach the recorder, and what is behind it; `gms` is None for a forward proxy."""

    host: str
    port: int
    gms: BaseUrl | None

    @property
    def address(self) -> str:
        return reach.authority(self.host, self.port)

    @property
    def trust(self) -> str:
        """How an app comes to speak https with us."""
        by_proxy = "" if self.gms else "http://mitm.it through this proxy, or the file "
        return f"make it trust mitmproxy's certificate: {by_proxy}{CA_FILE}"


def kept(mode: Redaction) -> str:
    """What becomes of secrets in a recording."""
    return {
        Redaction.ON: "secrets and personal data replaced by stand-ins",
        Redaction.TYPED: "secrets, personal data and what people type replaced by stand-ins",
        Redaction.OFF: "secrets and personal data as they are",
    }[mode]


def opening(door: Door, cassette: Path, run: int, hosts: str, mode: Redaction) -> Iterator[str]:
    """The first lines. `run` is this run's number in the cassette."""
    what = f"what goes to hosts like {hosts}" if hosts else "what looks like GMS"
    appended = f", appended as run {run}" if run > 1 else ""
    if door.gms:
        yield plain(f"recording {what if hosts else door.gms} into {cassette}{appended}")
        yield plain(f"put this URL into the app: http://{door.address}{door.gms.path}")
        yield f"https works too; {door.trust}"
    else:
        yield plain(f"recording {what} into {cassette}{appended}")
        yield f"set this proxy in the app, or on its device: http://{door.address}"
        yield f"for https, {door.trust}"
    yield f"{kept(mode)}; Ctrl+C stops"


def status(progress: Progress, passed: int, *, now_us: int, started_at_us: int) -> str:
    """The line below the lines."""
    parts = [_elapsed(now_us - started_at_us), count(progress.exchanges, "exchange")]
    parts.append(count(progress.messages, "message"))
    if progress.pushes:
        parts.append(count(progress.pushes, "push", "pushes"))
    if progress.frames:
        parts.append(count(progress.frames, "APNs frame"))
    if passed:
        parts.append(f"{passed} unrecorded")
    parts.append(f"{progress.path.name} {_size(progress.size_bytes)}")
    if progress.committed_at_us is not None:
        parts.append(f"on disk {_elapsed(now_us - progress.committed_at_us)} ago")
    if progress.waiting:
        parts.append(f"{progress.waiting} waiting")
    return plain(" · ".join(parts))


def going_on(cassette: Path) -> str:
    """Said where a limit was reached."""
    return plain(f"recording goes on in {cassette}")


def closing(cassette: Path, counts: Counts) -> str:
    """What a file holds in the end."""
    held = [count(counts.exchanges, "exchange"), count(counts.messages, "message")]
    if counts.pushes:
        held.append(count(counts.pushes, "push", "pushes"))
    if counts.frames:
        held.append(count(counts.frames, "APNs frame"))
    return plain(f"{cassette}: {', '.join(held)} in {count(counts.runs, 'run')}")


def unrecorded(passed: int) -> str:
    """How much was none of ours."""
    return f"{count(passed, 'request')} passed unrecorded"


def next_steps(cassette: Path, counts: Counts) -> Iterator[str]:
    """The last lines: what to do with a file."""
    name = plain(shlex.quote(str(cassette)))
    if not (counts.exchanges or counts.frames):
        yield "nothing was recorded: does the app come here, and ask a GMS?"
        return
    yield f"look at it: gms-replay show {name}"
    # Pushes alone, each with its exchange, are no app's visit.
    if counts.exchanges > counts.pushes:
        yield f"play it: gms-replay serve {name}"


def _elapsed(span_us: int) -> str:
    minutes, seconds = divmod(max(span_us, 0) // 1_000_000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours or minutes else f"{seconds} s"


def _size(size_bytes: int) -> str:
    if size_bytes < _KIB_BYTES * _KIB_BYTES:
        return f"{size_bytes // _KIB_BYTES} KiB"
    return f"{size_bytes / _KIB_BYTES / _KIB_BYTES:.1f} MiB"
