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
VISIT = "voice-wait-userorig"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A repository with the nightly job, and a cassette."""
    shutil.copytree(NIGHTLY, tmp_path / "app")
    (tmp_path / "app" / "cassettes").mkdir()
    shutil.copy(ROOT / "cassettes" / f"{VISIT}.sqlite", tmp_path / "app" / "cassettes")
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
    with simulated(Settings(quick=True, services=frozenset({"customer-service"}), version=version)) as url:
        done = run_job(checkout, url)

    report = ElementTree.parse(checkout / "reports" / f"{VISIT}.xml")
    assert (done.returncode, bool(report.findall(".//failure"))) == (status, bool(status)), done.stdout + done.stderr
    assert read(checkout / "reports" / f"{VISIT}.sqlite").exchanges


def test_nightly_job_wants_a_gms(checkout: Path) -> None:
    done = run_job(checkout, None)

    assert done.returncode != 0
    assert "GMS_URL: is missing: the GMS to verify" in done.stderr
