"""The demo's show: an app's visit recorded through mitmdump, then played back to the same app, then both compared.

simulator <- mitmdump with the recorder <- app, and simulator -> mitmdump -> the app's device; and, when the GMS is
gone, replay server <- the same app, and replay server -> the same device.
"""

import json
import re
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path

from rich.console import Console
from rich.table import Table
from rich.text import Text

from gms_replay.demo import transcripts
from gms_replay.demo.app import CHANNEL, DEVICE
from gms_replay.diff import Comparison, Transcript, compare
from gms_replay.errors import CassetteError
from gms_replay.instants import ANYWHERE, SECOND_US, read
from gms_replay.mitmdump.process import listening, python, recorder, run

_URL = re.compile(r"(http://\S+)")
_SERVED = re.compile(r"into the app: (http://\S+)")


def play(cassette: Path, console: Console) -> int:
    """Records, replays, compares and tells all of it; leaves the cassette. 0 where both runs are equal, else 1.

    Raises CassetteError where `cassette` exists or has no folder, GmsReplayError where a part does not start or fails.
    """
    if cassette.exists():
        raise CassetteError(f"{cassette}: exists already; remove it, or name another file with --cassette")
    if not cassette.absolute().parent.is_dir():
        raise CassetteError(f"{cassette}: its folder does not exist; make it, or name another file with --cassette")
    with tempfile.TemporaryDirectory() as folder, listening(python("gms_replay.demo.device"), _URL) as (device,):
        console.rule("1. An app visits a simulated GMS, which wakes it by a push, through mitmdump with the recorder")
        live = _record(cassette, Path(folder) / "live.json", device, console)
        console.rule("2. The GMS is gone; the same app visits the cassette, which wakes it by the same push")
        replayed = _replay(cassette, Path(folder) / "replayed.json", device, console)
    console.rule("3. What the app was told, live and replayed")
    comparison = compare(live, replayed)
    console.print(_side_by_side(live, replayed))
    _tell_shifts(comparison, console)
    console.print(f"Left behind: {cassette}, not redacted, for its people are made up. Look at it,", soft_wrap=True)
    console.print("or serve it to an app of yours:")
    console.print(f"  gms-replay show {cassette}", soft_wrap=True)
    console.print(f"  gms-replay serve {cassette} --port 8080", soft_wrap=True)
    for difference in comparison.differences:
        console.print(f"differs: {difference}", markup=False, soft_wrap=True)
    console.print("equal" if comparison.equal else f"not equal: {len(comparison.differences)} differences")
    return 0 if comparison.equal else 1


def _record(cassette: Path, transcript: Path, device: str, console: Console) -> Transcript:
    simulator = python("gms_replay.cli", "simulate", "--port", "0", "--quick", "--trailing-comma")
    with listening(simulator, _URL) as (gms_url,):
        console.print(f"simulated GMS at {gms_url}, device at {device}")
        origins = [gms_url.removesuffix("/genesys"), device.removesuffix("/push")]
        # Of one host it would take port 0 once only.
        places = zip(origins, ("127.0.0.1:0", "localhost:0"), strict=True)
        modes = [f"reverse:{origin}@{place}" for origin, place in places]
        # What the app was told live is compared with what the cassette tells, names too; nobody here is real.
        proxy = recorder(cassette, modes, transcript.parent, {"gms_redact": "off"})
        with listening(proxy, *map(_before, origins)) as (for_app, for_gms):
            console.print(f"mitmdump records at http://{for_app} into {cassette}, and what goes to the device")
            return _visit(f"http://{for_app}/genesys", transcript, (device, f"http://{for_gms}/push"), console)


def _before(origin: str) -> re.Pattern[str]:
    """The line in which mitmdump says where it listens in front of a server."""
    return re.compile(rf"{re.escape(origin)}/? listening at (\S+:\d+)")


def _replay(cassette: Path, transcript: Path, device: str, console: Console) -> Transcript:
    """What the app is told on replay, from the instant on at which the server lets it start."""
    started_at = datetime.now(UTC).replace(microsecond=0)
    now = f"{started_at:%Y-%m-%dT%H:%M:%SZ}"
    server = python("gms_replay.cli", "serve", str(cassette), "--port", "0", "--now", now, "--push-to", device)
    with listening(server, _SERVED) as (url,):
        console.print(f"replay server at {url}, for which it is {now}")
        return replace(
            _visit(url, transcript, (device,), console), started_at_us=round(started_at.timestamp() * SECOND_US)
        )


def _visit(url: str, transcript: Path, device: tuple[str, ...], console: Console) -> Transcript:
    app = python("gms_replay.demo.app", url, str(transcript), *device)
    run(app, lambda line: console.print(f"  {line}", markup=False, highlight=False, soft_wrap=True))
    return transcripts.load(transcript.read_text(encoding="utf-8"))


def _side_by_side(live: Transcript, replayed: Transcript) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", expand=True)
    for title in ("live", "replayed", "shifted by"):
        table.add_column(title, no_wrap=True, overflow="ellipsis", ratio=None if title == "shifted by" else 1)
    for one, other in zip_longest(_told(live), _told(replayed)):
        shift = f"{(other[1] - one[1]) / SECOND_US:+.0f} s" if one and other and one[1] and other[1] else ""
        table.add_row(_cell(one), _cell(other), shift)
    return table


def _told(transcript: Transcript) -> Iterator[tuple[str, int | None]]:
    """What the app was told, one after the other: in short, and the first instant in it."""
    for seen in transcript.answers:
        yield f"{seen.asked.partition('?')[0].rpartition('/')[2]} {seen.status}", _first_instant(seen.body)
    for push in transcript.channels[DEVICE]:
        said = json.loads(push)
        yield f"push {said.get('message', said)['_action']}", None
    for message in transcript.channels[CHANNEL]:
        told = json.loads(message)["data"]["message"]
        lines = [f"{speaker}: {text}" for _, speaker, text, _, _ in told.get("transcriptToShow", [])]
        yield " / ".join(lines) or told["chatIxnState"], _first_instant(message)


def _first_instant(text: bytes) -> int | None:
    found = ANYWHERE.search(text.decode("utf-8", "replace"))
    return read(found[0]) if found else None


def _cell(told: tuple[str, int | None] | None) -> Text:
    if told is None:
        return Text("nothing", style="red")
    what, at_us = told
    clock = f"{datetime.fromtimestamp(at_us / SECOND_US, UTC):%H:%M:%S} " if at_us else " " * 9
    return Text(clock + what)


def _tell_shifts(comparison: Comparison, console: Console) -> None:
    for kind, moved in comparison.moved.items():
        for shift_us, count in moved.items():
            console.print(f"shifted: {count} {kind} instants by {shift_us / SECOND_US:+.0f} s")
