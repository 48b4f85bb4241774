"""The demo's parts as processes: started, waited for until they say where they listen, ended by their own handle."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from gms_replay.errors import GmsReplayError

_END_S = 15


@contextmanager
def listening(arguments: list[str], *signs: re.Pattern[str]) -> Iterator[tuple[str, ...]]:
    """A server process; gives, for each sign, the first group of the line in which it says where it listens.

    Ends it by SIGTERM and waits. Raises GmsReplayError with what it said, where it ends before it listens, or where it
    does not end well.
    """
    with _started(arguments) as process:
        reading: threading.Thread | None = None
        try:
            places = _places(process, signs)
            # Read on, lest it wait for room to write to.
            reading = threading.Thread(target=_drain, args=(process,))
            reading.start()
            yield places
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(_END_S)
            except subprocess.TimeoutExpired:
                process.kill()
            if reading is not None:
                reading.join()
    if process.returncode != 0:
        raise GmsReplayError(f"{_name(arguments)} ended with {process.returncode}")


def run(arguments: list[str], say: Callable[[str], None]) -> None:
    """Runs a process to its end; `say` gets every line as it comes. Raises GmsReplayError where it fails."""
    with _started(arguments) as process:
        assert process.stdout is not None, "asked for with PIPE"
        lines: list[str] = []
        for line in process.stdout:
            lines.append(line.rstrip())
            say(lines[-1])
    if process.returncode != 0:
        raise GmsReplayError(f"{_name(arguments)} failed with {process.returncode}: {' | '.join(lines[-3:])}")


def python(module: str, *arguments: str) -> list[str]:
    """The command that runs a module of ours."""
    return [sys.executable, "-m", module, *arguments]


def tool(name: str) -> str:
    """A program that was installed beside this Python."""
    return str(Path(sys.executable).parent / name)


def _drain(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None, "asked for with PIPE"
    for _ in process.stdout:
        pass


def _started(arguments: list[str]) -> "subprocess.Popen[str]":
    # Unbuffered, so that what a part says is seen when it says it.
    env = os.environ | {"PYTHONUNBUFFERED": "1"}
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=env)


def _places(process: "subprocess.Popen[str]", signs: Sequence[re.Pattern[str]]) -> tuple[str, ...]:
    assert process.stdout is not None, "asked for with PIPE"
    lines: list[str] = []
    places: dict[re.Pattern[str], str] = {}
    for line in process.stdout:
        lines.append(line.rstrip())
        places |= {sign: found[1] for sign in signs if (found := sign.search(line))}
        if len(places) == len(signs):
            return tuple(places[sign] for sign in signs)
    raise GmsReplayError(f"{_name(process.args)} did not start: {' | '.join(lines[-3:])}")


def _name(arguments: object) -> str:
    return " ".join(str(word) for word in arguments[:3]) if isinstance(arguments, list) else str(arguments)
