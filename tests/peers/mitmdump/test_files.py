"""What mitmproxy saved by itself becomes a cassette that plays the same, and mitmproxy reads what we export."""

import json
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gms_replay.cassette import copy, reader
from gms_replay.formats import incoming
from gms_replay.mitmdump.process import listening, python, recording, run, tool

LISTENS = re.compile(r"listening at (?:http://)?(127\.0\.0\.1:\d+)")
SIMULATED = re.compile(r"(http://\S+)/genesys")
VERSION = "1"


@dataclass(frozen=True)
class Saved:
    """One visit, recorded by us, and saved by a mitmdump that knows nothing of us."""

    cassette: Path
    flows: Path
    har: Path


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Saved:
    folder = tmp_path_factory.mktemp("saved")
    files = Saved(folder / "visit.sqlite", folder / "saved.flow", folder / "saved.har")
    with (
        listening(python("gms_replay.cli", "simulate", "--port", "0", "--quick"), SIMULATED) as (gms,),
        recording(files.cassette, f"reverse:{gms}", more={"gms_redact": "off"}) as recorder,
        listening(bystander(files, recorder.url, folder), LISTENS) as (place,),
    ):
        base = f"http://{place}/genesys"
        run(python("gms_replay.demo.app", base, str(folder / "app.json")), lambda _: None)
    return files


def bystander(files: Saved, upstream: str, folder: Path) -> list[str]:
    options = {
        "confdir": folder,
        "listen_host": "127.0.0.1",
        "listen_port": 0,
        "hardump": files.har,
        "keep_host_header": "true",
    }
    said = [word for name, value in options.items() for word in ("--set", f"{name}={value}")]
    return [tool("mitmdump"), "--mode", f"reverse:{upstream}", "-w", str(files.flows), *said]


def told_by(cassette: Path) -> list[tuple[str, bytes]]:
    """What the chat told; both observers see that in the same order, and the rest as it passes each of them."""
    messages = [(message.channel, message.raw) for message in reader.read(cassette).messages]
    return [(channel, raw) for channel, raw in messages if not channel.startswith("/meta/")]


@pytest.mark.parametrize("kind", ["flows", "har"])
def test_saved_traffic_is_what_was_recorded(saved: Saved, kind: str, tmp_path: Path) -> None:
    source = saved.flows if kind == "flows" else saved.har
    found = incoming.load(source.read_bytes(), source.name, None, VERSION)
    cassette = tmp_path / "saved.sqlite"
    copy.write(cassette, found.recording)

    assert told_by(cassette) == told_by(saved.cassette) != []
    assert not found.left_out
    compared = subprocess.run(
        [*python("gms_replay.cli", "diff", "--json"), saved.cassette, cassette], capture_output=True, check=False
    )
    assert compared.returncode == 0, compared.stdout + compared.stderr
    assert json.loads(compared.stdout)["worst"] == "equal"


@pytest.mark.parametrize("form", ["flow", "har"])
def test_mitmdump_reads_what_is_exported(saved: Saved, form: str, tmp_path: Path) -> None:
    exported = tmp_path / f"visit.{form}"
    run([*python("gms_replay.cli", "export"), str(saved.cassette), "--to", form, "-o", str(exported)], print)
    options = ["--set", f"confdir={tmp_path}", "--set", "flow_detail=1", "--set", "rfile_filter=~all"]

    shown = subprocess.run([tool("mitmdump"), "-nr", exported, *options], capture_output=True, text=True, check=True)

    requests = [one.request for one in reader.read(saved.cassette).exchanges]
    asked = re.findall(r"^\S+: ([A-Z]+) https?://[^/]+(\S*)", shown.stdout, re.MULTILINE)
    assert [method for method, _ in asked] == [one.method for one in requests]
