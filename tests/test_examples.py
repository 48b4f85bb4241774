"""The examples that are no tests themselves, run as their users run them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from ruamel.yaml import YAML
from simulating import simulated

from gms_replay.cassette.reader import read
from gms_replay.simulator.settings import Settings
from gms_replay.simulator.versions import CHANGED, CURRENT, Version

ROOT = Path(__file__).parents[1]
NIGHTLY = ROOT / "examples" / "nightly"
VISITS = ("voice-now-userorig", "voice-wait-userorig")
PYTEST = ROOT / "examples" / "pytest"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the nightly job, two cassettes, and what an earlier run has left."""
    shutil.copytree(NIGHTLY, tmp_path / "app")
    (tmp_path / "app" / "cassettes").mkdir()
    for visit in VISITS:
        shutil.copy(ROOT / "cassettes" / f"{visit}.sqlite", tmp_path / "app" / "cassettes")
    (tmp_path / "app" / "reports").mkdir()
    (tmp_path / "app" / "reports" / f"{VISITS[0]}.xml").write_text("<testsuites/>")
    return tmp_path / "app"


def run_job(checkout: Path, url: str | None) -> "subprocess.CompletedProcess[str]":
    """The step of the workflow that verifies."""
    (job,) = YAML(typ="safe").load((checkout / "workflow.yml").read_text())["jobs"].values()
    command = next(step["run"] for step in job["steps"] if "GMS_URL" in step.get("env", {}))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    env = os.environ | {"PATH": path} | ({"GMS_URL": url} if url else {})
    words = [*command.split(), "--speed", "50"]
    return subprocess.run(words, cwd=checkout, env=env, capture_output=True, text=True, timeout=90, check=False)


@pytest.mark.parametrize(("version", "status"), [(CURRENT, 0), (CHANGED, 1)])
def test_nightly_job_tells_a_changed_gms(checkout: Path, version: Version, status: int) -> None:
    settings = Settings(quick=True, services=frozenset({"customer-service"}), version=version)
    with simulated(settings) as url:
        done = run_job(checkout, url)

    now, waiting = (ElementTree.parse(checkout / "reports" / f"{visit}.xml") for visit in VISITS)
    assert not now.findall(".//failure")
    assert (done.returncode, bool(waiting.findall(".//failure"))) == (status, bool(status)), done.stdout + done.stderr
    assert read(checkout / "reports" / f"{VISITS[1]}.sqlite").exchanges


def test_nightly_job_leaves_no_old_report(checkout: Path) -> None:
    for cassette in (checkout / "cassettes").iterdir():
        cassette.write_text("not a cassette")

    done = run_job(checkout, "http://127.0.0.1:9/genesys")

    assert done.returncode == 1
    assert list((checkout / "reports").iterdir()) == []


def test_nightly_job_wants_cassettes(checkout: Path) -> None:
    shutil.rmtree(checkout / "cassettes")

    done = run_job(checkout, "http://127.0.0.1:9/genesys")

    assert done.returncode == 2
    assert done.stderr.startswith("cassettes/ holds no cassette; record into it: gms-replay record cassettes/")


def test_nightly_job_wants_a_gms(checkout: Path) -> None:
    done = run_job(checkout, None)

    assert done.returncode != 0
    assert "GMS_URL: is missing: the GMS to verify" in done.stderr


@pytest.mark.parametrize(("folder", "words"), [(ROOT, ["examples/pytest"]), (PYTEST, [])])
def test_pytest_example_runs_where_it_stands(folder: Path, words: list[str]) -> None:
    """In somebody's environment, who has installed gms_replay and pytest, and no more."""
    without = ["-p", "no:cacheprovider", "-p", "no:timeout", "-p", "no:xdist"]
    env = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "pytest", *without, *words]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=90, check=False)

    assert "3 passed" in done.stdout, done.stdout + done.stderr
