"""The benchmark runs and reports in its shape. Nothing here judges a time."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "recorder.py"
NOTHING = ("--rounds", "0", "--memory", "0", "--frames", "0")
SHARE = r"\d+\.\d{3}"

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def run(tmp_path):
    """What the benchmark prints; it leaves no file behind."""

    def printed(*arguments):
        command = [sys.executable, SCRIPT, *NOTHING, *arguments]
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        told = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
        assert not list(tmp_path.iterdir())
        return told

    return printed


@pytest.mark.parametrize("bodies", ["small", "large"])
def test_throughput_has_each_round(run, bodies):
    told = run("--rounds", "1", "--exchanges", "30", "--bodies", bodies)

    for row in ("1", "lower quartile", "median", "upper quartile"):
        assert re.search(rf"^\| {row} \|( {SHARE} \|){{12}}$", told, re.MULTILINE)


@pytest.mark.parametrize("kind", ["exchanges", "frames"])
def test_memory_has_each_sample(run, kind):
    option = {"exchanges": "--memory", "frames": "--frames"}[kind]

    told = json.loads(run(option, "1000", "--steps", "4", "--json"))[f"memory_{kind}"]

    assert told["counts"] == [250, 500, 750, 1000]
    assert told["bytes"].keys() == told["bytes_per_1000_after_first_quarter"].keys() == {"bare", "recorder"}
    assert all(len(found) == 4 and min(found) > 1 << 20 for found in told["bytes"].values())


def test_json_tells_versions_and_shares(run):
    told = json.loads(run("--rounds", "2", "--exchanges", "30", "--json"))

    assert told["machine"].keys() == {"system", "python", "mitmproxy", "sqlite"}
    shares = told["throughput"]["against_bare"]
    assert shares.keys() == {"bare again", "-w FILE", "recorder", "recorder, redact off"}
    assert all(len(each["rounds"]) == 2 and len(each["quartiles"]) == 3 for each in shares["recorder"].values())


def test_time_limit_ends_everything(tmp_path):
    command = [sys.executable, SCRIPT, *NOTHING, "--frames", "100000000", "--limit-s", "8"]

    ended = subprocess.run(
        command, stderr=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": str(tmp_path)}, check=False
    )

    assert ended.returncode == 1
    assert f"ended by {signal.SIGALRM.name}" in ended.stderr
    assert not list(tmp_path.iterdir())
    assert not [path for path in Path("/proc").glob("[0-9]*/cmdline") if str(tmp_path).encode() in _read(path)]


def _read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_comet_tells_each_figure():
    script = SCRIPT.with_name("comet.py")

    told = subprocess.run(
        [sys.executable, script, "--apps", "5", "--rounds", "1"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    for row in ("late, median, ms", "late, p99, ms", "held, KiB each", "release of all, s"):
        assert re.search(rf"^\| {row} \|( -?[\d.e-]+ \|){{3}}$", told, re.MULTILINE), told


def test_throughput_of_answers_is_told():
    script = SCRIPT.with_name("throughput.py")

    told = subprocess.run(
        [sys.executable, script, "--rounds", "2", "--answers", "160"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout

    assert re.search(rf"^\| player ÷ bare \|( {SHARE} \|){{3}}$", told, re.MULTILINE), told


def test_lookup_is_told_beside_mitmproxy():
    script = SCRIPT.with_name("lookup.py")
    options = ("--exchanges", "200", "--rounds", "2", "--answers", "5")

    told = subprocess.run(
        [sys.executable, script, *options], check=True, stdout=subprocess.PIPE, text=True, timeout=100
    ).stdout

    for row in ("answer ÷ small", "to the first answer ÷ small", "to the first answer ÷ mitmproxy"):
        assert re.search(rf"^\| {row} \|( \d+\.\d\d \|){{3}}$", told, re.MULTILINE), told
