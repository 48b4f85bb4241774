"""The vendor's seven visits: an app that knows only GMS goes through each, live and replayed, and is told the same."""

import asyncio
import dataclasses
import functools
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import visitor
from mitmproxy.certs import CertStore
from serving import served
from stillness import undisturbed
from visitor import Device
from visitor_chat import OF_ANOTHER
from visitor_wire import Customer, GmsError

from gms_replay import diff
from gms_replay.cassette import reader
from gms_replay.clocks import Clock, Pacing
from gms_replay.mitmdump.process import listening, python
from gms_replay.model import Recording
from gms_replay.replay.wall import wall_clock_us

ADDON = str(Path(__file__).parents[2] / "addons" / "gms_record.py")
MITMDUMP = str(Path(sys.executable).parent / "mitmdump")
SERVICE = "customer-service"
PAUSE_S = 0.05
PATIENCE_S = 40.0
BEARABLE_S = 0.2
"""So long nothing may move, that nothing is told half a second late: then it is told with another shift."""
SECONDS_AGO = 20
DAY_US = 24 * 3600 * 1_000_000
SIMULATE = python("gms_replay.cli", "simulate", "--port", "0", "--quick", "--seed", "7", "--service", SERVICE)
SIMULATES = re.compile(r"(http://127\.0\.0\.1:\d+)/genesys")
RECORDS = re.compile(r"listening at (127\.0\.0\.1:\d+)")
CUSTOMERS = (Customer(), Customer(gms_user="annaberg4712"))


@dataclasses.dataclass(frozen=True, slots=True)
class Recorded:
    """One visit to the simulator, through mitmdump with the recorder in it."""

    live: visitor.Visit
    recording: Recording


@pytest.fixture(scope="module")
def confdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where mitmproxy keeps its CA: made once, because that takes a second."""
    folder = tmp_path_factory.mktemp("mitmproxy")
    CertStore.from_store(folder, "mitmproxy", 2048)
    return folder


@pytest.fixture(scope="module")
def recorded(confdir: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Recorded]:
    """`recorded(name)`: a visit as it went live, and its recording; each made once."""

    def attempt(name: str) -> Recorded:
        cassette = tmp_path_factory.mktemp(name) / "visit.sqlite"
        with (
            listening(SIMULATE, SIMULATES) as (upstream,),
            listening(_recorder(upstream, confdir, cassette), RECORDS) as (place,),
        ):
            live = visited(f"http://{place}/genesys", name, Device.HEARING)
        return Recorded(live, reader.read(cassette))

    return functools.cache(lambda name: undisturbed(lambda: attempt(name), BEARABLE_S))


def _recorder(upstream: str, confdir: Path, cassette: Path) -> list[str]:
    """The command of a mitmdump that records in front of a server."""
    options = [f"confdir={confdir}", f"gms_cassette={cassette}", "keep_host_header=true", "gms_redact=off"]
    settings = [word for option in options for word in ("--set", option)]
    return [MITMDUMP, "-s", ADDON, "--listen-host", "127.0.0.1", "--mode", f"reverse:{upstream}@0", *settings]


def visited(base: str, name: str, device: Device) -> visitor.Visit:
    going = visitor.visit(base, name, service=SERVICE, device=device, pause_s=PAUSE_S, patience_s=PATIENCE_S)
    return asyncio.run(going)


def differences(live: visitor.Visit, replayed: visitor.Visit) -> list[str]:
    return [str(difference) for difference in diff.compare(live.transcript, replayed.transcript).differences]


@pytest.mark.parametrize("device", [Device.DEAF, Device.NONE])
@pytest.mark.parametrize("name", visitor.NAMES)
def test_replay_equals_live(name: str, device: Device, recorded: Callable[[str], Recorded]) -> None:
    told = recorded(name)

    def attempt() -> tuple[list[str], list[str]]:
        with served(told.recording) as replay:
            replayed = visited(replay.base, name, device)
        return differences(told.live, replayed), replay.notes

    found, notes = undisturbed(attempt, BEARABLE_S)
    assert found == [], notes


@pytest.mark.parametrize("name", visitor.NAMES)
def test_virtual_clock_tells_the_same(name: str, recorded: Callable[[str], Recorded]) -> None:
    """A little in the past, so that what is told ahead of its time is not of the app's future."""
    told = recorded(name)
    # Slots are told ahead of where the session starts: who books one starts now, else the first may be over already.
    ago_s = 0 if name == "voice-scheduled-userterm" else SECONDS_AGO

    def attempt() -> tuple[list[str], list[str]]:
        now_us = wall_clock_us() - ago_s * 1_000_000
        with served(told.recording, Pacing(now_us=now_us, clock=Clock.VIRTUAL)) as replay:
            replayed = visited(replay.base, name, Device.DEAF)
        begun = dataclasses.replace(replayed.transcript, started_at_us=now_us)
        return differences(told.live, dataclasses.replace(replayed, transcript=begun)), replay.notes

    found, notes = undisturbed(attempt, BEARABLE_S)
    assert found == [], notes


def test_next_week_hears_the_same(recorded: Callable[[str], Recorded]) -> None:
    told = recorded("voice-scheduled-userterm")
    now_us = told.live.transcript.started_at_us + 7 * DAY_US

    def attempt() -> tuple[list[str], list[str]]:
        with served(told.recording, Pacing(now_us=now_us)) as replay:
            replayed = visited(replay.base, "voice-scheduled-userterm", Device.DEAF)
        begun = dataclasses.replace(replayed.transcript, started_at_us=now_us)
        return differences(told.live, dataclasses.replace(replayed, transcript=begun)), replay.notes

    found, notes = undisturbed(attempt, BEARABLE_S)
    assert found == [], notes


@pytest.mark.parametrize("name", ["voice-wait-userorig", "chat-wait"])
def test_two_apps_at_once(name: str, recorded: Callable[[str], Recorded]) -> None:
    told = recorded(name)

    async def both(base: str) -> list[visitor.Visit]:
        options = {"device": Device.DEAF, "pause_s": PAUSE_S, "patience_s": PATIENCE_S}
        visits = (visitor.visit(base, name, customer=customer, **options) for customer in CUSTOMERS)
        return await asyncio.gather(*visits)

    def attempt() -> tuple[list[visitor.Visit], list[str]]:
        with served(told.recording) as replay:
            return asyncio.run(both(replay.base)), replay.notes

    (one, other), notes = undisturbed(attempt, BEARABLE_S)
    assert (differences(told.live, one), differences(told.live, other)) == ([], []), notes
    assert not [line for line in one.happened + other.happened if line.startswith(OF_ANOTHER)]


@pytest.mark.parametrize(
    ("name", "days", "wrong"),
    [
        ("voice-wait-userorig", -1, "the menu expired"),
        ("voice-scheduled-userterm", -7, "a time slot in the past"),
        ("chat-now", 1, "a line from the future"),
    ],
)
def test_wrong_clock_is_noticed(name: str, days: int, wrong: str, recorded: Callable[[str], Recorded]) -> None:
    told = recorded(name)
    now_us = told.live.transcript.started_at_us + days * DAY_US
    with served(told.recording, Pacing(now_us=now_us)) as replay, pytest.raises(GmsError, match=wrong):
        visited(replay.base, name, Device.DEAF)
