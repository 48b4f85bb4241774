"""Processes of ours: started, waited for until they say where they listen, ended by their own handle.

`recording` is mitmdump with the recorder in it, as such a process.
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import gms_replay
from gms_replay.errors import GmsReplayError

_END_S = 15
_LAST_LINES = 3
_LISTENS = re.compile(r"listening at (127\.0\.0\.1:\d+)")
# It listens before it has its cassette.
_RECORDS = re.compile(r"gms_record: (recording) into")
_CA_FILE = "mitmproxy-ca-cert.pem"


@dataclass(frozen=True, slots=True)
class Recorder:
    """A mitmdump that records. `url`: where it listens ("http://127.0.0.1:8010"); `ca_file`: whom TLS clients trust."""

    url: str
    ca_file: Path


@contextmanager
def recording(
    cassette: Path,
    mode: str = "regular",
    *,
    hosts: str = "",
    insecure: bool = False,
    ca: Path | None = None,
    more: Mapping[str, str] = MappingProxyType({}),
) -> Iterator[Recorder]:
    """mitmdump with the recorder on a port of its own on loopback, until the end of the block: then all is on disk.

    `mode` is mitmproxy's: "regular", or "reverse:https://gms.example.com". `hosts` is a regular expression, "" for what
    looks like GMS. `insecure` takes any certificate of a server's; `ca` is a PEM file with whom alone to trust. `more`
    are other options of the recorder's. A cassette that exists gets one more run. Raises GmsReplayError with what
    mitmdump said, where it does not start or does not end well.
    """
    with tempfile.TemporaryDirectory(prefix="gms-replay-") as folder:
        confdir = Path(folder)
        options = {"listen_host": "127.0.0.1", "listen_port": "0", "ssl_insecure": str(insecure).lower()}
        if ca is not None:
            options["ssl_verify_upstream_trusted_ca"] = str(ca)
        command = recorder(cassette, (mode,), confdir, {"gms_hosts": hosts, "flow_detail": "0"} | options | dict(more))
        with listening(command, _LISTENS, _RECORDS) as (place, _):
            yield Recorder(f"http://{place}", confdir / _CA_FILE)


def recorder(
    cassette: Path, modes: Sequence[str], confdir: Path, options: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """The command that runs mitmdump with the recorder in it, in these modes of mitmproxy's. `options`: more of those.

    Raises GmsReplayError where the recorder is missing.
    """
    said = {"confdir": str(confdir), "gms_cassette": str(cassette)} | dict(options)
    words = [word for mode in modes for word in ("--mode", mode)]
    words += [word for name, value in said.items() for word in ("--set", f"{name}={value}")]
    return [tool("mitmdump"), "--scripts", str(_door()), *words]


@contextmanager
def listening(arguments: list[str], *signs: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    """A server process; gives, for each sign, the first group of the line in which it says where it listens.

    Ends it by SIGTERM and waits. Raises GmsReplayError with what it said, where it ends before it listens, or where it
    does not end well; also instead of an error of ours that the block raises, which is then of its making.
    """
    lines: deque[str] = deque(maxlen=_LAST_LINES)
    failure: GmsReplayError | None = None
    with _started(arguments) as process:
        reading: threading.Thread | None = None
        try:
            places = _places(process, signs, lines)
            # Read on, lest it wait for room to write to.
            reading = threading.Thread(target=_read_on, args=(process, lines))
            reading.start()
            yield places
        except GmsReplayError as error:
            failure = error
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
            if reading is not None:
                reading.join()
    if failure is not None and (reading is None or process.returncode == 0):
        raise failure
    if process.returncode != 0:
        raise GmsReplayError(f"{_name(arguments)} ended with {process.returncode}: {_quoted(lines)}") from failure


def run(arguments: list[str], say: Callable[[str], None]) -> None:
    """Runs a process to its end; `say` gets every line as it comes. Raises GmsReplayError where it fails."""
    with _started(arguments) as process:
        assert process.stdout is not None, "asked for with PIPE"
        lines: deque[str] = deque(maxlen=_LAST_LINES)
        for line in process.stdout:
            lines.append(line.rstrip())
            say(lines[-1])
    if process.returncode != 0:
        raise GmsReplayError(f"{_name(arguments)} failed with {process.returncode}: {_quoted(lines)}")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]


def tool(name: str) -> str:
    """A program that was installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def _door() -> Path:
    """The addon that mitmdump loads: beside the package in a checkout, inside it where it was installed."""
    package = Path(gms_replay.__file__).parent
    doors = [folder / "addons" / "gms_record.py" for folder in (package, package.parent)]
    for door in doors:
        if door.exists():
            return door
    raise GmsReplayError(f"the recorder's addon is missing: neither {doors[0]} nor {doors[1]} exists; install again")


def _read_on(process: "subprocess.Popen[str]", lines: deque[str]) -> None:
    assert process.stdout is not None, "asked for with PIPE"
    lines.extend(line.rstrip() for line in process.stdout)


def _started(arguments: list[str]) -> "subprocess.Popen[str]":
    # Unbuffered, so that what a part says is seen when it says it.
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def _places(process: "subprocess.Popen[str]", signs: Sequence[re.Pattern[str]], lines: deque[str]) -> tuple[str, ...]:
    assert process.stdout is not None, "asked for with PIPE"
    places: dict[re.Pattern[str], str] = {}
    for line in process.stdout:
        lines.append(line.rstrip())
        places |= {sign: found[1] for sign in signs if (found := sign.search(line))}
        if len(places) == len(signs):
            return tuple(places[sign] for sign in signs)
    raise GmsReplayError(f"{_name(process.args)} did not start: {_quoted(lines)}")


def _quoted(lines: Iterable[str]) -> str:
    return " | ".join(line for line in lines if line)


def _name(arguments: object) -> str:
    return " ".join(str(word) for word in arguments[:3]) if isinstance(arguments, list) else str(arguments)
