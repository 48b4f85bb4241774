"""What is measured, as processes on loopback: a server, mitmdumps in front of it, and apps for each.

Linux only: a process's port, CPU time and memory are read from /proc.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

HERE = Path(__file__).parent
ADDON = HERE.parent / "addons" / "gms_record.py"
MITMDUMP = Path(sys.executable).with_name("mitmdump")
BARE, AGAIN, OWN, RECORDER, PLAIN = "bare", "bare again", "-w FILE", "recorder", "recorder, redact off"
_PATIENCE_S = 60
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")
_LISTENING = "0A"  # proc(5): /proc/net/tcp names states by number, as include/net/tcp_states.h does


class Mitmdump:
    """A mitmdump in front of the server, with the apps that load it."""

    def __init__(self, process: subprocess.Popen[bytes], load: subprocess.Popen[str]) -> None:
        self._process = process
        self._load = load

    def passed_s(self, kind: str, count: int) -> float:
        """How long it took to let so many exchanges or frames pass."""
        self._load.stdin.write(f"{kind} {count}\n")
        self._load.stdin.flush()
        return float(self._load.stdout.readline())

    def memory_bytes(self) -> int:
        """What it and the processes that it started have in memory by now (VmRSS)."""
        return sum(_memory_bytes(pid) for pid in self._pids())

    def cpu_s(self) -> tuple[float, float]:
        """User and system time used by now: by the process that the traffic passes through, and by all of its."""
        used_s = [_cpu_s(pid) for pid in self._pids()]
        return used_s[0], sum(used_s)

    def _pids(self) -> list[int]:
        started = [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and _parent(pid) == self._process.pid]
        return [self._process.pid, *started]


def _memory_bytes(pid: int) -> int:
    status = Path("/proc", str(pid), "status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) * 1024


def _cpu_s(pid: int) -> float:
    fields = _stat(pid)
    return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S


def _parent(pid: int | str) -> int:
    # Ended meanwhile.
    with suppress(FileNotFoundError, ProcessLookupError):
        return int(_stat(pid)[1])
    return 0


def _stat(pid: int | str) -> list[str]:
    """From the third field on, the state (proc(5)): the name before it, which may hold anything, ends with ")"."""
    return Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()


@contextmanager
def mitmdumps(kinds: tuple[str, ...], padding_bytes: int) -> Iterator[dict[str, Mitmdump]]:
    """One of each kind, in front of one server; nothing of them is left afterwards."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as ending:
        upstream = ending.enter_context(_asked(HERE / "upstream.py", padding_bytes))
        upstream_port = int(upstream.stdout.readline())
        started = {}
        for number, kind in enumerate(kinds):
            folder = Path(name, str(number))
            folder.mkdir()
            process = ending.enter_context(_mitmdump(kind, folder, upstream_port))
            port = _port(process)
            started[kind] = Mitmdump(process, ending.enter_context(_asked(HERE / "load.py", port, padding_bytes)))
        yield started


@contextmanager
def _mitmdump(kind: str, folder: Path, upstream_port: int) -> Iterator[subprocess.Popen[bytes]]:
    recorder = ["-s", str(ADDON), "--set", f"gms_cassette={folder / 'visit.sqlite'}"]
    extra = {
        BARE: [],
        AGAIN: [],
        OWN: ["-w", str(folder / "flows")],
        RECORDER: recorder,
        PLAIN: [*recorder, "--set", "gms_redact=off"],
    }[kind]
    listening = ["--mode", f"reverse:http://127.0.0.1:{upstream_port}", "--listen-host", "127.0.0.1"]
    equal = [*listening, "--listen-port", "0", "-q", "--set", "keep_host_header=true"]
    process = subprocess.Popen([MITMDUMP, *equal, "--set", f"confdir={folder / 'mitmproxy'}", *extra])
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_PATIENCE_S)
        finally:
            process.kill()


@contextmanager
def _asked(script: Path, *arguments: int) -> Iterator[subprocess.Popen[str]]:
    """A process that ends with its stdin."""
    command = [sys.executable, str(script), *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        except BaseException:
            # It may be inside a load that never ends.
            process.kill()
            raise


def _open_files(pid: int) -> Iterator[str]:
    for each in Path("/proc", str(pid), "fd").iterdir():
        # Closed meanwhile.
        with suppress(FileNotFoundError):
            yield os.readlink(each)


def _port(process: subprocess.Popen[bytes]) -> int:
    """The port that a process listens at, once it does; with -q mitmdump does not say."""
    give_up_at_s = time.monotonic() + _PATIENCE_S
    while time.monotonic() < give_up_at_s:
        if process.poll() is not None:
            raise SystemExit(f"mitmdump ended with {process.returncode} before it listened")
        of_its_own = set(_open_files(process.pid))
        for line in Path("/proc", str(process.pid), "net", "tcp").read_text().splitlines()[1:]:
            _, local, _, state, *_, inode = line.split()[:10]
            if state == _LISTENING and f"socket:[{inode}]" in of_its_own:
                return int(local.partition(":")[2], 16)
        time.sleep(0.05)
    raise SystemExit(f"mitmdump did not listen within {_PATIENCE_S} s")
