"""Whatever is asked of the control API, it answers as its own description says, and never with a 500.

The description at /__gms_replay__/openapi.json leads schemathesis, which asks a server that plays a sample; so inputs
are no files, and of libFuzzer's options `-max_total_time` and `-seed` are heard.
"""

import re
import subprocess
import sysconfig
import tempfile
from pathlib import Path

from gms_replay.mitmdump.process import listening, python

_CASSETTE = Path(__file__).parents[1] / "cassettes" / "chat-now.sqlite"
_CONFIGURED = """
[[operations]]
include-name = "GET /pushes"
parameters = { "query.wait_ms" = 0 }
"""
"""Nobody waits for pushes here: a request that is held for minutes would be taken for one that is lost."""


def explore(seconds: int, seed: int) -> int:
    """Asks for so long, and with a seed but 0 the same each time. Returns schemathesis' exit status."""
    server = python("gms_replay.cli", "serve", str(_CASSETTE), "--port", "0")
    program = Path(sysconfig.get_path("scripts"), "schemathesis")
    with (
        listening(server, re.compile(r"into the app: (http://[^/]+)")) as (origin,),
        tempfile.TemporaryDirectory() as folder,
    ):
        Path(folder, "schemathesis.toml").write_text(_CONFIGURED, "utf-8")
        command = [
            program, "run", f"{origin}/__gms_replay__/openapi.json", "--max-time", str(seconds), "--no-color",
            "--generation-database", "none", *(["--seed", str(seed)] if seed else []),
        ]  # fmt: skip
        return subprocess.run(command, cwd=folder, check=False).returncode
