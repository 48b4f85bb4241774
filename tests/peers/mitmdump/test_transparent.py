"""The replay server as a transparent proxy, in a network namespace where connections are redirected to it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_app_that_knows_no_proxy_is_played_to(alone: list[str], program: Callable[..., str], confdir: Path) -> None:
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "tests" / "peers", ROOT / "tests")))}
    script = Path(__file__).with_name("transparent.py")
    cassette = ROOT / "cassettes" / "chat-now.sqlite"
    command = [*alone, sys.executable, script, program("nft"), confdir, cassette]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=110, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer[:3] for answer in answers] == [
        ["http", "gms.example", 404],
        ["http", "other.example", 403],
        ["https", "gms.example", 404],
        ["https", "other.example", 403],
    ]
    assert all("no recorded answer" in text for *_, status, text in answers if status == 404)
    assert "other.example:443 is no host of the cassette's" in answers[-1][-1]
